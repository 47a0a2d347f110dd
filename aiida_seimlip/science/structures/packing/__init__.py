"""Disordered structures: molecules packed at random into a periodic cell."""

from aiida_seimlip.science.structures.packing.errors import MissingProgramError, PackingError, PackingTimeoutError
from aiida_seimlip.science.structures.packing.random import pack
from aiida_seimlip.science.structures.packing.units import PackedCell, cell_lengths, pack_units

__all__ = [
    'MissingProgramError', 'PackedCell', 'PackingError', 'PackingTimeoutError', 'cell_lengths', 'pack', 'pack_units'
]  # fmt: skip
