"""Units and index conventions used throughout the package.

Lengths are in Å, energies in eV, forces in eV/Å, stresses in eV/Å³ in ASE's Voigt order and sign, times in ps
unless a name says otherwise, velocities in Å/ps, masses in u.
"""

import numpy as np
from ase import units

EV_PER_A3_TO_GPA = 1.0 / units.GPa
"""Multiply a stress in eV/Å³ by this to get GPa (160.2177)."""

ASE_VELOCITY_TO_ANGSTROM_PER_PS = 1000.0 * units.fs
"""Multiply a velocity in ASE's unit Å·(eV/u)^½ by this to get Å/ps (98.2269)."""

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""Tensor indices of ASE's Voigt order: xx, yy, zz, yz, xz, xy. MLIP-3's ``PlusStress`` has the same order."""


def voigt_to_tensor(voigt: np.ndarray) -> np.ndarray:
    """Expand symmetric tensors from Voigt order.

    :param voigt: components xx, yy, zz, yz, xz, xy; shape (..., 6).
    :return: full tensors; shape (..., 3, 3).
    """
    return np.asarray(voigt)[..., [[0, 5, 4], [5, 1, 3], [4, 3, 2]]]


def tensor_to_voigt(tensor: np.ndarray) -> np.ndarray:
    """Contract symmetric tensors to Voigt order, averaging the two off-diagonal elements.

    :param tensor: full tensors; shape (..., 3, 3).
    :return: components xx, yy, zz, yz, xz, xy; shape (..., 6).
    """
    tensor = np.asarray(tensor)
    rows, columns = np.transpose(VOIGT)
    return 0.5 * (tensor[..., rows, columns] + tensor[..., columns, rows])
