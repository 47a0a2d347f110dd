"""What a calibration is going to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida_seimlip.functions.evaluation import draw_evenly
from aiida_seimlip.functions.models.calibration import find_unusable
from aiida_seimlip.options.models.calibration import CalibrationOptions
from aiida_seimlip.science.cost import NPY_HEADER
from aiida_seimlip.workflows.estimate.plan import Plan


def plan_calibration(inputs: Mapping[str, Any]) -> Plan:
    """Return what a calibration does: it runs no jobs.

    :param inputs: of `CalibrationWorkChain`.
    """
    frames = inputs['frames'].get_frames()
    left_out = dict(find_unusable(frames, inputs.get('training', {})))
    kept = frames[[index for index in range(len(frames)) if index not in left_out]]
    drawn = kept[draw_evenly(kept, CalibrationOptions.from_node(inputs['options']).max_atoms)]
    n_atoms, n_times = int(drawn.ptr[-1]), 2 if 'other' in inputs else 1
    n_arrays = 2 + n_times
    without = f' ({len(left_out)} are left out)' if left_out else ''
    return Plan((), notes=(
        f'No jobs: {len(drawn)} of {len(frames)} frames{without} with {n_atoms} atoms are evaluated '
        f'{"once" if n_times == 1 else "by two potentials"} in the process of the workflow.',
        f'Stored are {n_arrays * (NPY_HEADER + 8 * n_atoms)} bytes, and a copy of the potential.',
    ))  # fmt: skip
