"""One job of pw.x for one frame, run again with other settings where that helps."""

from __future__ import annotations

import math
from typing import Any

from aiida import orm
from aiida.engine import ProcessHandlerReport, WorkChain, process_handler
from aiida_quantumespresso.calculations.pw import PwCalculation
from aiida_quantumespresso.common.types import RestartType
from aiida_quantumespresso.workflows.pw.base import PwBaseWorkChain

from aiida_seimlip.engines.reference.recovery import RecoveryMixin, read_retrieved
from aiida_seimlip.functions.job_labels import LabelError
from aiida_seimlip.functions.quantumespresso import STDOUT, has_too_few_bands, read_result
from aiida_seimlip.options.quantumespresso import PwRecoveryOptions
from aiida_seimlip.science.formats.espresso.stdout import find_error, is_refusal

EXIT_CODES = PwCalculation.exit_codes
CRASH = 'CRASH'

DIAGONALISATION = tuple(EXIT_CODES[label] for label in (
    'ERROR_COMPUTING_CHOLESKY', 'ERROR_DIAGONALIZATION_TOO_MANY_BANDS_NOT_CONVERGED',
    'ERROR_S_MATRIX_NOT_POSITIVE_DEFINITE', 'ERROR_ZHEGVD_FAILED', 'ERROR_QR_FAILED', 'ERROR_EIGENVECTOR_CONVERGENCE',
    'ERROR_BROYDEN_FACTORIZATION',
))  # fmt: skip
"""What aiida-quantumespresso calls pw.x's complaints about its eigenvalues."""

CUT_OFF = tuple(EXIT_CODES[label] for label in (
    'ERROR_OUTPUT_XML_MISSING', 'ERROR_OUTPUT_XML_MULTIPLE', 'ERROR_OUTPUT_FILES', 'ERROR_OUTPUT_STDOUT_READ',
    'ERROR_OUTPUT_STDOUT_PARSE', 'ERROR_OUTPUT_STDOUT_INCOMPLETE', 'ERROR_OUTPUT_XML_READ', 'ERROR_OUTPUT_XML_PARSE',
    'ERROR_OUTPUT_XML_FORMAT', 'ERROR_UNEXPECTED_PARSER_EXCEPTION',
))  # fmt: skip
"""Exit codes of jobs whose files are not complete."""

BAND_FACTOR = 1.2
"""So many times the bands are asked for where there were too few."""


