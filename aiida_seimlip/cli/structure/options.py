"""Options of ``aiida-seimlip structure``, and what they mean to the models in `options.structure`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from aiida_seimlip.cli.structure_param import IGNORE_CONSTRAINTS, SPECIES, StructureParam

MECHANISMS = ('vacancy', 'interstitial_direct', 'interstitial_knock_off', 'frenkel_pair_generation')

STRUCTURE = click.argument('structure', type=StructureParam(), metavar='STRUCTURE')
SYMBOL = click.option('-s', '--symbol', default='Li', show_default=True, help='Element of the atom.')
LIST = click.option('-l', '--list', 'only_list', is_flag=True, help='List the distinct sites, and make nothing.')
MIN_ROOM = click.option(
    '--min-room', type=float, metavar='Å', help='Smallest distance from an interstitial to an atom. [default: 1.2]'
)
SUPERCELL = (
    click.option('-r', '--repeat', type=int, nargs=3, metavar='N N N', help='Repetitions along the three vectors.'),
    click.option('--matrix', type=int, nargs=9, metavar='N...', help='Supercell matrix, nine numbers, row by row.'),
    click.option('--edge', type=float, metavar='Å', help='Repeat until every edge is at least so long.'),
)
SYMPREC = click.option(
    '--symprec', type=float, metavar='Å', help='How far an atom may be from its symmetric place. [default: 0.01]'
)


def with_options(*decorations: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that applies several, in the order in which their help is shown; those of files come last."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decoration in reversed((*decorations, SPECIES, IGNORE_CONSTRAINTS)):
            function = decoration(function)
        return function

    return decorate


def supercell_of(
    repeat: Sequence[int] | None, matrix: Sequence[int] | None, edge: float | None
) -> dict[str, list[int] | list[list[int]] | float]:
    """Return the options of a supercell; none if it was not asked for."""
    given = [
        name for name, value in (('--repeat', repeat), ('--matrix', matrix), ('--edge', edge)) if value is not None
    ]
    if len(given) > 1:
        raise click.UsageError(f'Give only one of {" and ".join(given)}.')
    if repeat is not None:
        return {'matrix': list(repeat)}
    if matrix is not None:
        return {'matrix': [list(matrix[row : row + 3]) for row in (0, 3, 6)]}
    return {} if edge is None else {'smallest_edge': edge}


def parameters_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given as the content of a model in `options.defects`."""
    rest = dict(given)
    cell = supercell_of(*(rest.pop(name) for name in ('repeat', 'matrix', 'edge')))
    content = {name: list(value) if isinstance(value, tuple) else value for name, value in known(rest).items()}
    return {**content, **({'supercell': cell} if cell else {})}


def known(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in given.items() if value is not None}


def check_options(model: Any, parameters: Mapping[str, Any]) -> Any:
    """Return the options, or end with the sentence that says what is wrong with them."""
    fault = model.explain(parameters, 'options')
    if fault is not None:
        raise click.UsageError(fault)
    return model.from_node(parameters)
