"""The command line, from the commands themselves."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from _generate.markdown import code, join, table
from aiida_seimlip.cli import cmd_root
from aiida_seimlip.embedded import lmp
from aiida_seimlip.embedded.mlp_command_line import COMMANDS, help_text

ALIASES = {'potential': 'verdi data seimlip-potential', 'frames': 'verdi data seimlip-frames'}
EVERYWHERE = ('verbosity', 'help')
"""Options that all commands have, which the page names once."""


def describe_command_line() -> str:
    """Return a section for every command of `aiida-seimlip`."""
    return join(_describe(cmd_root, click.Context(cmd_root, info_name='aiida-seimlip'), 2))


def describe_embedded_programs() -> str:
    """Return what the embedded programs say when they are asked for help."""
    parts = ['## `seimlip-mlp`', _block(help_text())]
    for name in COMMANDS:
        parts += [f'### `seimlip-mlp {name}`', _block(help_text(name))]
    return join([*parts, '## `seimlip-lmp`', _block(lmp._USAGE.strip())])


def _describe(command: click.Command, context: click.Context, depth: int) -> Iterator[str]:
    yield f'{"#" * depth} `{context.command_path}`'
    yield f'```console\n$ {" ".join([context.command_path, *command.collect_usage_pieces(context)])}\n```'
    alias = ALIASES.get(context.info_name or '')
    yield f'Also `{alias}`.' if alias else ''
    yield inspect.cleandoc(command.help or '')
    yield table(('option', 'meaning'), _options(command, context))
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from _describe(inner, click.Context(inner, info_name=name, parent=context), min(depth + 1, 4))


def _options(command: click.Command, context: click.Context) -> Iterator[tuple[str, str]]:
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden and parameter.name not in EVERYWHERE:
            record = parameter.get_help_record(context)
            if record is not None:
                yield code(record[0]), record[1]


def _block(text: str) -> str:
    return f'```text\n{text}\n```'
