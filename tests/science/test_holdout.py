"""Frames that are held out for validation."""

import numpy as np

from aiida_seimlip.science.holdout import held_out

HASHES = [f'{number:064x}' for number in range(4000)]


def test_fraction():
    """The number scatters as that of a binomial distribution: within four standard deviations."""
    for fraction in (0.05, 0.3):
        spread = np.sqrt(len(HASHES) * fraction * (1 - fraction))
        assert abs(held_out(HASHES, fraction, 1).sum() - fraction * len(HASHES)) < 4 * spread


def test_frame_stays_on_its_side_when_the_set_grows():
    whole = held_out(HASHES, 0.1, 3)
    assert np.array_equal(held_out(HASHES[:500], 0.1, 3), whole[:500])
    order = np.random.default_rng(1).permutation(len(HASHES))
    assert np.array_equal(held_out([HASHES[index] for index in order], 0.1, 3), whole[order])


def test_seed_counts():
    overlap = (held_out(HASHES, 0.1, 1) & held_out(HASHES, 0.1, 2)).sum()
    assert overlap < 100  # 40 of 4000 by chance


def test_one_at_least_on_either_side():
    for fraction in (1e-9, 1 - 1e-9):
        chosen = held_out(HASHES[:5], fraction, 1)
        assert 0 < chosen.sum() < 5
    assert held_out([], 0.1, 1).size == 0
