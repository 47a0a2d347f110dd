"""Which energies a training set tells: those of compositions that are sums of multiples of its own.

A potential gives each element a constant beside what the neighbours of an atom contribute. Labels of one composition
tell one sum of these constants; which share each element has of it is a matter of chance, and with it every difference
of energies between compositions that the set does not span.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aiida_seimlip.science.frames import Frames

_TOLERANCE = 1e-9


def count_elements(frames: Frames, species: Sequence[str]) -> np.ndarray:
    """Return how many atoms of each element each frame has; shape (n_frames, n_species).

    :param frames: of these elements only.
    :param species: chemical symbols.
    :raises FramesError: if there is another element in them.
    """
    counts = np.zeros((len(frames), len(species)), dtype=int)
    np.add.at(counts, (frames.frame_of_atom, frames.types(tuple(species))), 1)
    return counts


def find_basis(counts: np.ndarray) -> np.ndarray:
    """Return compositions none of which is a sum of multiples of the others, and which span all that are given.

    They are compositions among those given, in their order, divided by their greatest common divisor.

    :param counts: atoms of each element; shape (n_compositions, n_species).
    :return: shape (rank, n_species).
    """
    basis = np.empty((0, counts.shape[1]), dtype=int)
    for row in dict.fromkeys(tuple(int(count) for count in row // np.gcd.reduce(row)) for row in counts if row.any()):
        if not spans(basis, np.array(row)):
            basis = np.vstack([basis, row])
        if len(basis) == counts.shape[1]:
            break
    return basis


def spans(basis: np.ndarray, composition: np.ndarray) -> bool:
    """Return whether a composition is a sum of multiples of others.

    :param basis: independent compositions; shape (rank, n_species).
    :param composition: atoms of each element, or differences of such numbers; shape (n_species,).
    """
    if not len(basis):
        return not composition.any()
    unit = composition / max(1.0, float(np.linalg.norm(composition)))
    rows = basis / np.linalg.norm(basis, axis=1)[:, None]
    coefficients = np.linalg.lstsq(rows.T, unit, rcond=None)[0]
    return bool(np.abs(coefficients @ rows - unit).max() < _TOLERANCE)
