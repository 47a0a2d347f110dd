"""Paths with any ASE calculator."""

from __future__ import annotations

from aiida import orm
from aiida.engine import CalcJob, ExitCode, ProcessHandlerReport, ProcessSpec, process_handler

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.calculations.neb import NebCalculation
from aiida_seimlip.engines.path.contract import PathWorkChain
from aiida_seimlip.engines.restart import RestartMixin
from aiida_seimlip.functions.barrier.neb import merge_bands
from aiida_seimlip.functions.parameters import with_fixed_atoms, with_relaxation
from aiida_seimlip.options.barrier.neb import BandOptions

EXIT_CODES = NebCalculation.spec().exit_codes


class AsePathWorkChain(PathWorkChain, RestartMixin):
    """Relax a band, or its ends, with an ASE calculator; a band that was cut off is gone on with."""

    plugin_prefix = 'seimlip.ase'
    failure = 'ERROR_PROGRAM_FAILED'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters."""
        super().define(spec)
        spec.input('parameters', **BandOptions.port('The calculator, and how the band is relaxed.'))

    @property
    def process_class(self) -> type[CalcJob]:
        """The job: `AseCalculation` for relaxations of single images."""
        return AseCalculation if 'relax' in self.inputs else NebCalculation

    def setup(self) -> None:
        """Take the inputs of the job from those of the contract."""
        super().setup()
        fixed = {'fixed': self.inputs.fixed} if 'fixed' in self.inputs else {}
        if 'relax' in self.inputs:
            self.ctx.inputs.frames = self.inputs.images
            self.ctx.inputs.parameters = with_relaxation(self.inputs.parameters, self.inputs.relax, **fixed)
        elif fixed:
            self.ctx.inputs.parameters = with_fixed_atoms(self.inputs.parameters, **fixed)

    @process_handler(exit_codes=[EXIT_CODES.ERROR_OUT_OF_WALLTIME, EXIT_CODES.ERROR_INTERRUPTED], priority=950)
    def handle_cut_off(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Go on from the last band."""
        if 'path' not in calculation.outputs or not calculation.outputs.results['n_steps']:
            return None
        return self._go_on(calculation)

    @process_handler(exit_codes=EXIT_CODES.ERROR_NOT_CONVERGED)
    def handle_not_converged(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport:
        """Go on from the last band, as long as each job brings it nearer to the path."""
        results = calculation.outputs.results
        return self._go_on(calculation) if results['fmax'] < results['residuals'][0] else self._give_up()

    @process_handler(exit_codes=AseCalculation.spec().exit_codes.ERROR_ALL_FRAMES_FAILED)
    def handle_not_relaxed(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Say why the images were not relaxed."""
        if 'failures' not in calculation.outputs:
            return None
        self.ctx.is_finished = True
        return ProcessHandlerReport(True, self._attach_relaxed(calculation))

    def results(self) -> ExitCode | None:
        """Attach the last band, or the relaxed images."""
        if 'relax' in self.inputs:
            return self._attach_relaxed(self.ctx.children[-1])
        jobs = [job for job in self.all_jobs if 'path' in job.outputs]
        if len(jobs) <= 1:
            return super().results()
        self.out('path', jobs[-1].outputs.path)
        found = {f'job_{number:02d}': job.outputs.results for number, job in enumerate(jobs)}
        self.out('results', merge_bands(**found))
        return None

    # -- details ------------------------------------------------------------------------------------------------------

    def _attach_relaxed(self, job: orm.CalcJobNode) -> ExitCode | None:
        if 'labelled' in job.outputs:
            self.out('path', job.outputs.labelled)
        for index, reason in job.outputs.failures.get_dict().items():
            return self.exit_codes.ERROR_RELAXATION_FAILED.format(index=index, reason=reason)
        return None

    def _go_on(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport:
        if self._is_last_job():
            return self._give_up()
        self.ctx.inputs.images = calculation.outputs.path
        return self.run_next_job(calculation, 'The next job goes on from its last band.')

    def _give_up(self) -> ProcessHandlerReport:
        self.results()
        self.ctx.is_finished = True
        details = {name: self.outputs['results'][name] for name in ('n_jobs', 'fmax', 'n_steps')}
        return ProcessHandlerReport(True, self.exit_codes.ERROR_NOT_CONVERGED.format(**details))
