"""Campaigns without a run: a few nodes, and the archive that comes with the package."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from aiida import orm
from aiida.common.links import LinkType


def work(label: str, inputs: dict[str, Any], *, sealed: bool = True) -> orm.WorkChainNode:
    """Store a campaign that has ended, with its inputs."""
    node = orm.WorkChainNode(process_type='aiida.workflows:seimlip.active_learning')
    node.base.attributes.set('process_label', label)
    node.set_process_state('finished' if sealed else 'waiting')
    for name, value in inputs.items():
        node.base.links.add_incoming(value, link_type=LinkType.INPUT_WORK, link_label=name)
    node.store()
    if sealed:
        node.set_exit_status(0)
        node.seal()
    return node


def job(
    caller: orm.WorkChainNode, computer: orm.Computer, label: str, inputs: dict[str, Any], outputs: dict[str, Any]
) -> orm.CalcJobNode:
    """Store a job that a campaign called, with its inputs and outputs."""
    node = orm.CalcJobNode(computer=computer, process_type='aiida.calculations:seimlip.ase')
    node.base.attributes.set('process_label', label)
    node.set_process_state('finished')
    for name, value in inputs.items():
        node.base.links.add_incoming(value, link_type=LinkType.INPUT_CALC, link_label=name)
    node.base.links.add_incoming(caller, link_type=LinkType.CALL_CALC, link_label=label.lower())
    node.store()
    for name, value in outputs.items():
        value.base.links.add_incoming(node, link_type=LinkType.CREATE, link_label=name)
        value.store()
    node.seal()
    return node


def folder(**files: bytes) -> orm.FolderData:
    """Return a folder with files; a double underscore in a name stands for a dot."""
    node = orm.FolderData()
    for name, content in files.items():
        node.base.repository.put_object_from_bytes(content, name.replace('__', '.'))
    return node


@pytest.fixture
def two_campaigns(aiida_localhost, frames_li2co3, frames_labelled) -> Callable[..., Any]:
    """Return a function that stores two campaigns, of which the second learns what a job of the first has labelled.

    Both begin with the same start. The function takes further inputs of the second campaign and of its job.
    """

    def factory(**inputs: Any) -> tuple[orm.WorkChainNode, orm.WorkChainNode]:
        start = frames_li2co3.store()
        first = work('First', {'start': start}, sealed=False)
        job(first, aiida_localhost, 'FirstJob', {'frames': start}, {'labelled': frames_labelled})
        first.set_process_state('finished')
        first.seal()
        stored = {name: value if value.is_stored else value.store() for name, value in inputs.items()}
        second = work('Second', {'start': start, 'known': frames_labelled, **stored}, sealed=False)
        raw = folder(long__txt=b'x' * 50_000, short__txt=b'y', _scheduler__out=b'z' * 50_000)
        job(second, aiida_localhost, 'SecondJob', {'frames': start, **stored}, {'retrieved': raw})
        second.set_process_state('finished')
        second.seal()
        return first, second

    return factory
