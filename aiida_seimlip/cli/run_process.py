"""Running a workflow in this interpreter while somebody watches, or leaving it to the daemon."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, cast

from aiida import orm
from aiida.engine import ProcessBuilder
from aiida.manage import get_manager
from aiida.manage.caching import enable_caching

from aiida_seimlip.cli.progress import Progress
from aiida_seimlip.cli.runner import local_runner

POLL_SECONDS = 0.1


def run_process(
    builder: ProcessBuilder, progress: Progress, *, reuse: bool = False, poll_seconds: float = POLL_SECONDS
) -> orm.WorkChainNode:
    """Run a workflow in this process, without a daemon or a broker.

    :param builder: its inputs.
    :param progress: is told what happens.
    :param reuse: take over the results of jobs with the same inputs that ended before.
    :param poll_seconds: time in s between two looks at the jobs.
    :return: the workflow, which may have failed in any way.
    """
    label = builder.process_class.__name__
    last = last_process(label)
    try:
        with local_runner(poll_seconds) as runner, enable_caching() if reuse else nullcontext():
            progress.watch(runner.loop)
            runner.run_get_node(builder)
    except Exception as exception:  # killed, or an error in the WorkChain itself: its node holds the traceback
        node = last_process(label)
        if node is None or node == last:
            raise
        if not node.is_killed:
            progress.say(f'The {label} {node.pk} excepted: {exception}')
    node = last_process(label)
    assert node is not None
    progress.update(node)
    return node


def last_process(label: str) -> orm.WorkChainNode | None:
    """Return the newest WorkChain of a kind in the profile, None if there is none.

    :param label: name of its class.
    """
    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={'attributes.process_label': label}, tag='process')
    return cast('orm.WorkChainNode | None', query.order_by({'process': {'id': 'desc'}}).first(flat=True))


def explain_inputs(builder: ProcessBuilder) -> str | None:
    """Say what is wrong with the inputs of a process, before anything of it is stored.

    :param builder: its inputs.
    :return: one sentence, or None if all is well.
    """
    spec: Any = builder.process_class.spec()
    inputs = builder._inputs(prune=True)
    error = spec.inputs.validate(spec.inputs.pre_process(spec.inputs.serialize(inputs)))
    return None if error is None else ' '.join(error.message.split())


def has_broker() -> bool:
    """Return whether the profile has a broker, through which processes are left to the daemon."""
    return get_manager().get_broker() is not None
