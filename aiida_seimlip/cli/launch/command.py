"""``aiida-seimlip launch``: workflows from protocols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.groups import VerdiCommandGroup
from aiida.cmdline.params import types
from aiida.cmdline.utils import decorators

from aiida_seimlip.cli.check.command import MappingParam
from aiida_seimlip.cli.launch.types import SocketCodeParam
from aiida_seimlip.cli.structure_param import (
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

POTENTIAL = types.DataParamType(sub_classes=('aiida.data:seimlip.potential',))

COMMON = (
    click.option('--protocol', metavar='NAME', help='`demo`, `balanced` or `paper`.  [default: balanced]'),
    click.option(
        '--overrides', type=MappingParam(), help='Values that replace those of the protocol, in its sections.'
    ),
    click.option(
        '--code', 'codes', multiple=True, type=SocketCodeParam(),
        help='Code for one of the jobs of the workflow, by label, PK or UUID; once for each job.',
    ),
    click.option(
        '--options', 'scheduler_options', type=MappingParam(),
        help='Settings of the scheduler for all jobs, as `metadata.options` of a CalcJob; those in the overrides have '
        'precedence.',
    ),
    click.option('--label', help='Label of the workflow.'),
    click.option(
        '--submit/--run', 'is_submitted', default=None,
        help='Leave it to the daemon, or run it in this process.  [default: submit where the profile has a broker]',
    ),
    click.option(
        '-n', '--dry-run', is_flag=True, help='Print what would run, what it costs and the disk it takes; run nothing.'
    ),
)  # fmt: skip
"""Options of every workflow."""

SEED = click.option('--seed', type=click.IntRange(min=0), help='That all random numbers are derived from.')
"""Option of the workflows that draw random numbers."""


def common_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that all workflows have, and load the profile."""
    for option in reversed(COMMON):
        function = option(function)
    return decorators.with_dbenv()(function)


@click.group('launch', cls=VerdiCommandGroup)
def cmd_launch() -> None:
    """Begin a workflow with the inputs of a protocol."""


@cmd_launch.command('al')
@click.option(
    '--structure', 'structures', multiple=True, required=True, type=NamedStructureParam(),
    help='Start of the explorations: a structure, or frames each of which is one; several by name.',
)  # fmt: skip
@click.option(
    '--species', type=SpeciesParam(), is_eager=True, callback=remember_species, metavar='SYMBOLS',
    help='Chemical symbols in type order, such as `Li,C,O`; by default those of the starts by atomic number. Types in '
    'files are read by it.',
)  # fmt: skip
@IGNORE_CONSTRAINTS
@click.option('--potential', type=POTENTIAL, help='Potential to begin with; needs `--training`.')
@click.option(
    '--training', multiple=True, type=types.DataParamType(sub_classes=('aiida.data:seimlip.frames',)),
    help='Labelled frames to begin with; may be repeated.',
)  # fmt: skip
@SEED
@common_options
def launch_al(
    structures: tuple[NamedStructure, ...], species: list[str] | None, potential: PotentialData | None,
    training: tuple[FramesData, ...], **request: Any,
) -> None:  # fmt: skip
    """Grow a potential by active learning.

    The jobs are `reference`, `training`, `exploration` and `selection`; the code for `selection` is that for `training`
    unless it is named.
    """
    given: dict[str, Any] = {'structures': by_name(structures)}
    if species is not None:
        given['species'] = species
    if training:
        given['initial_training'] = {f'set_{index:03d}': node for index, node in enumerate(training)}
    if potential is not None:
        given['initial_potential'] = potential
    _launch('seimlip.active_learning', given, request)


@cmd_launch.command('diffusivity')
@click.option('--structure', required=True, type=StructureParam(), help='The start of all runs.')
@SPECIES
@IGNORE_CONSTRAINTS
@click.option('--potential', type=POTENTIAL, help='Potential; a calculator in the overrides may do without.')
@SEED
@common_options
def launch_diffusivity(
    structure: FramesData | orm.StructureData, potential: PotentialData | None, **request: Any
) -> None:  # fmt: skip
    """Find out how fast ions diffuse, at which temperatures, and their activation energy.

    The job is `dynamics`.
    """
    _launch('seimlip.diffusivity', {'structure': structure, 'potential': potential}, request)


@cmd_launch.command('conductivity')
@click.option('--diffusivity', type=types.WorkflowParamType(), help='A DiffusivityWorkChain that has ended.')
@click.option('--structure', type=StructureParam(), help='The start, where the diffusivity is to be found first.')
@SPECIES
@IGNORE_CONSTRAINTS
@click.option('--potential', type=POTENTIAL, help='Potential, where the diffusivity is to be found first.')
@SEED
@common_options
def launch_conductivity(
    diffusivity: orm.WorkChainNode | None, structure: FramesData | orm.StructureData | None,
    potential: PotentialData | None, **request: Any,
) -> None:  # fmt: skip
    """Find the ionic conductivity, from a diffusivity that is there or that is found first.

    The job is `dynamics`, where the diffusivity is to be found first.
    """
    if (diffusivity is None) == (structure is None):
        raise click.UsageError('Give either --diffusivity, one that has ended, or --structure, to find it for.')
    given = {'diffusivity': diffusivity, 'structure': structure, 'potential': potential}
    _launch('seimlip.conductivity', given, request)


@cmd_launch.command('neb')
@click.option('--initial', required=True, type=StructureParam(), help='The end point where the path begins.')
@click.option('--final', required=True, type=StructureParam(), help='The end point where it ends; atoms in one order.')
@SPECIES
@IGNORE_CONSTRAINTS
@click.option('--potential', type=POTENTIAL, help='Potential; a calculator in the overrides may do without.')
@common_options
def launch_neb(
    initial: FramesData | orm.StructureData, final: FramesData | orm.StructureData, potential: PotentialData | None,
    **request: Any,
) -> None:  # fmt: skip
    """Find the barrier between two configurations by the nudged elastic band.

    The jobs are `path` and, where the barrier is to be checked, `reference`.
    """
    _launch('seimlip.neb', {'initial': initial, 'final': final, 'potential': potential}, request)


def _launch(entry_point: str, given: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    """Build the workflow, and run, submit or describe it.

    :param entry_point: of the WorkChain.
    :param given: arguments of `get_builder_from_protocol` that only this workflow has.
    :param request: values of the common options, by name.
    """
    from aiida_seimlip.cli.launch.request import Request, launch

    launch(entry_point, given, Request(**request))
