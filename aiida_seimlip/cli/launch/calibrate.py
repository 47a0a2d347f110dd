"""``aiida-seimlip launch calibrate``: how large errors of forces are at a grade."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiida_seimlip.cli.data.import_frames import METHOD
from aiida_seimlip.cli.file_params import FRAMES_OR_FILE, POTENTIAL_OR_FILE, take_frames, take_potential
from aiida_seimlip.cli.launch.common import SEED, begin, common_options
from aiida_seimlip.cli.structure_param import SPECIES, SPECIES_KEY

if TYPE_CHECKING:
    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.data.potential import PotentialData


@click.command('calibrate')
@click.option('--potential', required=True, type=POTENTIAL_OR_FILE, help='Potential with an active set, or its file.')
@click.option(
    '--frames', required=True, type=FRAMES_OR_FILE,
    help='Labelled frames that it has not learned from, or a file of them.',
)  # fmt: skip
@click.option(
    '--training', multiple=True, type=FRAMES_OR_FILE,
    help='What it has learned from, or a file; may be repeated. Frames of it are left out.  [default: what the job '
    'learned from that trained it]',
)  # fmt: skip
@click.option(
    '--other', type=POTENTIAL_OR_FILE,
    help='Second potential, such as one of another seed: errors by how far both are apart, as a cross-check.',
)  # fmt: skip
@SPECIES
@METHOD
@SEED
@common_options
def launch_calibrate(
    potential: PotentialData | Path, frames: FramesData | Path, training: tuple[FramesData | Path, ...],
    other: PotentialData | Path | None, *, method: str | None, **request: Any,
) -> None:  # fmt: skip
    """Find out how large errors of forces are at an extrapolation grade, and store it on the potential.

    There are no jobs: the frames are evaluated in the process of the workflow.
    """
    species = click.get_current_context().meta.get(SPECIES_KEY) or ()
    first = take_potential(potential, species)
    symbols = species or (first.species if first is not None else ())
    sets = {f'set_{number:03d}': take_frames(one, symbols, method) for number, one in enumerate(training)}
    given = {
        'potential': first, 'frames': take_frames(frames, symbols, method), 'training': sets or None,
        'other': take_potential(other, symbols),
    }  # fmt: skip
    begin('seimlip.calibrate', given, request)
