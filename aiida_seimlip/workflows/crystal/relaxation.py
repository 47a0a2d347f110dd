"""The WorkChain ``seimlip.relax``: the lattices of crystals at the minima of several models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida_seimlip.functions.crystal.relaxation import measure_lattices
from aiida_seimlip.options.crystal.relaxation import EXPERIMENT, RelaxationOptions
from aiida_seimlip.workflows.crystal.property import CrystalPropertyWorkChain
from aiida_seimlip.workflows.protocols.crystal import CrystalProtocolMixin


class RelaxationWorkChain(CrystalProtocolMixin, CrystalPropertyWorkChain):
    """Relax crystals, positions and cells, with several models, and compare the lattices.

    One of the models may be the reference, which the potentials have learned from; it and the experiment are what all
    are compared with. The output `properties` is a `LatticeComparison`.
    """

    protocol_folder: ClassVar = 'relax'
    options_class: ClassVar = RelaxationOptions
    options_help: ClassVar = 'Which crystals, and how they are relaxed.'
    measure: ClassVar = staticmethod(measure_lattices)

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the inputs, and that no model is called as the experiment is."""
        if EXPERIMENT in (inputs.get('models') or {}):
            return f'Input `models` holds the name `{EXPERIMENT}`, which stands for what was measured.'
        return super().validate_inputs(inputs, _)
