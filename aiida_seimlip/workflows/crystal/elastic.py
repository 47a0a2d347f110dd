"""The WorkChain ``seimlip.elastic``: the stiffness of crystals by several models."""

from __future__ import annotations

from typing import ClassVar

from aiida_seimlip.functions.crystal.elastic import measure_elasticity, strain_crystals
from aiida_seimlip.options.crystal.elastic import ElasticOptions
from aiida_seimlip.workflows.crystal.property import CrystalPropertyWorkChain
from aiida_seimlip.workflows.protocols.crystal import CrystalProtocolMixin


class ElasticWorkChain(CrystalProtocolMixin, CrystalPropertyWorkChain):
    """Find the stiffness tensor of crystals by finite strains in both directions, with several models.

    Ions are clamped, or relax in the strained cells, or both. The output `properties` is an `ElasticComparison`: the
    tensors with their errors, moduli of polycrystals, whether a crystal is stable, and how far models are from the
    reference.
    """

    protocol_folder: ClassVar = 'elastic'
    options_class: ClassVar = ElasticOptions
    options_help: ClassVar = 'How the crystals are strained.'
    plan: ClassVar = staticmethod(strain_crystals)
    measure: ClassVar = staticmethod(measure_elasticity)
