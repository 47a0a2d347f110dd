"""How what was found in files is stored: once, and after a question."""

from __future__ import annotations

from typing import Any

import click
from aiida.cmdline.utils import echo


def store_once(
    node: Any, same: str, question: str, stored: str, *, yes: bool, dry_run: bool, group: str | None
) -> None:  # fmt: skip
    """Store a node unless there is one that holds the same, and add the one or the other to a group.

    :param node: not stored yet.
    :param same: how the sentence begins that says that it is there already.
    :param question: that is asked before it is stored.
    :param stored: how the sentence begins that says that it was stored.
    :param yes: whether to store it without asking.
    :param dry_run: whether to store nothing.
    :param group: label of a group, which is made if need be.
    """
    from aiida_seimlip.exchange.imports import find_earlier

    earlier = find_earlier(node)
    if earlier is not None:
        echo.echo_report(f'{same} there already: node {earlier.pk} ({earlier.uuid}).')
    if dry_run:
        echo.echo_report('Nothing was stored.')
        return
    if earlier is None:
        if not (yes or click.confirm(question)):
            echo.echo_critical('Nothing was stored.')
        earlier = node.store()
        echo.echo_success(f'{stored} as node {node.pk} ({node.uuid}).')
    if group:
        _add_to_group(earlier, group)


def _add_to_group(node: Any, label: str) -> None:
    """Add a node to a group, which is made if need be."""
    from aiida import orm

    group, is_new = orm.Group.collection.get_or_create(label)
    group.add_nodes(node)
    echo.echo_success(f'Added to the {"new " if is_new else ""}group `{label}`.')
