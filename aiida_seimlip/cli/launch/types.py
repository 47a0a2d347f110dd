"""What the options of ``aiida-seimlip launch`` take: codes of sockets, and recipes of starts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click
from aiida.cmdline.params import types

from aiida_seimlip.cli.check.command import MappingParam

if TYPE_CHECKING:
    from aiida import orm


class SocketCode(NamedTuple):
    """A code, and the job that it is for."""

    socket: str
    code: orm.AbstractCode


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


class RecipeParam(click.ParamType):
    """A recipe of starts: the name of one that comes with the package, a file that holds it, or JSON.

    Files may say in words what the recipe is for, as those of the package do, under `description`.
    """

    name = 'name|file|json'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, Any]:
        """Read the recipe."""
        from aiida_seimlip.options.starts.recipes import get_available_recipes, get_recipe

        if isinstance(value, dict):
            return value
        if value in get_available_recipes():
            return get_recipe(value)
        if not value.lstrip().startswith('{') and not Path(value).is_file():
            names = ', '.join(f'`{name}`' for name in get_available_recipes())
            self.fail(f'`{value}` is neither a file nor a recipe that comes with the package ({names}).', param, ctx)
        content = MappingParam().convert(value, param, ctx)
        return {name: entry for name, entry in content.items() if name != 'description'}


def by_socket(codes: tuple[SocketCode, ...]) -> dict[str, Any]:
    """Return codes by socket.

    :param codes: as given on the command line.
    :raises click.UsageError: if a socket is named twice.
    """
    sockets = [code.socket for code in codes]
    if len(set(sockets)) < len(sockets):
        raise click.UsageError(f'Two codes are given for `{max(sockets, key=sockets.count)}`.')
    return dict(codes)
