"""Neighbourhoods expanded by an active set, group by group.

The derivatives b of an atom's energy are zero but for the columns of its own species (shift, radial functions of its
pairs) and those that all species share (coefficients of the moments); so are the rows of the active set A. Where
``x A = b``, the coefficients x_g of the rows of another species g meet ``x_g A[g, own columns of g] = 0``: they lie in
the left null space of that block, which has as many dimensions as there are more rows than own columns. Over all
species that is the number of shared columns at most, so that a short vector holds all that an atom has to do with the
rows of the others. For six species at level 12 (899 parameters) that takes a quarter of the operations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aiida_seimlip.science.mtp.potential import ActiveSet

ANY = -1
"""Group of the rows whose coefficients are not shortened."""


class Expansion:
    """The coefficients of neighbourhoods in an active set of neighbourhoods.

    :param active_set: whose matrix has a row for each of its members and a column for each parameter.
    :param columns: for each species the columns where the derivatives of its atoms are not zero; the order is that of
        the derivatives to come.
    """

    def __init__(self, active_set: ActiveSet, columns: Sequence[np.ndarray]) -> None:
        matrix, inverse = active_set.matrix, active_set.inverse
        own = own_columns(columns, matrix.shape[1])
        groups = group_rows(matrix, own)
        self._bases: list[np.ndarray] = []
        self._slices: list[slice] = []
        rows_of, n_coupled = [np.flatnonzero(groups == group) for group in range(len(own))], 0
        for rows, part in zip(rows_of, own, strict=True):
            basis = left_null_space(matrix[np.ix_(rows, part)])
            self._slices.append(slice(n_coupled, n_coupled + len(basis)))
            self._bases.append(basis)
            n_coupled += len(basis)
        self._n_coupled = n_coupled
        self._products = []
        for species, part in enumerate(columns):
            direct = inverse[np.flatnonzero((groups == species) | (groups == ANY))[:, None], part]
            others = [
                basis @ inverse[np.ix_(rows, part)] * (group != species)
                for group, (rows, basis) in enumerate(zip(rows_of, self._bases, strict=True))
            ]  # fmt: skip
            self._products.append(np.ascontiguousarray(np.concatenate([*others, direct]).T))

    def largest(self, types: np.ndarray, local: np.ndarray) -> np.ndarray:
        """Return the largest coefficient of each atom, without its sign; shape (n_atoms,).

        :param types: type number of each atom from 0; shape (n_atoms,).
        :param local: derivatives of the energy of each atom by the parameters in the columns of its species; shape
            (n_atoms, n_local).
        """
        found = np.zeros(types.size)
        coupled = np.zeros((types.size, self._n_coupled))
        for species, product in enumerate(self._products):
            atoms = np.flatnonzero(types == species)
            if atoms.size:
                values = local[atoms] @ product
                coupled[atoms] = values[:, : self._n_coupled]
                found[atoms] = _largest(values[:, self._n_coupled :])
        for part, basis in zip(self._slices, self._bases, strict=True):
            if basis.size:
                np.maximum(found, _largest(coupled[:, part] @ basis), out=found)
        return found


def own_columns(columns: Sequence[np.ndarray], n_columns: int) -> list[np.ndarray]:
    """Return for each species the columns that no other one has.

    :param columns: those of each species.
    :param n_columns: their number in all.
    """
    counts = np.bincount(np.concatenate(columns), minlength=n_columns)
    return [part[counts[part] == 1] for part in columns]


def group_rows(matrix: np.ndarray, own: Sequence[np.ndarray]) -> np.ndarray:
    """Return for each row of an active set the species whose own columns it has, or `ANY`.

    Where a row has those of several species, it belongs to no atom, and all are `ANY`.

    :param matrix: one row a member.
    :param own: for each species the columns that no other one has.
    """
    has = np.stack([matrix[:, part].any(axis=1) for part in own], axis=1)
    if (has.sum(axis=1) > 1).any():
        return np.full(len(matrix), ANY)
    return np.where(has.any(axis=1), has.argmax(axis=1), ANY)


def left_null_space(block: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis, in rows, of all x for which ``x @ block`` is zero.

    :param block: of full column rank; shape (n_rows, n_columns).
    """
    n_rows, n_columns = block.shape
    if n_rows <= n_columns:
        return np.zeros((0, n_rows))
    return np.ascontiguousarray(np.linalg.svd(block)[0][:, n_columns:].T)


def _largest(values: np.ndarray) -> np.ndarray:
    """Return the largest value of each row without its sign."""
    return np.maximum(values.max(axis=1, initial=0.0), -values.min(axis=1, initial=0.0))
