"""Exploration with LAMMPS and a moment tensor potential, or with ``seimlip-lmp``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessHandlerReport, ProcessSpec, process_handler

from aiida_seimlip.calculations.lammps import LammpsCalculation, faults_of_ranks
from aiida_seimlip.engines.exploration.contract import ExplorationWorkChain
from aiida_seimlip.engines.exploration.dialect import DialectMixin
from aiida_seimlip.engines.exploration.repeats import RepeatsMixin
from aiida_seimlip.functions.campaign.runs import merge_runs
from aiida_seimlip.functions.parameters import with_back_off, with_remaining_steps
from aiida_seimlip.options.lammps import AUTO, LammpsOptions

EXIT_CODES = LammpsCalculation.spec().exit_codes


class LammpsExplorationWorkChain(ExplorationWorkChain, RepeatsMixin, DialectMixin):
    """Run molecular dynamics that stops itself where the potential extrapolates."""

    _process_class = LammpsCalculation
    plugin_prefix = 'seimlip.lammps'
    failure = 'ERROR_PROGRAM_FAILED'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters."""
        super().define(spec)
        spec.input('parameters', **LammpsOptions.port('Ensemble, length, thresholds and output.'))

    @classmethod
    def faults_of_call(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield what makes an exploration pointless, too.

        :param inputs: as in the base class; `species`, the chemical symbols that there will be, and `selection_mode`,
            of the active set that there will be, stand in for a potential that is not there yet.
        """
        options = LammpsOptions.from_node(inputs['parameters'])
        if not options.with_grades:
            yield 'Input `parameters` switches `with_grades` off: without grades an exploration meets nothing unknown.'
        strange = sorted(set(options.masses) - set(inputs.get('species') or options.masses))
        if strange:
            yield f'Input `parameters` gives masses of {", ".join(strange)}, which occur nowhere.'
        if 'potential' not in inputs and options.dialect != AUTO:
            job = inputs['options'].get_dict() if 'options' in inputs else {}
            yield from faults_of_ranks(options, job, inputs.get('selection_mode'))
        yield from cls.faults_of_job(inputs)

    def setup(self) -> None:
        """Start with a clean slate."""
        super().setup()
        self.ctx.n_crashes = 0

    @process_handler(exit_codes=[EXIT_CODES.BREAKING_THRESHOLD_EXCEEDED, EXIT_CODES.ERROR_CANDIDATES_MISSING])
    def handle_break(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport:
        """Take the break for what it is: an expected end, and what the exploration was for."""
        return self._end(calculation) if self.ctx.n_crashes else self.repeat_or_end(calculation)

    @process_handler(exit_codes=EXIT_CODES.ERROR_CRASHED)
    def handle_crash(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport:
        """Try again from the start with smaller steps, then cooler as well; in the end take the crash as data."""
        self.ctx.n_crashes += 1
        retries = LammpsOptions.from_node(self.inputs.parameters).crash_retries
        if self.ctx.n_crashes > retries or self._is_last_job():
            return self._end(calculation)
        self.ctx.inputs.structure = self.inputs.structure
        parameters = self.ctx.inputs.parameters = with_back_off(self.ctx.parameters, orm.Int(self.ctx.n_crashes))
        conditions = f'steps of {parameters["timestep"]:g} fs at {parameters["temperature"]:g} K'
        return self.run_next_job(calculation, f'It is tried again from its start in {conditions}.')

    @process_handler(exit_codes=EXIT_CODES.ERROR_OUT_OF_WALLTIME)
    def handle_out_of_walltime(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Go on from the last step, with its velocities."""
        if 'final' not in calculation.outputs or not calculation.outputs.results['n_steps']:
            return None
        if self._is_last_job():
            return self._end(calculation)
        self.ctx.inputs.structure = calculation.outputs.final
        self.ctx.inputs.parameters = with_remaining_steps(calculation.inputs.parameters, calculation.outputs.results)
        return self.run_next_job(calculation, 'The next job goes on from there.')

    @process_handler(exit_codes=[EXIT_CODES.ERROR_INTERRUPTED, EXIT_CODES.ERROR_OUTPUT_MISSING])
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
