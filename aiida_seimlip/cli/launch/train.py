"""``aiida-seimlip launch train``: a potential of any family, from labelled frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiida_seimlip.cli.data.import_frames import METHOD
from aiida_seimlip.cli.file_params import POTENTIAL_OR_FILE, take_potential
from aiida_seimlip.cli.launch.common import SEED, begin, common_options
from aiida_seimlip.cli.launch.comparison import NamedFrames, NamedFramesParam, take_sets
from aiida_seimlip.cli.structure_param import SPECIES, SPECIES_KEY

if TYPE_CHECKING:
    from aiida_seimlip.data.potential import PotentialData


@click.command('train')
@click.option(
    '--frames', 'frames', multiple=True, required=True, type=NamedFramesParam(),
    help='Labelled frames to learn from, or a file of them; several by name.',
)  # fmt: skip
@click.option(
    '--held-out', 'held_out', multiple=True, type=NamedFramesParam(),
    help='Labelled frames to judge the potential on, or a file of them; several by name.',
)  # fmt: skip
@click.option('--engine', help='Engine of the training: `mace` or `mlip3`.  [default: mace]')
@click.option('--start', type=POTENTIAL_OR_FILE, help='Potential to go on from, or its file.')
@METHOD
@SPECIES
@SEED
@common_options
def launch_train(
    frames: tuple[NamedFrames, ...], held_out: tuple[NamedFrames, ...], engine: str | None,
    start: PotentialData | Path | None, *, method: str | None, seed: int | None, **request: Any,
) -> None:  # fmt: skip
    """Train a potential on labelled frames, with MACE or as a moment tensor potential.

    With a code for `reference`, the energies of isolated atoms are computed first.
    """
    from aiida_seimlip.workflows.protocols import merge

    species = click.get_current_context().meta.get(SPECIES_KEY) or ()
    overrides = request.pop('overrides') or {}
    if engine is not None:
        overrides = merge(overrides, {'engines': {'training': engine}})
    if seed is not None:
        overrides = merge(overrides, {'training': {'parameters': {'seed': seed}}})
    given = {
        'frames': take_sets(frames, species, method), 'held_out': take_sets(held_out, species, method) or None,
        'start': take_potential(start, species),
    }  # fmt: skip
    begin('seimlip.train', given, {**request, 'overrides': overrides, 'sockets': ('training',)})
