"""Tests for `science.analysis.arrhenius`."""

import numpy as np
import pytest
from scipy import constants

from aiida_seimlip.science.analysis.arrhenius import BOLTZMANN_EV, ArrheniusError, fit_arrhenius

D0, EA = 3e-8, 0.35
TEMPERATURES = (600.0, 700.0, 800.0, 900.0)


def truth(temperature):
    """Return the diffusion coefficient that the synthetic data are made from."""
    return D0 * np.exp(-EA / (BOLTZMANN_EV * np.asarray(temperature)))


def measured(temperatures, widths, seed):
    """Return samples of the posterior at each temperature, as a measurement with these errors of ln D would give."""
    random = np.random.default_rng(seed)
    centres = np.log(truth(temperatures)) + widths * random.normal(size=len(temperatures))
    return [np.exp(centre + width * random.normal(size=2000)) for centre, width in zip(centres, widths, strict=True)]


def test_boltzmann():
    assert BOLTZMANN_EV == pytest.approx(constants.k / constants.e, rel=1e-6)


def test_exact_points():
    samples = [np.exp(np.log(truth(T)) + 1e-6 * np.random.default_rng(0).normal(size=500)) for T in TEMPERATURES]
    fit = fit_arrhenius(TEMPERATURES, samples, seed=1)
    assert fit.Ea.mean == pytest.approx(EA, rel=1e-5)
    assert fit.D0.mean == pytest.approx(D0, rel=1e-4)
    assert fit.predict(300.0)[0] == pytest.approx(truth(300.0), rel=1e-4)


def test_posterior_is_that_of_linear_regression():
    """For normal posteriors of ln D, mean and covariance are known in closed form."""
    widths = np.array([0.3, 0.1, 0.2, 0.05])
    samples = measured(TEMPERATURES, widths, seed=3)
    fit = fit_arrhenius(TEMPERATURES, samples, seed=1)
    design = np.column_stack([np.ones(4), -1.0 / (BOLTZMANN_EV * np.array(TEMPERATURES))])
    covariance = np.linalg.inv(design.T @ np.diag(widths**-2) @ design)
    best = covariance @ design.T @ np.diag(widths**-2) @ [np.log(one).mean() for one in samples]
    errors = np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(fit.samples.mean(axis=0), best, atol=0.1 * errors.min(), rtol=0.01)
    np.testing.assert_allclose(np.cov(fit.samples.T), covariance, rtol=0.15)


def test_coverage():
    """The 95 % intervals of Ea and of the extrapolation hold the truth in 90 to 99 of 100 trials."""
    widths = np.array([0.3, 0.15, 0.1, 0.1])
    fits = [fit_arrhenius(TEMPERATURES, measured(TEMPERATURES, widths, seed), seed=seed) for seed in range(100)]
    energies = sum(low < EA < high for low, high in (fit.Ea.interval for fit in fits))
    cold = sum(low < truth(300.0) < high for _, low, high in (fit.predict(300.0) for fit in fits))
    assert 90 <= energies <= 99
    assert 90 <= cold <= 99
    assert sum(bool(fit.flags) for fit in fits) <= 12


def test_extrapolation_is_less_certain():
    fit = fit_arrhenius(TEMPERATURES, measured(TEMPERATURES, np.full(4, 0.1), seed=0), seed=1)
    inside, outside = (np.diff(np.log(fit.predict(T)[1:])) for T in (750.0, 300.0))
    assert outside > 4.0 * inside


def test_same_seed_same_bits():
    samples = measured(TEMPERATURES, np.full(4, 0.1), seed=0)
    one, other = (fit_arrhenius(TEMPERATURES, samples, seed=5) for _ in range(2))
    np.testing.assert_array_equal(one.samples, other.samples)


def test_two_temperatures():
    fit = fit_arrhenius([600.0, 900.0], measured([600.0, 900.0], np.array([0.1, 0.1]), seed=0), seed=1)
    assert fit.Ea.interval[0] < EA < fit.Ea.interval[1]
    assert fit.p_value == 1.0
    assert fit.flags == ()


def test_points_off_the_line():
    samples = measured(TEMPERATURES, np.full(4, 0.05), seed=0)
    samples[1] = 2.0 * samples[1]
    fit = fit_arrhenius(TEMPERATURES, samples, seed=1)
    assert fit.flags[0].startswith('bent: the points lie off a line')


@pytest.mark.parametrize(
    ('temperatures', 'samples', 'message'),
    [
        ([600.0], [np.ones(10)], 'needs two temperatures, and there is 1'),
        ([600.0, 600.0], [np.ones(10)] * 2, 'needs two temperatures, and there is 1'),
        ([600.0, 700.0], [np.ones(10)], 'samples for 1'),
        ([600.0, 700.0], [np.ones(10), np.zeros(10)], 'must be positive'),
    ],
)
def test_refuses(temperatures, samples, message):
    with pytest.raises(ArrheniusError, match=message):
        fit_arrhenius(temperatures, samples)
