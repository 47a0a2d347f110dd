"""Commands in the blocks of code of a page, and whether the programs know them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r'^```console\n(.*?)^```', re.MULTILINE | re.DOTALL)


def commands_in(text: str) -> list[str]:
    """Return the commands of all console blocks: what stands behind a ``$``, lines that end with a backslash joined."""
    found = []
    for block in BLOCK.findall(text):
        lines = block.replace('\\\n', ' ').splitlines()
        found += [line[2:].strip() for line in lines if line.startswith('$ ')]
    return found


def words_of(command: str) -> list[str]:
    """Split a command as a shell does, without its comment."""
    return shlex.split(command, comments=True)


def links_in(text: str) -> Iterator[str]:
    """Return the targets of links and pictures that are files."""
    without_code = re.sub(r'```.*?```|`[^`]*`', '', text, flags=re.DOTALL)
    for target in re.findall(r'\]\(([^)\s]+)\)', without_code):
        if not re.match(r'[a-z]+:', target) and not target.startswith('#'):
            yield target.partition('#')[0]


def check_command(program: click.Command, words: list[str], name: str) -> None:
    """Check that a program has the command, its options, and as many arguments as are given.

    Values are not looked at, as most stand for something of the user's.

    :raises AssertionError: with what is wrong.
    """
    context = click.Context(program, info_name=name, **program.context_settings)
    words = [word for word in words if word != '...']
    try:
        parsed, rest, _ = program.make_parser(context).parse_args(list(words))
    except click.UsageError as exception:
        raise AssertionError(f'`{name} {" ".join(words)}`: {exception.format_message()}') from exception
    if isinstance(program, click.Group):
        assert rest or parsed.get('version'), f'`{name}` lacks a command'
        command = program.get_command(context, rest[0]) if rest else None
        assert command is not None or not rest, f'`{name}` has no command `{rest[0]}`'
        if command is not None:
            check_command(command, rest[1:], f'{name} {rest[0]}')
        return
    assert not rest, f'`{name}` takes no more arguments, but got {rest}'
    lacking = [
        parameter.name for parameter in program.params
        if parameter.required and not parsed.get(parameter.name or '') and parameter.default is None
    ]  # fmt: skip
    assert not lacking, f'`{name} {" ".join(words)}` lacks {lacking}'
