"""The WorkChain ``seimlip.surface``: surface energies of crystals by several models."""

from __future__ import annotations

from typing import ClassVar

from aiida_seimlip.functions.interface.surface import gather_conventional_cells, make_surfaces, measure_surfaces
from aiida_seimlip.options.interface.surface import SurfaceOptions
from aiida_seimlip.workflows.crystal.property import CrystalPropertyWorkChain
from aiida_seimlip.workflows.protocols.crystal import CrystalProtocolMixin


class SurfaceWorkChain(CrystalProtocolMixin, CrystalPropertyWorkChain):
    """Find the surface energies of crystals, with several models.

    Slabs of several thicknesses are cut from the crystal at the minimum of each model, between bonded units, which stay
    whole. Their atoms are clamped, or relax in the cell of the slab, or both. The output `properties` is a
    `SurfaceComparison`: the energy of each termination, how far it is from converged with the thickness, and how far
    models are from the reference.
    """

    protocol_folder: ClassVar = 'surface'
    options_class: ClassVar = SurfaceOptions
    options_help: ClassVar = 'Which surfaces, and how thick the slabs are.'
    gather: ClassVar = staticmethod(gather_conventional_cells)
    plan: ClassVar = staticmethod(make_surfaces)
    measure: ClassVar = staticmethod(measure_surfaces)
