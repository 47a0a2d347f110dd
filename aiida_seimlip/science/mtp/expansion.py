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

from aiida_seimlip.science.mtp import kernel
from aiida_seimlip.science.mtp.potential import ActiveSet
from aiida_seimlip.science.mtp.workers import Workers

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
        rows_of = [np.flatnonzero(groups == group) for group in range(len(own))]
        bases = [left_null_space(matrix[np.ix_(rows, part)]) for rows, part in zip(rows_of, own, strict=True)]
        direct, coupled = [], []
        for species, part in enumerate(columns):
            direct.append(inverse[np.flatnonzero((groups == species) | (groups == ANY))[:, None], part].T)
            others = [
                basis @ inverse[np.ix_(rows, part)]
                for group, (rows, basis) in enumerate(zip(rows_of, bases, strict=True))
                if group != species
            ]
            coupled.append(np.concatenate([np.empty((0, part.size)), *others]).T)
        self._matrices = kernel.make_panels(direct), kernel.make_panels(coupled), kernel.make_panels(bases)

    def largest(self, types: np.ndarray, local: np.ndarray, workers: Workers | None = None) -> np.ndarray:
        """Return the largest coefficient of each atom, without its sign; shape (n_atoms,).

        :param types: type number of each atom from 0; shape (n_atoms,).
        :param local: derivatives of the energy of each atom by the parameters in the columns of its species; shape
            (n_atoms, n_local).
        :param workers: threads that share the atoms; the calling one alone by default.
        """
        found, counter = np.zeros(types.size), np.zeros(1, dtype=np.int64)
        arguments = np.require(types, np.int64, ['C', 'W']), np.require(local, float, ['C', 'W']), counter, found
        (workers or Workers()).run(lambda: kernel.largest_kernel(*self._matrices, *arguments))
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
