"""The properties of an atlas."""

from __future__ import annotations

from aiida_seimlip.options.crystal.elastic import ElasticOptions
from aiida_seimlip.options.crystal.equation_of_state import EquationOfStateOptions
from aiida_seimlip.options.crystal.phonon import PhononOptions
from aiida_seimlip.options.crystal.property import PropertyOptions
from aiida_seimlip.options.crystal.relaxation import RelaxationOptions

ATLAS: dict[str, type[PropertyOptions]] = {
    'relax': RelaxationOptions, 'eos': EquationOfStateOptions, 'elastic': ElasticOptions, 'phonon': PhononOptions,
}  # fmt: skip
"""Models of the options of the properties, by the last part of the entry point, in their order."""
