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


@click.command('interface')
@property_options
@click.option('--film', required=True, metavar='NAME', help='Crystal above: a phase of the package, or a structure.')
@click.option('--substrate', required=True, metavar='NAME', help='Crystal below; it may be the same.')
@click.option(
    '--film-miller', multiple=True, type=MillerParam(),
    help='Indices of a face of the film, such as `1,1,0`; may be repeated. Without it 0,0,1.',
)  # fmt: skip
@click.option(
    '--substrate-miller',
    multiple=True,
    type=MillerParam(),
    help='Indices of a face of the substrate; without it 0,0,1.',
)
@common_options
def launch_interface(
    film: str, substrate: str, film_miller: tuple[list[int], ...], substrate_miller: tuple[list[int], ...],
    **request: Any,
) -> None:  # fmt: skip
    """Find interfaces of two crystals and their energies, with several models.

    The jobs are `potentials`, of the models that are potentials, and `calculators`, of all others.
    """
    from aiida_seimlip.workflows.protocols import merge

    options: dict[str, Any] = {'film': film, 'substrate': substrate}
    options |= {'film_miller': list(film_miller)} if film_miller else {}
    options |= {'substrate_miller': list(substrate_miller)} if substrate_miller else {}
    request['overrides'] = merge(request['overrides'] or {}, {'options': options})
    begin_property('seimlip.interface', request)


INTERFACE_COMMANDS = (launch_surface, launch_interface)
