"""Neighbour lists that last for many steps of molecular dynamics, in cells of any size that may change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from aiida_seimlip.science.neighbours import Pairs
from aiida_seimlip.science.vesin_alone import NeighborList


@dataclass(frozen=True, eq=False)
class Edges:
    """Pairs of atoms, each in both directions.

    :param centres: index of the first atom; shape (n_edges,).
    :param neighbours: index of the second atom; shape (n_edges,).
    :param shifts: cell vectors by which the second atom is displaced, as numbers; shape (n_edges, 3).
    """

    centres: np.ndarray
    neighbours: np.ndarray
    shifts: np.ndarray


class VerletList:
    """Neighbours within a cut-off plus a skin, made anew only when one might be missing.

    Let x = F x₀ + u be the positions now, with F the strain of the cell since the list was made and u what an atom
    moved on top of it. A pair that is not in the list was farther apart than cutoff + skin; it now is farther apart
    than s (cutoff + skin) - 2 max abs(u), where s is the smallest stretch (singular value) of F. The list holds as long
    as this exceeds the cut-off, whatever the cell does meanwhile.

    :param cutoff: in Å.
    :param skin: in Å.
    """

    def __init__(self, cutoff: float, skin: float = 1.0):
        self.cutoff = cutoff
        self.reach = cutoff + skin
        self.n_builds = 0
        self._finder = NeighborList(cutoff=self.reach, full_list=True)
        self._pbc = np.zeros(3, dtype=bool)
        self._positions = np.empty((0, 3))
        self._cell = np.eye(3)
        self._images_cell: np.ndarray | None = None  # for which the vectors of the pairs are those of images
        self._pairs = Pairs(np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty((0, 3)))
        self._shifts = np.empty((0, 3))

    def update(self, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> Pairs:
        """Return all pairs within the cut-off, and some beyond it; the arrays are overwritten by the next call.

        :param positions: Cartesian coordinates relative to the origin of the cell in Å, finite; atoms may jump by cell
            vectors from one call to the next. Shape (n_atoms, 3).
        :param cell: cell vectors in rows, in Å; shape (3, 3).
        :param pbc: periodicity along each cell vector; shape (3,).
        """
        self._images_cell = None
        if not self._holds(positions, cell, pbc):
            self._build(positions, cell, pbc)
        pairs = self._pairs
        _refresh(positions, cell, pairs.first, pairs.neighbours, self._shifts, pairs.vectors)
        return pairs

    def edges(self, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> Edges:
        """Return the pairs within the cut-off, and no others, one by one.

        :param positions: as for `update`.
        :param cell: as for `update`.
        :param pbc: as for `update`.
        """
        pairs = self.update(positions, cell, pbc)
        near = np.einsum('ij,ij->i', pairs.vectors, pairs.vectors) < self.cutoff**2
        centres = np.repeat(np.arange(len(positions)), np.diff(pairs.first))
        return Edges(centres[near], pairs.neighbours[near], self._shifts[near])

    def images(self, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> Pairs:
        """Return the pairs of `update` with the displacements of the neighbours' images instead of vectors.

        The vector of a pair is the displacement plus the difference of the positions. As long as neither the list nor
        the cell changes, there is nothing to calculate.

        :param positions: as for `update`.
        :param cell: as for `update`.
        :param pbc: as for `update`.
        """
        if not self._holds(positions, cell, pbc):
            self._build(positions, cell, pbc)
        if self._images_cell is None or not np.array_equal(cell, self._images_cell):
            np.matmul(self._shifts, cell, out=self._pairs.vectors)
            self._images_cell = cell.copy()
        return self._pairs

    def forget(self) -> None:
        """Make a new list at the next call, because atoms came, went, or changed places."""
        self._positions = np.empty((0, 3))

    def _holds(self, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> bool:
        if positions.shape != self._positions.shape or not np.array_equal(pbc, self._pbc):
            return False
        if np.array_equal(cell, self._cell):
            strain, stretch = np.eye(3), 1.0
        else:
            strain = np.linalg.solve(self._cell, cell)
            stretch = float(np.linalg.svd(strain, compute_uv=False)[-1])
        allowed = 0.5 * (stretch * self.reach - self.cutoff)
        return bool(allowed > 0 and _largest_move(positions, self._positions, strain) <= allowed**2)

    def _build(self, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> None:
        centres, neighbours, shifts = self._finder.compute(
            points=positions, box=cell, periodic=pbc, quantities='ijS', copy=True
        )
        order = np.argsort(centres, kind='stable')
        first = np.concatenate([[0], np.cumsum(np.bincount(centres.astype(np.int64), minlength=len(positions)))])
        self._pairs = Pairs(first, neighbours[order].astype(np.int64), np.empty((order.size, 3)))
        self._shifts = np.ascontiguousarray(shifts[order], dtype=float)
        self._positions, self._cell, self._pbc = positions.copy(), cell.copy(), np.array(pbc, dtype=bool)
        self._images_cell = None
        self.n_builds += 1


@njit(cache=True, nogil=True)
def _refresh(positions, cell, first, neighbours, shifts, vectors):  # type: ignore[no-untyped-def] # noqa: PLR0917
    """Calculate the vectors of all pairs."""
    for i in range(first.size - 1):
        for k in range(first[i], first[i + 1]):
            j = neighbours[k]
            for c in range(3):
                image = shifts[k, 0] * cell[0, c] + shifts[k, 1] * cell[1, c] + shifts[k, 2] * cell[2, c]
                vectors[k, c] = positions[j, c] - positions[i, c] + image


@njit(cache=True, nogil=True)
def _largest_move(positions, reference, strain):  # type: ignore[no-untyped-def]
    """Return the largest squared distance between an atom and where the strain would have carried it."""
    largest = 0.0
    for i in range(positions.shape[0]):
        squared = 0.0
        for c in range(3):
            carried = reference[i, 0] * strain[0, c] + reference[i, 1] * strain[1, c] + reference[i, 2] * strain[2, c]
            squared += (positions[i, c] - carried) ** 2
        largest = max(largest, squared)
    return largest
