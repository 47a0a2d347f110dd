"""Coefficients in an active set, group by group, against the product with the whole inverse."""

import numpy as np
import pytest

from aiida_seimlip.science.mtp.expansion import ANY, Expansion, group_rows, left_null_space, own_columns
from aiida_seimlip.science.mtp.potential import ActiveSet
from aiida_seimlip.science.mtp.workers import Workers

N_OWN, N_SHARED = 4, 3


def make_columns(n_species):
    shared = n_species * N_OWN + np.arange(N_SHARED)
    return [np.concatenate([np.arange(N_OWN) + species * N_OWN, shared]) for species in range(n_species)]


def make_active_set(groups, seed=0):
    """Return an active set whose rows are neighbourhoods of the given species."""
    rng = np.random.default_rng(seed)
    columns = make_columns(max(groups) + 1)
    matrix = np.zeros((len(groups), len(groups)))
    for row, species in enumerate(groups):
        matrix[row, columns[species]] = rng.normal(size=N_OWN + N_SHARED)
    return matrix, columns


def as_active_set(matrix):
    n = len(matrix)
    return ActiveSet(
        matrix=matrix, inverse=np.linalg.inv(matrix).T, origins=np.zeros((n, 2), dtype=int), frames=None, weights={}
    )  # fmt: skip


def largest(matrix, columns, types, local):
    """Return what `Expansion.largest` is to find, by solving ``x A = b``."""
    rows = np.zeros((len(types), len(matrix)))
    for atom, species in enumerate(types):
        rows[atom, columns[species]] = local[atom]
    return np.abs(np.linalg.solve(matrix.T, rows.T)).max(axis=0)


@pytest.mark.parametrize('groups', [
    [0] * 5 + [1] * 5 + [2] * 5,
    [2, 1, 0, 0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 0, 0],
    [0] * 7,
], ids=['even', 'mixed', 'one species'])  # fmt: skip
def test_largest_coefficient(groups):
    matrix, columns = make_active_set(groups)
    rng = np.random.default_rng(1)
    types = rng.integers(0, len(columns), 40)
    local = rng.normal(size=(40, N_OWN + N_SHARED))
    found = Expansion(as_active_set(matrix), columns).largest(types, local)
    assert found == pytest.approx(largest(matrix, columns, types, local), rel=1e-9)


@pytest.mark.parametrize('threads', [1, 3])
def test_many_atoms(threads):
    """More atoms than threads take at once, no atom of one species, and a single one of another."""
    matrix, columns = make_active_set([0] * 6 + [1] * 5 + [2] * 4 + [3] * 4)
    rng = np.random.default_rng(1)
    types = rng.choice([0, 1], 700, p=[0.8, 0.2])
    types[350] = 3
    local = rng.normal(size=(types.size, N_OWN + N_SHARED))
    expansion = Expansion(as_active_set(matrix), columns)
    found = expansion.largest(types, local, Workers(threads))
    assert found == pytest.approx(largest(matrix, columns, types, local), rel=1e-9)
    np.testing.assert_array_equal(found[340:360], expansion.largest(types[340:360], local[340:360]))


def test_rows_of_no_species_and_of_several():
    """A row that was never filled has one column; one that two atoms have made has those of both."""
    matrix, columns = make_active_set([0] * 5 + [1] * 6)
    matrix[3] = 1e-6 * np.eye(len(matrix))[2 * N_OWN]
    own = own_columns(columns, len(matrix))
    assert group_rows(matrix, own).tolist() == [0, 0, 0, ANY, 0] + [1] * 6
    types, local = np.array([0, 1]), np.random.default_rng(1).normal(size=(2, N_OWN + N_SHARED))
    found = Expansion(as_active_set(matrix), columns).largest(types, local)
    assert found == pytest.approx(largest(matrix, columns, types, local), rel=1e-6)
    matrix[0] += matrix[-1]
    assert set(group_rows(matrix, own)) == {ANY}
    found = Expansion(as_active_set(matrix), columns).largest(types, local)
    assert found == pytest.approx(largest(matrix, columns, types, local), rel=1e-6)


def test_what_is_no_number_stays_none():
    matrix, columns = make_active_set([0] * 5 + [1] * 6)
    local = np.ones((2, N_OWN + N_SHARED))
    local[1, 0] = np.nan
    found = Expansion(as_active_set(matrix), columns).largest(np.array([0, 1]), local)
    assert np.isfinite(found[0]) and np.isnan(found[1])


def test_left_null_space():
    block = np.random.default_rng(2).normal(size=(7, 4))
    basis = left_null_space(block)
    assert basis.shape == (3, 7)
    assert basis @ block == pytest.approx(np.zeros((3, 4)), abs=1e-12)
    assert basis @ basis.T == pytest.approx(np.eye(3), abs=1e-12)
    assert left_null_space(block[:4]).shape == (0, 4)
