"""What the disagreement of a committee is worth as an error."""

from __future__ import annotations

import numpy as np


def force_deviations(members: np.ndarray) -> np.ndarray:
    """Return the standard deviation of the force on each atom over the members, in eV/Å; shape (n_atoms,).

    It is the root of the sum of the variances of the three components, with the number of members less one as divisor.

    :param members: forces by each member in eV/Å; shape (n_members, n_atoms, 3) with two members at least.
    :raises ValueError: if there is one member only.
    """
    if len(members) < 2:
        raise ValueError('One model alone has no deviation.')
    deviations: np.ndarray = np.sqrt(members.var(axis=0, ddof=1).sum(axis=1))
    return deviations


def find_deviation_scale(members: np.ndarray, reference: np.ndarray) -> float | None:
    """Return the factor that makes a deviation of forces the size of the error of their mean.

    It is the rms error of the mean force over the rms deviation, both norms over the three components of an atom's
    force. Deviations of members that learned from the same frames are smaller than their errors, whose common part
    they do not show; a linear scaling on validation data is the calibration of F. Musil, M. J. Willatt,
    M. A. Langovoy and M. Ceriotti, J. Chem. Theory Comput. 15, 906 (2019).

    :param members: forces by each member in eV/Å, on frames that none of them learned from; shape
        (n_members, n_atoms, 3).
    :param reference: the true forces in eV/Å; shape (n_atoms, 3).
    :return: None if there are no atoms, or the members do not differ.
    """
    if not reference.size:
        return None
    deviation = float(np.sqrt(np.mean(force_deviations(members) ** 2)))
    error = float(np.sqrt(np.mean(np.sum((members.mean(axis=0) - reference) ** 2, axis=1))))
    return error / deviation if deviation > 0 else None
