"""What jobs that run an ASE calculator upload: a script, what the scripts share, and the file of a potential."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import PurePath
from typing import Any

from aiida.common.folders import Folder

from aiida_seimlip.calculations.validation import faults_of_potential
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


def potential_filename(potential: PotentialData) -> str:
    """Return the name of the potential's file in the folder of a job, which keeps its suffix only."""
    return POTENTIAL_STEM + PurePath(potential.filename).suffix


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
    name = potential_filename(potential)
    with folder.open(name, 'wb') as handle:
        handle.write(potential.get_content(mode='rb'))
    return calculator.to_remote(name, potential.species), [name]


def faults_of_calculator(calculator: CalculatorOptions, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Look for a potential that the calculator does not take, and for one that it lacks.

    :param calculator: of the input `parameters`.
    :param inputs: of the process, of which `potential` is looked at.
    """
    port, potential = calculator.known.potential, inputs.get('potential')
    if potential is None:
        if port is not None and port.is_required:
            yield f'Input `potential` is missing: the calculator `{calculator.name}` needs one.'
        return
    if port is None:
        yield f'Input `potential` is given, but the calculator `{calculator.name}` of `parameters` takes none.'
        return
    given = [name for name in (port.argument, port.species_argument) if name in calculator.kwargs]
    if given:
        yield (
            f'Input `parameters` names `calculator.kwargs.{given[0]}`, which is taken from the input `potential`: '
            'leave one of them out.'
        )
    if potential.family not in port.families:
        yield (
            f'Input `potential` is a potential of the family `{potential.family}`, but the calculator '
            f'`{calculator.name}` understands {", ".join(f"`{family}`" for family in port.families)}.'
        )
    else:
        yield from faults_of_potential('potential', potential, family=potential.family)


def faults_of_species(name: str, elements: tuple[str, ...], potential: PotentialData | None) -> Iterator[str]:
    """Look for elements that the potential does not know.

    :param name: of the input that holds the elements.
    :param elements: chemical symbols.
    :param potential: None if there is none.
    """
    if potential is None:
        return
    lacking = [element for element in elements if element not in potential.species]
    if lacking:
        yield (
            f'Input `{name}` holds {", ".join(lacking)}, which the input `potential` does not know: its species are '
            f'{list(potential.species)}.'
        )
