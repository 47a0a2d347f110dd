"""One VASP job for one frame, run again with other settings where that helps.

The WorkChain of aiida-vasp has handlers of its own, which would act beside ours on the same failures. Ours know what a
label is: one that has been calculated with the settings asked for, or none.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessHandlerReport, ProcessSpec, process_handler
from aiida_vasp.calcs.vasp import VaspCalculation
from aiida_vasp.workchains.v2.vasp import VaspWorkChain, list_valid_objects_in_remote

from aiida_seimlip.engines.interruption import Cause, Interruption, find_interruption
from aiida_seimlip.functions.vasp import lacking_results
from aiida_seimlip.options.vasp import RecoveryOptions
from aiida_seimlip.science.formats.vasp.output import explain_stop

EXIT_CODES = VaspCalculation.exit_codes
MOST_FACTOR = 4
"""So many times the first wall time is asked for at most, if the options say nothing."""

MEMORY_STEPS = 2
"""So often more memory is asked for."""

MIXING = {'algo': 'Normal', 'amix': 0.1, 'bmix': 1e-4}
"""Small linear steps, with hardly any preconditioning."""

DIAGONALISATION = frozenset({'edddav_zhegv', 'eddrmm_zhegv', 'pssyevx', 'pdsyevx', 'pzstein', 'edwav', 'cnormn'})
"""What aiida-vasp calls VASP's complaints about its minimiser."""


