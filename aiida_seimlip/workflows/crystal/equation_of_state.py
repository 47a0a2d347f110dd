"""The WorkChain ``seimlip.eos``: the equations of state of crystals by several models."""

from __future__ import annotations

from typing import ClassVar

from aiida_seimlip.functions.crystal.equation_of_state import measure_equations_of_state, scale_crystals
from aiida_seimlip.options.crystal.equation_of_state import EquationOfStateOptions
from aiida_seimlip.workflows.crystal.property import CrystalPropertyWorkChain
from aiida_seimlip.workflows.protocols.crystal import CrystalProtocolMixin


class EquationOfStateWorkChain(CrystalProtocolMixin, CrystalPropertyWorkChain):
    """Find the equations of state of crystals, and their bulk moduli, with several models.

    Cells are scaled without a change of their shape; ions relax in them, or are clamped. The output `properties` is an
    `EquationOfStateComparison`: energies by volume, the fits with their errors, and how far models are from the
    reference.
    """

    protocol_folder: ClassVar = 'eos'
    options_class: ClassVar = EquationOfStateOptions
    options_help: ClassVar = 'By how much the crystals are scaled.'
    plan: ClassVar = staticmethod(scale_crystals)
    measure: ClassVar = staticmethod(measure_equations_of_state)
