from __future__ import annotations

import numpy as np
import pytest

from aiida_seimlip.science.structures.compositions import CompositionError, draw_compositions, net_charge

SIZES = {'Li2EDC': 16, 'EDC': 14, 'Li': 1}
CHARGES = {'Li2EDC': 0, 'EDC': -2, 'Li': 0}


@pytest.mark.parametrize(
    ('counts', 'charge'),
    [
        ({'Li2EDC': 2}, 0), ({'EDC': 1}, -2), ({'EDC': 1, 'Li': 1}, -1), ({'EDC': 1, 'Li': 2}, 0),
        ({'EDC': 1, 'Li': 9}, 0), ({'Li': 5}, 0),
    ],
)  # fmt: skip
def test_lithium_gives_its_electrons_to_anions(counts, charge):
    assert net_charge(counts, CHARGES) == charge


def test_nothing_balances_cations():
    assert net_charge({'K': 2, 'Li': 4}, {'K': 1, 'Li': 0}) == 2


def draw(ranges, number, **keywords):
    return draw_compositions(
        ranges, number, sizes=SIZES, charges=CHARGES, **{'atoms': (1, 1000), 'seed': 1, **keywords}
    )


def test_limits_are_kept():
    ranges = {'Li2EDC': (1, 5), 'EDC': (0, 3), 'Li': (0, 20)}
    found = draw(ranges, 50, atoms=(60, 80))
    for counts in found:
        assert 60 <= sum(SIZES[name] * count for name, count in counts.items()) <= 80
        assert net_charge(counts, CHARGES) == 0
        assert all(ranges[name][0] <= counts.get(name, 0) <= ranges[name][1] for name in ranges)
        assert 0 not in counts.values()
    assert len({tuple(counts.items()) for counts in found}) == 50


def test_charged_compositions_where_they_are_wanted():
    found = draw({'EDC': (1, 3), 'Li': (0, 2)}, 9, neutral=False)
    assert any(net_charge(counts, CHARGES) for counts in found)


def test_the_order_of_the_ranges_does_not_matter():
    one = draw({'Li2EDC': (0, 5), 'Li': (0, 20)}, 20)
    other = draw({'Li': (0, 20), 'Li2EDC': (0, 5)}, 20)
    assert one == other
    assert one != draw({'Li': (0, 20), 'Li2EDC': (0, 5)}, 20, seed=2)


def test_these_numbers_are_for_ever():
    """What a recipe meant once it means on every platform and with every numpy."""
    assert draw({'Li2EDC': (0, 8), 'Li': (0, 64)}, 3) == [
        {'Li': 19}, {'Li': 16, 'Li2EDC': 4}, {'Li': 44, 'Li2EDC': 5},
    ]  # fmt: skip


def test_numbers_are_even():
    found = draw({'Li2EDC': (0, 3), 'Li': (0, 999)}, 2000, atoms=(1, 2000))
    counts = np.bincount([counts.get('Li2EDC', 0) for counts in found], minlength=4)
    np.testing.assert_allclose(counts, 500, atol=5 * np.sqrt(2000 * 0.25 * 0.75))


def test_too_few_different_ones_are_repeated():
    found = draw({'Li2EDC': (1, 2)}, 5)
    assert sorted(counts['Li2EDC'] for counts in found) in ([1, 1, 1, 2, 2], [1, 1, 2, 2, 2])


def test_nothing_fits():
    with pytest.raises(CompositionError, match=r'^No neutral composition of 5 to 9 atoms was found among 200000'):
        draw({'Li2EDC': (0, 2)}, 1, atoms=(5, 9))
