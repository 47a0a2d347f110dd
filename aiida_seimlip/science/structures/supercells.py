"""Supercells of a crystal, by a matrix or by the length of their edges."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import make_supercell


class StructureError(ValueError):
    """A structure cannot be made as it was asked for; the message says why."""


@contextmanager
def needs_structures() -> Iterator[None]:
    """Say which extra to install where a library is missing.

    :raises StructureError: with the command.
    """
    try:
        yield
    except ModuleNotFoundError as exception:
        raise StructureError(
            f"Defects and hops need the extra `structures`: `pip install 'aiida-seimlip[structures]'` ({exception})."
        ) from exception


def supercell(atoms: Atoms, matrix: np.ndarray | Sequence[Any]) -> Atoms:
    """Return a supercell: whole copies of the cell, one after the other, each with the atoms in their order.

    :param atoms: the crystal.
    :param matrix: numbers of repetitions along the three vectors, or the matrix of integers that the old vectors (in
        rows) are multiplied with from the left; shape (3,) or (3, 3).
    :return: plain atoms, all inside the cell; the first copy has the indices of the atoms given.
    :raises StructureError: if the matrix does not make a larger or equal right-handed cell of whole cells.
    """
    whole = as_matrix(matrix)
    if not atoms.pbc.all():
        raise StructureError('The structure is not periodic along all three vectors: a supercell needs a crystal.')
    plain = Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True)
    return make_supercell(plain, whole, wrap=True)


def as_matrix(matrix: np.ndarray | Sequence[Any]) -> np.ndarray:
    """Return a supercell matrix of integers; shape (3, 3).

    :param matrix: of shape (3,), the diagonal, or (3, 3).
    :raises StructureError: if it is not of integers, or has no positive determinant.
    """
    try:
        values = np.asarray(matrix, dtype=float)
    except (TypeError, ValueError) as exception:
        raise StructureError(f'The supercell {matrix!r} is neither three numbers nor a 3 × 3 matrix.') from exception
    if values.shape == (3,):
        values = np.diag(values)
    if values.shape != (3, 3):
        raise StructureError(f'The supercell has the shape {values.shape}, not (3,) or (3, 3).')
    whole = np.rint(values)
    if not np.array_equal(whole, values):
        raise StructureError(f'The supercell {values.tolist()} is not made of whole numbers.')
    if np.linalg.det(whole) < 0.5:
        raise StructureError(f'The supercell {whole.astype(int).tolist()} has no positive determinant.')
    return whole.astype(int)


def matrix_for_edge(atoms: Atoms, edge: float) -> np.ndarray:
    """Return the smallest diagonal matrix that makes every edge of the supercell at least so long; shape (3, 3).

    Edges, not heights: in an oblique cell the distance between two faces is shorter than the edge (see
    `smallest_supercell`).

    :param atoms: the crystal.
    :param edge: smallest length of an edge in Å.
    :raises StructureError: if the length is not positive, or the structure has no cell.
    """
    if not edge > 0.0:
        raise StructureError(f'The smallest edge {edge} Å is not positive.')
    lengths = atoms.cell.lengths()
    if lengths.min() < 1e-6:
        raise StructureError('The structure has no cell: a supercell needs a crystal.')
    return np.diag(np.ceil(edge / lengths - 1e-9).astype(int))


def smallest_supercell(atoms: Atoms, length: float) -> np.ndarray:
    """Return the smallest diagonal matrix that makes opposite faces of the supercell at least so far apart.

    :param atoms: the crystal.
    :param length: smallest distance of two opposite faces in Å.
    :return: shape (3, 3).
    :raises StructureError: if the length is not positive, or the structure has no cell.
    """
    if not (np.isfinite(length) and length > 0.0):
        raise StructureError(f'The smallest distance {length} Å of two faces is not positive.')
    if atoms.cell.rank < 3:
        raise StructureError('The structure has no cell: a supercell needs a crystal.')
    heights = 1.0 / np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
    return np.diag(np.ceil(length / heights - 1e-9).astype(int))


def describe(atoms: Atoms, matrix: np.ndarray) -> dict[str, Any]:
    """Return what there is to know about a supercell, in plain types.

    :param atoms: the supercell.
    :param matrix: that it was made with.
    :return: ``matrix``, ``n_cells``, ``n_atoms``, ``edges`` and ``heights`` (distances of opposite faces) in Å.
    """
    heights = 1.0 / np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
    return {
        'matrix': matrix.tolist(),
        'n_cells': round(float(np.linalg.det(matrix))),
        'n_atoms': len(atoms),
        'edges': [float(value) for value in atoms.cell.lengths()],
        'heights': [float(value) for value in heights],
    }


def composition_change(before: Atoms, after: Atoms) -> dict[str, int]:
    """Return how many atoms of each element came (positive) or went (negative); elements that stay are left out."""
    counts = Counter(after.symbols)
    counts.subtract(Counter(before.symbols))
    return {symbol: number for symbol, number in sorted(counts.items()) if number}
