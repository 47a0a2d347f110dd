"""Running a process in this interpreter, without a daemon or a broker."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from aiida.engine import Runner
from aiida.manage import get_manager

LOGGER = logging.getLogger('plumpy.processes')
INTERRUPTS = (signal.SIGINT, signal.SIGTERM)
GRACE_SECONDS = 2.0
"""That tasks have to end which were cancelled."""


class LocalRunner(Runner):
    """A runner whose calcfunctions leave the handlers of signals alone.

    What they would set kills the calcfunction at once. While it runs, so do other callbacks of the loop, and one of
    them may be in the middle of a change to the database then.
    """

    @property
    def is_daemon_runner(self) -> bool:
        """Return what a calcfunction asks before it sets handlers, and nobody else."""
        return True


@contextmanager
def local_runner(poll_seconds: float) -> Iterator[Runner]:
    """Let processes run in this interpreter, by `run_get_node` of the runner.

    That of `aiida.engine` makes a runner of its own, which looks at subprocesses once a minute where there is no
    broker.

    No checkpoints are saved, which takes a sixth of AiiDA's time: what is interrupted is not taken up from them.

    :param poll_seconds: time in s between two looks at the jobs.
    :raises KeyboardInterrupt: if the processes were interrupted, instead of what came of that.
    """
    manager: Any = get_manager()
    manager.reset_runner()  # which closes the loop of an earlier runner, before the new one can take it up
    runner = LocalRunner(poll_interval=poll_seconds)
    manager.set_runner(runner)
    LOGGER.addFilter(_is_not_meant)
    received: list[int] = []
    runner.loop.call_soon(_defer_interrupts, runner.loop, received)
    try:
        yield runner
    finally:
        runner.loop.run_until_complete(asyncio.sleep(0.01))  # in which an interrupt at the very end is noticed
        for number in INTERRUPTS:
            runner.loop.remove_signal_handler(number)
        _end_tasks(runner.loop)
        manager.reset_runner()
        LOGGER.removeFilter(_is_not_meant)
        if received:
            manager.get_profile_storage().get_session().rollback()  # of what was in the middle of a change
            raise KeyboardInterrupt


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """End what an interrupt has left under way; a loop that is closed with such tasks complains of each.

    :param loop: that does not run any more.
    """
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.wait(left, timeout=GRACE_SECONDS))


def _is_not_meant(record: logging.LogRecord) -> bool:
    """Return whether a warning is of something else than that no checkpoints are saved."""
    return 'Disabling persistence' not in record.getMessage()


def _defer_interrupts(loop: asyncio.AbstractEventLoop, received: list[int]) -> None:
    """Let AiiDA answer interrupts between two callbacks of the loop.

    Its handlers kill the process at once, be it in the middle of a change to the database; that can leave the
    connection unusable, and the interpreter then waits for ever.

    :param loop: that drives the processes; AiiDA has set its handlers before it starts.
    :param received: to which the number of a signal is added when it arrives.
    """

    def answer(number: signal.Signals, handler: Callable[[int, Any], object]) -> None:
        received.append(number)
        handler(number, None)

    for number in INTERRUPTS:
        handler = signal.getsignal(number)
        if callable(handler):
            loop.add_signal_handler(number, answer, number, handler)
