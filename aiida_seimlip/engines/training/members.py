"""A committee whose members are trained side by side, each by as many jobs as it takes."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import ExitCode, ProcessSpec, while_

from aiida_seimlip.engines.interruption import find_interruption
from aiida_seimlip.engines.restart import HARDLY_EVER_HELPED, InterruptionMixin, describe_failure


class MembersMixin(InterruptionMixin):
    """Train the members of a committee, and let each job that was stopped be followed by one that goes on.

    A job that got further than the one before is followed by another one as often as it takes; one that did not only if
    it was interrupted, and `max_restarts` times in all. Where a member fails for good, all has failed. Comes behind a
    contract among the base classes.

    The context holds ``members``: the numbers of those to be trained; ``checkpoints``: by number, what the next job
    goes on from; ``trained``: the jobs that ended well by number, as texts.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the outline."""
        super().define(spec)
        spec.input(
            'max_concurrent', valid_type=orm.Int, serializer=orm.to_aiida_type, required=False,
            help='Members trained side by side at most; all by default.',
        )  # fmt: skip
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            while_(cls.should_train)(
                cls.run_training,
                cls.inspect_training,
            ),
            cls.results,
        )

    @property
    @abstractmethod
    def n_members(self) -> int:
        """Number of members."""

    @abstractmethod
    def submit_member(self, member: int, name: str, checkpoint: orm.SinglefileData | None) -> orm.CalcJobNode:
        """Submit a job.

        :param member: that it trains.
        :param name: of the link to it.
        :param checkpoint: what it goes on from, None if it begins.
        """

    @abstractmethod
    def failure_of(self, job: orm.CalcJobNode) -> str:
        """Return the label of the exit code for a job that failed for good."""

    def setup(self) -> None:
        """Begin with all members."""
        self.ctx.members = list(range(self.n_members))
        self.ctx.checkpoints, self.ctx.trained, self.ctx.n_jobs = AttributeDict(), AttributeDict(), 0

    def should_train(self) -> bool:
        """Return whether a member is not trained yet."""
        return bool(self.ctx.members)

    def run_training(self) -> None:
        """Submit a job for each member, or for as many as may be under way."""
        n_now = self.inputs.max_concurrent.value if 'max_concurrent' in self.inputs else len(self.ctx.members)
        begun, self.ctx.members, self.ctx.jobs = self.ctx.members[:n_now], self.ctx.members[n_now:], AttributeDict()
        for member in begun:
            name = f'member_{member:02d}_job_{self.ctx.n_jobs:03d}'
            job = self.submit_member(member, name, self.ctx.checkpoints.get(str(member)))
            self.to_context(**{f'jobs.{member}': job})
            self.ctx.n_jobs += 1

    def inspect_training(self) -> ExitCode | None:
        """Keep what was trained, and see who goes on."""
        for member, job in self.ctx.jobs.items():
            if job.is_finished_ok:
                self.ctx.trained[member] = job
            elif self._goes_on(member, job):
                self.ctx.members.append(int(member))
            else:
                return self._fail(job)
        return None

    def _goes_on(self, member: str, job: orm.CalcJobNode) -> bool:
        """Return whether another job is to follow one that did not end well."""
        if 'checkpoint' in job.outputs:
            self.ctx.checkpoints[member] = job.outputs.checkpoint
            self.report(f'{job.process_label}<{job.pk}>: {job.exit_message or "killed."} The next job goes on.')
            return not job.is_killed
        interruption = find_interruption(job)
        if interruption is None:
            return False
        return self.restart_after(job, interruption, once=interruption.cause in HARDLY_EVER_HELPED)

    def _fail(self, job: Any) -> ExitCode:
        exit_code: ExitCode = self.exit_codes[self.failure_of(job)].format(**describe_failure(job))
        self.report(exit_code.message)
        return exit_code
