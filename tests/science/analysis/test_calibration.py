"""Calibrations of force errors, against synthetic errors whose conditional distribution is known."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from aiida_seimlip.science.analysis.calibration import Calibration, CalibrationError
from aiida_seimlip.science.analysis.conformal import (
    LEVELS,
    Sample,
    calibrate,
    calibrate_and_verify,
    conformal_quantile,
    frames_needed,
    verify,
)
from aiida_seimlip.science.analysis.coverage import clopper_pearson, find_coverage

SMALL = Calibration('atom_grade', (0.5, 0.95), (1.0, 2.0), ((0.1, 0.2), (0.3, 0.5)), 40, 960)


def scale(grades: np.ndarray) -> np.ndarray:
    """Return the scale of the errors at a grade in eV/Å, which rises."""
    return 0.02 + 0.05 * grades


def draw(rng: np.random.Generator, n_frames: int, n_atoms: int = 24, correlation: float = 0.0) -> Sample:
    """Draw frames whose errors are scale(γ) · |normal|, times a factor that all atoms of a frame share."""
    frames = np.repeat(np.arange(n_frames), n_atoms)
    grades = rng.lognormal(-0.7, 0.7, frames.size)
    shared = np.exp(correlation * rng.standard_normal(n_frames))
    return Sample(grades, scale(grades) * np.abs(rng.standard_normal(frames.size)) * shared[frames], frames)


def test_quantiles_are_those_of_the_distribution() -> None:
    found = calibrate(draw(np.random.default_rng(0), 4000), seed=1)
    middle = np.array([0.3, 0.5, 1.0, 1.5])
    truth = scale(middle)[:, None] * stats.halfnorm.ppf(LEVELS)
    # a bin is a factor of 1.3 wide in γ, within which the scale changes by 20 % at most
    assert found.predict(middle) == pytest.approx(truth, rel=0.2)


def test_quantiles_rise_with_grade_and_level() -> None:
    for seed in range(20):
        found = calibrate(draw(np.random.default_rng(seed), 60), seed=seed)
        table = np.array(found.quantiles)
        assert (np.diff(table, axis=0) >= 0).all()
        assert (np.diff(table, axis=1) >= 0).all()


@pytest.mark.parametrize('correlation', [0.0, 1.0])
def test_new_frames_are_covered_as_promised(correlation: float) -> None:
    """The mean over calibrations of the coverage of new frames is at least the level, and not far above it."""
    rng, shares = np.random.default_rng(7), []
    for seed in range(300):
        found = calibrate(draw(rng, 60, 10, correlation), seed=seed)
        new = draw(rng, 20, 10, correlation)
        quantiles = found.predict(new.values)
        known = ~np.isnan(quantiles[:, 0])
        shares.append((new.errors[known, None] <= quantiles[known]).mean(axis=0))
    mean, error = np.mean(shares, axis=0), np.std(shares, axis=0, ddof=1) / math.sqrt(len(shares))
    assert (mean >= np.array(LEVELS) - 3 * error).all()
    # from above 1 / (K + 1) is the bound of one atom a frame, K = 30; levels may push each other up
    assert (mean <= np.array(LEVELS) + 1 / 31 + 3 * error).all()


def test_without_the_frames_as_units_the_promise_is_broken() -> None:
    """With correlated atoms, a quantile over atoms covers less than promised where frames are few; ours does not."""
    rng, ours, naive = np.random.default_rng(3), [], []
    for _ in range(2000):
        errors = np.repeat(rng.standard_normal(20), 50)
        sample = Sample(np.ones(errors.size), np.abs(errors), np.repeat(np.arange(20), 50))
        new = abs(rng.standard_normal())
        ours.append(new <= conformal_quantile(sample, sample.errors, 0.95))
        naive.append(new <= np.quantile(sample.errors, 0.95))
    low, _ = clopper_pearson(float(np.mean(naive)), 2000)
    assert clopper_pearson(float(np.mean(naive)), 2000)[1] < 0.95
    assert clopper_pearson(float(np.mean(ours)), 2000)[1] >= 0.95 > low


def test_coverage_on_held_out_halves_holds_the_truth() -> None:
    """The interval of the coverage holds the true coverage of the two calibrations in 95 of 100 samples or so."""
    rng, hits = np.random.default_rng(11), 0
    for seed in range(100):
        sample = draw(rng, 90, 10)
        (_, _, tested), _ = verify(sample, seed=seed)
        halves = sample.halves(seed)
        fresh = draw(rng, 2000, 10)
        truth = []
        for number, half in enumerate(halves):
            quantile = calibrate(half, seed=seed + 1 + number).predict(fresh.values)[:, 2]
            known = ~np.isnan(quantile)
            chance = stats.halfnorm.cdf(quantile[known] / scale(fresh.values[known]))
            truth.append(chance.mean())
        hits += tested.low <= np.mean(truth) <= tested.high
        assert tested.level == 0.95
        assert tested.n_frames == 90
    assert hits >= stats.binom.ppf(0.001, 100, 0.95)


def test_coverage_tells_where_errors_do_not_follow_the_calibration() -> None:
    """Halves of one set agree; errors three times as large, which it has not seen, are found out."""
    rng = np.random.default_rng(5)
    found, by_bin = calibrate_and_verify(draw(rng, 200), seed=1, abscissa='atom_grade')
    assert not any(one.is_below for one in found.coverage)
    assert len(by_bin) == len(found.edges)
    assert sum(one.n_atoms for one in by_bin) <= 200 * 24
    new = draw(rng, 200)
    quantiles = found.predict(new.values)[:, 2]
    known = ~np.isnan(quantiles)
    larger = find_coverage(0.95, 3.0 * new.errors[known] <= quantiles[known], new.frames[known])
    assert larger.is_below


def test_beyond_the_largest_grade_nothing_is_known() -> None:
    found = calibrate(draw(np.random.default_rng(0), 100), seed=1)
    assert np.isnan(found.predict(found.largest * 1.001)).all()
    assert np.isfinite(found.predict(np.array([0.0, found.largest]))).all()
    assert np.isnan(found.predict(np.nan)).all()
    assert found.quantile(2 * found.largest, 0.95) is None
    assert found.quantile(0.5, 0.95) == found.predict(0.5)[2]
    with pytest.raises(CalibrationError, match=r'0.9 was not calibrated'):
        found.quantile(0.5, 0.9)


def test_value_at_the_end_of_a_bin_belongs_to_it() -> None:
    assert SMALL.predict(np.array([0.0, 1.0, 1.5, 2.0])).tolist() == [[0.1, 0.3], [0.1, 0.3], [0.2, 0.5], [0.2, 0.5]]


def test_few_frames_are_refused() -> None:
    assert [frames_needed(level) for level in (0.5, 0.9, 0.95, 0.99)] == [20, 20, 38, 198]
    rng = np.random.default_rng(0)
    with pytest.raises(CalibrationError, match='takes 38 frames at least, but there are 37'):
        calibrate(draw(rng, 37), seed=1)
    calibrate(draw(rng, 38), seed=1)


def test_levels_that_halves_cannot_calibrate_are_not_tested() -> None:
    covered, _ = verify(draw(np.random.default_rng(0), 60), seed=1)
    assert [math.isnan(one.share) for one in covered] == [False, False, True]
    covered, by_bin = verify(draw(np.random.default_rng(0), 38), seed=1, edges=[1.0])
    assert all(math.isnan(one.share) for one in covered)
    assert not by_bin


def test_conformal_quantile_is_that_of_order_statistics() -> None:
    """With one atom a frame it is the ⌈p (K + 1)⌉-th smallest of K scores."""
    scores = np.random.default_rng(2).permutation(np.arange(1.0, 20.0))
    sample = Sample(scores, scores, np.arange(19))
    assert conformal_quantile(sample, scores, 0.95) == 19.0
    assert conformal_quantile(sample, scores, 0.5) == 10.0
    assert conformal_quantile(sample, scores, 0.96) == math.inf


def test_frames_weigh_the_same_whatever_their_size() -> None:
    frames = np.concatenate([np.zeros(1000, dtype=int), np.arange(1, 20)])
    scores = np.where(frames == 0, 100.0, 1.0)
    assert conformal_quantile(Sample(scores, scores, frames), scores, 0.5) == 1.0


def test_grades_of_frames() -> None:
    """All atoms of a frame have the abscissa of their frame."""
    rng = np.random.default_rng(4)
    grades = np.repeat(rng.lognormal(0.0, 0.7, 1000), 24)
    sample = Sample(grades, scale(grades) * np.abs(rng.standard_normal(grades.size)), np.repeat(np.arange(1000), 24))
    found = calibrate(sample, seed=1, abscissa='frame_grade')
    assert found.abscissa == 'frame_grade'
    assert found.quantile(1.0, 0.5) == pytest.approx(scale(np.array(1.0)) * stats.halfnorm.median(), rel=0.2)


def test_errors_of_zero() -> None:
    frames = np.repeat(np.arange(40), 10)
    found = calibrate(Sample(np.ones(400), np.zeros(400), frames), seed=0)
    assert found.quantiles == ((0.0,), (0.0,), (0.0,))


def test_split_follows_from_the_seed() -> None:
    sample = draw(np.random.default_rng(0), 60)
    assert calibrate(sample, seed=1) == calibrate(sample, seed=1)
    assert calibrate(sample, seed=1) != calibrate(sample, seed=2)


def test_json_and_back() -> None:
    found = replace(
        SMALL, coverage=(find_coverage(0.5, np.ones(4), np.arange(4)), find_coverage(0.95, *[np.empty(0)] * 2))
    )
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert str(Calibration.from_dict(json.loads(text))) == str(found)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'abscissa': 'colour'}, 'colour'),
        ({'levels': (0.95, 0.5)}, 'rise'),
        ({'levels': (0.5, 1.0)}, 'rise'),
        ({'edges': (1.0, 1.0)}, 'rise'),
        ({'edges': (1.0,)}, 'for each of'),
        ({'quantiles': ((0.2, 0.1), (0.3, 0.5))}, 'fall'),
        ({'quantiles': ((0.1, 0.2), (0.05, 0.5))}, 'fall'),
        ({'quantiles': ((0.1, 0.2), (0.3, math.inf))}, 'finite'),
    ],
)
def test_what_is_no_calibration_is_refused(change, message) -> None:
    with pytest.raises(CalibrationError, match=message):
        replace(SMALL, **change)
    with pytest.raises(CalibrationError, match=message):
        Calibration.from_dict({**SMALL.to_dict(), **change})


def test_incomplete_calibration_is_refused() -> None:
    with pytest.raises(CalibrationError, match='quantiles'):
        Calibration.from_dict({'abscissa': 'atom_grade', 'levels': [0.5], 'edges': [1.0]})


@pytest.mark.parametrize('values', [[1.0, np.nan], [1.0, -1.0], [1.0]])
def test_sample_that_is_none(values) -> None:
    with pytest.raises(CalibrationError):
        Sample(np.array(values), np.ones(2), np.zeros(2))


def test_clopper_pearson_is_that_of_scipy() -> None:
    for successes, trials in ((0, 10), (3, 10), (10, 10), (190, 200)):
        exact = stats.binomtest(successes, trials).proportion_ci(0.95, method='exact')
        assert clopper_pearson(successes / trials, trials) == pytest.approx((exact.low, exact.high))


def test_interval_of_correlated_atoms_is_that_of_their_frames() -> None:
    """Where all atoms of a frame agree there are as many trials as frames; where none do, as many as atoms."""
    rng = np.random.default_rng(0)
    together = np.repeat(rng.random(100) < 0.8, 50)
    frames = np.repeat(np.arange(100), 50)
    found = find_coverage(0.8, together, frames)
    exact = clopper_pearson(together.mean(), 100)
    assert found.high - found.low == pytest.approx(exact[1] - exact[0], rel=0.05)
    apart = rng.random(5000) < 0.8
    found = find_coverage(0.8, apart, frames)
    exact = clopper_pearson(apart.mean(), 5000)
    assert found.high - found.low == pytest.approx(exact[1] - exact[0], rel=0.25)
