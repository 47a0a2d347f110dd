"""Reading LAMMPS input scripts: statements, as LAMMPS itself divides them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Statement:
    """One command, comment or empty line of a script.

    :param text: the lines as they stand, continued ones included, without the last newline.
    :param line: number of the first line, from 1.
    """

    text: str
    line: int

    @property
    def command(self) -> str:
        """The first word, or nothing for a comment."""
        words = self.plain.split(maxsplit=1)
        return words[0] if words else ''

    @property
    def plain(self) -> str:
        """The command in one line, without continuation marks and comment."""
        lines = self.text.split('\n')
        return _without_comment(' '.join(line.rstrip().removesuffix('&') for line in lines)).strip()


def statements(text: str) -> Iterator[Statement]:
    """Divide a script into statements: a line that ends in ``&`` or opens triple quotes goes on.

    :param text: the script.
    """
    lines: list[str] = []
    start = 1
    for number, line in enumerate(text.splitlines(), start=1):
        if not lines:
            start = number
        lines.append(line)
        joined = '\n'.join(lines)
        if not line.rstrip().endswith('&') and joined.count('"""') % 2 == 0:
            yield Statement(joined, start)
            lines = []
    if lines:
        yield Statement('\n'.join(lines), start)


def _without_comment(line: str) -> str:
    """Cut a line at the first ``#`` outside quotes."""
    quote = ''
    for index, character in enumerate(line):
        if quote:
            quote = '' if character == quote else quote
        elif character in '"\'':
            quote = character
        elif character == '#':
            return line[:index]
    return line
