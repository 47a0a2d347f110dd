"""``aiida-seimlip launch`` for models side by side, and for two that examine each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiida_seimlip.cli.data.import_frames import METHOD
from aiida_seimlip.cli.file_params import FRAMES_OR_FILE, take_frames
from aiida_seimlip.cli.launch.common import SEED, begin, common_options
from aiida_seimlip.cli.launch.comparison import NamedFrames, NamedFramesParam, take_sets
from aiida_seimlip.cli.launch.crystal import NamedModel, NamedModelParam, sort_models
from aiida_seimlip.cli.structure_param import (
    IGNORE_CONSTRAINTS,
    SPECIES,
    SPECIES_KEY,
    NamedStructure,
    NamedStructureParam,
    StructureParam,
    by_name,
)

if TYPE_CHECKING:
    from aiida import orm

    from aiida_seimlip.data.frames import FramesData

MODEL = click.option(
    '--model', 'models', multiple=True, required=True, type=NamedModelParam(),
    help='A potential, or its file, or the name of a calculator, such as `sevennet`, or an engine, such as '
    '`engine:vasp`; several by name.',
)  # fmt: skip


class ProgramParam(click.ParamType):
    """The engine that runs the dynamics of a model: ``grown=lammps``."""

    name = 'model=engine'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        """Split the name off."""
        if isinstance(value, tuple):
            return value
        name, separator, engine = value.partition('=')
        if not separator or not name or not engine:
            self.fail(f'`{value}` is not of the form MODEL=ENGINE, such as `grown=lammps`.', param, ctx)
        return name, engine


@click.command('compare')
@MODEL
@click.option(
    '--reference', metavar='NAME',
    help='The model that the others are compared with; `labels`: what frames and images of paths carry.',
)  # fmt: skip
@click.option(
    '--frames', 'frames', multiple=True, type=NamedFramesParam(),
    help='Frames that errors are found on, or a file of them; several by name.',
)  # fmt: skip
@click.option(
    '--structure', 'structures', multiple=True, type=NamedStructureParam(),
    help='A crystal at or near its minimum; several by name.',
)  # fmt: skip
@click.option(
    '--crystal', 'crystals', multiple=True, metavar='NAME',
    help='A phase of the package, such as `Li2CO3-monoclinic`; may be repeated.',
)  # fmt: skip
@click.option(
    '--path', 'paths', multiple=True, type=NamedFramesParam(),
    help='Images of a migration path in order, or a file of them; several by name.',
)  # fmt: skip
@click.option('--start', type=StructureParam(), help='Start of short dynamics, for speeds and structure.')
@click.option(
    '--trajectory', type=FRAMES_OR_FILE, help='Frames of dynamics by a reference, or a file of them, for the structure.'
)
@click.option(
    '--program', 'programs', multiple=True, type=ProgramParam(),
    help='Engine that runs the dynamics of a model, such as `grown=lammps`; by default that of the protocol.',
)  # fmt: skip
@METHOD
@SPECIES
@IGNORE_CONSTRAINTS
@SEED
@common_options
def launch_compare(
    models: tuple[NamedModel, ...], structures: tuple[NamedStructure, ...], crystals: tuple[str, ...],
    start: FramesData | orm.StructureData | None, *, frames: tuple[NamedFrames, ...], paths: tuple[NamedFrames, ...],
    trajectory: FramesData | Path | None, programs: tuple[tuple[str, str], ...], reference: str | None,
    method: str | None, **request: Any,
) -> None:  # fmt: skip
    """Compare several models on the same frames, crystals, migration paths and dynamics.

    What is given decides what is compared. The jobs are `potentials`, of the models that are potentials, `calculators`,
    of those that are calculators of ASE, `reference`, of engines, and `dynamics`, of programs other than ASE; a model
    whose job needs a code of its own gets it by its name: `--code mace=python-mace`.
    """
    species = click.get_current_context().meta.get(SPECIES_KEY) or ()
    if len(structures) == 1 and not structures[0].name:
        structures = (NamedStructure('crystal', structures[0].node),)
    given = {
        **sort_models(models), 'reference': reference, 'frames': take_sets(frames, species, method) or None,
        'structures': by_name(structures) if structures else None, 'crystals': list(crystals) or None,
        'paths': take_sets(paths, species, method) or None, 'start': start,
        'trajectory': None if trajectory is None else take_frames(trajectory, species, method),
        'programs': dict(programs) or None,
    }  # fmt: skip
    begin('seimlip.compare', given, {**request, 'sockets': _kinds(given, request)})


@click.command('cross-examine')
@MODEL
@click.option(
    '--frames', required=True, type=FRAMES_OR_FILE, help='Such as the trajectory of a run, or a file of frames.'
)
@METHOD
@SPECIES
@common_options
def launch_cross_examine(
    models: tuple[NamedModel, ...], frames: FramesData | Path, method: str | None, **request: Any
) -> None:
    """Find the frames on which two models disagree by more than their errors allow.

    The jobs are `potentials`, of the models that are potentials, `calculators`, of those that are calculators of ASE,
    and `reference`, of engines; a model whose job needs a code of its own gets it by its name: `--code
    mace=python-mace`.
    """
    species = click.get_current_context().meta.get(SPECIES_KEY) or ()
    given = {**sort_models(models), 'frames': take_frames(frames, species, method)}
    begin('seimlip.cross_examine', given, {**request, 'sockets': _kinds(given, request)})


def _kinds(given: dict[str, Any], request: dict[str, Any]) -> tuple[str, ...]:
    """Return the jobs of ASE that there are models for which have no code of their own."""
    own = {code.socket for code in request['codes']}
    return tuple(kind for kind in ('potentials', 'calculators') if set(given[kind]) - own)


COMPARE_COMMANDS = (launch_compare, launch_cross_examine)