class VaspLabelWorkChain(VaspWorkChain):  # type: ignore[misc]
    """Calculate one frame with VASP, or molecular dynamics from it, and recover from failures where that is possible.

    Inputs and outputs are those of `vasp.vasp`. Of the handlers only those of this class act.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:
        """Define what there is beside the ports of `vasp.vasp`."""
        super().define(spec)
        spec.input('recovery', **RecoveryOptions.port('What is done about jobs that fail.'))
        messages = {
            'ERROR_SCF_NOT_CONVERGED': 'The self-consistency cycle did not converge',
            'ERROR_OUT_OF_WALLTIME': 'The wall time was used up',
            'ERROR_OUT_OF_MEMORY': 'The memory was used up',
            'ERROR_OUT_OF_DISK': 'The files could not be written',
            'ERROR_NO_OUTPUT': 'VASP left no results',
            'ERROR_OUTPUT_TRUNCATED': 'The files of VASP are cut off',
            'ERROR_INTERRUPTED': 'The job was interrupted from outside',
            'ERROR_VASP_REFUSED': 'VASP did not accept its input',
            'ERROR_VASP_STOPPED': 'VASP stopped with an error',
        }
        for status, (label, message) in enumerate(messages.items(), start=410):
            spec.exit_code(
                status, label, message=f'{message} in {{n_jobs}} job(s), the last of which is {{pk}}: {{reason}}'
            )

    @classmethod
    def get_process_handlers(cls) -> list[Any]:
        """Return the handlers of this class, without those of aiida-vasp."""
        return [handler for handler in super().get_process_handlers() if handler.__name__ in vars(VaspLabelWorkChain)]

    @cached_property
    def recovery(self) -> RecoveryOptions:
        """What is done about jobs that fail."""
        return RecoveryOptions.from_node(self.inputs.recovery)

    def setup(self) -> None:
        """Note that nothing has been tried yet."""
        super().setup()
        self.ctx.attempts, self.ctx.detour = {}, None
        self.ctx.scf_steps = list(self.recovery.scf)

    def inspect_process(self) -> ExitCode | None:
        """Run a job again that AiiDA could not handle, and call the handlers for all others."""
        job = self.ctx.children[-1]
        if job.is_excepted:
            report = self._resubmit(job, 'ERROR_INTERRUPTED')
            return report.exit_code if report.exit_code.status else None
        return super().inspect_process()

    # -- what lies outside VASP ---------------------------------------------------------------------------------------

    @process_handler(priority=900)
    def handle_out_of_walltime(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Ask for more wall time."""
        if not self._was_interrupted(calculation, Cause.OUT_OF_WALLTIME):
            return None
        options = self.ctx.inputs.metadata['options']
        asked = options.get('max_wallclock_seconds')
        self.ctx.setdefault('first_walltime', asked)
        most = self.recovery.max_wallclock_seconds or MOST_FACTOR * (self.ctx.first_walltime or 0)
        more = min(int(self.recovery.walltime_factor * (asked or 0)), most)
        if not asked or more <= asked:
            return self._give_up(calculation, 'ERROR_OUT_OF_WALLTIME')
        changes = {'options': {**options, 'max_wallclock_seconds': more}}
        return self._run_again(calculation, 'ERROR_OUT_OF_WALLTIME', f'{more} s instead of {asked} s', metadata=changes)

    @process_handler(priority=900)
    def handle_out_of_memory(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Divide the k-points among fewer groups, or ask for more memory or machines."""
        if not self._was_interrupted(calculation, Cause.OUT_OF_MEMORY):
            return None
        label, options, factor = 'ERROR_OUT_OF_MEMORY', self.ctx.inputs.metadata['options'], self.recovery.memory_factor
        if self.ctx.inputs.parameters.get('kpar', 1) > 1:
            return self._run_again(calculation, label, 'KPAR = 1', incar={'kpar': 1})
        allowed = MEMORY_STEPS + (self.inputs.parameters['incar'].get('kpar', 1) > 1)
        if self.ctx.attempts.get(label, 0) >= allowed:
            return self._give_up(calculation, label)
        if options.get('max_memory_kb'):
            more = int(factor * options['max_memory_kb'])
            changes = {'options': {**options, 'max_memory_kb': more}}
            return self._run_again(calculation, label, f'{more} kB of memory', metadata=changes)
        machines = options.get('resources', {}).get('num_machines')
        computer: Any = calculation.computer
        if not machines or computer.scheduler_type == 'core.direct':
            return self._give_up(calculation, label)
        more = math.ceil(factor * machines)
        changes = {'options': {**options, 'resources': {**options['resources'], 'num_machines': more}}}
        return self._run_again(calculation, label, f'{more} machines instead of {machines}', metadata=changes)

    @process_handler(priority=900)
    def handle_io_error(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again that could not write its files."""
        if not self._was_interrupted(calculation, Cause.OUT_OF_DISK):
            return None
        return self._resubmit(calculation, 'ERROR_OUT_OF_DISK')

    @process_handler(priority=900)
    def handle_interruption(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again that was cancelled, had to give way, lost its node, or never began."""
        if not self._was_interrupted(
            calculation, Cause.CANCELLED, Cause.PREEMPTED, Cause.NODE_FAILURE, Cause.NO_OUTPUT
        ):
            return None
        return self._resubmit(calculation, 'ERROR_INTERRUPTED')

    # -- what VASP says -----------------------------------------------------------------------------------------------

    @process_handler(priority=800)
    def handle_refusal(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Give up where VASP does not accept its input: it will not another time."""
        if calculation.is_finished_ok or explain_stop(_read(calculation, 'vasp_output')) is None:
            return None
        return self._give_up(calculation, 'ERROR_VASP_REFUSED')

    @process_handler(priority=700)
    def handle_diagonalisation_failed(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Change the algorithm where the minimiser of VASP fails."""
        if calculation.is_finished_ok or not DIAGONALISATION & set(_notifications(calculation)):
            return None
        return self._take_scf_step(calculation, 'algorithm', 'ERROR_VASP_STOPPED')

    @process_handler(priority=700)
    def handle_mixing_failed(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Mix more cautiously where the mixer of VASP finds very serious problems."""
        if calculation.is_finished_ok or 'brmix' not in _notifications(calculation):
            return None
        return self._take_scf_step(calculation, 'mixing', 'ERROR_SCF_NOT_CONVERGED')

    @process_handler(priority=600, exit_codes=EXIT_CODES.ERROR_ELECTRONIC_NOT_CONVERGED)
    def handle_scf_not_converged(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Change algorithm, mixing and smearing, one after the other; dynamics ends here, with what converged."""
        if not self._is_dynamics:
            step = next(iter(self.ctx.scf_steps), None)
            return self._take_scf_step(calculation, step, 'ERROR_SCF_NOT_CONVERGED')
        self.report(f'The last step of job {calculation.pk} did not converge; the others are kept.')
        self.ctx.is_finished = True
        return ProcessHandlerReport(True)

    @process_handler(priority=600)
    def handle_smearing_converged(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Go back to the smearing asked for, from the wave functions of the wider one."""
        if self.ctx.detour is None or not calculation.is_finished_ok:
            return None
        asked, self.ctx.detour = self.ctx.detour, None
        self.ctx.inputs.parameters.update(asked)
        if 'WAVECAR' in list_valid_objects_in_remote(calculation.outputs.remote_folder):
            self.ctx.inputs.restart_folder = calculation.outputs.remote_folder
        self.report(f'Job {calculation.pk} converged with a wider smearing; the next one goes back to {asked}.')
        return ProcessHandlerReport(True)

    # -- what is left -------------------------------------------------------------------------------------------------

    @process_handler(
        priority=500, exit_codes=[EXIT_CODES.ERROR_CRITICAL_MISSING_OBJECT, EXIT_CODES.ERROR_VASP_DID_NOT_EXECUTE]
    )
    def handle_no_output(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again in which VASP left none of its files."""
        return self._resubmit(calculation, 'ERROR_NO_OUTPUT')

    @process_handler(priority=500)
    def handle_truncated_output(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again whose files are cut off, whatever its exit code says."""
        if not (self._lacks_results(calculation) or calculation.exit_status in _statuses(
            'ERROR_DID_NOT_FINISH', 'ERROR_NOT_ABLE_TO_PARSE_QUANTITY', 'ERROR_NOT_ABLE_TO_CREATE_NODE',
            'ERROR_OVERFLOW_IN_XML', 'ERROR_DIAGNOSIS_OUTPUTS_MISSING',
        )):  # fmt: skip
            return None
        return self._resubmit(calculation, 'ERROR_OUTPUT_TRUNCATED')

    @process_handler(priority=-1000)
    def handle_unrecoverable(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Give up, where no other handler knows better."""
        return None if calculation.is_finished_ok else self._give_up(calculation, 'ERROR_VASP_STOPPED')

    # -- details ------------------------------------------------------------------------------------------------------

    @property
    def _is_dynamics(self) -> bool:
        return bool(self.ctx.inputs.parameters.get('nsw', 0) > 0)

    @cached_property
    def _interruptions(self) -> dict[int | None, Interruption | None]:
        """What interrupted each job, by pk: found once, as all its files are read."""
        return {}

    def _was_interrupted(self, job: orm.CalcJobNode, *causes: Cause) -> bool:
        if job.pk not in self._interruptions:
            self._interruptions[job.pk] = find_interruption(job)
        interruption = self._interruptions[job.pk]
        return interruption is not None and interruption.cause in causes

    def _lacks_results(self, calculation: orm.CalcJobNode) -> bool:
        """Return whether a job that ended well has nothing that could become a label."""
        if not calculation.is_finished_ok:
            return False
        return bool(lacking_results(calculation.outputs.misc.get_dict() if 'misc' in calculation.outputs else {}))

    def _take_scf_step(self, calculation: orm.CalcJobNode, step: str | None, label: str) -> ProcessHandlerReport:
        """Change what a step towards convergence changes, if it was not changed before."""
        if step not in self.ctx.scf_steps or self._is_dynamics:
            return self._give_up(calculation, label)
        self.ctx.scf_steps = [other for other in self.ctx.scf_steps if other != step]
        tags = self.ctx.inputs.parameters
        changes: dict[str, Any] = {
            'nelm': math.ceil(self.recovery.nelm_factor * self.inputs.parameters['incar']['nelm'])
        }
        if step == 'algorithm':
            changes['algo'] = 'Normal' if str(tags.get('algo', 'Normal')).lower().startswith('a') else 'All'
        elif step == 'mixing':
            changes |= MIXING
        else:
            self.ctx.detour = {name: tags[name] for name in ('ismear', 'sigma', 'lwave')}
            changes |= {'ismear': 0, 'sigma': self.recovery.smearing_factor * tags['sigma'], 'lwave': True}
        words = ', '.join(f'{tag.upper()} = {value}' for tag, value in changes.items())
        return self._run_again(calculation, label, words, incar=changes)

    def _resubmit(self, calculation: orm.CalcJobNode, label: str) -> ProcessHandlerReport:
        """Run a job again as it was, as often as the options allow for each cause."""
        if self.ctx.attempts.get(label, 0) >= self.recovery.resubmissions:
            return self._give_up(calculation, label)
        return self._run_again(calculation, label, 'the same settings')

    def _run_again(
        self, calculation: orm.CalcJobNode, label: str, action: str, *, incar: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> ProcessHandlerReport:  # fmt: skip
        """Run another job, with some settings changed.

        :param label: of the exit code for this cause, if it were not recovered from.
        :param action: what is changed, in words.
        """
        if not self.recovery.enabled:
            return self._give_up(calculation, label)
        self.ctx.attempts = {**self.ctx.attempts, label: self.ctx.attempts.get(label, 0) + 1}
        self.ctx.inputs.parameters.update(incar or {})
        self.ctx.inputs.metadata = {**self.ctx.inputs.metadata, **(metadata or {})}
        self.report(f'Job {calculation.pk} failed: {explain_job(calculation)} The next one has {action}.')
        return ProcessHandlerReport(True)

    def _give_up(self, calculation: orm.CalcJobNode, label: str) -> ProcessHandlerReport:
        exit_code = self.exit_codes[label].format(
            n_jobs=len(self.ctx.children), pk=calculation.pk, reason=explain_job(calculation)
        )
        self.report(exit_code.message)
        return ProcessHandlerReport(True, exit_code)


def explain_job(job: orm.CalcJobNode) -> str:
    """Say in a sentence why a job failed, with what the scheduler and VASP say."""
    if job.is_excepted:
        return f'AiiDA could not handle it: {(job.exception or "unknown").strip().splitlines()[-1]}'
    said = explain_stop(_read(job, 'vasp_output')) or '; '.join(_notifications(job).values())
    parts = [job.exit_message, find_interruption(job), f'VASP says: {said}' if said else None]
    sentences = [str(part).rstrip('. ') for part in parts if part]
    return ''.join(f'{sentence[0].upper()}{sentence[1:]}. ' for sentence in sentences).strip() or 'It left no message.'


def explain_failure(process: orm.ProcessNode) -> str:
    """Return the reason for which a frame has no label: the cause in one word, and what happened.

    :param process: a terminated `VaspLabelWorkChain` that did not end well.
    """
    if process.is_killed:
        return f'Killed: process {process.pk} was killed.'
    if process.is_excepted:
        return f'Excepted: process {process.pk}: {(process.exception or "unknown").strip().splitlines()[-1]}'
    codes = {code.status: label for label, code in VaspLabelWorkChain.exit_codes.items()}
    label = codes.get(process.exit_status, f'EXIT_STATUS_{process.exit_status}').removeprefix('ERROR_')
    return f'{label.title().replace("_", "")}: {process.exit_message}'


def _notifications(job: orm.CalcJobNode) -> dict[str, str]:
    """Return what aiida-vasp recognised in the output of VASP, by its names."""
    found = job.outputs.misc.get_dict().get('notifications', []) if 'misc' in job.outputs else []
    return {entry['name']: entry['message'] for entry in found}


def _statuses(*labels: str) -> set[int]:
    return {EXIT_CODES[label].status for label in labels}


def _read(job: orm.CalcJobNode, name: str) -> str:
    """Return the text of a retrieved file, nothing if it is not there."""
    if 'retrieved' not in job.outputs or name not in job.outputs.retrieved.base.repository.list_object_names():
        return ''
    content: bytes = job.outputs.retrieved.base.repository.get_object_content(name, mode='rb')
    return content.decode('utf-8', 'replace')
