"""Sets of frames and potentials on the command line: in the profile or in files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import factorial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from aiida.cmdline.params import types
from aiida.cmdline.utils import decorators, echo

if TYPE_CHECKING:
    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.data.potential import PotentialData
    from aiida_seimlip.science.frames import Frames


OTHER_OPTIONS = re.compile(r'--(\w+-key|ignore|energy-kind|trust|cutoff)\b')
"""Options that only the commands have that take in files."""


class NodeOrFileParam(click.ParamType):
    """A node of the profile (PK, UUID, label), or the path of a file that is read when all options are known.

    :param entry_point: of the data.
    :param what: what it is called in messages.
    """

    name = 'pk|uuid|file'

    def __init__(self, entry_point: str, what: str) -> None:
        self._stored, self._what = types.DataParamType(sub_classes=(f'aiida.data:{entry_point}',)), what

    @decorators.with_dbenv()
    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Load the node, or return the path of a file."""
        if not isinstance(value, str):
            return value
        if Path(value).exists():
            return Path(value)
        try:
            return self._stored.convert(value, param, ctx)
        except click.BadParameter as exception:
            self.fail(f'`{value}` is neither a file nor {self._what} in this profile: {exception.message}', param, ctx)


FRAMES_OR_FILE = NodeOrFileParam('seimlip.frames', 'a set of frames')
POTENTIAL_OR_FILE = NodeOrFileParam('seimlip.potential', 'a potential')


def take_frames(value: FramesData | Path, species: Sequence[str], method: str | None) -> FramesData:
    """Return a set of frames; what a file holds is printed, and is a node that is not stored yet, or an earlier one.

    :param value: a node or a file.
    :param species: chemical symbols in type order, for files that number types.
    :param method: what calculated the labels, where a file does not say.
    :raises click.UsageError: if a file cannot be taken in.
    """
    if not isinstance(value, Path):
        return value
    from aiida_seimlip.cli.data.found import print_found
    from aiida_seimlip.cli.data.import_frames import make_options, read_files, require_method
    from aiida_seimlip.exchange.imports import find_earlier, make_node

    with _other_command('frames import'):
        found = read_files((value,), make_options(species, method))
    print_found(found)
    require_method(found, method)
    node = make_node(found)
    earlier: Any = find_earlier(node)
    if earlier is not None:
        echo.echo_report(f'The same frames with the same labels are there already: node {earlier.pk} is taken.')
    echo.echo('')
    return node if earlier is None else earlier


def take_potential(
    value: PotentialData | Path | None, species: Sequence[str], frames: Frames | None = None
) -> PotentialData | None:
    """Return a potential; one from a file is printed, and is a node that is not stored yet, or an earlier one.

    :param value: a node, a file, or None.
    :param species: chemical symbols in type order; may be empty if there are frames that tell.
    :param frames: labelled frames that the potential was trained on, which tell the order of its species.
    :raises click.UsageError: if a file cannot be taken in.
    """
    if not isinstance(value, Path):
        return value
    from aiida_seimlip.cli.data.import_potential import print_potential, read_file
    from aiida_seimlip.exchange.imports import find_earlier

    if not species and frames is not None:
        species = find_order(value, frames)
    with _other_command('potential import'):
        node = read_file(value, species)
    print_potential(node)
    earlier: Any = find_earlier(node)
    if earlier is not None:
        echo.echo_report(f'The same potential is there already: node {earlier.pk} is taken.')
    echo.echo('')
    return node if earlier is None else earlier


@contextmanager
def _other_command(name: str) -> Iterator[None]:
    """Say which command has the options that a refusal of a file names, where it is not this one."""
    try:
        yield
    except click.UsageError as exception:
        if OTHER_OPTIONS.search(exception.message):
            exception.message += f' These are options of `aiida-seimlip {name}`: take the file in with it first.'
        raise


def find_order(path: Path, frames: Frames) -> tuple[str, ...]:
    """Return the order in which the elements of frames are the types of a potential that was trained on them.

    :param path: of the file.
    :param frames: labelled frames.
    :return: nothing if the file is no trained moment tensor potential of as many species, which tells no order.
    :raises click.UsageError: if no order is far better than all others.
    """
    from aiida_seimlip.functions.campaign.review import MAX_ORDERS, describe, errors_by_order, is_far_above
    from aiida_seimlip.science.formats import FormatError
    from aiida_seimlip.science.formats.mlip3_potential import read_almtp

    try:
        potential = read_almtp(path.read_bytes(), name=path.name)
    except (FormatError, OSError):
        return ()
    labelled = frames[frames.labelled]
    elements = labelled.elements if len(labelled) else ()
    if not potential.is_trained or potential.n_species != len(elements):
        return ()
    errors = list(errors_by_order(potential, elements, labelled).items())
    (order, best), others = errors[0], errors[1:]
    words = f'errors of {describe(best)} on the training set in the order {", ".join(order)}'
    if (others and not is_far_above(others[0][1], best)) or factorial(len(elements)) > MAX_ORDERS:
        raise click.UsageError(
            f'The file {path} does not name its species, and the training set does not tell their order ({words}): say '
            'it with --species.'
        )
    if others:
        words += f', of {describe(others[0][1])} in the next best'
    echo.echo_report(f'{path} does not name its species: {words}.')
    return order
