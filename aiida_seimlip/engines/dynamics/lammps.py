"""Production dynamics with LAMMPS and a moment tensor potential, or with ``seimlip-lmp``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.engine import PortNamespace, ProcessSpec

from aiida_seimlip.calculations.lammps import LammpsCalculation
from aiida_seimlip.engines.dynamics.continuation import ContinuationMixin
from aiida_seimlip.engines.dynamics.contract import DynamicsWorkChain
from aiida_seimlip.engines.exploration.dialect import DialectMixin
from aiida_seimlip.functions.transport.dynamics import to_lammps_parameters
from aiida_seimlip.options.dynamics import LammpsDynamicsOptions


class LammpsDynamicsWorkChain(DynamicsWorkChain, ContinuationMixin, DialectMixin):
    """Run molecular dynamics in LAMMPS; the paths of the mobile ions are written while it runs."""

    _process_class = LammpsCalculation
    plugin_prefix = 'seimlip.lammps'
    failure = 'ERROR_PROGRAM_FAILED'
    knows_fields = True

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters."""
        super().define(spec)
        spec.input('parameters', **LammpsDynamicsOptions.port('Ensemble, length, output and dialect.'))
        spec.inputs.validator = cls.validate_inputs  # type: ignore[assignment]

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: PortNamespace) -> str | None:
        """Refuse what the job would refuse."""
        if 'structure' not in inputs or 'parameters' not in inputs:
            return None
        if 'potential' not in inputs:
            return 'Input `potential` is missing: LAMMPS needs one.'
        parameters = orm.Dict(LammpsDynamicsOptions.from_node(inputs['parameters']).to_lammps())
        return next(cls.faults_of_job({**inputs, 'parameters': parameters}), None)

    def setup(self) -> None:
        """Translate the parameters."""
        super().setup()
        self.ctx.parameters = self.ctx.inputs.parameters = to_lammps_parameters(self.inputs.parameters)
