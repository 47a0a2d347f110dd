"""Running a check in this process, or leaving it to the daemon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from aiida import orm
from aiida.engine import run_get_node, submit
from aiida.manage import get_manager

from aiida_seimlip.workflows.check import CheckWorkChain

POLL_SECONDS = 1.0


def run_check(inputs: Mapping[str, Any]) -> orm.WorkChainNode:
    """Run a check in this process, without a daemon or a broker.

    :param inputs: of the WorkChain.
    :return: the check, which may have failed in any way.
    :raises ValueError: if the inputs are refused.
    """
    manager = get_manager()
    manager.set_runner(manager.create_runner(with_persistence=False, communicator=None, poll_interval=POLL_SECONDS))
    try:
        return cast('orm.WorkChainNode', run_get_node(CheckWorkChain, **inputs)[1])
    finally:
        manager.reset_runner()


def submit_check(inputs: Mapping[str, Any]) -> orm.WorkChainNode:
    """Leave a check to the daemon.

    :param inputs: of the WorkChain.
    :raises ValueError: if the inputs are refused.
    """
    return cast('orm.WorkChainNode', submit(CheckWorkChain, **inputs))
