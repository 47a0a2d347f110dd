"""Training with MLIP-3's ``mlp train``, or with ``seimlip-mlp``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessHandlerReport, ProcessSpec, process_handler

from aiida_seimlip.calculations.mlip3_train import Mlip3TrainCalculation
from aiida_seimlip.engines.interruption import Cause, find_interruption
from aiida_seimlip.engines.restart import BEFORE_OTHERS, RestartMixin
from aiida_seimlip.engines.training.contract import TrainingWorkChain
from aiida_seimlip.functions.campaign.training import join_histories, with_remaining_iterations
from aiida_seimlip.options.mlip3 import Mlip3TrainOptions

EXIT_CODES = Mlip3TrainCalculation.spec().exit_codes

CAUSES = ('ERROR_BAD_DATA', 'ERROR_UNKNOWN_SPECIES', 'ERROR_DIVERGED', 'ERROR_OUT_OF_WALLTIME')
"""Exit codes of the job that are exit codes of the process as well; all others are `ERROR_NO_POTENTIAL`."""

INCOMPLETE = [EXIT_CODES[f'ERROR_{end}'] for end in ('OUTPUT_STDOUT_MISSING', 'OUTPUT_MISSING', 'POTENTIAL_INCOMPLETE')]


class Mlip3TrainingWorkChain(TrainingWorkChain, RestartMixin):
    """Train a moment tensor potential and build its active set; a job goes on where the last one was stopped."""

    _process_class = Mlip3TrainCalculation
    plugin_prefix = 'seimlip.mlip3.'
    failure = 'ERROR_NO_POTENTIAL'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters."""
        super().define(spec)
        spec.inputs['start'].required = True
        spec.input('parameters', **Mlip3TrainOptions.port('How to train.'))

    @classmethod
    def selection_mode(cls, settings: Mapping[str, Any]) -> str | None:
        """Return the mode that the parameters ask for."""
        return Mlip3TrainOptions.from_node(settings.get('parameters')).al_mode

    def setup(self) -> None:
        """Begin at the start that was given; say so if labels are learned from that do not go together."""
        super().setup()
        self.report_mixture()
        self.ctx.n_fruitless = self.ctx.first_job = 0

    @process_handler(priority=BEFORE_OTHERS + 1)
    def handle_checkpoint(self, calculation: orm.CalcJobNode) -> None:
        """Let the next job, if another handler decides for one, go on from the last good potential."""
        if 'checkpoint' in calculation.outputs:
            self.ctx.inputs.start, results = calculation.outputs.checkpoint, calculation.outputs.results
            self.ctx.inputs.parameters = with_remaining_iterations(calculation.inputs.parameters, results)
            self.report(f'Job {calculation.pk} did {results["n_iterations"]} iterations; the next goes on from there.')

    @process_handler(exit_codes=[EXIT_CODES.ERROR_OUT_OF_WALLTIME, EXIT_CODES.ERROR_COMMAND_STOPPED])
    def handle_stopped(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Go on as long as the jobs get on; start a job that did not get on again, once."""
        if 'checkpoint' in calculation.outputs:
            return self._run_again(calculation, 'The next job goes on.')
        return self._run_fruitless_again(calculation)

    @process_handler(exit_codes=INCOMPLETE)
    def handle_incomplete_output(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Start a job again, once, whose potential is missing or half written."""
        return self._run_fruitless_again(calculation)

    @process_handler(exit_codes=EXIT_CODES.ERROR_DIVERGED)
    def handle_divergence(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Go back to the first start, if it was not from there that the job diverged."""
        if self.ctx.inputs.start.uuid == self.inputs.start.uuid:
            return None
        self.ctx.inputs.start, self.ctx.inputs.parameters = self.inputs.start, self.inputs.parameters
        self.ctx.first_job = len(self.all_jobs)
        return self._run_again(calculation, 'The next job begins at the first start again.')

    def results(self) -> ExitCode | None:
        """Attach the outputs of the last job, and the history of all that led to it."""
        super().results()
        jobs = [job for job in self.all_jobs[self.ctx.first_job :] if 'history' in job.outputs]
        if len(jobs) > 1:
            self.out('history', join_histories(**{f'job_{i:02d}': job.outputs.history for i, job in enumerate(jobs)}))
        return None

    def failure_of(self, job: orm.CalcJobNode) -> str:
        """Tell the cause."""
        interruption = find_interruption(job)
        if interruption is not None and interruption.cause is Cause.OUT_OF_WALLTIME:
            return 'ERROR_OUT_OF_WALLTIME'
        return next((label for label in CAUSES if job.exit_status == EXIT_CODES[label].status), self.failure)

    def _run_fruitless_again(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        self.ctx.n_fruitless += 1
        return None if self.ctx.n_fruitless > 1 else self._run_again(calculation, 'It is started again.')

    def _run_again(self, calculation: orm.CalcJobNode, action: str) -> ProcessHandlerReport | None:
        return None if self._is_last_job() else self.run_next_job(calculation, action)
