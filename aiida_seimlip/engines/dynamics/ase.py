"""Production dynamics with any ASE calculator, that of a moment tensor potential among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida.engine import PortNamespace, ProcessSpec

from aiida_seimlip.calculations.md import MdCalculation
from aiida_seimlip.engines.dynamics.continuation import ContinuationMixin
from aiida_seimlip.engines.dynamics.contract import DynamicsWorkChain
from aiida_seimlip.options.dynamics import AseDynamicsOptions


class AseDynamicsWorkChain(DynamicsWorkChain, ContinuationMixin):
    """Run molecular dynamics with ASE; for potentials without a LAMMPS, and for small cells."""

    _process_class = MdCalculation
    plugin_prefix = 'seimlip.'
    failure = 'ERROR_PROGRAM_FAILED'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters."""
        super().define(spec)
        spec.input('parameters', **AseDynamicsOptions.port('The calculator, ensemble, length and output.'))
        spec.inputs.validator = cls.validate_inputs  # type: ignore[assignment]

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: PortNamespace) -> str | None:
        """Refuse what the job would refuse."""
        if 'charges' in inputs:
            return (
                'Input `charges` means nothing to this engine, which knows no electric field; the engine `lammps` does.'
            )
        return next(MdCalculation.find_faults(inputs), None)
