"""The commands of ``seimlip-mlp``."""

from __future__ import annotations

from collections.abc import Callable

from aiida_seimlip.embedded.mlp_commands.active_set import calculate_grade, select_add
from aiida_seimlip.embedded.mlp_commands.files import Options
from aiida_seimlip.embedded.mlp_commands.labels import calculate_efs, check_errors
from aiida_seimlip.embedded.mlp_commands.mindist import mindist
from aiida_seimlip.embedded.mlp_commands.train import train

RUN: dict[str, Callable[[list[str], Options], None]] = {
    'train': train,
    'select_add': select_add,
    'calculate_grade': calculate_grade,
    'calculate_efs': calculate_efs,
    'check_errors': check_errors,
    'mindist': mindist,
}
