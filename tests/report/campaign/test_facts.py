"""What follows from the plain data of a campaign."""

import math
from dataclasses import replace

import numpy as np
import pytest

from aiida_seimlip.report.campaign.facts import Exploration, Interval, Parity, union_seconds


def brute_force_union(intervals, resolution=1e-3):
    """Count the ticks of a clock that lie in any interval."""
    ticks = np.arange(0, 30, resolution) + resolution / 2
    inside = np.zeros(ticks.size, dtype=bool)
    for start, stop in intervals:
        inside |= (ticks > start) & (ticks < stop)
    return inside.sum() * resolution


def test_union_of_nothing():
    assert union_seconds([]) == 0.0


def test_union_counts_parallel_time_once():
    assert union_seconds([(0, 10), (2, 5), (8, 12), (20, 21)]) == 13.0


def test_union_of_random_intervals():
    rng = np.random.default_rng(3)
    for _ in range(20):
        starts = rng.uniform(0, 20, 8)
        intervals = list(zip(starts, starts + rng.uniform(0, 8, 8), strict=True))
        assert union_seconds(intervals) == pytest.approx(brute_force_union(intervals), abs=0.02)


def test_union_ignores_reversed_intervals():
    assert union_seconds([(5, 1), (2, 3)]) == 1.0


def test_share_outside_programs(campaign):
    intervals = (Interval('train', 10, 50), Interval('label', 40, 85))
    report = replace(campaign, wall_seconds=100.0, intervals=intervals)
    assert report.share_outside_programs == pytest.approx(0.25)


def test_share_is_unknown_without_time_stamps(campaign):
    report = replace(campaign, is_measured=False)
    assert math.isnan(report.share_outside_programs)


def test_errors_are_root_mean_squares():
    parity = Parity('x', np.array([[0.0, 0.0], [0.003, -0.004]]), np.array([[1.0], [1.5]]), np.empty((2, 0)))
    assert parity.errors.n_frames == 2
    assert parity.errors.energy == pytest.approx(1000 * np.sqrt(12.5e-6))
    assert parity.errors.force == pytest.approx(0.5)
    assert math.isnan(parity.errors.stress)


@pytest.mark.parametrize(
    ('outcome', 'done', 'planned', 'survival'),
    [('completed', 10, 0, 1.0), ('broke', 30, 120, 0.25), ('crashed', 30, 0, 0.0), ('broke', 130, 120, 1.0)],
)
def test_survival(outcome, done, planned, survival):
    assert Exploration('a', 1, outcome, done, planned, 3.0).survival == survival
