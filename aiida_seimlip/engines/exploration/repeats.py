"""Runs that broke are repeated with other velocities, for more candidates in each iteration."""

from __future__ import annotations

from aiida import orm
from aiida.engine import ExitCode, ProcessHandlerReport, process_handler

from aiida_seimlip.engines.restart import BEFORE_OTHERS, RestartMixin
from aiida_seimlip.functions.parameters import with_other_velocities
from aiida_seimlip.options.exploration import ExplorationRunOptions

BROKE, CANDIDATES_MISSING, CRASHED = ExitCode(410), ExitCode(431), ExitCode(420)
OUT_OF_WALLTIME, INTERRUPTED, OUTPUT_MISSING = ExitCode(400), ExitCode(401), ExitCode(300)
"""How jobs of all exploration programs end; they give these statuses the same labels."""

ENDS = (BROKE, CANDIDATES_MISSING, CRASHED, OUT_OF_WALLTIME)
"""How a job may end that has done what it could."""


class RepeatsMixin(RestartMixin):
    """Repeat a run that broke as often as the option `n_repeats` says; what becomes of a repeat changes nothing.

    All runs together take no more steps than two to the end would.

    ``ctx.parameters`` holds the parameters of the first run; ``ctx.n_repeats`` counts.
    """

    def setup(self) -> None:
        """Start with a clean slate."""
        super().setup()
        self.ctx.n_repeats = 0

    @process_handler(priority=BEFORE_OTHERS - 1, exit_codes=[ExitCode(0), *ENDS])
    def handle_repeat(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Take a repeat of a run that broke as it ended, whatever that is."""
        return self.repeat_or_end(calculation) if self.ctx.n_repeats else None

    def repeat_or_end(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport:
        """Run once more with other velocities, or end where that was done as often as wanted.

        :param calculation: a job that broke, or a repeat of it.
        """
        options = ExplorationRunOptions.shared_by(self.inputs.parameters)
        wanted = options.n_repeats
        n_steps = sum(job.outputs.results['n_steps'] for job in self.all_jobs if 'results' in job.outputs)
        if self.ctx.n_repeats >= wanted or n_steps >= options.n_steps or self._is_last_job():
            return self._end(calculation)
        self.ctx.n_repeats += 1
        self.ctx.inputs.structure = self.inputs.structure
        self.ctx.inputs.parameters = with_other_velocities(self.ctx.parameters, orm.Int(self.ctx.n_repeats))
        self.report(f'the run that broke is repeated with other velocities ({self.ctx.n_repeats} of {wanted})')
        return ProcessHandlerReport(True)
