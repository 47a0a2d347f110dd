"""Shares and counts in sentences."""

import pytest

from aiida_seimlip.functions.words import describe_count, describe_part, describe_share


@pytest.mark.parametrize(
    ('value', 'words'),
    [
        (0.0, '0 %'), (1e-5, 'less than 0.1 %'), (0.0125, '1.25 %'), (0.5, '50 %'), (0.998, '99.8 %'),
        (0.99999, 'more than 99.9 %'), (1.0, '100 %'),
    ],
)  # fmt: skip
def test_shares_are_never_rounded_to_nothing_or_all(value, words):
    assert describe_share(value) == words


def test_all_is_said_in_words():
    assert describe_part(1.0, 'frames') == 'all frames (100 %)'
    assert describe_part(0.25, 'images') == '25 % of the images'


def test_nouns_agree_with_their_number():
    assert [describe_count(n, 'label') for n in (0, 1, 2)] == ['0 labels', '1 label', '2 labels']
