"""Neighbour lists of many configurations at once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from aiida_seimlip.science.vesin_alone import NeighborList

ATOMS_PER_PART = 20_000
"""Neighbours are looked for in this number of atoms at a time."""


class Pairs(NamedTuple):
    """Ordered pairs of neighbouring atoms, grouped by centre.

    :param first: the pairs of atom ``i`` are ``first[i]:first[i + 1]``; shape (n_atoms + 1,).
    :param neighbours: index of the neighbour among all atoms of all frames; shape (n_pairs,).
    :param vectors: vector from the centre to the neighbour's image in Å; shape (n_pairs, 3).
    """

    first: np.ndarray
    neighbours: np.ndarray
    vectors: np.ndarray

    @property
    def centres(self) -> np.ndarray:
        """Index of the centre of each pair; shape (n_pairs,)."""
        return np.repeat(np.arange(self.first.size - 1), np.diff(self.first))

    @property
    def distances(self) -> np.ndarray:
        """Length of each pair's vector in Å; shape (n_pairs,)."""
        return np.linalg.norm(self.vectors, axis=1)


def neighbour_list(positions: np.ndarray, ptr: np.ndarray, cells: np.ndarray, pbc: np.ndarray, cutoff: float) -> Pairs:
    """Find all neighbours within `cutoff` of every atom, images included, in every frame.

    :param positions: Cartesian coordinates in Å of all frames; shape (n_atoms, 3).
    :param ptr: frame ``i`` holds the atoms ``ptr[i]:ptr[i + 1]``.
    :param cells: cell vectors in rows, in Å; shape (n_frames, 3, 3).
    :param pbc: periodicity along each cell vector; shape (n_frames, 3).
    :param cutoff: in Å.
    """
    finder = NeighborList(cutoff=cutoff, full_list=True)
    centres, neighbours, vectors = [], [], []
    for index, (start, stop) in enumerate(itertools.pairwise(ptr)):
        i, j, rij = finder.compute(
            points=positions[start:stop], box=cells[index], periodic=pbc[index], quantities='ijD', copy=True
        )
        order = np.argsort(i, kind='stable')
        centres.append(i[order].astype(np.int64) + start)
        neighbours.append(j[order].astype(np.int64) + start)
        vectors.append(rij[order])
    if not centres:
        return Pairs(np.zeros(1, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty((0, 3)))
    counts = np.bincount(np.concatenate(centres), minlength=int(ptr[-1]))
    first = np.concatenate([[0], np.cumsum(counts)])
    return Pairs(first, np.concatenate(neighbours), np.concatenate(vectors))


def shortest_distances(
    positions: np.ndarray, ptr: np.ndarray, cells: np.ndarray, pbc: np.ndarray, cutoff: float
) -> np.ndarray:
    """Find the shortest distance in every frame, images included; infinity where none is below `cutoff`.

    Half lists without order are enough here, which is several times quicker than `neighbour_list`.

    :param positions: Cartesian coordinates in Å of all frames; shape (n_atoms, 3).
    :param ptr: frame ``i`` holds the atoms ``ptr[i]:ptr[i + 1]``.
    :param cells: cell vectors in rows, in Å; shape (n_frames, 3, 3).
    :param pbc: periodicity along each cell vector; shape (n_frames, 3).
    :param cutoff: in Å.
    :return: in Å; shape (n_frames,).
    """
    finder = NeighborList(cutoff=cutoff, full_list=False)
    shortest = np.full(len(ptr) - 1, np.inf)
    for index, (start, stop) in enumerate(itertools.pairwise(ptr)):
        (distances,) = finder.compute(
            points=positions[start:stop], box=cells[index], periodic=pbc[index], quantities='d', copy=False
        )
        if distances.size:
            shortest[index] = distances.min()
    return shortest


def shortest_by_kind(
    kinds: np.ndarray, positions: np.ndarray, ptr: np.ndarray, cells: np.ndarray, pbc: np.ndarray, *, cutoff: float
) -> np.ndarray:
    """Return the shortest distance between atoms of two kinds in each frame; shape (n_frames, n_kinds, n_kinds) in Å.

    :param kinds: of the atoms, from 0; shape (n_atoms,).
    :param positions: and the others, as in `neighbour_list`.
    :param cutoff: distances up to here are looked at, in Å; infinity where none is below it.
    """
    n_kinds = int(kinds.max(initial=-1)) + 1
    shortest = np.full((ptr.size - 1, n_kinds, n_kinds), np.inf)
    for start, stop in _parts(ptr):
        atoms = slice(ptr[start], ptr[stop])
        pairs = neighbour_list(
            positions[atoms], ptr[start : stop + 1] - ptr[start], cells[start:stop], pbc[start:stop], cutoff
        )
        frames = np.repeat(np.arange(start, stop), np.diff(ptr[start : stop + 1]))
        found = kinds[atoms]
        np.minimum.at(shortest, (frames[pairs.centres], found[pairs.centres], found[pairs.neighbours]), pairs.distances)
    return shortest


def _parts(ptr: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield first and last index of consecutive frames, in parts whose neighbours fit into memory."""
    start = 0
    while start < ptr.size - 1:
        stop = max(int(np.searchsorted(ptr, ptr[start] + ATOMS_PER_PART, side='right')) - 1, start + 1)
        yield start, stop
        start = stop
