"""Phonons at the points of a mesh, and their density."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.analysis.phonons.displacements import PhononError

MESH_LENGTH = 60.0
"""Mesh that is used where none is given, in Å (see `mesh_numbers`)."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """Phonons at the points of a mesh that contains Γ.

    Γ is among the points, and its acoustic modes are known to be at zero: see `is_acoustic`.

    :param numbers: of points along the three reciprocal vectors of the primitive cell.
    :param q_points: those that symmetry leaves, in fractional coordinates; shape (n_points, 3).
    :param weights: how many points of the mesh each one stands for; shape (n_points,).
    :param frequencies: in THz, in ascending order, imaginary ones negative; shape (n_points, n_branches).
    """

    numbers: tuple[int, int, int]
    q_points: np.ndarray
    weights: np.ndarray
    frequencies: np.ndarray

    @property
    def is_acoustic(self) -> np.ndarray:
        """Which modes are acoustic ones at Γ; shape (n_points, n_branches)."""
        return find_acoustic(self.q_points, self.frequencies)


@dataclass(frozen=True, eq=False)
class DensityOfStates:
    """Density of the phonons in frequency.

    :param frequencies: in THz, imaginary ones negative; shape (n,).
    :param densities: states per THz and primitive cell, whose integral is the number of branches; shape (n,).
    """

    frequencies: np.ndarray
    densities: np.ndarray


def find_acoustic(q_points: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Find the acoustic modes at Γ: the three whose frequencies are smallest in size.

    The sum rule makes their frequencies zero up to rounding, so that no optical mode is taken for one of them unless
    its own frequency is zero as well.

    :param q_points: in fractional coordinates; shape (n_points, 3).
    :param frequencies: in THz; shape (n_points, n_branches).
    :return: whether each mode is one; shape (n_points, n_branches).
    """
    found = np.zeros(frequencies.shape, dtype=bool)
    for index in np.flatnonzero(is_lattice_vector(q_points)):
        found[index, np.argsort(np.abs(frequencies[index]))[:3]] = True
    return found


def is_lattice_vector(q_points: np.ndarray, tolerance: float = 1e-6) -> np.ndarray:
    """Return whether points in fractional coordinates are whole numbers; shape (...) for points of shape (..., 3)."""
    return np.all(np.abs(q_points - np.rint(q_points)) < tolerance, axis=-1)


def mesh_numbers(cell: np.ndarray, mesh: float | Sequence[int]) -> tuple[int, int, int]:
    """Return the numbers of points of a mesh along the three reciprocal vectors.

    :param cell: vectors of the primitive cell in rows in Å; shape (3, 3).
    :param mesh: three numbers, which are returned, or a length l in Å: no fewer points than l times the length of a
        reciprocal vector (without 2π), that is a spacing of 2π/l at most.
    :raises PhononError: if it is neither.
    """
    values = np.asarray(mesh, dtype=float)
    if not np.all(np.isfinite(values)) or not np.all(values > 0.0):
        raise PhononError(f'The mesh {mesh} is not positive.')
    if values.ndim == 0:
        values = np.ceil(values * np.linalg.norm(np.linalg.inv(cell), axis=0) - 1e-6).clip(1)
    if values.shape != (3,) or not np.array_equal(values, np.rint(values)):
        raise PhononError(f'The mesh {mesh} is neither a length nor three whole numbers.')
    first, second, third = values.astype(int).tolist()
    return first, second, third
