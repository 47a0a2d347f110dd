"""Many frames done in batches, a job for each; what a job leaves undone is done by another one."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import ExitCode

from aiida_seimlip.engines.interruption import Cause, Interruption, find_interruption
from aiida_seimlip.engines.restart import HARDLY_EVER_HELPED, InterruptionMixin, describe_failure
from aiida_seimlip.functions.frames import BEGUN


class BatchMixin(InterruptionMixin):
    """Run jobs until every frame is done or has failed, or nothing more can be got.

    Whatever a job has done is kept, however it ended. A job that got something done is followed by another one with
    the rest, as often as it takes; one that got nothing done only if it was interrupted, and `max_restarts` times in
    all. The outline of an adapter holds ``while_(cls.should_run_jobs)(cls.run_jobs, cls.inspect_jobs)``. Comes before a
    contract among the base classes, which has the exit code `ERROR_PROGRAM_FAILED`.

    An adapter may have an input `max_concurrent`: so many jobs at most are under way, and the next ones begin when all
    of them have ended.

    The context holds ``batches``: what the jobs to be run next are given; ``jobs``: those that were run last; ``done``:
    all jobs that returned something, by name.
    """

    @abstractmethod
    def submit_batch(self, name: str, batch: Any) -> orm.CalcJobNode:
        """Submit a job.

        :param name: of the job, and of the link to it.
        :param batch: what it is to do.
        """

    @abstractmethod
    def find_rest(self, job: orm.CalcJobNode) -> Any:
        """Return the batch of another job after this one, None if there is nothing left or no point in it."""

    @abstractmethod
    def is_useful(self, job: orm.CalcJobNode, rest: Any) -> bool:
        """Return whether a job returned something that counts.

        :param rest: what it left undone, None if nothing.
        """

    @abstractmethod
    def is_hopeless(self, job: orm.CalcJobNode) -> bool:
        """Return whether a job failed in a way in which every other one will fail, too."""

    @abstractmethod
    def explain_stop(self, job: orm.CalcJobNode) -> Interruption | None:
        """Return why the program says that it stopped before its work was done, None if it does not say so."""

    @property
    def has_results_without_jobs(self) -> bool:
        """Whether there is something to end with even if no job returned anything."""
        return False

    def should_run_jobs(self) -> bool:
        """Return whether there is something left to do."""
        return bool(self.ctx.batches)

    def run_jobs(self) -> None:
        """Run a job for each batch, or for as many as may be under way."""
        self.ctx.jobs = AttributeDict()
        n_now = self.inputs['max_concurrent'].value if 'max_concurrent' in self.inputs else len(self.ctx.batches)
        begun, self.ctx.batches = self.ctx.batches[:n_now], self.ctx.batches[n_now:]
        for number, batch in enumerate(begun, start=self.ctx.get('n_jobs', 0)):
            name = f'job_{number:03d}'
            self.to_context(**{f'jobs.{name}': self.submit_batch(name, batch)})
        self.ctx.n_jobs = self.ctx.get('n_jobs', 0) + len(begun)

    def inspect_jobs(self) -> ExitCode | None:
        """Keep what was done, and gather what has to be done by further jobs."""
        for name, job in self.ctx.jobs.items():
            if self.is_hopeless(job):
                return self._fail(job)
            rest = self.find_rest(job)
            if rest is not None:
                self.ctx.batches.append(rest)
            if self.is_useful(job, rest):
                self.ctx.done[name] = job
        if not (self.ctx.batches or self.ctx.done or self.has_results_without_jobs):
            return self._fail(job)
        return None

    def may_repeat(self, job: orm.CalcJobNode) -> bool:
        """Return whether a job that got nothing done is to be followed by another one, and report its end."""
        interruption = find_interruption(job) or self.explain_stop(job)
        if interruption is not None and not self._is_too_slow(job, interruption):
            once = interruption.cause in HARDLY_EVER_HELPED and 'failures' not in job.outputs
            return self.restart_after(job, interruption, once=once)
        failure = describe_failure(job)
        self.report(f'job {job.pk} got nothing done; it ended with status {failure["status"]}: {failure["reason"]}')
        return False

    # -- details ------------------------------------------------------------------------------------------------------

    def _is_too_slow(self, job: orm.CalcJobNode, interruption: Interruption) -> bool:
        """Return whether each frame had the whole wall time to itself, so that there is no point in another job."""
        if interruption.cause is not Cause.OUT_OF_WALLTIME or 'failures' not in job.outputs:
            return False
        return all(reason.startswith(BEGUN) for reason in job.outputs.failures.get_dict().values())

    def _fail(self, job: orm.CalcJobNode) -> ExitCode:
        exit_code: ExitCode = self.exit_codes.ERROR_PROGRAM_FAILED.format(**describe_failure(job))
        return exit_code
