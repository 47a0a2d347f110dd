"""Tests for `science.analysis.diffusion` and `science.analysis.hops`."""

import dataclasses

import numpy as np
import pytest

from aiida_seimlip.science.analysis.diffusion import DiffusionError, estimate_diffusion
from aiida_seimlip.science.analysis.hops import block_length, block_means, count_hops
from tests.science.analysis.walks import as_track, caged, lattice_walk, vacancy_walk

HOP, CHANCE = 3.0, 0.02
TRUTH = CHANCE * HOP**2 / 6.0 * 1e-8
"""Diffusion coefficient in m²/s of `lattice_walk` with frames a picosecond apart."""


@pytest.fixture(scope='module')
def track():
    """Return a walk of some 400 hops with vibrations."""
    return lattice_walk(600, 32, seed=8, vibration=0.3)


@pytest.fixture(scope='module')
def estimate(track):
    """Return what is estimated from that walk."""
    return estimate_diffusion(track, seed=1)


class TestEstimate:
    def test_diffusion_coefficient(self, estimate):
        assert estimate.D.interval[0] < TRUTH < estimate.D.interval[1]
        assert estimate.D.std < 0.15 * TRUTH
        assert all(abs(axis.mean - TRUTH) < 3.5 * axis.std for axis in estimate.axes)

    def test_verdict(self, estimate):
        assert estimate.is_diffusive
        assert estimate.flags == ()
        assert estimate.log_slope == pytest.approx(1.0, abs=0.15)
        assert estimate.n_hops == pytest.approx(600 * 32 * CHANCE, rel=0.1)
        assert 20 < estimate.n_moving <= estimate.n_ions == 32
        assert estimate.duration == 599.0

    def test_window(self, estimate):
        assert estimate.fit.start >= 0.05 * 599 * 0.9
        assert estimate.fit.end == pytest.approx(0.3 * 599, abs=0.5)

    def test_same_seed_same_bits(self, track, estimate):
        again = estimate_diffusion(track, seed=1)
        np.testing.assert_array_equal(again.D.samples, estimate.D.samples)
        for one, other in zip(again.axes, estimate.axes, strict=True):
            np.testing.assert_array_equal(one.samples, other.samples)
        assert not np.array_equal(estimate_diffusion(track, seed=2).D.samples, estimate.D.samples)

    def test_axes(self):
        """An ion that diffuses along one axis only has nothing along the others, and a third of it in the mean."""
        positions = lattice_walk(600, 32, seed=3).positions * [0.0, 1.0, 0.0]
        estimate = estimate_diffusion(as_track(positions), seed=1)
        x, y, z = (axis.mean for axis in estimate.axes)
        assert x == z == 0.0
        assert estimate.D.mean == pytest.approx(y / 3.0, rel=0.02)
        assert y == pytest.approx(TRUTH, rel=0.3)

    def test_units(self, track, estimate):
        """Frames half as far apart in time mean twice the diffusion coefficient."""
        faster = estimate_diffusion(dataclasses.replace(track, timestep=500.0), seed=1)
        assert faster.D.mean == pytest.approx(2.0 * estimate.D.mean, rel=1e-6)

    def test_drift_of_the_framework_is_taken_off(self, track, estimate):
        drift = np.linspace(0, 40, len(track))[:, np.newaxis] * [1.0, -0.5, 0.2]
        drifting = dataclasses.replace(
            track, positions=track.positions + drift[:, np.newaxis], framework=track.framework + drift
        )
        found = estimate_diffusion(drifting, seed=1)
        assert found.D.mean == pytest.approx(estimate.D.mean, rel=1e-6)
        unaware = estimate_diffusion(dataclasses.replace(drifting, framework=track.framework), seed=1)
        assert unaware.D.mean > 2.0 * TRUTH
        assert not unaware.is_diffusive

    def test_thinning_moves_the_result_by_less_than_a_tenth_of_its_error(self, track, estimate):
        whole = estimate_diffusion(track, seed=1, samples_per_lag=10**9)
        thinned = estimate_diffusion(track, seed=1, samples_per_lag=len(track) * track.n_ions // 10)
        assert abs(thinned.D.mean - whole.D.mean) < 0.1 * whole.D.std
        assert thinned.D.std == pytest.approx(whole.D.std, rel=0.1)

    def test_refuses(self, track):
        with pytest.raises(DiffusionError, match='49 frames'):
            estimate_diffusion(track[:49], seed=1)
        with pytest.raises(DiffusionError, match='do not move'):
            estimate_diffusion(as_track(np.zeros((100, 3, 3))), seed=1)


def test_coverage():
    """The 95 % interval holds the truth in 90 to 99 of 100 trials, in the mean and along each axis."""
    estimates = [estimate_diffusion(lattice_walk(400, 32, seed, vibration=0.3), seed=seed) for seed in range(100)]
    for posteriors in ([each.D for each in estimates], *zip(*(each.axes for each in estimates), strict=True)):
        assert 90 <= sum(low < TRUTH < high for low, high in (each.interval for each in posteriors)) <= 99
    deviations = [(each.D.mean - TRUTH) / each.D.std for each in estimates]
    assert np.std(deviations) == pytest.approx(1.0, abs=0.2)


class TestFlags:
    def test_cage(self):
        random = np.random.default_rng(0)
        estimate = estimate_diffusion(as_track(caged(1000, 32, random, 0.3, 0.9)), seed=1)
        assert not estimate.is_diffusive
        assert estimate.n_hops == 0
        assert estimate.log_slope < 0.3
        assert [flag.split(':')[0] for flag in estimate.flags][:2] == ['too few hops', 'not diffusive']

    @pytest.mark.parametrize('seed', range(4))
    def test_flat(self, seed):
        """Ions that rattle without any memory: the mean squared displacement is flat, and may even fall."""
        estimate = estimate_diffusion(as_track(caged(300, 8, np.random.default_rng(seed), 0.3, 0.0)), seed=1)
        assert not estimate.is_diffusive
        assert estimate.D.interval[0] < 1e-12
        assert estimate.D.mean < 5e-12
        assert any(flag.startswith('not resolved') for flag in estimate.flags)
        assert np.isfinite([estimate.D.std, estimate.log_slope, estimate.log_slope_std]).all()

    def test_wide_soft_cage(self):
        """Ions that travel far and always come back."""
        estimate = estimate_diffusion(as_track(caged(2000, 32, np.random.default_rng(0), 2.0, 0.995)), seed=1)
        assert not estimate.is_diffusive
        assert estimate.n_hops > 50
        assert [flag.split(':')[0] for flag in estimate.flags] == ['not diffusive']

    def test_subdiffusion(self):
        """Fractional Brownian motion whose mean squared displacement grows with the square root of time."""
        times = np.arange(1.0, 501.0)
        covariance = (np.sqrt(times)[:, None] + np.sqrt(times) - np.sqrt(abs(times[:, None] - times))) / 2.0
        noise = np.random.default_rng(0).normal(size=(500, 32, 3))
        positions = 2.0 * np.tensordot(np.linalg.cholesky(covariance + 1e-9 * np.eye(500)), noise, axes=1)
        estimate = estimate_diffusion(as_track(positions), seed=1)
        assert estimate.log_slope == pytest.approx(0.5, abs=0.15)
        assert not estimate.is_diffusive

    def test_ballistic(self):
        velocities = np.random.default_rng(0).normal(size=(1, 32, 3))
        estimate = estimate_diffusion(as_track(0.1 * np.arange(500)[:, None, None] * velocities), seed=1)
        assert estimate.log_slope == pytest.approx(2.0, abs=0.02)
        assert {flag.split(':')[0] for flag in estimate.flags} == {'not diffusive', 'bent'}

    def test_few_hops(self):
        estimate = estimate_diffusion(lattice_walk(1000, 32, seed=0, chance=5e-4, vibration=0.1), seed=1)
        assert not estimate.is_diffusive
        assert estimate.flags[0] == f'too few hops: {estimate.n_hops} of 2 Å, of which 50 are needed'

    def test_short(self):
        estimate = estimate_diffusion(lattice_walk(100, 64, seed=0), seed=1)
        assert estimate.flags[0] == 'too short: 100 frames, of which 200 are needed'
        assert not estimate.is_diffusive

    def test_vacancy_mechanism_is_diffusive(self):
        """Ions that hop back into the vacancy they left still diffuse."""
        track = vacancy_walk(4, 3000, seed=0)
        estimate = estimate_diffusion(dataclasses.replace(track, positions=3.0 * track.positions), seed=1)
        assert estimate.is_diffusive
        assert estimate.flags == ()


class TestHops:
    def test_block_length(self):
        assert block_length(20_000, 1.0, 0.5) == 5
        assert block_length(20_000, 0.01, 0.5) == 50
        assert block_length(100, 0.01, 0.5) == 2
        assert block_length(10, 0.01, 0.5) == 1

    def test_block_means(self):
        positions = np.arange(7.0)[:, None, None] * np.ones((1, 2, 3), dtype=np.float32)
        np.testing.assert_array_equal(block_means(positions, 3)[:, 0, 0], [1.0, 4.0])

    def test_counts(self):
        """One ion goes from site to site and pauses on the way, one goes there and back, one rattles."""
        x = np.array(
            [
                [0.0, 0.0, 0.0],
                [1.5, 3.0, 1.0],
                [3.0, 3.0, -0.9],
                [6.0, 0.0, 1.0],
                [6.0, 0.0, 0.0],
            ]
        )
        np.testing.assert_array_equal(count_hops(x[:, :, None] * [1.0, 0.0, 0.0], 2.0), [2, 2, 0])
