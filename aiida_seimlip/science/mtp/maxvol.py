"""The MaxVol algorithm: pick rows that span the largest volume.

S. A. Goreinov et al., in Matrix Methods: Theory, Algorithms and Applications, 247 (2010); E. V. Podryabinkin and
A. V. Shapeev, Comput. Mater. Sci. 140, 171 (2017). The order of the steps is MLIP-3's, so that the same rows
are picked.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg.blas import dger, idamax

INITIAL_VALUE = 1e-6
"""An empty matrix is the identity times this."""

THRESHOLD = 1.001
"""A row is swapped in if it makes the volume at least this many times as large."""

MAX_SWAPS_PER_ROW = 1000
"""More swaps than this times the number of rows mean that rounding errors have taken over."""

MAX_CANCELLATION = 1e-5
"""Coefficients are calculated anew when the largest has shrunk to this part of what it was."""


CAREFUL_SWAPS = 100
"""So many at most are made before the inverse is calculated anew, once rounding errors have taken over it."""


class Swap(NamedTuple):
    """A row that went into the matrix, and the place where another left it."""

    row: int
    position: int


class MaxVol:
    """A square matrix whose rows are exchanged for others to enlarge the absolute value of its determinant.

    :param matrix: A; shape (n, n).
    :param inverse: the transposed inverse of A; shape (n, n).
    """

    def __init__(self, matrix: np.ndarray, inverse: np.ndarray) -> None:
        self.matrix = np.array(matrix, dtype=float, order='C')
        self.inverse = np.array(inverse, dtype=float, order='C')

    @classmethod
    def empty(cls, n: int, value: float = INITIAL_VALUE) -> MaxVol:
        """Return the identity times a small `value`, which any row of interest replaces.

        :param n: number of rows and columns.
        """
        return cls(value * np.eye(n), np.eye(n) / value)

    def coefficients(self, rows: np.ndarray) -> np.ndarray:
        """Express rows as linear combinations of those of the matrix.

        :param rows: shape (m, n).
        :return: coefficients; element (i, j) is the factor by which the volume grows when row i replaces row j of the
            matrix. Shape (m, n).
        """
        return np.ascontiguousarray(rows @ self.inverse.T)

    def maximize(self, rows: np.ndarray, *, threshold: float = THRESHOLD, max_swaps: int | None = None) -> list[Swap]:
        """Swap in rows, always the one that enlarges the volume most, until none does by more than `threshold`.

        :param rows: the candidates, which are exchanged in place with the rows they replace; shape (m, n).
        :param max_swaps: stop after so many swaps; None for no limit.
        :return: the swaps in order.
        :raises ValueError: if a candidate is not finite.
        """
        if not np.all(np.isfinite(rows)):
            raise ValueError(f'Row {np.argmin(np.isfinite(rows).all(axis=1))} of the candidates is not finite.')
        limit = MAX_SWAPS_PER_ROW * len(self.matrix) if max_swaps is None else max_swaps
        swaps: list[Swap] = []
        n_at_once = limit
        is_done = not len(rows)
        while not is_done:
            n_before = len(swaps)
            with np.errstate(over='ignore', invalid='ignore'):  # what comes of that has no inverse
                is_done = self._swap_in(rows, threshold, min(limit, n_before + n_at_once), swaps)
            try:
                self.refresh()
            except np.linalg.LinAlgError:
                n_at_once = min((len(swaps) - n_before) // 2, CAREFUL_SWAPS)
                if not n_at_once:
                    raise
                self._undo(rows, swaps, n_before)
                is_done = False
                continue
            # a fresh inverse that is not exact, either, would go on for ever to find rows that seem worth it
            is_done &= len(swaps) == n_before or n_at_once < limit
            if max_swaps is None and len(swaps) >= limit:
                raise RuntimeError(f'MaxVol found no end in {limit} swaps: the rows are too nearly dependent.')
            is_done |= len(swaps) == max_swaps
        return swaps

    def refresh(self) -> None:
        """Calculate the inverse anew, free of the rounding errors of many updates."""
        of_rows = 1.0 / np.abs(self.matrix).max(axis=1)
        of_columns = 1.0 / (np.abs(self.matrix) * of_rows[:, None]).max(axis=0)
        inverse = np.linalg.inv(self.matrix * of_rows[:, None] * of_columns)
        self.inverse = np.ascontiguousarray((inverse * of_rows * of_columns[:, None]).T)

    def _swap_in(self, rows: np.ndarray, threshold: float, limit: int, swaps: list[Swap]) -> bool:
        """Swap in rows; return whether no row is worth it any more, as far as rounding errors let one see.

        Coefficients that have become small by cancellation are not to be trusted; it is time to calculate them anew.
        """
        coefficients = self.coefficients(rows)
        largest = 0.0
        while len(swaps) < limit:
            swap = Swap(*divmod(int(idamax(coefficients.reshape(-1))), rows.shape[1]))
            growth = abs(coefficients[swap])
            largest = max(largest, growth)
            if not growth > threshold:
                return True
            if growth < largest * MAX_CANCELLATION:
                return False
            self._update_inverse(rows[swap.row], swap.position, coefficients[swap])
            _update_coefficients(coefficients, swap)
            incoming = rows[swap.row].copy()
            rows[swap.row] = self.matrix[swap.position]
            self.matrix[swap.position] = incoming
            swaps.append(swap)
        return False

    def _undo(self, rows: np.ndarray, swaps: list[Swap], n_kept: int) -> None:
        """Take back all swaps but the first ones, and calculate the inverse anew."""
        while len(swaps) > n_kept:
            swap = swaps.pop()
            incoming = rows[swap.row].copy()
            rows[swap.row] = self.matrix[swap.position]
            self.matrix[swap.position] = incoming
        self.refresh()

    def _update_inverse(self, row: np.ndarray, position: int, pivot: float) -> None:
        """Replace a row of the matrix in its inverse (Sherman and Morrison)."""
        change = self.inverse @ (row - self.matrix[position]) / pivot
        self.inverse -= np.outer(change, self.inverse[position])


def _update_coefficients(coefficients: np.ndarray, swap: Swap) -> None:
    """Update all coefficients in place after a swap; those of the row swapped in become those of the one that left."""
    pivot = coefficients[swap]
    column = coefficients[:, swap.position] / pivot
    column[swap.row] += 1.0 / pivot
    row = coefficients[swap.row].copy()
    row[swap.position] -= 1.0
    dger(-1.0, row, column, a=coefficients.T, overwrite_a=1)
