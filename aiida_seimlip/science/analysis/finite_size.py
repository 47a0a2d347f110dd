"""How much slower particles diffuse in a periodic cell than in an infinite fluid."""

from __future__ import annotations

import numpy as np
from ase import units

CUBIC_LATTICE_SUM = 2.837297
"""ξ of a cubic cell: B. Dünweg and K. Kremer, J. Chem. Phys. 99, 6983 (1993)."""


def fluid_size_correction(temperature: float, viscosity: float, edge: float) -> float:
    """Return what the diffusion coefficient of an infinite fluid has more than that of a cubic periodic cell.

    ΔD = ξ k_B T / (6 π η L), from the hydrodynamic interaction of a particle with its images: I.-C. Yeh and G. Hummer,
    J. Phys. Chem. B 108, 15873 (2004), doi:10.1021/jp0477147. In solids, whose framework takes up the momentum, there
    is no such effect; compare cells of different sizes there.

    :param temperature: in K.
    :param viscosity: shear viscosity η in Pa s, which hardly depends on the size of the cell.
    :param edge: length L of the cubic cell in Å.
    :return: in m²/s.
    :raises ValueError: if an argument is not positive.
    """
    if not (temperature > 0.0 and viscosity > 0.0 and edge > 0.0):
        raise ValueError('Temperature, viscosity and edge of the cell must be positive.')
    return float(CUBIC_LATTICE_SUM * units._k * temperature / (6.0 * np.pi * viscosity * edge * 1e-10))
