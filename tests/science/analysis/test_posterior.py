"""Tests for `science.analysis.posterior`."""

import dataclasses

import numpy as np
import pytest
import scipp
from kinisi.diffusion import Diffusion

from aiida_seimlip.science.analysis.posterior import (
    TOTAL,
    DisplacementCurve,
    Posterior,
    covariance_matrix,
    displacement_curve,
    first_straight,
    fit_line,
    model_variances,
    overlapping_windows,
    power_law,
    vibration_variances,
)
from tests.science.analysis.walks import lattice_walk


@pytest.fixture(scope='module')
def curve():
    """Return the curve of a walk of few hops, D = 0.03 Å²/ps."""
    track = lattice_walk(600, 24, seed=4, vibration=0.3)
    return displacement_curve(track.positions, 1.0, longest=0.3, n_lags=15, samples=10**6)


def exact_curve(power=1.0, constant=0.0):
    """Return a curve without noise, with the errors of normal displacements."""
    lags = np.geomspace(1.0, 100.0, 20)
    msd = np.column_stack([(constant + lags**power) / 3.0] * 3 + [constant + lags**power])
    n_independent = 1e5 / lags
    return DisplacementCurve(
        lags=lags,
        msd=msd,
        variances=np.column_stack([2.0 * msd[:, :3] ** 2, 2.0 / 3.0 * msd[:, 3] ** 2]) / n_independent[:, None],
        n_independent=n_independent,
        n_overlapping=1.5 * n_independent,
    )


def kinisi_of(curve, **settings):
    """Return kinisi's own analysis of a curve."""
    data = scipp.Variable(
        dims=['time interval'], values=curve.msd[:, TOTAL], variances=model_variances(curve), unit='angstrom**2'
    )
    coordinates = {
        'time interval': scipp.array(dims=['time interval'], values=curve.lags, unit='ps'),
        'n_samples': scipp.array(dims=['time interval'], values=curve.n_independent),
    }
    group = {'da': scipp.DataArray(data=data, coords=coordinates), 'dimensionality': scipp.scalar(3)}
    diffusion = Diffusion(scipp.DataGroup(group))
    diffusion.bayesian_regression(curve.lags[3] * scipp.Unit('ps'), cond_max=1e6, progress=False, **settings)
    return diffusion


class TestPosterior:
    def test_numbers(self):
        posterior = Posterior(np.arange(1001.0)) * 2.0
        assert posterior.mean == posterior.median == 1000.0
        assert posterior.interval == (50.0, 1950.0)
        assert posterior.std == pytest.approx(2.0 * np.arange(1001.0).std(ddof=1))


class TestCurve:
    def test_lags_and_numbers(self, curve):
        assert curve.lags[0] == 1.0
        assert curve.lags[-1] == pytest.approx(0.3 * 599, abs=0.5)
        np.testing.assert_allclose(curve.msd[:, TOTAL], curve.msd[:, :3].sum(axis=1))
        np.testing.assert_allclose(curve.n_independent, 24 * 599 / curve.lags)

    def test_windows_of_one_path_are_worth_what_simulation_says(self):
        """The variance of the mean over overlapping windows of normal walks, by brute force."""
        walks = np.cumsum(np.random.default_rng(0).normal(size=(4000, 101)), axis=1)
        for lag in (1, 5, 20, 40):
            squares = (walks[:, lag:] - walks[:, :-lag]) ** 2
            worth = squares.var() / squares.mean(axis=1).var()
            assert overlapping_windows(lag, 100) == pytest.approx(worth, rel=0.1)

    def test_modelled_variances_are_those_seen_where_these_are_good(self):
        track = lattice_walk(2000, 64, seed=1, chance=0.3)
        curve = displacement_curve(track.positions, 1.0, longest=0.1, n_lags=12, samples=10**7)
        gain = curve.n_overlapping / curve.n_independent
        np.testing.assert_allclose(model_variances(curve) * gain, curve.variances[:, TOTAL], rtol=0.25)

    def test_covariance_is_positive_definite_where_hops_are_rare(self):
        track = lattice_walk(1000, 32, seed=0, chance=0.003, vibration=0.3)
        curve = displacement_curve(track.positions, 1.0, longest=0.3, n_lags=25, samples=10**6)
        for column in range(4):
            assert np.linalg.eigvalsh(covariance_matrix(curve, column)).min() > 0.0


class TestLine:
    def test_posterior_is_that_of_kinisi(self, curve):
        theirs = kinisi_of(curve, n_samples=1000, random_state=np.random.RandomState(5))
        ours = fit_line(curve, np.random.default_rng(0), start=3)
        vibrations = np.diag(vibration_variances(curve)[3:])
        np.testing.assert_allclose(covariance_matrix(curve, start=3) - vibrations, theirs.covariance_matrix.values)
        for one, other in ((ours.slope, theirs.gradient.values), (ours.intercept, theirs.intercept.values)):
            assert one.mean == pytest.approx(other.mean(), abs=0.15 * one.std)
            assert one.std == pytest.approx(other.std(), rel=0.1)

    def test_same_seed_same_samples(self, curve):
        np.random.seed(1)
        one = fit_line(curve, np.random.default_rng(3))
        np.random.seed(2)
        other = fit_line(curve, np.random.default_rng(3))
        np.testing.assert_array_equal(one.slope.samples, other.slope.samples)
        np.testing.assert_array_equal(one.intercept.samples, other.intercept.samples)

    def test_global_generator_is_left_alone(self, curve):
        np.random.seed(1)
        expected = np.random.random()
        np.random.seed(1)
        covariance_matrix(curve)
        assert np.random.random() == expected

    def test_exact_line(self):
        fit = fit_line(exact_curve(constant=3.0), np.random.default_rng(0))
        assert fit.slope.mean == pytest.approx(1.0, abs=0.1 * fit.slope.std)
        assert fit.intercept.mean == pytest.approx(3.0, abs=0.1 * fit.intercept.std)
        assert fit.p_value == pytest.approx(1.0)

    def test_slope_is_never_negative(self):
        falling = exact_curve()
        falling = dataclasses.replace(falling, msd=falling.msd[::-1])
        assert fit_line(falling, np.random.default_rng(0)).slope.samples.min() >= 0.0

    def test_start_moves_to_where_the_line_begins(self):
        bent = exact_curve()
        bent = dataclasses.replace(bent, msd=bent.msd + 0.3 * np.minimum(bent.lags, 12.0)[:, None])
        start, fit = first_straight(bent, np.random.default_rng(0), earliest=2.0)
        assert 5.0 < fit.start == bent.lags[start] < 20.0
        assert fit.slope.mean == pytest.approx(1.0, abs=2 * fit.slope.std)

    def test_no_line_at_all(self):
        start, fit = first_straight(exact_curve(power=2.0), np.random.default_rng(0), earliest=2.0)
        assert fit.start == exact_curve().lags[start] >= 2.0
        assert fit.p_value < 0.05


@pytest.mark.parametrize('power', [0.3, 1.0, 2.0])
def test_power_law(power):
    slope, error = power_law(exact_curve(power), start=2)
    assert slope == pytest.approx(power, abs=1e-6)
    assert 0.0 < error < 0.1
