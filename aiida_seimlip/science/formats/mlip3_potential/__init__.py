"""Potential files of MLIP-3 and MLIP-2 (``.almtp``, ``.mtp``), read and written, active set included.

A file is text up to ``#MVS_v1.1``. Behind it stand the weights of the selection, the matrices A and A⁻¹ in binary
(little-endian float64, row by row), the configuration and equation that each row stems from, and the active
configurations as text in full precision.
"""

from aiida_seimlip.science.formats.mlip3_potential.active_set import ACTIVE_SET_MARK
from aiida_seimlip.science.formats.mlip3_potential.kinds import RADIAL_BASIS_TYPES
from aiida_seimlip.science.formats.mlip3_potential.reader import read_almtp
from aiida_seimlip.science.formats.mlip3_potential.writer import SELECTED_EQUATIONS, write_almtp

__all__ = ['ACTIVE_SET_MARK', 'RADIAL_BASIS_TYPES', 'SELECTED_EQUATIONS', 'read_almtp', 'write_almtp']
