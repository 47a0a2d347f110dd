"""Error bars of correlated series, whose coverage is known."""

import numpy as np
import pytest

from aiida_seimlip.science.analysis.block_averages import BlockMean, block_average


def memory(n, share, random):
    """Return a series of mean 0 and variance 1 in which neighbours have a known correlation."""
    values = np.empty(n)
    values[0] = random.normal()
    for index in range(1, n):
        values[index] = share * values[index - 1] + np.sqrt(1.0 - share**2) * random.normal()
    return values


def coverage(runs_of, n_seeds=100):
    hits = 0
    for seed in range(n_seeds):
        low, high = block_average(runs_of(np.random.default_rng(seed))).components[0].interval
        hits += low <= 0.0 <= high
    return hits


@pytest.mark.parametrize('n_runs', [1, 4])
def test_coverage_of_independent_blocks(n_runs):
    hits = coverage(lambda random: [random.normal(size=(20, 1)) for _ in range(n_runs)])
    assert 89 <= hits <= 100  # 95 ± 3 standard deviations of 2.2


def test_coverage_of_correlated_blocks():
    """Blocks that remember 0.8 of one another have errors that are 3 times too small if taken as they are."""
    hits = coverage(lambda random: [memory(400, 0.8, random)[:, None]])
    assert hits >= 85
    series = memory(4000, 0.8, np.random.default_rng(0))[:, None]
    found = block_average([series])
    assert found.blocks_per_run[0] < 4000
    # the variance of the mean is (1 + 0.8) / (1 - 0.8) / n
    assert found.components[0].std_error == pytest.approx(np.sqrt(9.0 / 4000), rel=0.35)


def test_few_correlated_blocks_are_told():
    found = block_average([np.linspace(0.0, 1.0, 7)[:, None]])
    assert found.is_correlated
    assert found.blocks_per_run == (7,)


def test_mean_is_that_of_all_blocks():
    series = memory(101, 0.9, np.random.default_rng(1))[:, None]
    assert block_average([series, series[:50]]).components[0].value == pytest.approx(
        (series.sum() + series[:50].sum()) / 151
    )


def test_runs_that_differ():
    random = np.random.default_rng(2)
    runs = [random.normal(shift, 1.0, (20, 2)) for shift in (-3.0, 0.0, 3.0, 0.1)]
    found = block_average(runs)
    means = np.array([run.mean(axis=0) for run in runs])
    assert found.is_widened
    assert found.p_value < 1e-4
    assert found.components[0].std_error == pytest.approx(means[:, 0].std(ddof=1) / 2.0)
    assert found.components[0].n_blocks == 4


def test_interval_is_that_of_student():
    low, high = BlockMean(1.0, 0.1, 10).interval
    assert (low, high) == pytest.approx((1.0 - 0.2262157, 1.0 + 0.2262157))  # t(0.975, 9) = 2.262157


def test_a_negative_factor_keeps_the_error_positive():
    assert BlockMean(1.0, 0.1, 10) * -2.0 == BlockMean(-2.0, 0.2, 10)


@pytest.mark.parametrize('runs', [[np.zeros((1, 1))], [np.zeros((5, 1)), np.zeros((0, 1))]])
def test_too_few_blocks(runs):
    with pytest.raises(ValueError, match='Each run needs a block'):
        block_average(runs)
