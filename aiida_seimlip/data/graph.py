"""What stands above and below nodes in the provenance graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiida import orm
from aiida.common.links import LinkType
from aiida.tools.graph.graph_traversers import traverse_graph

OF_DATA = (LinkType.INPUT_CALC, LinkType.CREATE)
"""Links along which data are made of other data."""


def find_related(nodes: Sequence[orm.Node], kind: type[orm.Node], *, down: bool = False) -> list[Any]:
    """Return all other nodes of a kind that some stand on, along the links of jobs and functions.

    A query for ancestors or descendants would find each of them once for every path to it: in a campaign there are
    millions.

    :param nodes: where to begin; those that are not stored stand on nothing.
    :param kind: class of the nodes that are wanted.
    :param down: whether those that stand on these are wanted instead.
    """
    given = [node.pk for node in nodes if node.pk is not None]
    if not given:
        return []
    direction: dict[str, Any] = {'links_forward' if down else 'links_backward': OF_DATA}
    found = set(traverse_graph(given, **direction)['nodes'] or ()) - set(given)
    if not found:
        return []  # which QueryBuilder refuses
    return orm.QueryBuilder().append(kind, filters={'id': {'in': [*found]}}).all(flat=True)
