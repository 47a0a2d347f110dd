"""Tests of the order in which moments are contracted, and of runs of indices."""

import numpy as np
import pytest

from aiida_seimlip.science.mtp.kernel.schedule import make_runs, make_schedule


def random_products(seed, n_basic=6, n_moments=30):
    """Return products as files have them: each moment is complete before it is a factor."""
    rng = np.random.default_rng(seed)
    rows = [
        (*rng.integers(0, k, 2), k) for k in range(n_basic, n_moments) for _ in range(rng.integers(1, 5))
    ]  # fmt: skip
    return np.array(rows), rng.normal(size=len(rows)), n_moments


@pytest.mark.parametrize('seed', range(4))
def test_forward_and_back(seed):
    """Sorted products give the same moments and derivatives as those in the order of the file."""
    times, factors, n_moments = random_products(seed)
    schedule = make_schedule(times, factors, n_moments)
    rng = np.random.default_rng(seed)
    basic, weights = rng.uniform(0.5, 1.0, n_moments), rng.normal(size=n_moments)
    expected = np.where(np.isin(np.arange(n_moments), times[:, 2]), 0.0, basic)
    moments, adjoint = expected.copy(), weights.copy()
    for (i, j, k), factor in zip(times, factors, strict=True):
        expected[k] += factor * expected[i] * expected[j]
    for n, target in enumerate(schedule.targets):
        rows = slice(*schedule.target_first[n : n + 2])
        i, j = schedule.target_pairs[rows].T
        moments[target] = schedule.target_factors[rows] @ (moments[i] * moments[j])
    np.testing.assert_allclose(moments, expected, rtol=1e-12)
    back = weights.copy()
    for (i, j, k), factor in zip(times[::-1], factors[::-1], strict=True):
        back[i] += factor * back[k] * expected[j]
        back[j] += factor * back[k] * expected[i]
    for n, source in enumerate(schedule.sources):
        rows = slice(*schedule.source_first[n : n + 2])
        k, j = schedule.source_pairs[rows].T
        adjoint[source] += schedule.source_factors[rows] @ (adjoint[k] * moments[j])
    np.testing.assert_allclose(adjoint, back, rtol=1e-12)


@pytest.mark.parametrize('times', [[[0, 0, 2], [2, 1, 3], [1, 1, 2]], [[0, 1, 1]]], ids=['too early', 'of itself'])
def test_factor_that_is_not_complete(times):
    with pytest.raises(ValueError, match='before all that it is made of has been added'):
        make_schedule(np.array(times), np.ones(len(times)), 4)


def test_no_products():
    schedule = make_schedule(np.zeros((0, 3), dtype=np.int64), np.zeros(0), 4)
    assert schedule.targets.size == schedule.sources.size == 0


def test_runs():
    """A run ends where the parent does not follow, and where the axis changes."""
    parent, axis = np.array([-1, 0, 0, 0, 1, 2, 4]), np.array([0, 2, 1, 0, 0, 0, 0])
    monomial, radial_function = np.array([0, 1, 2, 4, 0, 1]), np.array([0, 0, 0, 0, 1, 1])
    runs = make_runs(parent, axis, monomial, radial_function)
    assert runs.steps.tolist() == [[1, 2, 0, 2], [2, 3, 0, 1], [3, 6, 0, 0], [6, 7, 4, 0]]
    assert runs.spans.tolist() == [[0, 3, 0, 0], [3, 4, 4, 0], [4, 6, 0, 1]]
