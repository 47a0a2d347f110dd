"""What is done about a job for one frame that came to nothing, as far as that does not depend on the program.

The WorkChains of plugins have handlers of their own, which would act beside ours on the same failures. Ours know what a
label is: one that has been calculated with the settings asked for, or none.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from functools import cached_property
from typing import Any, ClassVar

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import BaseRestartWorkChain, ExitCode, ProcessHandlerReport, ProcessSpec, process_handler

from aiida_seimlip.engines.interruption import Cause, Interruption, find_interruption
from aiida_seimlip.options.job_labels import RecoveryOptions

MOST_FACTOR = 4
"""So many times the first wall time is asked for at most, if the options say nothing."""

MEMORY_STEPS = 2
"""So often more memory is asked for."""


class RecoveryMixin(BaseRestartWorkChain):
    """Run jobs again where that helps, each cause so often as the options allow.

    Comes before the WorkChain of a plugin among the base classes, which keeps the settings of the next job in
    ``ctx.inputs``. Of the handlers only those of this class and of its subclasses act. The context holds ``attempts``:
    how often each cause was answered, by the label of its exit code.
    """

    program: ClassVar[str] = 'The program'
    """What messages call the program."""

    word: ClassVar[str] = 'PROGRAM'
    """What exit codes call the program: ``ERROR_<WORD>_REFUSED`` for an input that it does not accept, and
    ``ERROR_<WORD>_STOPPED`` for what nothing else says."""

    recovery_options: ClassVar[type[RecoveryOptions]] = RecoveryOptions

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the settings and the exit codes."""
        super().define(spec)
        spec.input('recovery', **cls.recovery_options.port('What is done about jobs that fail.'))
        messages = {
            'ERROR_SCF_NOT_CONVERGED': 'The self-consistency cycle did not converge',
            'ERROR_OUT_OF_WALLTIME': 'The wall time was used up',
            'ERROR_OUT_OF_MEMORY': 'The memory was used up',
            'ERROR_OUT_OF_DISK': 'The files could not be written',
            'ERROR_NO_OUTPUT': f'{cls.program} left no results',
            'ERROR_OUTPUT_TRUNCATED': f'The files of {cls.program} are cut off',
            'ERROR_INTERRUPTED': 'The job was interrupted from outside',
            f'ERROR_{cls.word}_REFUSED': f'{cls.program} did not accept its input',
            f'ERROR_{cls.word}_STOPPED': f'{cls.program} stopped with an error',
        }
        for status, (label, message) in enumerate(messages.items(), start=410):
            spec.exit_code(
                status, label, message=f'{message} in {{n_jobs}} job(s), the last of which is {{pk}}: {{reason}}'
            )

    @classmethod
    def get_process_handlers(cls) -> list[Any]:
        """Return the handlers of this package, without those of the plugin."""
        own = {name for parent in cls.__mro__ if issubclass(parent, RecoveryMixin) for name in vars(parent)}
        return [handler for handler in super().get_process_handlers() if handler.__name__ in own]

    # -- what depends on the program ----------------------------------------------------------------------------------

    @classmethod
    @abstractmethod
    def explain_program(cls, job: orm.CalcJobNode) -> str:
        """Return what the program itself says of its end, nothing if it does not say anything."""

    def save_memory(self) -> str | None:
        """Change settings so that the next job takes less memory, and say which; None if nothing is left to change."""
        return None

    def says_out_of_walltime(self, job: orm.CalcJobNode) -> bool:
        """Return whether the program stopped by itself as it had no more time."""
        return False

    # -- shared with the WorkChain of the plugin ----------------------------------------------------------------------

    @cached_property
    def recovery(self) -> Any:
        """What is done about jobs that fail, as `recovery_options`."""
        return self.recovery_options.from_node(self.inputs.recovery)

    def setup(self) -> None:
        """Note that nothing has been tried yet."""
        super().setup()
        self.ctx.attempts = {}

    def inspect_process(self) -> ExitCode | None:
        """Run a job again that AiiDA could not handle, and call the handlers for all others."""
        job = self.ctx.children[-1]
        if job.is_excepted:
            report = self.resubmit(job, 'ERROR_INTERRUPTED')
            return report.exit_code if report.exit_code.status else None
        return super().inspect_process()

    # -- what lies outside the program --------------------------------------------------------------------------------

    @process_handler(priority=900)
    def handle_out_of_walltime(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Ask for more wall time."""
        if not (self.says_out_of_walltime(calculation) or self.was_interrupted(calculation, Cause.OUT_OF_WALLTIME)):
            return None
        options = self.ctx.inputs.metadata['options']
        asked = options.get('max_wallclock_seconds')
        self.ctx.setdefault('first_walltime', asked)
        most = self.recovery.max_wallclock_seconds or MOST_FACTOR * (self.ctx.first_walltime or 0)
        more = min(int(self.recovery.walltime_factor * (asked or 0)), most)
        if not asked or more <= asked:
            return self.give_up(calculation, 'ERROR_OUT_OF_WALLTIME')
        return self.run_again(
            calculation, 'ERROR_OUT_OF_WALLTIME', f'{more} s instead of {asked} s', options={
                'max_wallclock_seconds': more,
            },
        )  # fmt: skip

    @process_handler(priority=900)
    def handle_out_of_memory(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Divide the k-points among fewer groups, or ask for more memory or machines."""
        if not self.was_interrupted(calculation, Cause.OUT_OF_MEMORY):
            return None
        label, options, factor = 'ERROR_OUT_OF_MEMORY', self.ctx.inputs.metadata['options'], self.recovery.memory_factor
        saved = self.save_memory()
        if saved is not None:
            return self.run_again(calculation, label, saved, counts=False)
        if self.ctx.attempts.get(label, 0) >= MEMORY_STEPS:
            return self.give_up(calculation, label)
        if options.get('max_memory_kb'):
            more = int(factor * options['max_memory_kb'])
            return self.run_again(calculation, label, f'{more} kB of memory', options={'max_memory_kb': more})
        resources = options.get('resources', {})
        machines, computer = resources.get('num_machines'), calculation.computer
        if not machines or computer is None or computer.scheduler_type == 'core.direct':
            return self.give_up(calculation, label)
        more = math.ceil(factor * machines)
        changes = {'resources': {**resources, 'num_machines': more}}
        return self.run_again(calculation, label, f'{more} machines instead of {machines}', options=changes)

    @process_handler(priority=900)
    def handle_io_error(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again that could not write its files."""
        if not self.was_interrupted(calculation, Cause.OUT_OF_DISK):
            return None
        return self.resubmit(calculation, 'ERROR_OUT_OF_DISK')

    @process_handler(priority=900)
    def handle_interruption(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again that was cancelled, had to give way, lost its node, or never began."""
        if not self.was_interrupted(calculation, Cause.CANCELLED, Cause.PREEMPTED, Cause.NODE_FAILURE, Cause.NO_OUTPUT):
            return None
        return self.resubmit(calculation, 'ERROR_INTERRUPTED')

    @process_handler(priority=-1000)
    def handle_unrecoverable(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Give up, where no other handler knows better."""
        return None if calculation.is_finished_ok else self.give_up(calculation, f'ERROR_{self.word}_STOPPED')

    # -- answers ------------------------------------------------------------------------------------------------------

    @cached_property
    def _interruptions(self) -> dict[int | None, Interruption | None]:
        """What interrupted each job, by pk: found once, as all its files are read."""
        return {}

    def was_interrupted(self, job: orm.CalcJobNode, *causes: Cause) -> bool:
        """Return whether a job was interrupted for one of the causes."""
        if job.pk not in self._interruptions:
            self._interruptions[job.pk] = find_interruption(job)
        interruption = self._interruptions[job.pk]
        return interruption is not None and interruption.cause in causes

    def resubmit(self, calculation: orm.CalcJobNode, label: str) -> ProcessHandlerReport:
        """Run a job again as it was, as often as the options allow for each cause."""
        if self.ctx.attempts.get(label, 0) >= self.recovery.resubmissions:
            return self.give_up(calculation, label)
        return self.run_again(calculation, label, 'the same settings')

    def run_again(
        self, calculation: orm.CalcJobNode, label: str, action: str, *, options: dict[str, Any] | None = None,
        counts: bool = True,
    ) -> ProcessHandlerReport:  # fmt: skip
        """Run another job, with some settings changed.

        :param calculation: that failed.
        :param label: of the exit code for this cause, if it were not recovered from.
        :param action: what is changed, in words.
        :param options: of the scheduler that the next job gets instead.
        :param counts: whether this is one of the attempts that the cause is given.
        """
        if not self.recovery.enabled:
            return self.give_up(calculation, label)
        if counts:
            self.ctx.attempts = {**self.ctx.attempts, label: self.ctx.attempts.get(label, 0) + 1}
        metadata = self.ctx.inputs.metadata
        asked = AttributeDict({**metadata['options'], **(options or {})})
        self.ctx.inputs.metadata = AttributeDict({**metadata, 'options': asked})
        self.report(f'Job {calculation.pk} failed: {self.explain_job(calculation)} The next one has {action}.')
        return ProcessHandlerReport(True)

    def give_up(self, calculation: orm.CalcJobNode, label: str) -> ProcessHandlerReport:
        """End with an exit code that says what was tried."""
        exit_code = self.exit_codes[label].format(
            n_jobs=len(self.ctx.children), pk=calculation.pk, reason=self.explain_job(calculation)
        )
        self.report(exit_code.message)
        return ProcessHandlerReport(True, exit_code)

    # -- words --------------------------------------------------------------------------------------------------------

    @classmethod
    def explain_job(cls, job: orm.CalcJobNode) -> str:
        """Say in a sentence why a job failed, with what the scheduler and the program say."""
        if job.is_excepted:
            return f'AiiDA could not handle it: {(job.exception or "unknown").strip().splitlines()[-1]}'
        said = cls.explain_program(job)
        parts = [job.exit_message, find_interruption(job), f'{cls.program} says: {said}' if said else None]
        sentences = [str(part).rstrip('. ') for part in parts if part]
        words = ''.join(f'{sentence[0].upper()}{sentence[1:]}. ' for sentence in sentences).strip()
        return words or 'It left no message.'

    @classmethod
    def explain_failure(cls, process: orm.ProcessNode) -> str:
        """Return the reason for which a frame has no label: the cause in one word, and what happened.

        :param process: a terminated process of this class that did not end well.
        """
        if process.is_killed:
            return f'Killed: process {process.pk} was killed.'
        if process.is_excepted:
            return f'Excepted: process {process.pk}: {(process.exception or "unknown").strip().splitlines()[-1]}'
        codes = {code.status: label for label, code in cls.exit_codes.items()}
        label = codes.get(process.exit_status, f'EXIT_STATUS_{process.exit_status}').removeprefix('ERROR_')
        return f'{label.title().replace("_", "")}: {process.exit_message}'


def read_retrieved(job: orm.CalcJobNode, name: str) -> str:
    """Return the text of a retrieved file, nothing if it is not there."""
    if 'retrieved' not in job.outputs or name not in job.outputs.retrieved.base.repository.list_object_names():
        return ''
    content: bytes = job.outputs.retrieved.base.repository.get_object_content(name, mode='rb')
    return content.decode('utf-8', 'replace')
