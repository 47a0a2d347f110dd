"""The WorkChain ``seimlip.phonon``: the phonons of crystals by several models."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessSpec

from aiida_seimlip.functions.crystal.phonon import displace_crystals, measure_phonons
from aiida_seimlip.options.crystal.phonon import PhononOptions
from aiida_seimlip.science.analysis.phonons import PhononError, needs_phonons
from aiida_seimlip.workflows.crystal.property import CrystalPropertyWorkChain
from aiida_seimlip.workflows.protocols.crystal import CrystalProtocolMixin


class PhononWorkChain(CrystalProtocolMixin, CrystalPropertyWorkChain):
    """Find the harmonic phonons of crystals by finite displacements, with several models.

    The output `properties` is a `PhononComparison`: imaginary modes by name, thermal properties with what is left out
    of them, convergence with the supercell, and how far models are from the reference. `curves` holds band structures
    and densities of states.
    """

    protocol_folder: ClassVar = 'phonon'
    options_class: ClassVar = PhononOptions
    options_help: ClassVar = 'How atoms are displaced.'
    plan: ClassVar = staticmethod(displace_crystals)
    measure: ClassVar = staticmethod(measure_phonons)

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the output that other properties have not."""
        super().define(spec)
        spec.output(
            'curves', valid_type=orm.ArrayData, required=False,
            help='Band structures and densities of states; see `measure_phonons`.',
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the inputs, and that phonopy is there."""
        try:
            with needs_phonons():
                importlib.import_module('phonopy')
        except PhononError as exception:
            return str(exception)
        return super().validate_inputs(inputs, _)
