"""Structures on the command line: in the profile or in files, with what the files leave open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from aiida.cmdline.params import types
from aiida.cmdline.utils import decorators, echo

if TYPE_CHECKING:
    from aiida import orm
    from ase import Atoms

    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.exchange.structures import StructureFile

FIXED = 'seimlip.fixed'
"""Key in `click.Context.meta`: indices of the atoms that a file keeps in place, by the name of the parameter."""

SPECIES_KEY, IGNORE_KEY = 'seimlip.species', 'seimlip.ignore_constraints'
"""Keys in `click.Context.meta` of what was said about the files."""


class SpeciesParam(click.ParamType):
    """Chemical symbols in the order of type numbers, as ``Li,F``."""

    name = 'symbols'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        """Split and check the symbols."""
        from ase.data import atomic_numbers

        if not isinstance(value, str):
            return list(value)
        symbols = [symbol.strip() for symbol in value.replace(',', ' ').split()]
        unknown = [symbol for symbol in symbols if symbol not in atomic_numbers or symbol == 'X']
        if unknown or not symbols or len(set(symbols)) < len(symbols):
            self.fail(
                f'`{value}` must name chemical elements in the order of the types, each once, such as `Li,F`.',
                param,
                ctx,
            )
        return symbols


def _remember(key: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Return a callback that keeps the value of an option for the parameters that are read after it."""

    def callback(ctx: click.Context, _: click.Parameter, value: Any) -> Any:
        ctx.meta[key] = value
        return value

    return callback


remember_species = _remember(SPECIES_KEY)
"""Callback of an eager option of the type `SpeciesParam`, for files that number types."""

SPECIES = click.option(
    '--species', type=SpeciesParam(), is_eager=True, expose_value=False, callback=remember_species, metavar='SYMBOLS',
    help='Elements of the types, such as `Li,F`, where a file numbers them (LAMMPS, MLIP, old POSCAR).',
)  # fmt: skip
IGNORE_CONSTRAINTS = click.option(
    '--ignore-constraints', is_flag=True, is_eager=True, expose_value=False, callback=_remember(IGNORE_KEY),
    help='Let atoms move that a file keeps in place (selective dynamics).',
)  # fmt: skip


class StructureParam(click.ParamType):
    """A structure or a set of frames in the profile (PK, UUID, label), or in a file.

    A configuration of a file that holds several is named as ``FILE@INDEX``, from 0; negative values count from the end.

    :param is_single: whether exactly one configuration is wanted.
    :param keeps_fixed: whether the command keeps atoms in place that the file does; it finds them under `FIXED`.
    """

    name = 'pk|uuid|file'

    def __init__(self, *, is_single: bool = True, keeps_fixed: bool = False) -> None:
        self._is_single, self._keeps_fixed = is_single, keeps_fixed
        self._stored = types.DataParamType(sub_classes=('aiida.data:core.structure', 'aiida.data:seimlip.frames'))

    @decorators.with_dbenv()
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> orm.StructureData | FramesData:
        """Load the node, or read the file into one that is not stored yet."""
        if not isinstance(value, str):
            return value
        path, index = split_index(value)
        node = self._read(path, index, param, ctx) if path.is_file() else self._load(value, param, ctx)
        n_frames = getattr(node, 'n_frames', 1)
        if self._is_single and n_frames != 1:
            self.fail(f'`{value}` holds {n_frames} configurations, but exactly one is needed.', param, ctx)
        return node

    def _load(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            return self._stored.convert(value, param, ctx)
        except click.BadParameter as exception:
            self.fail(
                f'`{value}` is neither a file nor a structure or a set of frames in this profile: {exception.message}',
                param, ctx,
            )  # fmt: skip

    def _read(
        self, path: Path, index: int | None, param: click.Parameter | None, ctx: click.Context | None
    ) -> orm.StructureData | FramesData:  # fmt: skip
        from aiida_seimlip.data.frames import FramesData
        from aiida_seimlip.exchange.structures import StructureFileError, read_structures
        from aiida_seimlip.science.frames import Frames, FramesError

        species = None if ctx is None else ctx.meta.get(SPECIES_KEY)
        try:
            found = read_structures(path, species, index=index, is_single=self._is_single)
            frames = Frames.from_atoms(found.images).without_labels()
        except StructureFileError as exception:
            self.fail(str(exception), param, ctx)
        except FramesError as exception:
            self.fail(f'The file {path} cannot be used: {exception}', param, ctx)
        print_notes(path, found)
        self._look_for_constraints(path, found.images, param, ctx)
        node = FramesData(frames)
        node.label = path.name
        return node

    def _look_for_constraints(
        self, path: Path, images: list[Atoms], param: click.Parameter | None, ctx: click.Context | None
    ) -> None:
        """Take over what may not move, or refuse to forget it."""
        from aiida_seimlip.science.structures.constraints import find_constraints

        for atoms in images:
            constraints = find_constraints(atoms)
            if not constraints:
                continue
            text = constraints.describe(len(atoms))
            if ctx is not None and ctx.meta.get(IGNORE_KEY):
                echo.echo_warning(f'{path}: that {text} is ignored.')
            elif self._keeps_fixed and not constraints.others and ctx is not None and param is not None:
                ctx.meta.setdefault(FIXED, {})[param.name] = list(constraints.fixed)
            else:
                self.fail(
                    f'In the file {path}, {text}, which would be forgotten: let them move by `--ignore-constraints`, '
                    'or take the constraint out of the file.',
                    param, ctx,
                )  # fmt: skip


def split_index(value: str) -> tuple[Path, int | None]:
    """Return the path, and the index behind an ``@`` if there is no file of the whole name.

    :param value: as given on the command line.
    """
    name, separator, number = value.rpartition('@')
    is_index = bool(separator and name) and number.lstrip('-').isdigit() and not Path(value).is_file()
    return (Path(name), int(number)) if is_index else (Path(value), None)


def print_notes(path: Path, found: StructureFile) -> None:
    """Tell the user what there is to know about a file."""
    for note in found.notes:
        echo.echo_warning(f'{path}: {note}')


class NamedStructure(NamedTuple):
    """A structure, and how it is called; the name is empty if none was given."""

    name: str
    node: orm.StructureData | FramesData


class NamedStructureParam(StructureParam):
    """As `StructureParam`, with a name if need be: ``crystal=1234`` or ``film=film.cif``."""

    name = '[name=]pk|uuid|file'

    def __init__(self) -> None:
        super().__init__(is_single=False)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Split off the name and load or read the structure."""
        if isinstance(value, NamedStructure):
            return value
        name, separator, source = value.rpartition('=')
        if not separator or split_index(value)[0].is_file():
            return NamedStructure('', super().convert(value, param, ctx))
        return NamedStructure(name, super().convert(source, param, ctx))


def by_name(structures: tuple[NamedStructure, ...]) -> dict[str, Any]:
    """Return structures by name: a single one may go without.

    :param structures: as given on the command line.
    :raises click.UsageError: if a name is missing or given twice.
    """
    if len(structures) == 1:
        return {structures[0].name or 'start': structures[0].node}
    names = [structure.name for structure in structures]
    if '' in names:
        raise click.UsageError('Several structures need a name each: `--structure NAME=STRUCTURE`.')
    if len(set(names)) < len(names):
        raise click.UsageError(f'Two structures are called `{max(names, key=names.count)}`.')
    return dict(structures)
