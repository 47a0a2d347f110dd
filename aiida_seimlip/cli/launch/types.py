"""What the options of ``aiida-seimlip launch`` take: codes of sockets, and structures in the profile or in files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from aiida.cmdline.params import types
from aiida.cmdline.utils import decorators

if TYPE_CHECKING:
    from aiida import orm

    from aiida_seimlip.data.frames import FramesData


class SocketCode(NamedTuple):
    """A code, and the job that it is for."""

    socket: str
    code: orm.AbstractCode


class NamedStructure(NamedTuple):
    """A structure, and how it is called; the name is empty if none was given."""

    name: str
    node: orm.StructureData | FramesData


class SocketCodeParam(click.ParamType):
    """A code for one of the jobs of a workflow, as ``dynamics=lmp@cluster``; the code by label, PK or UUID."""

    name = 'socket=code'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> SocketCode:
        """Load the code."""
        if isinstance(value, SocketCode):
            return value
        socket, separator, code = value.partition('=')
        if not (separator and socket and code):
            self.fail(f'`{value}` is not of the form SOCKET=CODE, such as `dynamics=lmp@cluster`.', param, ctx)
        return SocketCode(socket, types.CodeParamType().convert(code, param, ctx))


class StructureParam(click.ParamType):
    """A structure or a set of frames in the profile (PK, UUID, label), or in a file that ASE reads.

    :param is_single: whether exactly one configuration is wanted.
    """

    name = 'pk|uuid|file'

    def __init__(self, *, is_single: bool = True) -> None:
        self._is_single = is_single
        self._stored = types.DataParamType(sub_classes=('aiida.data:core.structure', 'aiida.data:seimlip.frames'))

    @decorators.with_dbenv()
    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> orm.StructureData | FramesData:
        """Load the node, or read the file into one that is not stored yet."""
        if not isinstance(value, str):
            return value
        node = self._read(Path(value), param, ctx) if Path(value).is_file() else self._load(value, param, ctx)
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

    def _read(self, path: Path, param: click.Parameter | None, ctx: click.Context | None) -> FramesData:
        from ase.io import read

        from aiida_seimlip.data.frames import FramesData
        from aiida_seimlip.science.frames import Frames, FramesError

        try:
            frames = Frames.from_atoms(read(path, index=':')).without_labels()
        except FramesError as exception:
            self.fail(f'The file {path} cannot be used: {exception}', param, ctx)
        except Exception as exception:  # ase.io raises whatever the reader of a format happens to raise
            reason = str(exception) or type(exception).__name__
            self.fail(f'The file {path} cannot be read as a structure: {reason}', param, ctx)
        node = FramesData(frames)
        node.label = path.name
        return node


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
        if not separator or Path(value).is_file():
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


def by_socket(codes: tuple[SocketCode, ...]) -> dict[str, Any]:
    """Return codes by socket.

    :param codes: as given on the command line.
    :raises click.UsageError: if a socket is named twice.
    """
    sockets = [code.socket for code in codes]
    if len(set(sockets)) < len(sockets):
        raise click.UsageError(f'Two codes are given for `{max(sockets, key=sockets.count)}`.')
    return dict(codes)
