from __future__ import annotations

import numpy as np
import pytest

from aiida_seimlip.science.mtp.maxvol import INITIAL_VALUE, THRESHOLD, MaxVol, Swap


def maximize_slowly(matrix: np.ndarray, rows: np.ndarray, threshold: float = THRESHOLD) -> list[Swap]:
    """Do the same with a determinant for every possible exchange."""
    swaps = []
    while True:
        volume = abs(np.linalg.det(matrix))
        best, swap = 0.0, None
        for i in range(len(rows)):
            for j in range(len(matrix)):
                changed = matrix.copy()
                changed[j] = rows[i]
                growth = abs(np.linalg.det(changed)) / volume
                if growth > best:
                    best, swap = growth, Swap(i, j)
        if swap is None or best <= threshold:
            return swaps
        matrix[swap.position], rows[swap.row] = rows[swap.row].copy(), matrix[swap.position].copy()
        swaps.append(swap)


@pytest.fixture
def rows() -> np.ndarray:
    return np.random.default_rng(3).normal(size=(40, 6)) * np.array([1.0, 20.0, 0.3, 5.0, 1.0, 100.0])


def test_same_steps_as_with_determinants(rows):
    slow_rows, slow_matrix = rows.copy(), 1e-3 * np.eye(6)
    expected = maximize_slowly(slow_matrix, slow_rows)
    maxvol = MaxVol.empty(6, 1e-3)
    assert maxvol.maximize(rows) == expected
    np.testing.assert_array_equal(maxvol.matrix, slow_matrix)
    np.testing.assert_array_equal(rows, slow_rows)


def test_no_row_is_better_in_the_end(rows):
    maxvol = MaxVol.empty(6)
    swaps = maxvol.maximize(rows)
    assert len(swaps) >= 6
    assert np.abs(maxvol.coefficients(rows)).max() <= THRESHOLD
    assert maxvol.maximize(rows) == []


def test_coefficients_express_the_rows(rows):
    maxvol = MaxVol.empty(6)
    maxvol.maximize(rows.copy())
    np.testing.assert_allclose(maxvol.coefficients(rows) @ maxvol.matrix, rows, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(maxvol.matrix @ maxvol.inverse.T, np.eye(6), atol=1e-12)


def test_rows_are_exchanged_and_none_is_lost(rows):
    before = np.vstack([rows, INITIAL_VALUE * np.eye(6)])
    maxvol = MaxVol.empty(6)
    maxvol.maximize(rows)
    after = np.vstack([rows, maxvol.matrix])
    np.testing.assert_array_equal(np.sort(before, axis=0), np.sort(after, axis=0))


def test_dependent_rows_leave_initial_ones():
    rows = np.random.default_rng(0).normal(size=(20, 3)) @ np.random.default_rng(1).normal(size=(3, 5))
    maxvol = MaxVol.empty(5)
    maxvol.maximize(rows)
    initial = (np.abs(maxvol.matrix) <= INITIAL_VALUE).all(axis=1)
    assert initial.sum() == 2


def test_the_first_of_equal_rows_is_taken():
    maxvol = MaxVol.empty(2)
    assert maxvol.maximize(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 2.0], [0.0, 2.0]])) == [Swap(2, 1), Swap(0, 0)]


def test_limit_of_swaps(rows):
    limited, full = MaxVol.empty(6), MaxVol.empty(6)
    swaps = full.maximize(rows.copy())
    for limit in (0, 1, 4):
        limited = MaxVol.empty(6)
        assert limited.maximize(rows.copy(), max_swaps=limit) == swaps[:limit]


def test_limit_of_swaps_beyond_the_need(rows):
    assert MaxVol.empty(6).maximize(rows.copy(), max_swaps=10**6) == MaxVol.empty(6).maximize(rows.copy())


def test_no_rows():
    assert MaxVol.empty(4).maximize(np.empty((0, 4))) == []


def test_rounding_errors_do_not_add_up():
    """Values over fourteen orders of magnitude: the coefficients begin at 1e14."""
    rng = np.random.default_rng(5)
    rows = rng.normal(size=(400, 60)) * 10.0 ** rng.uniform(-6, 8, size=60)
    maxvol = MaxVol.empty(60)
    maxvol.maximize(rows)
    assert np.abs(np.linalg.solve(maxvol.matrix.T, rows.T)).max() < THRESHOLD * (1 + 1e-6)
    assert np.abs(maxvol.matrix @ maxvol.inverse.T - np.eye(60)).max() < 1e-6


@pytest.mark.parametrize('value', (np.nan, np.inf))
def test_row_is_not_finite(rows, value):
    rows[7, 2] = value
    with pytest.raises(ValueError, match='Row 7 of the candidates is not finite'):
        MaxVol.empty(6).maximize(rows)


def test_does_not_change_what_it_is_given(rows):
    matrix, inverse = np.eye(6), np.eye(6)
    MaxVol(matrix, inverse).maximize(rows)
    np.testing.assert_array_equal(matrix, np.eye(6))
    np.testing.assert_array_equal(inverse, np.eye(6))


class CarelessMaxVol(MaxVol):
    """Exchanges two rows for equal ones at first, as rounding errors may make it do: the matrix has no inverse then."""

    is_careless = True

    def _swap_in(self, rows, threshold, limit, swaps):
        if not self.is_careless:
            return super()._swap_in(rows, threshold, limit, swaps)
        self.is_careless = False
        for number in (0, 1):
            incoming = rows[number].copy()
            rows[number], self.matrix[number] = self.matrix[number].copy(), incoming
            swaps.append(Swap(number, number))
        return False


def test_exchanges_that_leave_no_inverse_are_taken_back():
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(40, 6))
    rows[1] = rows[0]
    careful, careless = MaxVol.empty(6), CarelessMaxVol.empty(6)
    assert careless.maximize(rows.copy()) == careful.maximize(rows.copy())
    np.testing.assert_allclose(careless.matrix, careful.matrix)
