"""What the dynamics engines have in common: a run goes on over as many jobs as the wall time makes of it."""

from __future__ import annotations

from aiida import orm
from aiida.engine import ExitCode, ProcessHandlerReport, ProcessSpec, process_handler

from aiida_seimlip.engines.restart import RestartMixin
from aiida_seimlip.functions.parameters import with_remaining_steps
from aiida_seimlip.functions.transport.dynamics import join_dynamics

ENDS = ('ERROR_CRASHED', 'BREAKING_THRESHOLD_EXCEEDED', 'ERROR_CANDIDATES_MISSING')
"""Exit codes of a job that has an outcome other than its goal; what there is of it is kept."""

MAX_JOBS = 100
"""A run of nanoseconds takes many jobs of a day each."""


class ContinuationMixin(RestartMixin):
    """Go on from the last frame where the wall time ended; take a crash as an outcome; join what the jobs give."""

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define how long a run may take."""
        super().define(spec)
        spec.input(
            'max_iterations', valid_type=orm.Int, serializer=orm.to_aiida_type, default=lambda: orm.Int(MAX_JOBS),
            help='How many jobs there may be, one after the other; after that many the run ends with the outcome '
            '`out_of_walltime` and what there is.',
        )  # fmt: skip

    @process_handler(priority=60)
    def handle_end(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Take a crash, or a break of a run with grades, for what it is: an outcome, with all that there is."""
        codes = self.process_class.spec().exit_codes
        if calculation.exit_status not in {codes[label].status for label in ENDS if label in codes}:
            return None
        return self._end(calculation)

    @process_handler(priority=50)
    def handle_out_of_walltime(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Go on from the last step, with its velocities."""
        status = self.process_class.spec().exit_codes.ERROR_OUT_OF_WALLTIME.status
        if calculation.exit_status != status or not self._can_go_on(calculation):
            return None
        return self._end(calculation) if self._is_last_job() else self._go_on(calculation)

    @process_handler(priority=40)
    def handle_interrupted(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Go on from the last frame that was kept; without one, start the same job once more."""
        codes = self.process_class.spec().exit_codes
        if calculation.exit_status not in (codes.ERROR_INTERRUPTED.status, codes.ERROR_OUTPUT_MISSING.status):
            return None
        if self._can_go_on(calculation) and not self._is_last_job():
            return self._go_on(calculation)
        if self.ctx.get('was_interrupted', False) or self._is_last_job():
            return None
        self.ctx.was_interrupted = True
        return self.run_next_job(calculation, 'It is started again.')

    def results(self) -> ExitCode | None:
        """Attach the outputs; those of several jobs are joined."""
        runs = self.collect_runs('results', 'track', 'trajectory', 'final')
        if len(runs) <= 1:
            return super().results()
        finals = [run.pop('final', None) for run in runs.values()]
        self.out_many(join_dynamics(**runs))
        if finals[-1] is not None:
            self.out('final', finals[-1])
        return None

    def _can_go_on(self, calculation: orm.CalcJobNode) -> bool:
        """Return whether a job has got somewhere and left the frame to go on from."""
        outputs = calculation.outputs
        return 'final' in outputs and 'results' in outputs and bool(outputs.results['n_steps'])

    def _go_on(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport:
        """Let the next job do the rest."""
        self.ctx.inputs.structure = calculation.outputs.final
        self.ctx.inputs.parameters = with_remaining_steps(calculation.inputs.parameters, calculation.outputs.results)
        return self.run_next_job(calculation, 'The next job goes on from there.')
