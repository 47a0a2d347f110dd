"""Exploration with LAMMPS and a moment tensor potential, or with ``seimlip-lmp``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida.engine import ProcessSpec

from aiida_seimlip.calculations.lammps import LammpsCalculation, faults_of_ranks
from aiida_seimlip.engines.exploration.contract import ExplorationWorkChain
from aiida_seimlip.engines.exploration.dialect import DialectMixin
from aiida_seimlip.engines.exploration.endings import EndingsMixin
from aiida_seimlip.options.lammps import AUTO, LammpsOptions


class LammpsExplorationWorkChain(ExplorationWorkChain, EndingsMixin, DialectMixin):
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
