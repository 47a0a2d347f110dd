"""What exploration engines do about the ways in which their jobs end, which are the same whatever program runs."""

from __future__ import annotations

from aiida import orm
from aiida.engine import ExitCode, ProcessHandlerReport, process_handler

from aiida_seimlip.engines.exploration.repeats import (
    BROKE,
    CANDIDATES_MISSING,
    CRASHED,
    INTERRUPTED,
    OUT_OF_WALLTIME,
    OUTPUT_MISSING,
    RepeatsMixin,
)
from aiida_seimlip.functions.campaign.runs import merge_runs
from aiida_seimlip.functions.parameters import with_back_off, with_remaining_steps
from aiida_seimlip.options.exploration import ExplorationRunOptions


class EndingsMixin(RepeatsMixin):
    """Take breaks for what they are, crashes with more caution, and go on where the wall time ended.

    Comes behind a contract among the base classes. ``ctx.parameters`` holds the parameters of the first run.
    """

    def setup(self) -> None:
        """Start with a clean slate."""
        super().setup()
        self.ctx.n_crashes = 0

    @process_handler(exit_codes=[BROKE, CANDIDATES_MISSING])
    def handle_break(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport:
        """Take the break for what it is: an expected end, and what the exploration was for."""
        return self._end(calculation) if self.ctx.n_crashes else self.repeat_or_end(calculation)

    @process_handler(exit_codes=CRASHED)
    def handle_crash(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport:
        """Try again from the start with smaller steps, then cooler as well; in the end take the crash as data."""
        self.ctx.n_crashes += 1
        retries = ExplorationRunOptions.shared_by(self.inputs.parameters).crash_retries
        if self.ctx.n_crashes > retries or self._is_last_job():
            return self._end(calculation)
        self.ctx.inputs.structure = self.inputs.structure
        parameters = self.ctx.inputs.parameters = with_back_off(self.ctx.parameters, orm.Int(self.ctx.n_crashes))
        conditions = f'steps of {parameters["timestep"]:g} fs at {parameters["temperature"]:g} K'
        return self.run_next_job(calculation, f'It is tried again from its start in {conditions}.')

    @process_handler(exit_codes=OUT_OF_WALLTIME)
    def handle_out_of_walltime(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Go on from the last step, with its velocities."""
        if 'final' not in calculation.outputs or not calculation.outputs.results['n_steps']:
            return None
        if self._is_last_job():
            return self._end(calculation)
        self.ctx.inputs.structure = calculation.outputs.final
        self.ctx.inputs.parameters = with_remaining_steps(calculation.inputs.parameters, calculation.outputs.results)
        return self.run_next_job(calculation, 'The next job goes on from there.')

    @process_handler(exit_codes=[INTERRUPTED, OUTPUT_MISSING])
    def handle_interrupted(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Start the same job once more."""
        return None if self.ctx.iteration > 1 else self.run_next_job(calculation, 'It is started again.')

    def results(self) -> ExitCode | None:
        """Attach the outputs; those of several jobs are joined."""
        runs = self.collect_runs('results', 'candidates', 'trajectory', 'final')
        if len(runs) <= 1:
            return super().results()
        finals = [run.pop('final', None) for run in runs.values()]
        self.out_many(merge_runs(self.inputs.parameters, **runs))
        if finals[-1] is not None and not self.ctx.n_repeats and self.outputs['results']['outcome'] != 'crashed':
            self.out('final', finals[-1])
        return None
