"""Small pieces of Markdown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; an empty string if there are no rows."""
    lines = [_row(row) for row in rows]
    return '\n'.join([_row(headers), _row(['---'] * len(headers)), *lines]) if lines else ''


def _row(cells: Sequence[str]) -> str:
    return f'| {" | ".join(_cell(cell) for cell in cells)} |'


def _cell(text: str) -> str:
    return re.sub(r'(?<!\\)\|', r'\\|', ' '.join(text.split()))


def code(text: object) -> str:
    """Return text set as code; nothing if it is empty."""
    return f'`{text}`' if str(text) else ''


def prose(documented: object) -> str:
    """Return the docstring of an object without its list of parameters; its first words are enough for a heading."""
    text = inspect.getdoc(documented) or ''
    text = re.split(r'\n\s*:(?:param|return|raises|returns)\b', text)[0]
    return re.sub(r'``([^`]+)``', r'`\1`', text).strip()


def first_sentence(documented: object) -> str:
    """Return the first paragraph of a docstring."""
    return prose(documented).split('\n\n')[0]


def join(parts: Iterable[str]) -> str:
    """Return paragraphs, without the empty ones."""
    return '\n\n'.join(part for part in parts if part) + '\n'
