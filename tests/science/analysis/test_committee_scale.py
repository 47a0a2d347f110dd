"""What the deviations of a committee are worth."""

import numpy as np
import pytest

from aiida_seimlip.science.analysis.committee_scale import find_deviation_scale, force_deviations


def test_deviation_is_the_root_of_the_summed_variances():
    members = np.array([[[1.0, 0.0, 0.0]], [[3.0, 4.0, 0.0]]])  # variances 2, 8, 0 with one as the divisor
    assert force_deviations(members) == pytest.approx([np.sqrt(10.0)])


def test_one_member_has_no_deviation():
    with pytest.raises(ValueError, match='no deviation'):
        force_deviations(np.zeros((1, 2, 3)))


def test_scale_of_independent_errors():
    """The mean of n members with independent errors is wrong by their deviation over the root of n."""
    rng = np.random.default_rng(1)
    reference = rng.normal(size=(20_000, 3))
    for n_members in (2, 4):
        members = reference + rng.normal(scale=0.1, size=(n_members, 20_000, 3))
        assert find_deviation_scale(members, reference) == pytest.approx(1 / np.sqrt(n_members), rel=0.02)


def test_scale_of_a_common_error():
    """An error that all members share is not in their deviation, and is in the scale."""
    rng = np.random.default_rng(2)
    reference = rng.normal(size=(20_000, 3))
    common = rng.normal(scale=0.3, size=(20_000, 3))
    members = reference + common + rng.normal(scale=0.1, size=(4, 20_000, 3))
    assert find_deviation_scale(members, reference) == pytest.approx(np.sqrt(0.3**2 + 0.1**2 / 4) / 0.1, rel=0.02)


def test_no_scale_where_nothing_differs():
    assert find_deviation_scale(np.ones((2, 3, 3)), np.zeros((3, 3))) is None
    assert find_deviation_scale(np.ones((2, 0, 3)), np.zeros((0, 3))) is None
