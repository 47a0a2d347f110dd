"""``aiida-seimlip launch distil``: a potential from many labels of a teacher and few of a reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiida_seimlip.cli.data.import_frames import METHOD
from aiida_seimlip.cli.file_params import FRAMES_OR_FILE, POTENTIAL_OR_FILE, take_frames
from aiida_seimlip.cli.launch.common import SEED, begin, common_options
from aiida_seimlip.cli.structure_param import (
    IGNORE_CONSTRAINTS,
    SPECIES,
    SPECIES_KEY,
    NamedStructure,
    NamedStructureParam,
    by_name,
)

if TYPE_CHECKING:
    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.data.potential import PotentialData


@click.command('distil')
@click.option(
    '--structure', 'structures', multiple=True, required=True, type=NamedStructureParam(),
    help='Start of the explorations: a structure, or frames each of which is one; several by name.',
)  # fmt: skip
@SPECIES
@IGNORE_CONSTRAINTS
@click.option('--potential', type=POTENTIAL_OR_FILE, help='Potential that the calculator of the teacher is given.')
@click.option(
    '--reference-labels', 'labels', multiple=True, type=FRAMES_OR_FILE,
    help='Labels of the reference that there are already, or a file of them; may be repeated.',
)  # fmt: skip
@METHOD
@SEED
@common_options
def launch_distil(
    structures: tuple[NamedStructure, ...], potential: PotentialData | Path | None,
    labels: tuple[FramesData | Path, ...], *, method: str | None, **request: Any,
) -> None:  # fmt: skip
    """Grow a potential with a cheap teacher, and buy few labels of a reference.

    The jobs are `teacher`, `reference`, `training`, `exploration`, `selection` and, where the teacher is trained,
    `tuning`. The code for `selection` is that for `training` unless it is named.
    """
    species = click.get_current_context().meta.get(SPECIES_KEY)
    sets = {f'set_{number:03d}': take_frames(one, species or (), method) for number, one in enumerate(labels)}
    given = {
        'structures': by_name(structures), 'species': species, 'potential': potential,
        'initial_reference': sets or None,
    }  # fmt: skip
    sockets = ('training', 'exploration', 'selection')
    begin('seimlip.distil', given, {**request, 'sockets': sockets})
