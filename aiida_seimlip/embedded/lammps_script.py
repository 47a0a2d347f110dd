"""Reading LAMMPS input scripts: statements, words and branches, as LAMMPS itself divides them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

_WORD = re.compile(r'"""(?P<triple>.*?)"""|"(?P<double>[^"]*)"|\'(?P<single>[^\']*)\'|(?P<bare>\S+)', re.DOTALL)
_QUOTED = re.compile(r'"""(?:.*?"""|.*)|"[^"]*"?|\'[^\']*\'?|(?P<comment>#)', re.DOTALL)


@dataclass(frozen=True)
class Statement:
    """One command, comment or empty line of a script.

    :param text: the lines as they stand, continued ones included, without the last newline.
    :param line: number of the first line, from 1.
    """

    text: str
    line: int

    @cached_property
    def command(self) -> str:
        """The first word, or nothing for a comment."""
        words = self.plain.split(maxsplit=1)
        return words[0] if words else ''

    @cached_property
    def plain(self) -> str:
        """The command without continuation marks and comment; only what stands in triple quotes has several lines."""
        *lines, last = (line.rstrip() for line in self.text.split('\n'))
        joined = ''.join(line[:-1] if line.endswith('&') else f'{line}\n' for line in lines)
        return _without_comment(joined + last.removesuffix('&')).strip()

    @cached_property
    def words(self) -> list[str]:
        """The words of the command, without quotes."""
        return split_words(self.plain)


def statements(text: str) -> Iterator[Statement]:
    """Divide a script into statements: a line that ends in ``&`` or opens triple quotes goes on.

    :param text: the script.
    """
    lines: list[str] = []
    start = 1
    for number, line in enumerate(text.removesuffix('\n').split('\n'), start=1):
        if not lines:
            start = number
        lines.append(line)
        if not line.rstrip().endswith('&') and '\n'.join(lines).count('"""') % 2 == 0:
            yield Statement('\n'.join(lines), start)
            lines = []
    if lines:
        yield Statement('\n'.join(lines), start)


def split_words(line: str) -> list[str]:
    """Divide a command into words; a quoted word loses its quotes.

    :param line: without comment.
    """
    return [next(word for word in match.groups() if word is not None) for match in _WORD.finditer(line)]


def divide_branches(words: Sequence[str]) -> list[tuple[list[str], list[str]]]:
    """Divide a command ``if`` into its branches.

    :param words: of the command, the first being ``if``.
    :return: for each branch the words that say when it is taken (``if CONDITION then``, ``elif CONDITION``, ``else``),
        and its commands. Wrong commands are divided somehow: LAMMPS says what is wrong with them.
    """
    branches: list[tuple[list[str], list[str]]] = [(list(words[:3]), [])]
    rest = list(words[3:])
    while rest:
        word = rest.pop(0)
        if word not in ('elif', 'else'):
            branches[-1][1].append(word)
            continue
        count = 1 if word == 'elif' else 0
        branches.append(([word, *rest[:count]], []))
        rest = rest[count:]
    return branches


def quote(word: str) -> str:
    """Return a word as it has to be written in a script, for `split_words` to find it again.

    :param word: without three double quotes in a row.
    """
    if word and not re.search(r'[\s#"\'$&]', word):
        return word
    mark = next((mark for mark in ('"', "'") if mark not in word), '"""')
    return f'{mark}{word}{mark}'


def _without_comment(text: str) -> str:
    """Cut a command at the first ``#`` outside quotes."""
    for match in _QUOTED.finditer(text):
        if match['comment']:
            return text[: match.start()]
    return text