class PwLabelWorkChain(RecoveryMixin, PwBaseWorkChain):  # type: ignore[misc]
    """Calculate one frame with pw.x, and recover from failures where that is possible.

    Inputs and outputs are those of `quantumespresso.pw.base`. Of the handlers only those of this package act.
    """

    program, word, recovery_options = 'Quantum ESPRESSO', 'PW', PwRecoveryOptions

    def setup(self) -> None:
        """Note that nothing has been tried yet."""
        super().setup()
        self.ctx.detour = None
        self.ctx.scf_steps = list(self.recovery.scf)

    def prepare_process(self) -> None:
        """Let pw.x stop by itself before the wall time ends, also where the next job has more of it."""
        self.ctx.inputs.parameters['CONTROL'].pop('max_seconds', None)
        super().prepare_process()

    def on_terminated(self) -> None:
        """Clean the folders of jobs, but leave those of a frame without a label to be looked at."""
        if self.node.is_finished_ok:
            super().on_terminated()
        else:
            WorkChain.on_terminated(self)

    @classmethod
    def explain_program(cls, job: orm.CalcJobNode) -> str:
        """Return what pw.x says of its end."""
        error = _error_of(job)
        return '' if error is None else error[1]

    def save_memory(self) -> str | None:
        """Let all processes work on the same k-point: each group holds a copy of everything else."""
        given = self.ctx.inputs.get('parallelization')
        groups = {} if given is None else dict(given)
        if groups.get('npool', 1) == 1:
            return None
        self.ctx.inputs.parallelization = {**groups, 'npool': 1}
        return 'npool = 1'

    def says_out_of_walltime(self, job: orm.CalcJobNode) -> bool:
        """Return whether pw.x stopped by itself, or would have if it had been given time to."""
        return job.exit_status in _statuses('ERROR_OUT_OF_WALLTIME', 'ERROR_OUT_OF_WALLTIME_INTERRUPTED')

    def run_again(
        self, calculation: orm.CalcJobNode, label: str, action: str, **changes: Any
    ) -> ProcessHandlerReport:  # fmt: skip
        """Run another job, from where the last one was if it stopped by itself, else from the beginning."""
        if calculation.exit_status == EXIT_CODES.ERROR_OUT_OF_WALLTIME.status:
            self.set_restart_type(RestartType.FULL, calculation.outputs.remote_folder)
        else:
            self.set_restart_type(RestartType.FROM_SCRATCH)
        return super().run_again(calculation, label, action, **changes)

    # -- what pw.x says -----------------------------------------------------------------------------------------------

    @process_handler(priority=950)
    def handle_io_failed(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again that could not read or write its wave functions."""
        error = None if calculation.is_finished_ok else _error_of(calculation)
        if error is None or error[0] not in ('davcio', 'diropn', 'opendb', 'seqopn'):
            return None
        return self.resubmit(calculation, 'ERROR_OUT_OF_DISK')

    @process_handler(priority=940)
    def handle_too_many_pools(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Divide the k-points among fewer groups where some groups have none."""
        if calculation.exit_status != EXIT_CODES.ERROR_NPOOLS_TOO_HIGH.status:
            return None
        saved = self.save_memory()
        if saved is None:
            return self.give_up(calculation, 'ERROR_PW_REFUSED')
        return self.run_again(calculation, 'ERROR_PW_REFUSED', saved)

    @process_handler(priority=800)
    def handle_refusal(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Give up where pw.x does not accept its input: it will not another time."""
        error = None if calculation.is_finished_ok else _error_of(calculation)
        if error is None or not is_refusal(error[0]):
            return None
        return self.give_up(calculation, 'ERROR_PW_REFUSED')

    @process_handler(priority=700, exit_codes=list(DIAGONALISATION))
    def handle_diagonalisation_failed(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Change the algorithm where the eigenvalues cannot be found: conjugate gradients are slow, but robust."""
        electrons = self.ctx.inputs.parameters['ELECTRONS']
        asked = str(electrons.get('diagonalization', 'david')).lower()
        if self.ctx.attempts.get('ERROR_PW_STOPPED', 0):
            return self.give_up(calculation, 'ERROR_PW_STOPPED')
        electrons['diagonalization'] = 'david' if asked == 'cg' else 'cg'
        return self.run_again(
            calculation, 'ERROR_PW_STOPPED', f'diagonalization = {electrons["diagonalization"]} instead of {asked}'
        )

    @process_handler(priority=600, exit_codes=EXIT_CODES.ERROR_ELECTRONIC_CONVERGENCE_NOT_REACHED)
    def handle_scf_not_converged(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Change mixing, screening and smearing, one after the other; what has not converged is never a label."""
        step = next(iter(self.ctx.scf_steps), None)
        if step is None:
            return self.give_up(calculation, 'ERROR_SCF_NOT_CONVERGED')
        self.ctx.scf_steps = self.ctx.scf_steps[1:]
        parameters = self.ctx.inputs.parameters
        electrons, system, asked = parameters['ELECTRONS'], parameters['SYSTEM'], self.inputs.pw.parameters['ELECTRONS']
        changes: dict[str, Any] = {
            'electron_maxstep': math.ceil(self.recovery.maxstep_factor * asked.get('electron_maxstep', 100)),
        }  # fmt: skip
        if step == 'smearing':
            if 'degauss' not in system:
                return self.give_up(calculation, 'ERROR_SCF_NOT_CONVERGED')
            self.ctx.detour = system['degauss']
            system['degauss'] = self.recovery.smearing_factor * system['degauss']
            words = f'degauss = {system["degauss"]:.4g} Ry'
        else:
            beta = electrons.get('mixing_beta', 0.7)
            changes['mixing_beta'] = self.recovery.mixing_factor * beta
            words = f'mixing_beta = {changes["mixing_beta"]:.3g}'
            if step == 'screening':
                changes |= {'mixing_mode': 'local-TF', 'mixing_beta': beta}
                words = 'mixing_mode = local-TF'
        electrons.update(changes)
        return self.run_again(
            calculation, 'ERROR_SCF_NOT_CONVERGED', f'{words}, electron_maxstep = {changes["electron_maxstep"]}'
        )

    @process_handler(priority=600)
    def handle_smearing_converged(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Go back to the smearing asked for, from the density of the wider one."""
        if self.ctx.detour is None or not calculation.is_finished_ok:
            return None
        self.ctx.inputs.parameters['SYSTEM']['degauss'], self.ctx.detour = self.ctx.detour, None
        self.set_restart_type(RestartType.FROM_CHARGE_DENSITY, calculation.outputs.remote_folder)
        self.report(f'Job {calculation.pk} converged with a wider smearing; the next one goes back to that asked for.')
        return ProcessHandlerReport(True)

    @process_handler(priority=550)
    def handle_too_few_bands(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Ask for more bands where the uppermost one is occupied."""
        found = _result_of(calculation)
        if found is None or not has_too_few_bands(found):
            return None
        if self.ctx.attempts.get('too few bands', 0) >= 2:
            return None  # what is made of its files says so
        self.ctx.attempts = {**self.ctx.attempts, 'too few bands': self.ctx.attempts.get('too few bands', 0) + 1}
        bands = calculation.outputs.output_parameters.get_dict()['number_of_bands']
        more = math.ceil(BAND_FACTOR * bands) + 2
        self.ctx.inputs.parameters['SYSTEM']['nbnd'] = more
        self.set_restart_type(RestartType.FROM_SCRATCH)
        self.report(
            f'The uppermost band of job {calculation.pk} is occupied; the next one has {more} bands, not {bands}.'
        )
        return ProcessHandlerReport(True)

    # -- what is left -------------------------------------------------------------------------------------------------

    @process_handler(priority=500, exit_codes=EXIT_CODES.ERROR_OUTPUT_STDOUT_MISSING)
    def handle_no_output(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again in which pw.x left none of its files."""
        return self.resubmit(calculation, 'ERROR_NO_OUTPUT')

    @process_handler(priority=500, exit_codes=list(CUT_OFF))
    def handle_truncated_output(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again whose files are cut off; one that left next to nothing never worked."""
        said = read_retrieved(calculation, STDOUT)
        return self.resubmit(calculation, 'ERROR_OUTPUT_TRUNCATED' if 'PWSCF' in said else 'ERROR_NO_OUTPUT')


def _error_of(job: orm.CalcJobNode) -> tuple[str, str] | None:
    """Return the routine that stopped pw.x, and its message."""
    return find_error(read_retrieved(job, STDOUT)) or find_error(read_retrieved(job, CRASH))


def _result_of(job: orm.CalcJobNode) -> Any:
    """Return what a job that ended well has found, None if it cannot be read."""
    if not job.is_finished_ok or 'retrieved' not in job.outputs:
        return None
    try:
        return read_result(job.outputs.retrieved)
    except LabelError:
        return None


def _statuses(*labels: str) -> set[int]:
    return {EXIT_CODES[label].status for label in labels}
