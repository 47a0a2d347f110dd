"""Small helpers for what commands print."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiida.cmdline.utils import echo
from tabulate import tabulate


def print_table(rows: Iterable[Sequence[Any]], headers: Sequence[str], *, nothing: str) -> None:
    """Print rows under headers, or say that there are none.

    :param nothing: the sentence to print if there are no rows.
    """
    rows = [[show(value) for value in row] for row in rows]
    if not rows:
        echo.echo(nothing)
        return
    echo.echo(tabulate(rows, headers=headers, tablefmt='simple', disable_numparse=True))


def print_facts(title: str, facts: Mapping[str, Any]) -> None:
    """Print a title and, below it, names and values; what is unknown (None) is left out."""
    known = {name: show(value) for name, value in facts.items() if value is not None}
    echo.echo(title, bold=True)
    width = max(map(len, known), default=0)
    for name, value in known.items():
        echo.echo(f'  {name:<{width}}  {value}')


def show(value: Any) -> str:
    """Write a value for a reader."""
    match value:
        case None:
            text = '-'
        case bool():
            text = 'yes' if value else 'no'
        case float():
            text = '-' if math.isnan(value) else f'{value:.4g}'
        case dt.datetime():
            text = value.astimezone().strftime('%Y-%m-%d %H:%M')
        case Mapping():
            text = ', '.join(f'{count} × {name}' for name, count in value.items())
        case list() | tuple():
            text = ' '.join(map(str, value))
        case _:
            text = str(value)
    return plain(text)


def plain(text: str) -> str:
    """Write what does not print, such as line feeds and the escape codes of terminals, as escape sequences.

    Names in an archive are those that somebody else has chosen.
    """
    return ''.join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in text)
