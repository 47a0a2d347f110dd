"""Points of the Brillouin zone at which a crystal is unstable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.analysis.phonons.mesh import find_acoustic, is_lattice_vector


@dataclass(frozen=True)
class ImaginaryModes:
    """The imaginary modes at a point of the Brillouin zone.

    :param q_point: in fractional coordinates of the primitive cell.
    :param label: of the point of high symmetry that it is, or that symmetry makes it equivalent to; None if it is none.
    :param n_branches: number of imaginary modes.
    :param lowest_frequency: of them, negative, in THz.
    """

    q_point: tuple[float, float, float]
    label: str | None
    n_branches: int
    lowest_frequency: float


def find_imaginary(
    q_points: np.ndarray,
    frequencies: np.ndarray,
    points: Mapping[str, np.ndarray],
    rotations: np.ndarray,
    tolerance: float,
) -> list[ImaginaryModes]:
    """Find the points with imaginary modes, each one once whatever its images by symmetry.

    :param q_points: in fractional coordinates; shape (n_points, 3).
    :param frequencies: in THz, imaginary ones negative; shape (n_points, n_branches).
    :param points: of high symmetry by label, in fractional coordinates.
    :param rotations: that act on q as R q, with the inversion of q; shape (n_rotations, 3, 3).
    :param tolerance: a mode is imaginary below minus this frequency in THz, unless it is an acoustic one at Γ.
    :return: the most unstable first.
    """
    is_imaginary = (frequencies < -tolerance) & ~find_acoustic(q_points, frequencies)
    found: list[ImaginaryModes] = []
    seen = np.empty((0, 3))
    for index in np.flatnonzero(is_imaginary.any(axis=1)):
        q_point = q_points[index]
        if is_lattice_vector(seen - q_point).any():
            continue
        star = rotations @ q_point
        seen = np.concatenate([seen, star])
        labels = [label for label, point in points.items() if is_lattice_vector(star - point).any()]
        found.append(
            ImaginaryModes(
                (float(q_point[0]), float(q_point[1]), float(q_point[2])),
                labels[0] if labels else None,
                int(is_imaginary[index].sum()),
                float(frequencies[index].min()),
            )
        )
    return sorted(found, key=lambda modes: modes.lowest_frequency)
