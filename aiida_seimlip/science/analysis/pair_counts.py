"""Compiled kernel that counts the pairs of atoms by distance."""

# ruff: noqa: PLR0917
# Compiled functions take their arrays by position.

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, error_model='numpy', fastmath={'nsz', 'arcp', 'contract', 'reassoc'})
def count_pairs(
    fractions: np.ndarray, cell: np.ndarray, kinds: np.ndarray, shifts: np.ndarray, cutoff: float, histogram: np.ndarray
) -> None:
    """Add the pairs of different atoms of one frame to a histogram, each pair of images once.

    All pairs are looked at, which the compiler does in vectors: up to some 15,000 atoms and at cut-offs of 6 to 10 Å
    this takes a fifth of the time of neighbour lists, whose pairs would have to be sorted into bins afterwards.

    :param fractions: coordinates in units of the cell vectors; shape (3, n_atoms).
    :param cell: cell vectors in rows, in Å; shape (3, 3).
    :param kinds: kind of each atom; shape (n_atoms,).
    :param shifts: of the images to look at, counted from the image for which every component of the difference of the
        fractions lies within ±½; shape (n_shifts, 3).
    :param cutoff: in Å; distances below are counted.
    :param histogram: counts by the kinds of both atoms (later, earlier) and by distance; shape (n_kinds, n_kinds,
        n_bins). The counts are added to it.
    """
    n_atoms, scale, square = fractions.shape[1], histogram.shape[2] / cutoff, cutoff * cutoff
    last = histogram.shape[2] - 1
    a, b, c = fractions[0], fractions[1], fractions[2]
    squares = np.empty(n_atoms)
    for i in range(n_atoms):
        for s in range(shifts.shape[0]):
            sa, sb, sc = shifts[s, 0], shifts[s, 1], shifts[s, 2]
            for j in range(i):
                da, db, dc = a[i] - a[j], b[i] - b[j], c[i] - c[j]
                da -= np.rint(da) - sa
                db -= np.rint(db) - sb
                dc -= np.rint(dc) - sc
                x = da * cell[0, 0] + db * cell[1, 0] + dc * cell[2, 0]
                y = da * cell[0, 1] + db * cell[1, 1] + dc * cell[2, 1]
                z = da * cell[0, 2] + db * cell[1, 2] + dc * cell[2, 2]
                squares[j] = x * x + y * y + z * z
            for j in range(i):
                if squares[j] < square:
                    histogram[kinds[i], kinds[j], min(int(math.sqrt(squares[j]) * scale), last)] += 1
