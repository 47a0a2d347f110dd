"""``aiida-seimlip launch`` for surfaces and interfaces."""

from __future__ import annotations

from typing import Any

import click

from aiida_seimlip.cli.launch.common import common_options
from aiida_seimlip.cli.launch.crystal import begin_property, property_options


class MillerParam(click.ParamType):
    """Miller indices: ``1,-1,0``."""

    name = 'h,k,l'

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Read three whole numbers."""
        if isinstance(value, list):
            return value
        parts = str(value).split(',')
        try:
            indices = [int(part) for part in parts]
        except ValueError:
            indices = []
        if len(indices) != 3:
            self.fail(f'{value!r} is not three whole numbers with commas between them, such as 1,-1,0.', param, ctx)
        return indices


@click.command('surface')
@property_options
@click.option(
    '--miller', multiple=True, type=MillerParam(),
    help='Indices of a surface, such as `1,-1,0`; may be repeated. Without it all up to the option `max_index`.',
)  # fmt: skip
@common_options
def launch_surface(miller: tuple[list[int], ...], **request: Any) -> None:
    """Find surface energies of crystals, with several models.

    The jobs are `potentials`, of the models that are potentials, and `calculators`, of all others.
    """
    if miller:
        from aiida_seimlip.workflows.protocols import merge

        request['overrides'] = merge(request['overrides'] or {}, {'options': {'miller': list(miller)}})
    begin_property('seimlip.surface', request)


INTERFACE_COMMANDS = (launch_surface,)
