"""``aiida-seimlip launch`` for properties of crystals."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from aiida_seimlip.cli.file_params import POTENTIAL_OR_FILE, take_potential
from aiida_seimlip.cli.launch.common import begin, common_options
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
    from aiida_seimlip.data.potential import PotentialData

NOT_IN_NAMES = re.compile(r'[^A-Za-z0-9]+')
"""What the name of an input must not hold, and the name of a file may."""
JOBS = 'The jobs are `potentials`, of the models that are potentials, and `calculators`, of all others.'
"""What all commands say of their codes."""


class NamedModel(NamedTuple):
    """A model and its name: a potential of the profile, a file of one, or the name of a calculator."""

    name: str
    model: PotentialData | Path | str


class NamedModelParam(click.ParamType):
    """A potential or a calculator, with a name if need be: ``grown=1234``, ``pot.almtp`` or ``teacher=sevennet``."""

    name = '[name=]potential|calculator'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> NamedModel:
        """Split off the name, and load the potential unless it is a calculator."""
        from aiida_seimlip.options.known_calculators import CALCULATORS

        if isinstance(value, NamedModel):
            return value
        name, _, source = value.rpartition('=')
        if source in CALCULATORS and not Path(source).is_file():
            return NamedModel(name or source.replace('-', '_'), source)
        try:
            return NamedModel(name, POTENTIAL_OR_FILE.convert(source, param, ctx))
        except click.BadParameter as exception:
            self.fail(f'{exception.message} Nor is it a calculator: {", ".join(sorted(CALCULATORS))}.', param, ctx)


def property_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that all properties of crystals have.

    :param function: of the command.
    """
    options = (
        click.option(
            '--structure', 'structures', multiple=True, type=NamedStructureParam(),
            help='A crystal at or near its minimum; several by name.',
        ),
        click.option(
            '--crystal', 'crystals', multiple=True, metavar='NAME',
            help='A phase of the package, such as `Li2CO3-monoclinic` or `LiF`; may be repeated.',
        ),
        SPECIES,
        IGNORE_CONSTRAINTS,
        click.option(
            '--model', 'models', multiple=True, required=True, type=NamedModelParam(),
            help='A potential, or its file, or the name of a calculator, such as `sevennet`; several by name.',
        ),
        click.option('--reference', metavar='NAME', help='The model that the others are compared with.'),
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def sort_models(models: tuple[NamedModel, ...]) -> dict[str, Any]:
    """Return the arguments of a builder for models.

    :param models: as given on the command line.
    :raises click.UsageError: if a name is missing or given twice, or a file cannot be taken in.
    """
    species = click.get_current_context().meta.get(SPECIES_KEY) or ()
    names = [model.name or 'potential' for model in models]
    if len(set(names)) < len(names):
        raise click.UsageError(f'Two models are called `{max(names, key=names.count)}`: name them, as --model NAME=...')
    found: dict[str, Any] = {'potentials': {}, 'calculators': {}}
    for name, (_, model) in zip(names, models, strict=True):
        if isinstance(model, str):
            found['calculators'][name] = {'name': model}
        else:
            found['potentials'][name] = take_potential(model, species)
    return found


def begin_property(entry_point: str, request: dict[str, Any]) -> None:
    """Launch a property of crystals with the arguments that all of them have.

    :param entry_point: of the WorkChain.
    :param request: values of all options, by name.
    """
    structures: tuple[NamedStructure, ...] = request.pop('structures')
    if len(structures) == 1 and not structures[0].name:
        structures = (NamedStructure('crystal', structures[0].node),)
    given: dict[str, Any] = {'structures': by_name(structures) if structures else None}
    given['crystals'] = list(request.pop('crystals')) or None
    given |= {**sort_models(request.pop('models')), 'reference': request.pop('reference')}
    kinds = [kind for kind in ('potentials', 'calculators') if given[kind]]
    begin(entry_point, given, {**request, 'sockets': tuple(kinds)})


def property_command(name: str, what: str) -> click.Command:
    """Return the command of a property that has no options of its own.

    :param name: of the command, and of the entry point behind `seimlip.`.
    :param what: it does, in a sentence.
    """

    def launch_property(**request: Any) -> None:
        begin_property(f'seimlip.{name}', request)

    launch_property.__doc__ = f'{what}\n\n{JOBS}'
    return click.command(name)(property_options(common_options(launch_property)))


@click.command('atlas')
@click.option(
    '--structures', 'folder', type=click.Path(exists=True, file_okay=False, path_type=Path),
    help='Folder of files, each of which is a crystal by the name of the file.',
)  # fmt: skip
@property_options
@common_options
def launch_atlas(folder: Path | None, **request: Any) -> None:
    """Find lattices, equations of state, elasticity and phonons of crystals, with several models.

    Without structures and crystals all phases of the package are taken. The jobs are `potentials`, of the models that
    are potentials, and `calculators`, of all others.
    """
    if folder is not None:
        request['structures'] = (*request['structures'], *structures_in(folder))
    begin_property('seimlip.atlas', request)


def structures_in(folder: Path) -> list[NamedStructure]:
    """Return the crystals of all files in a folder, by the names of the files.

    :param folder: of files; those whose names begin with a dot are left out.
    :raises click.UsageError: if there is none.
    """
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith('.'))
    if not paths:
        raise click.UsageError(f'There are no files in {folder}.')
    names = [NOT_IN_NAMES.sub('_', path.stem).strip('_') for path in paths]
    twice = [str(path) for path, name in zip(paths, names, strict=True) if names.count(name) > 1]
    if twice:
        raise click.UsageError(f'These files would have one name: {", ".join(twice)}. Rename them.')
    read = StructureParam()
    return [NamedStructure(name, read.convert(str(path), None, None)) for name, path in zip(names, paths, strict=True)]


@click.command('defect')
@property_options
@click.option(
    '--reservoir', metavar='NAME', help='Crystal whose energy per atom is the chemical potential, such as `Li-bcc`.'
)
@common_options
def launch_defect(reservoir: str | None, **request: Any) -> None:
    """Find formation energies of neutral point defects, with several models.

    The jobs are `potentials`, of the models that are potentials, and `calculators`, of all others.
    """
    if reservoir is not None:
        from aiida_seimlip.workflows.protocols import merge

        request['overrides'] = merge(request['overrides'] or {}, {'options': {'reservoir': reservoir}})
    begin_property('seimlip.defect', request)


CRYSTAL_COMMANDS = (
    launch_atlas,
    launch_defect,
    property_command('relax', 'Relax crystals with several models, and compare their lattices.'),
    property_command('elastic', 'Find the stiffness of crystals by finite strains, with several models.'),
    property_command('eos', 'Find the equations of state of crystals and their bulk moduli, with several models.'),
    property_command('phonon', 'Find the phonons of crystals by finite displacements, with several models.'),
)
