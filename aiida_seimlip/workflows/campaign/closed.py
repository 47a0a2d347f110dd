"""What is kept of the many results of an iteration that is over.

The context of a process is written down at every step, which takes about 0.1 ms for each node in it: with a thousand
explorations in each of many iterations, that would be what a worker does most of the time.
"""

from __future__ import annotations

from collections.abc import Mapping

from aiida import orm


def close_nodes(nodes: Mapping[str, orm.Data]) -> str:
    """Return one text that names stored nodes.

    :param nodes: by names without commas and colons.
    """
    return ','.join(f'{name}:{node.pk}' for name, node in nodes.items())


def reopen_nodes(closed: str) -> dict[str, orm.Data]:
    """Return the nodes that `close_nodes` has named, by their names.

    :param closed: the text.
    """
    pks = {name: int(pk) for name, pk in (entry.split(':') for entry in closed.split(',') if entry)}
    query = orm.QueryBuilder().append(orm.Data, filters={'id': {'in': list(pks.values())}})
    nodes = {node.pk: node for node in query.all(flat=True)} if pks else {}
    return {name: nodes[pk] for name, pk in pks.items()}
