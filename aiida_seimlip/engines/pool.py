"""Many processes, some at once, without waves: a new one begins as soon as any other ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from functools import cached_property, partial
from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.common.links import LinkType
from aiida.engine import WorkChain
from aiida.engine.processes.workchains.awaitable import Awaitable
from kiwipy import UnroutableError
from plumpy import ProcessState

from aiida_seimlip.functions.frames import LATE

JOBS = 'jobs'
"""Where the processes are in the context."""


class PoolMixin(WorkChain):
    """Run the processes that a queue names, at most `max_concurrent` at once, until all have ended or time is up.

    Comes before a contract among the base classes. An adapter

    * puts names into ``ctx.queue``, a list of strings without dots, in a step before;
    * has ``while_(cls.has_jobs)(cls.run_jobs)`` in its outline;
    * implements `submit_job`, which gives the link to the process the name as its label: so a process is recognised
      that was submitted right before a worker was killed, instead of being submitted twice;
    * finds those that ended in ``ctx.jobs`` by name, well or not, and those that it was time to leave behind in
      ``ctx.late``: the pk of the process, None where it had not begun.

    A process that is left behind runs on, and what becomes of it does not concern this one any more. An adapter that
    knows how to find it again says so in `find_job`, and waits for it instead of submitting it a second time. Where
    processes run in the interpreter of the user (`run`, not `submit`), those left behind end with it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Begin with an empty pool; a process that a worker loads finds it in the context."""
        super().__init__(*args, **kwargs)
        self.ctx.queue, self.ctx.jobs, self.ctx.late = [], AttributeDict(), {}

    # -- for adapters -------------------------------------------------------------------------------------------------

    def submit_job(self, name: str) -> orm.ProcessNode:
        """Submit a process.

        :param name: from the queue; to be the `call_link_label` of the process.
        """
        raise NotImplementedError

    def find_job(self, name: str) -> orm.ProcessNode | None:
        """Return a process that does this job already, running or ended, if another process has begun it.

        :param name: from the queue.
        """
        return None

    @property
    def takes_in_each(self) -> bool:
        """Whether to go on whenever a process ends, and not only if another one can begin then."""
        return False

    @property
    def max_concurrent(self) -> int | None:
        """Processes under way at once; None for no limit."""
        return self.inputs['max_concurrent'].value if 'max_concurrent' in self.inputs else None

    @property
    def deadline(self) -> float | None:
        """Time in s after the first submission when the processes still running are left behind; None for never.

        As long as none has ended well, all are waited for: with nothing done there is nothing to go on with.
        """
        return self.inputs['deadline'].value if 'deadline' in self.inputs else None

    def explain_late(self, name: str) -> str:
        """Return the reason for which something has not been done that was left behind.

        :param name: from ``ctx.late``.
        """
        pk = self.ctx.late[name]
        what = 'it had not begun' if pk is None else f'process {pk} was still running'
        return f'{LATE}: {what} when the deadline of {self.deadline:g} s came.'

    def kill(self, msg_text: str | None = None, force_kill: bool = False) -> Any:
        """Kill this process, those that it has called, and those of others that it waits for."""
        is_over, waited_for = self.has_terminated(), {job.pk for job in self._running.values()}
        result = super().kill(msg_text, force_kill)
        if result is not False and not is_over:
            kill_processes(self, waited_for - {child.pk for child in self.node.called})
        return result

    # -- outline ------------------------------------------------------------------------------------------------------

    def has_jobs(self) -> bool:
        """Return whether there are processes to submit or to wait for."""
        return bool(self.ctx.queue or self._running)

    def run_jobs(self) -> None:
        """Submit as many processes as there is room for, and wait until one has ended."""
        self.ctx.setdefault('began', time.time())
        if self._is_time_up():
            self._leave_behind()
            return
        self._awaitables.extend(self._running.values())
        while self._has_room():
            name = self.ctx.queue[0]
            process = self._called_before.get(name) or self.find_job(name) or self.submit_job(name)
            self.ctx.queue = self.ctx.queue[1:]
            self.to_context(**{f'{JOBS}.{name}': process})

    # -- details ------------------------------------------------------------------------------------------------------

    @property
    def _running(self) -> dict[str, Awaitable]:
        return {name: job for name, job in self.ctx.jobs.items() if isinstance(job, Awaitable)}

    def _has_room(self) -> bool:
        limit = self.max_concurrent
        return bool(self.ctx.queue) and (limit is None or len(self._running) < limit)

    def _seconds_left(self) -> float | None:
        if self.deadline is None or 'began' not in self.ctx:
            return None
        return max(0.0, self.ctx.began + self.deadline - time.time())

    def _is_time_up(self) -> bool:
        ended = [job for job in self.ctx.jobs.values() if not isinstance(job, Awaitable)]
        return self._seconds_left() == 0.0 and any(job.is_finished_ok for job in ended)

    def _leave_behind(self) -> None:
        late = {name: awaitable.pk for name, awaitable in self._running.items()}
        self.ctx.jobs = AttributeDict({name: job for name, job in self.ctx.jobs.items() if name not in late})
        self.ctx.late = {**self.ctx.late, **late, **dict.fromkeys(self.ctx.queue)}
        self.ctx.queue = []
        for name in self.ctx.late:
            self.report(f'{name} is left behind. {self.explain_late(name)}')

    @cached_property
    def _called_before(self) -> dict[str, orm.ProcessNode]:
        """The processes by the label of the link, that were called before this one was loaded by the present worker."""
        links = self.node.base.links.get_outgoing(link_type=(LinkType.CALL_CALC, LinkType.CALL_WORK))
        return {entry.link_label: entry.node for entry in links.all() if isinstance(entry.node, orm.ProcessNode)}

    # -- waiting: a `WorkChain` goes on when *all* that it waits for have ended, this one when *any* has ---------------

    @cached_property
    def _watched(self) -> set[int]:
        """Pks of the processes of whose end the present worker will hear: to be asked for once, not in each step."""
        return set()

    @cached_property
    def _ended(self) -> set[int]:
        """Pks of the processes of whose end the present worker has heard."""
        return set()

    def _action_awaitables(self) -> None:
        """Ask to be told when a process ends, and when the deadline comes.

        Called whenever this process begins to wait, and when a worker has loaded a process that waits.
        """
        for awaitable in list(self._awaitables):
            callback = partial(self.call_soon, self._on_awaitable_finished, awaitable)
            if awaitable.pk in self._ended:
                callback()  # it ended between two steps
            elif awaitable.pk not in self._watched:
                self._watched.add(awaitable.pk)
                self.runner.call_on_process_finish(awaitable.pk, callback)
        if self._waits_for_jobs:
            self._set_alarm()
            if self._has_room():
                self.call_soon(self._go_on)

    def _on_awaitable_finished(self, awaitable: Awaitable) -> None:
        """Take in a process that has ended, and go on if there is another one to submit.

        :param awaitable: for the process, as it was when the worker asked; that of the present step is an equal one.
        """
        self._ended.add(awaitable.pk)
        present = next((other for other in self._awaitables if other.pk == awaitable.pk), None)
        if present is None or self.has_terminated():
            return  # between two steps, or left behind, or killed
        super()._on_awaitable_finished(present)
        if present.key.startswith(f'{JOBS}.') and (self.takes_in_each or self.ctx.queue or self._is_time_up()):
            self._go_on()

    @property
    def _waits_for_jobs(self) -> bool:
        return any(awaitable.key.startswith(f'{JOBS}.') for awaitable in self._awaitables)

    def _go_on(self) -> None:
        """End the waiting, after which the next step counts again."""
        if self.state == ProcessState.WAITING:
            self.resume()

    def _set_alarm(self) -> None:
        """Go on when the deadline comes; a second alarm is not set while one is."""
        seconds = self._seconds_left()
        if self._is_time_up() or (seconds and 'alarm' not in self._alarms):
            self._alarms['alarm'] = self.loop.call_later(seconds, self._ring)

    @cached_property
    def _alarms(self) -> dict[str, asyncio.TimerHandle]:
        """The alarm of the present worker, if it is set."""
        return {}

    def _ring(self) -> None:
        self._alarms.clear()
        if not self.has_terminated():
            self.call_soon(self._on_alarm)

    def _on_alarm(self) -> None:
        if self._waits_for_jobs:
            self._go_on()


def kill_processes(parent: WorkChain, pks: Iterable[int]) -> None:
    """Ask for the end of processes on account of one that is killed itself.

    :param parent: the process that is killed.
    :param pks: of the others; a process that no worker holds cannot be killed, which the log says.
    """
    controller = parent.runner.controller
    for pk in sorted(pks):
        if controller is None:
            parent.node.logger.warning(f'process {pk} is not killed: it runs in this interpreter, and ends with it')
            continue
        try:
            controller.kill_process(pk, msg_text=f'Killed on account of process {parent.pid}')
        except (ConnectionError, UnroutableError) as exception:
            parent.node.logger.warning(f'process {pk} could not be killed: {exception}')
