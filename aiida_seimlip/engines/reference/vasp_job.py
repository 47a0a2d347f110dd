"""One VASP job for one frame, run again with other settings where that helps."""

from __future__ import annotations

import math
from typing import Any

from aiida import orm
from aiida.engine import ProcessHandlerReport, process_handler
from aiida_vasp.calcs.vasp import VaspCalculation
from aiida_vasp.workchains.v2.vasp import VaspWorkChain, list_valid_objects_in_remote

from aiida_seimlip.engines.reference.recovery import RecoveryMixin, read_retrieved
from aiida_seimlip.functions.vasp import lacking_results
from aiida_seimlip.options.vasp import VaspRecoveryOptions
from aiida_seimlip.science.formats.vasp.output import explain_stop

EXIT_CODES = VaspCalculation.exit_codes

MIXING = {'algo': 'Normal', 'amix': 0.1, 'bmix': 1e-4}
"""Small linear steps, with hardly any preconditioning."""

DIAGONALISATION = frozenset({'edddav_zhegv', 'eddrmm_zhegv', 'pssyevx', 'pdsyevx', 'pzstein', 'edwav', 'cnormn'})
"""What aiida-vasp calls VASP's complaints about its minimiser."""


class VaspLabelWorkChain(RecoveryMixin, VaspWorkChain):  # type: ignore[misc]
    """Calculate one frame with VASP, or molecular dynamics from it, and recover from failures where that is possible.

    Inputs and outputs are those of `vasp.vasp`. Of the handlers only those of this package act.
    """

    program, word, recovery_options = 'VASP', 'VASP', VaspRecoveryOptions

    def setup(self) -> None:
        """Note that nothing has been tried yet."""
        super().setup()
        self.ctx.detour = None
        self.ctx.scf_steps = list(self.recovery.scf)

    @classmethod
    def explain_program(cls, job: orm.CalcJobNode) -> str:
        """Return what VASP says of its end."""
        return explain_stop(read_retrieved(job, 'vasp_output')) or '; '.join(_notifications(job).values())

    def save_memory(self) -> str | None:
        """Let all processes work on the same k-point."""
        if self.ctx.inputs.parameters.get('kpar', 1) == 1:
            return None
        self.ctx.inputs.parameters['kpar'] = 1
        return 'KPAR = 1'

    # -- what VASP says -----------------------------------------------------------------------------------------------

    @process_handler(priority=800)
    def handle_refusal(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Give up where VASP does not accept its input: it will not another time."""
        if calculation.is_finished_ok or explain_stop(read_retrieved(calculation, 'vasp_output')) is None:
            return None
        return self.give_up(calculation, 'ERROR_VASP_REFUSED')

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
        return self.resubmit(calculation, 'ERROR_NO_OUTPUT')

    @process_handler(priority=500)
    def handle_truncated_output(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Run a job again whose files are cut off, whatever its exit code says."""
        if not (self._lacks_results(calculation) or calculation.exit_status in _statuses(
            'ERROR_DID_NOT_FINISH', 'ERROR_NOT_ABLE_TO_PARSE_QUANTITY', 'ERROR_NOT_ABLE_TO_CREATE_NODE',
            'ERROR_OVERFLOW_IN_XML', 'ERROR_DIAGNOSIS_OUTPUTS_MISSING',
        )):  # fmt: skip
            return None
        return self.resubmit(calculation, 'ERROR_OUTPUT_TRUNCATED')

    # -- details ------------------------------------------------------------------------------------------------------

    @property
    def _is_dynamics(self) -> bool:
        return bool(self.ctx.inputs.parameters.get('nsw', 0) > 0)

    def _lacks_results(self, calculation: orm.CalcJobNode) -> bool:
        """Return whether a job that ended well has nothing that could become a label."""
        if not calculation.is_finished_ok:
            return False
        return bool(lacking_results(calculation.outputs.misc.get_dict() if 'misc' in calculation.outputs else {}))

    def _take_scf_step(self, calculation: orm.CalcJobNode, step: str | None, label: str) -> ProcessHandlerReport:
        """Change what a step towards convergence changes, if it was not changed before."""
        if step not in self.ctx.scf_steps or self._is_dynamics:
            return self.give_up(calculation, label)
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
        tags.update(changes)
        return self.run_again(calculation, label, words)


def _notifications(job: orm.CalcJobNode) -> dict[str, str]:
    """Return what aiida-vasp recognised in the output of VASP, by its names."""
    found = job.outputs.misc.get_dict().get('notifications', []) if 'misc' in job.outputs else []
    return {entry['name']: entry['message'] for entry in found}


def _statuses(*labels: str) -> set[int]:
    return {EXIT_CODES[label].status for label in labels}
