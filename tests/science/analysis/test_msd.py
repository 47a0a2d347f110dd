"""Tests for `science.analysis.msd`."""

import time

import numpy as np
import pytest

from aiida_seimlip.science.analysis.msd import (
    charge_displacement,
    collective_mean_squared_displacement,
    displacement_variance,
    ion_mean_squared_displacements,
    mean_squared_displacement,
)


@pytest.fixture(scope='module')
def positions():
    """Return 61 frames of 40 ions, more than one batch of series, far from the origin."""
    random = np.random.default_rng(2)
    return 50.0 + np.cumsum(random.normal(size=(61, 40, 3)), axis=0)


def double_loop(positions):
    """Return the mean squared displacement of each ion along each axis, by its definition."""
    n_frames = len(positions)
    result = np.zeros(positions.shape)
    for lag in range(n_frames):
        for start in range(n_frames - lag):
            result[lag] += (positions[start + lag] - positions[start]) ** 2 / (n_frames - lag)
    return result


def test_equals_the_double_loop(positions):
    np.testing.assert_allclose(mean_squared_displacement(positions), double_loop(positions).mean(axis=1), atol=1e-9)


def test_equals_the_double_loop_for_each_ion(positions):
    np.testing.assert_allclose(ion_mean_squared_displacements(positions), double_loop(positions), atol=1e-9)


def test_single_precision(positions):
    single = positions.astype(np.float32)
    np.testing.assert_allclose(
        mean_squared_displacement(single), double_loop(positions).mean(axis=1), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize('n_frames', [1, 2, 7])
def test_short_tracks(positions, n_frames):
    expected = double_loop(positions[:n_frames]).mean(axis=1)
    np.testing.assert_allclose(mean_squared_displacement(positions[:n_frames]), expected, atol=1e-9)


def test_collective_equals_the_double_loop(positions):
    charges = np.where(np.arange(40) % 3, 1.0, -2.0)
    collective = sum(charge * positions[:, ion] for ion, charge in enumerate(charges))
    expected = double_loop(collective[:, np.newaxis])[:, 0]
    np.testing.assert_allclose(collective_mean_squared_displacement(positions, charges), expected, atol=1e-6)
    assert not charge_displacement(positions, charges)[0].any()


def test_collective_motion_of_neutral_pairs_vanishes(positions):
    pairs = np.concatenate([positions, positions + 1.0], axis=1)
    charges = np.repeat([1.0, -1.0], 40)
    np.testing.assert_allclose(collective_mean_squared_displacement(pairs, charges), 0.0, atol=1e-9)


def test_variance(positions):
    squares = (positions[5:] - positions[:-5]) ** 2
    expected = [*(squares[..., axis].var(ddof=1) for axis in range(3)), squares.sum(axis=-1).var(ddof=1)]
    np.testing.assert_allclose(displacement_variance(positions, 5), expected)


def test_variance_of_thinned_origins(positions):
    origins = positions[:56:4], positions[5::4]
    squares = ((origins[1] - origins[0]) ** 2).sum(axis=-1)
    np.testing.assert_allclose(displacement_variance(positions, 5, samples=500)[3], squares.var(ddof=1))


def test_speed():
    """20,000 frames of 480 ions take at most 5 s of one core: here a fifth of the ions, in a fifth of the time."""
    positions = np.cumsum(np.random.default_rng(0).normal(size=(20_000, 96, 3)).astype(np.float32), axis=0)
    start = time.process_time()
    mean_squared_displacement(positions)
    assert time.process_time() - start < 1.0
