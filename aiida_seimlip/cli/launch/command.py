"""``aiida-seimlip launch``: workflows from protocols."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.groups import VerdiCommandGroup
from aiida.cmdline.params import types

from aiida_seimlip.cli.data.import_frames import METHOD
from aiida_seimlip.cli.file_params import FRAMES_OR_FILE, POTENTIAL_OR_FILE
from aiida_seimlip.cli.launch.calibrate import launch_calibrate
from aiida_seimlip.cli.launch.common import SEED, begin, common_options
from aiida_seimlip.cli.launch.compare import COMPARE_COMMANDS
from aiida_seimlip.cli.launch.comparison import COMPARISON_COMMANDS
from aiida_seimlip.cli.launch.crystal import CRYSTAL_COMMANDS
from aiida_seimlip.cli.launch.distil import launch_distil
from aiida_seimlip.cli.launch.field import launch_field
from aiida_seimlip.cli.launch.interface import INTERFACE_COMMANDS
from aiida_seimlip.cli.launch.train import launch_train
from aiida_seimlip.cli.launch.types import RecipeParam
from aiida_seimlip.cli.structure_param import (
    FIXED,
    IGNORE_CONSTRAINTS,
    SPECIES,
    NamedStructure,
    NamedStructureParam,
    SpeciesParam,
    StructureParam,
    by_name,
    remember_species,
)

if TYPE_CHECKING:
    from aiida import orm

    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.data.potential import PotentialData


@click.group('launch', cls=VerdiCommandGroup)
def cmd_launch() -> None:
    """Begin a workflow with the inputs of a protocol."""


@cmd_launch.command('al')
@click.option(
    '--structure', 'structures', multiple=True, type=NamedStructureParam(),
    help='Start of the explorations: a structure, or frames each of which is one; several by name. Where none is '
    'given, frames of the training set are.',
)  # fmt: skip
@click.option(
    '--species', type=SpeciesParam(), is_eager=True, callback=remember_species, metavar='SYMBOLS',
    help='Chemical symbols in type order, such as `Li,C,O`; by default those of the potential, or those of the starts '
    'and the training set by atomic number. Types in files are read by it.',
)  # fmt: skip
@IGNORE_CONSTRAINTS
@click.option('--potential', type=POTENTIAL_OR_FILE, help='Potential to begin with, or its file; needs `--training`.')
@click.option(
    '--training', multiple=True, type=FRAMES_OR_FILE,
    help='Labelled frames to begin with, or a file of them; may be repeated.',
)  # fmt: skip
@click.option(
    '--bootstrap-structure', 'bootstrap_structures', multiple=True, type=NamedStructureParam(),
    help='Structure, such as a small crystal, of which strained copies join the bootstrap only; several by name.',
)  # fmt: skip
@click.option(
    '--bootstrap-candidates', multiple=True, type=FRAMES_OR_FILE,
    help='Frames, or a file of them, that join the bootstrap only, as they are; may be repeated.',
)  # fmt: skip
@METHOD
@click.option(
    '--recipe', type=RecipeParam(),
    help='Begin with amorphous cells instead: `sei`, `paper`, or a file (`RecipeOptions`). They are packed and '
    'condensed first, and crystals judge the potential in the end (`seimlip.sei`). The protocols are `laptop`, the '
    'default, and `paper`, the default of the recipe of that name.',
)  # fmt: skip
@SEED
@partial(
    common_options,
    protocol=click.option(
        '--protocol', metavar='NAME',
        help='`demo`, `balanced` or `paper`; `mace` for a committee of MACE models.  [default: balanced]',
    ),
)  # fmt: skip
def launch_al(
    structures: tuple[NamedStructure, ...], species: list[str] | None, potential: PotentialData | Path | None,
    training: tuple[FramesData | Path, ...], method: str | None, *, bootstrap_structures: tuple[NamedStructure, ...],
    bootstrap_candidates: tuple[FramesData | Path, ...], **request: Any,
) -> None:  # fmt: skip
    """Grow a potential by active learning.

    The jobs are `reference`, `training`, `exploration` and `selection`; the code for `selection` is that for `training`
    unless it is named. For a job without a code the only one in the profile that fits is taken. With a recipe there
    are `condensation`, `teacher` (its code is that for `condensation` unless it is named) and `relaxation`, too.
    """
    from aiida_seimlip.cli.launch.beginning import begin_campaign, join_bootstrap
    from aiida_seimlip.engines.contract import SOCKETS

    recipe = request.pop('recipe')
    if recipe is not None:
        if structures or training or potential is not None:
            raise click.UsageError('Give either --recipe, or what is there: --structure, --training, --potential.')
        if bootstrap_structures or bootstrap_candidates or method is not None:
            raise click.UsageError(
                'With --recipe there is no --bootstrap-structure, --bootstrap-candidates or --method: the option '
                '`small_crystals` makes a further potential, which has seen small crystals.'
            )
        _launch_recipe(recipe, species, request)
        return
    given = begin_campaign(by_name(structures) if structures else {}, species, potential, training, method)
    others = by_name(bootstrap_structures) if bootstrap_structures else {}
    given |= join_bootstrap(others, bootstrap_candidates, species, method)
    begin('seimlip.active_learning', given, {**request, 'sockets': SOCKETS})


@cmd_launch.command('starts')
@click.option(
    '--recipe', required=True, type=RecipeParam(),
    help='Which cells are packed: `sei`, `paper`, or a file (`RecipeOptions` as YAML or JSON).',
)  # fmt: skip
@click.option(
    '--molecule', 'molecules', multiple=True, type=NamedStructureParam(), metavar='NAME=pk|uuid|file',
    help='Geometry of a molecule that the recipe names without SMILES; once for each.',
)  # fmt: skip
@click.option('--potential', type=POTENTIAL_OR_FILE, help='Potential, or its file, for a calculator that is given one.')
@SEED
@partial(
    common_options,
    protocol=click.option('--protocol', metavar='NAME', help='`laptop`, `paper` or `melt_quench`.  [default: laptop]'),
)
def launch_starts(
    recipe: dict[str, Any], molecules: tuple[NamedStructure, ...], potential: PotentialData | Path | None,
    seed: int | None, **request: Any,
) -> None:  # fmt: skip
    """Pack amorphous cells by a recipe, condense and check them.

    The job is `condensation`, for which the only code in the profile that fits is taken.
    """
    if any(not molecule.name for molecule in molecules):
        raise click.UsageError('Each molecule needs the name that the recipe has for it: `--molecule NAME=FILE`.')
    request['sockets'] = ('condensation',)
    given = {'recipe': recipe, 'molecules': dict(molecules) or None, 'potential': potential, 'seed': seed}
    begin('seimlip.starts', given, request)


@cmd_launch.command('diffusivity')
@click.option('--structure', required=True, type=StructureParam(), help='The start of all runs.')
@SPECIES
@IGNORE_CONSTRAINTS
@click.option(
    '--potential', type=POTENTIAL_OR_FILE, help='Potential, or its file; a calculator in the overrides may do without.'
)
@SEED
@common_options
def launch_diffusivity(
    structure: FramesData | orm.StructureData, potential: PotentialData | Path | None, **request: Any
) -> None:  # fmt: skip
    """Find out how fast ions diffuse, at which temperatures, and their activation energy.

    The job is `dynamics`; with a MACE potential there may be `evaluation`, a Python with MACE that the program is
    compared with first.
    """
    request['sockets'] = ('dynamics',)
    begin('seimlip.diffusivity', {'structure': structure, 'potential': potential}, request)


@cmd_launch.command('conductivity')
@click.option('--diffusivity', type=types.WorkflowParamType(), help='A DiffusivityWorkChain that has ended.')
@click.option('--structure', type=StructureParam(), help='The start, where the diffusivity is to be found first.')
@SPECIES
@IGNORE_CONSTRAINTS
@click.option(
    '--potential', type=POTENTIAL_OR_FILE, help='Potential, or its file, where the diffusivity is to be found first.'
)
@SEED
@common_options
def launch_conductivity(
    diffusivity: orm.WorkChainNode | None, structure: FramesData | orm.StructureData | None,
    potential: PotentialData | Path | None, **request: Any,
) -> None:  # fmt: skip
    """Find the ionic conductivity, from a diffusivity that is there or that is found first.

    The job is `dynamics`, where the diffusivity is to be found first.
    """
    if (diffusivity is None) == (structure is None):
        raise click.UsageError('Give either --diffusivity, one that has ended, or --structure, to find it for.')
    given = {'diffusivity': diffusivity, 'structure': structure, 'potential': potential}
    begin('seimlip.conductivity', given, request)


@cmd_launch.command('neb')
@click.option(
    '--initial', required=True, type=StructureParam(keeps_fixed=True), help='The end point where the path begins.'
)
@click.option(
    '--final', required=True, type=StructureParam(keeps_fixed=True),
    help='The end point where it ends; atoms in one order.',
)  # fmt: skip
@SPECIES
@IGNORE_CONSTRAINTS
@click.option(
    '--potential', type=POTENTIAL_OR_FILE, help='Potential, or its file; a calculator in the overrides may do without.'
)
@common_options
def launch_neb(
    initial: FramesData | orm.StructureData, final: FramesData | orm.StructureData,
    potential: PotentialData | Path | None, **request: Any,
) -> None:  # fmt: skip
    """Find the barrier between two configurations by the nudged elastic band.

    The jobs are `path`, for which the only code in the profile that fits is taken, and, where the barrier is to be
    checked, `reference`. Atoms that the files of both ends keep in place stay there.
    """
    request |= {'overrides': _with_fixed_atoms(request['overrides']), 'sockets': ('path',)}
    begin('seimlip.neb', {'initial': initial, 'final': final, 'potential': potential}, request)


def _launch_recipe(recipe: dict[str, Any], species: list[str] | None, request: dict[str, Any]) -> None:
    """Launch the way from a recipe to a judged potential."""
    from aiida_seimlip.options.starts.recipes import get_recipe
    from aiida_seimlip.workflows.protocols.sei import SEI_SOCKETS

    if request['protocol'] is None and recipe == get_recipe('paper'):
        request['protocol'] = 'paper'
    given = {'recipe': recipe, 'species': species}
    begin('seimlip.sei', given, {**request, 'sockets': tuple(name for name in SEI_SOCKETS if name != 'teacher')})


def _with_fixed_atoms(overrides: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return overrides with the atoms that the files of both ends keep in place.

    :raises click.UsageError: if the files keep different ones, or the overrides name others.
    """
    from aiida_seimlip.workflows.protocols import merge

    found = click.get_current_context().meta.get(FIXED, {})
    if not found:
        return overrides
    fixed = found.get('initial')
    if fixed != found.get('final'):
        raise click.UsageError(
            'The files of --initial and --final keep different atoms in place: keep the same ones, or let them move by '
            '`--ignore-constraints`.'
        )
    given = (overrides or {}).get('options', {}).get('fixed')
    if given is not None and sorted(given) != fixed:
        raise click.UsageError('The overrides name other atoms as `fixed` than the files of both ends keep in place.')
    return merge(overrides or {}, {'options': {'fixed': fixed}})


COMMANDS = (*CRYSTAL_COMMANDS, *INTERFACE_COMMANDS, *COMPARISON_COMMANDS, *COMPARE_COMMANDS)
"""Of workflows that have a module of their own for it."""
for command in (*COMMANDS, launch_calibrate, launch_distil, launch_field, launch_train):
    cmd_launch.add_command(command)
