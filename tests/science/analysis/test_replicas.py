"""Replicas that agree share their error bar; those that do not widen it."""

import numpy as np
import pytest

from aiida_seimlip.science.analysis.replicas import combine_replicas


def posterior(mean, width, seed, n=4000):
    return mean * np.exp(np.random.default_rng(seed).normal(scale=width, size=n))


def test_single_run_is_returned_as_it_is():
    samples = posterior(1e-9, 0.2, 0)
    mean = combine_replicas([samples], seed=1)
    assert (mean.scatter, mean.factor) == (None, None)
    np.testing.assert_array_equal(mean.samples, samples)


def test_runs_that_agree_narrow_the_error_bar_by_the_root_of_their_number():
    runs = [posterior(1e-9, 0.05, seed) for seed in range(4)]
    mean = combine_replicas(runs, seed=1)
    assert mean.factor == 1.0
    assert mean.samples.mean() == pytest.approx(1e-9, rel=0.01)
    assert np.log(mean.samples).std() == pytest.approx(0.05 / 2.0, rel=0.05)


def test_runs_that_disagree_widen_it_to_their_scatter():
    centres = np.array([1.0, 2.0, 4.0])
    runs = [posterior(centre, 0.01, seed) for seed, centre in enumerate(centres)]
    mean = combine_replicas(runs, seed=1)
    expected = np.log(centres).std(ddof=1) / np.sqrt(3)
    assert np.log(mean.samples).std() == pytest.approx(expected, rel=0.2)
    assert mean.scatter == pytest.approx(centres.std(ddof=1), rel=0.01)
    assert mean.samples.min() > 0.0


def test_interval_holds_the_truth_as_often_as_it_says():
    """Four runs, each with a posterior around its own estimate: the 95 % interval holds the truth in about 95 %."""
    rng = np.random.default_rng(5)
    hits = 0
    for trial in range(200):
        runs = [posterior(np.exp(rng.normal(scale=0.1)), 0.1, 1000 + 4 * trial + k, n=1000) for k in range(4)]
        low, high = np.quantile(combine_replicas(runs, seed=trial).samples, [0.025, 0.975])
        hits += low <= 1.0 <= high
    assert 185 <= hits <= 200


def test_order_of_samples_does_not_matter():
    """Runs with the same samples in the same order are no more alike than their distributions."""
    samples = posterior(1.0, 0.1, 0)
    assert np.log(combine_replicas([samples, samples], seed=1).samples).std() == pytest.approx(0.1 / 2**0.5, rel=0.1)


@pytest.mark.parametrize(('samples', 'message'), [([], 'no run'), ([np.array([1.0, 0.0])], 'not positive')])
def test_refusals(samples, message):
    with pytest.raises(ValueError, match=message):
        combine_replicas(samples, seed=1)
