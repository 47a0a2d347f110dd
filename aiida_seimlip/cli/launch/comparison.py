"""``aiida-seimlip launch`` for comparisons of models on the same frames."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from aiida_seimlip.cli.data.import_frames import METHOD
from aiida_seimlip.cli.file_params import FRAMES_OR_FILE, POTENTIAL_OR_FILE, take_frames, take_potential
from aiida_seimlip.cli.launch.common import SEED, begin, common_options
from aiida_seimlip.cli.launch.crystal import NamedModelParam, sort_models
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


class NamedFrames(NamedTuple):
    """A set of frames, or a file of them, and how it is called; the name is empty if none was given."""

    name: str
    frames: FramesData | Path


class NamedFramesParam(click.ParamType):
    """A set of frames with a name if need be: ``held_out=1234`` or ``frames.extxyz``."""

    name = '[name=]pk|uuid|file'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> NamedFrames:
        """Split off the name, and load the node unless it is a file."""
        if isinstance(value, NamedFrames):
            return value
        name, separator, source = value.rpartition('=')
        if not separator or Path(value).is_file():
            return NamedFrames('', FRAMES_OR_FILE.convert(value, param, ctx))
        return NamedFrames(name, FRAMES_OR_FILE.convert(source, param, ctx))


def comparison_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that all comparisons have.

    :param function: of the command.
    """
    options = (
        click.option(
            '--frames', 'frames', multiple=True, type=NamedFramesParam(),
            help='Frames to compare on, or a file of them, instead of dynamics; several by name.',
        ),
        METHOD,
        SPECIES,
        IGNORE_CONSTRAINTS,
        click.option(
            '--model', 'models', multiple=True, required=True, type=NamedModelParam(),
            help='A potential, or its file, or the name of a calculator, such as `sevennet`; several by name.',
        ),
        click.option('--reference', required=True, metavar='NAME', help='The model that the others are compared with.'),
        click.option(
            '--potential', type=POTENTIAL_OR_FILE,
            help='Potential that runs the dynamics, or its file; by default the only one among the models.',
        ),
        SEED,
    )  # fmt: skip
    for option in reversed(options):
        function = option(function)
    return function


def _launch_comparison(entry_point: str, given: dict[str, Any], request: dict[str, Any]) -> None:
    """Launch a comparison of models.

    :param entry_point: of the WorkChain.
    :param given: arguments that only this comparison has.
    :param request: values of all other options, by name.
    """
    species = click.get_current_context().meta.get(SPECIES_KEY) or ()
    frames = take_sets(request.pop('frames'), species, request.pop('method'))
    given |= {**sort_models(request.pop('models')), 'reference': request.pop('reference'), 'frames': frames or None}
    given['sampler'] = take_potential(request.pop('potential'), species)
    kinds = [kind for kind in ('potentials', 'calculators') if given[kind]]
    begin(entry_point, given, {**request, 'sockets': (*([] if frames else ['dynamics']), *kinds)})


def take_sets(frames: tuple[NamedFrames, ...], species: Any, method: str | None) -> dict[str, FramesData]:
    """Return sets of frames by name: a single one may go without.

    :param frames: as given on the command line.
    :param species: chemical symbols in type order, for files that number types.
    :param method: what calculated the labels, where a file does not say.
    :raises click.UsageError: if a name is missing or given twice, or a file cannot be taken in.
    """
    names = [one.name or 'given' for one in frames]
    if len(set(names)) < len(names):
        raise click.UsageError(f'Two sets of frames are called `{max(names, key=names.count)}`: name them.')
    return {name: take_frames(one.frames, species, method) for name, one in zip(names, frames, strict=True)}


@click.command('evaluate')
@click.option(
    '--structure', 'structures', multiple=True, type=NamedStructureParam(),
    help='Start of the dynamics that frames are drawn from; several by name.',
)  # fmt: skip
@comparison_options
@common_options
def launch_evaluate(structures: tuple[NamedStructure, ...], **request: Any) -> None:
    """Find the errors of models on frames of dynamics, or on frames that are there, with intervals.

    `--reference labels` compares with the labels that the frames carry. The jobs are `dynamics`, where frames are drawn
    from it, `potentials`, of the models that are potentials, and `calculators`, of all others.
    """
    _launch_comparison('seimlip.evaluate', {'structures': by_name(structures) if structures else None}, request)


@click.command('size-transfer')
@click.option(
    '--structure', required=True, type=StructureParam(), help='Crystal or amorphous cell that supercells are made of.'
)
@comparison_options
@common_options
def launch_size_transfer(structure: FramesData | orm.StructureData, **request: Any) -> None:
    """Find the errors of models by the size of the cell, if the reference is size-consistent.

    The jobs are `dynamics`, where frames are drawn from it, `potentials`, of the models that are potentials, and
    `calculators`, of all others.
    """
    _launch_comparison('seimlip.size_transfer', {'structure': structure}, request)


COMPARISON_COMMANDS = (launch_evaluate, launch_size_transfer)
