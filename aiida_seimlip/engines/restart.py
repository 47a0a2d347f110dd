"""What the adapters have in common that run jobs, and run them again where that helps."""

from __future__ import annotations

from typing import Any, ClassVar

from aiida import orm
from aiida.common import AttributeDict
from aiida.common.links import LinkType
from aiida.engine import (
    BaseRestartWorkChain,
    ExitCode,
    ProcessHandlerReport,
    ProcessSpec,
    WorkChain,
    process_handler,
    while_,
)
from aiida.engine.processes.workchains.restart import validate_on_unhandled_failure

from aiida_seimlip.engines.interruption import Cause, Interruption, find_interruption

BEFORE_OTHERS = 900
AFTER_OTHERS = -500

ABORT = 'abort'
"""What is done about a failure that nothing helps against, unless the user wants it otherwise."""

HARDLY_EVER_HELPED = (Cause.OUT_OF_MEMORY, Cause.OUT_OF_WALLTIME)
"""Causes for which the same job is tried once more only, as it will probably meet the same fate."""


class InterruptionMixin(WorkChain):
    """Run jobs again, a limited number of times, that were interrupted by what lies outside the program."""

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the limit."""
        super().define(spec)
        spec.input(
            'max_restarts', valid_type=orm.Int, serializer=orm.to_aiida_type, default=lambda: orm.Int(3),
            validator=validate_max_restarts,
            help='How often, in all, a job is run again that got nothing done as it was cancelled, lost its node, ran '
            'out of memory or disk, left no file or could not be handled by AiiDA.',
        )  # fmt: skip

    def restart_after(self, job: orm.CalcJobNode, interruption: Interruption, *, once: bool = False) -> bool:
        """Return whether the work of a job is to be done again, and say so in the report.

        :param job: that was interrupted.
        :param interruption: why.
        :param once: whether this cause is answered so once only.
        """
        causes, allowed = self.ctx.get('restarts', []), self.inputs.max_restarts.value
        name, what = interruption.cause.name, f'{job.process_label}<{job.pk}> was interrupted: {interruption}.'
        if len(causes) >= allowed or (once and name in causes):
            self.report(f'{what} It is not run again, as that was done {len(causes)} times already.')
            return False
        self.ctx.restarts = [*causes, name]
        self.report(f'{what} It is run again (restart {len(causes) + 1} of {allowed}).')
        return True


class RestartMixin(InterruptionMixin, BaseRestartWorkChain):
    """Run one CalcJob with the ports of the contract; a failure that no handler deals with ends the process.

    Comes behind a contract among the base classes.
    """

    failure: ClassVar[str]
    """Label of the exit code for failures that no handler deals with."""

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the outline, and what is done about a failure that nothing helps against."""
        super().define(spec)
        spec.input(
            'on_unhandled_failure', valid_type=orm.Str, serializer=orm.to_aiida_type, required=False,
            validator=validate_on_unhandled_failure,
            help='What is done where a job has failed and nothing helps: `abort` (default), `pause` until a user lets '
            'the process go on or kills it, `restart_once`, or `restart_and_pause`.',
        )  # fmt: skip
        spec.input(
            'pause_on_max_iterations', valid_type=orm.Bool, serializer=orm.to_aiida_type, required=False,
            help='Pause instead of failing where the last of `max_iterations` jobs has failed. When the process goes '
            'on, jobs and restarts are counted from 0 again.',
        )  # fmt: skip
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            while_(cls.should_run_process)(
                cls.run_process,
                cls.inspect_process,
            ),
            cls.results,
        )

    def setup(self) -> None:
        """Take the inputs of the job from those of the contract."""
        super().setup()
        ports = set(self.process_class.spec().inputs) - {'metadata'}
        self.ctx.inputs = AttributeDict({name: value for name, value in self.inputs.items() if name in ports})
        self.ctx.inputs.metadata = {'options': self.scheduler_options}

    @property
    def scheduler_options(self) -> dict[str, Any]:
        """The scheduler's settings."""
        return self.inputs.options.get_dict() if 'options' in self.inputs else {}

    def inspect_process(self) -> ExitCode | None:
        """Find out what became of a job; where it has failed for good, do as the user wants."""
        exit_code = self._judge_job()
        if exit_code is not None and exit_code.status:
            return self._answer_failure(exit_code)
        if self.ctx.iteration == 0:  # AiiDA has paused, and begins to count anew
            self._count_anew()
        return exit_code

    def _judge_job(self) -> ExitCode | None:
        """Look for what interrupted a job that did not even finish, and call the handlers for one that did."""
        job = self.ctx.children[-1]
        if not (job.is_excepted or job.is_killed):
            return super().inspect_process()
        interruption = find_interruption(job)
        if interruption is not None and not self._is_last_job() and self.restart_after(job, interruption):
            return None
        return self._fail(job)

    def results(self) -> ExitCode | None:
        """Attach those outputs of the last job that the contract knows."""
        links = self.ctx.children[-1].base.links.get_outgoing(link_type=LinkType.CREATE)
        outputs = {entry.link_label: entry.node for entry in links.all()}  # `job.outputs` asks anew for each of them
        self.out_many({name: outputs[name] for name in self.spec().outputs if name in outputs})
        return None

    def report_error_handled(self, calculation: orm.CalcJobNode, action: str) -> None:
        """Say what was done about a job that failed.

        :param calculation: the job.
        :param action: what was done, in words.
        """
        self.report(
            f'{calculation.process_label}<{calculation.pk}> ended with status {calculation.exit_status}: '
            f'{calculation.exit_message} {action}'
        )

    def run_next_job(self, calculation: orm.CalcJobNode, action: str) -> ProcessHandlerReport:
        """Say what was done about a job that failed, and let the next one run.

        :param calculation: the job.
        :param action: what was done, in words.
        """
        self.report_error_handled(calculation, action)
        return ProcessHandlerReport(True)

    def collect_runs(self, *names: str) -> dict[str, dict[str, orm.Data]]:
        """Return the parameters and outputs of all jobs that left `results`, by a name for each, in order.

        :param names: outputs; those that a job lacks are left out.
        """
        runs = {}
        for number, job in enumerate(job for job in self.all_jobs if 'results' in job.outputs):
            found = {name: job.outputs[name] for name in names if name in job.outputs}
            runs[f'job_{number:02d}'] = {'parameters': job.inputs.parameters, **found}
        return runs

    # -- what lies outside the program: the handlers of the program come in between -----------------------------------

    @process_handler(priority=BEFORE_OTHERS)
    def handle_cancelled(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again that was cancelled, in the queue or while it ran."""
        return self._run_again_after(Cause.CANCELLED, calculation)

    @process_handler(priority=BEFORE_OTHERS)
    def handle_preempted(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again that had to give way to another one."""
        return self._run_again_after(Cause.PREEMPTED, calculation)

    @process_handler(priority=BEFORE_OTHERS)
    def handle_node_failure(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again whose node failed."""
        return self._run_again_after(Cause.NODE_FAILURE, calculation)

    @process_handler(priority=BEFORE_OTHERS)
    def handle_out_of_memory(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again, once, that was ended as it used too much memory."""
        return self._run_again_after(Cause.OUT_OF_MEMORY, calculation)

    @process_handler(priority=BEFORE_OTHERS)
    def handle_out_of_disk(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again that could not write its files."""
        return self._run_again_after(Cause.OUT_OF_DISK, calculation)

    @process_handler(priority=BEFORE_OTHERS)
    def handle_no_output(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again that left no file at all."""
        return self._run_again_after(Cause.NO_OUTPUT, calculation)

    @process_handler(priority=AFTER_OTHERS)
    def handle_hanging(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again, once, that the scheduler ended at the wall time before it had got anything done."""
        return self._run_again_after(Cause.OUT_OF_WALLTIME, calculation)

    @process_handler(priority=-1000)
    def handle_unrecoverable(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """End with the message of the job, where no other handler knows better."""
        return None if calculation.is_finished_ok else ProcessHandlerReport(True, self._fail(calculation))

    def failure_of(self, job: orm.CalcJobNode) -> str:
        """Return the label of the exit code for a job that no handler deals with.

        :param job: that failed.
        """
        return self.failure

    @property
    def all_jobs(self) -> list[orm.CalcJobNode]:
        """All jobs of the process, also those before it began to count anew."""
        return [*self.ctx.get('earlier_jobs', []), *self.ctx.get('children', [])]

    # -- details ------------------------------------------------------------------------------------------------------

    def _answer_failure(self, exit_code: ExitCode) -> ExitCode | None:
        """End with an exit code, or run the job again or pause, as the inputs say.

        :param exit_code: that the process would end with.
        """
        answer = self.inputs.on_unhandled_failure.value if 'on_unhandled_failure' in self.inputs else ABORT
        if answer.startswith('restart') and not self.ctx.get('was_run_once_more', False):
            self.ctx.was_run_once_more, self.ctx.is_finished = True, False
            self.report('The job is run once more, as the input `on_unhandled_failure` says.')
            return None
        pauses_at_last = 'pause_on_max_iterations' in self.inputs and self.inputs.pause_on_max_iterations.value
        if not answer.endswith('pause') and not (pauses_at_last and self._is_last_job()):
            return exit_code
        self.report(
            f'Paused instead of failing. `verdi process play {self.node.pk}` runs the job again; '
            f'`verdi process kill {self.node.pk}` ends it.'
        )
        self.ctx.was_run_once_more = self.ctx.is_finished = False
        self._count_anew()
        self.pause(exit_code.message)
        return None

    def _count_anew(self) -> None:
        """Count jobs and restarts from 0 again.

        AiiDA finds the job to look at by its number in `ctx.children`: those from before must not be in it.
        """
        self.ctx.earlier_jobs, self.ctx.children = self.all_jobs, []
        self.ctx.iteration, self.ctx.restarts = 0, []

    def _run_again_after(self, cause: Cause, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run the same job again if it was interrupted for this cause.

        :param cause: that the handler is named after.
        :param calculation: the job.
        """
        interruption = find_interruption(calculation)
        if interruption is None or interruption.cause is not cause:
            return None
        once = cause in HARDLY_EVER_HELPED
        if not self._is_last_job() and self.restart_after(calculation, interruption, once=once):
            return ProcessHandlerReport(True)
        return ProcessHandlerReport(True, self._fail(calculation))

    def _is_last_job(self) -> bool:
        return bool(self.ctx.iteration >= self.inputs.max_iterations.value)

    def _end(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport:
        """End well with what a job has found, whose exit code is no failure of the process."""
        self.report(f'{calculation.process_label}<{calculation.pk}>: {calculation.exit_message}')
        self.ctx.is_finished = True
        return ProcessHandlerReport(True)

    def _fail(self, job: orm.CalcJobNode) -> ExitCode:
        """Return the exit code for a job that cannot be helped, and say so in the report."""
        exit_code: ExitCode = self.exit_codes[self.failure_of(job)].format(**describe_failure(job))
        self.report(exit_code.message)
        self.ctx.is_finished = True  # else AiiDA says no more of the last job than that it was the last
        return exit_code


def describe_failure(job: orm.CalcJobNode) -> dict[str, Any]:
    """Return what the message of an exit code says about a job: `pk`, `status` and `reason`.

    :param job: a terminated job that did not end well.
    """
    interruption = find_interruption(job)
    parts = [job.exit_message, None if interruption is None else f'Interrupted: {interruption}.']
    reason = ' '.join(part for part in parts if part) or ('it was killed.' if job.is_killed else 'no reason is known.')
    return {'pk': job.pk, 'status': job.exit_status, 'reason': reason}


def validate_max_restarts(value: orm.Int, _: Any) -> str | None:
    """Refuse a negative number."""
    return None if value.value >= 0 else f'Input `max_restarts` is {value.value}, but must not be negative.'
