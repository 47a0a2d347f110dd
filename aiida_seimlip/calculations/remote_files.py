"""What jobs that run an ASE calculator upload: a script, what the scripts share, and the file of a potential."""

from __future__ import annotations

from importlib.resources import files
from pathlib import PurePath
from typing import Any

from aiida.common.folders import Folder

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.calculator import CalculatorOptions

SHARED_FILENAMES = ('make_calculator.py', 'shared.py')
"""Modules that all scripts import from the folder that they run in."""

POTENTIAL_STEM = 'potential'


def write_scripts(folder: Folder, *names: str) -> None:
    """Write scripts of `aiida_seimlip.remote`, and the modules that they all share.

    :param folder: where the files of the job are gathered.
    :param names: of the scripts.
    """
    for name in (*names, *SHARED_FILENAMES):
        with folder.open(name, 'wb') as handle:
            handle.write(files('aiida_seimlip').joinpath('remote', name).read_bytes())


def potential_filenames(potential: PotentialData) -> list[str]:
    """Return the names of the potential's files in the folder of a job, one for each member; they keep their suffix."""
    suffix = PurePath(potential.filename).suffix
    if len(potential.members) == 1:
        return [POTENTIAL_STEM + suffix]
    return [f'{POTENTIAL_STEM}_{i:02d}{suffix}' for i in range(len(potential.members))]


def write_calculator(
    folder: Folder, calculator: CalculatorOptions, potential: PotentialData | None
) -> tuple[dict[str, Any], list[str]]:
    """Write the potential's file, if there is one, and say how the calculator is made.

    :param folder: where the files of the job are gathered.
    :param calculator: which one.
    :param potential: what it is given, None if it needs nothing.
    :return: what `make_calculator` on the remote computer reads, and the names of files that need not be kept in the
        provenance of the job, as an input node holds them.
    """
    if potential is None:
        return calculator.to_remote(), []
    names = potential_filenames(potential)
    for name, content in zip(names, potential.get_members(), strict=True):
        with folder.open(name, 'wb') as handle:
            handle.write(content)
    return calculator.to_remote(names[0] if len(names) == 1 else names, potential.species), names
