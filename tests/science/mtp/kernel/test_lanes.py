"""Tests of numbers in vector registers, against NumPy."""

import numpy as np
import pytest
from numba import njit

from aiida_seimlip.science.mtp.kernel.lanes import (
    LANES,
    WIDE,
    add_up,
    keep_first,
    load,
    load_wide,
    root,
    spread,
    spread_wide,
    store,
    take_next,
    workspace,
)

NUMBERS = np.random.default_rng(0).uniform(1.0, 2.0, (4, 2 * LANES))


@njit
def calculate(numbers, out):
    one, other = load(numbers, 0), load(numbers, 2 * LANES + 1)
    total = spread(2.0)
    total += one * other
    total -= 3.0 * one
    store(out, 0, total)
    store(out, LANES, 1.0 / one + root(other) / 2.0 - other)
    store(out, 2 * LANES, keep_first(one, 3))
    return add_up(one)


def test_arithmetic():
    out = np.empty(3 * LANES)
    one, other = NUMBERS[0, :LANES], NUMBERS.ravel()[2 * LANES + 1 :][:LANES]
    assert calculate(NUMBERS, out) == pytest.approx(one.sum(), rel=1e-15)
    np.testing.assert_allclose(out[:LANES], 2.0 + one * other - 3.0 * one, rtol=1e-14)
    np.testing.assert_allclose(out[LANES : 2 * LANES], 1.0 / one + np.sqrt(other) / 2.0 - other, rtol=1e-14)
    np.testing.assert_array_equal(out[2 * LANES :], np.where(np.arange(LANES) < 3, one, 0.0))


@njit
def scale_wide(factor, numbers, out):
    store(out, 0, spread_wide(factor) * load_wide(numbers, 0))


def test_wide():
    numbers, out = np.arange(float(WIDE)), np.zeros(WIDE)
    scale_wide(3.0, numbers, out)
    np.testing.assert_array_equal(out, 3.0 * numbers)


@pytest.mark.parametrize('size', [0, 1, 8, 1001])
def test_workspace(size):
    """It begins with a line of the cache, and has the size that was asked for."""
    memory = workspace(size)
    assert memory.size == size
    assert memory.ctypes.data % 64 == 0


def test_take_next():
    take = njit(lambda counter: take_next(counter))  # noqa: PLW0108
    counter = np.array([5])
    assert [take(counter), take(counter)] == [5, 6]
    assert counter[0] == 7
