"""Chains of hops that are made up, so that who pushes whom is known."""

import numpy as np
import pytest

from aiida_seimlip.science.analysis.knock_off import find_chains, summarise_chains
from aiida_seimlip.science.analysis.site_hops import SiteError, follow_sites
from tests.science.analysis.test_site_hops import CELL, SITES, index_of, walk

ALONG = CELL[2]
LENGTH = np.linalg.norm(CELL[2]) / 3.0


def chains_of(plan, *, window_ps=0.5, labels=None, **options):
    track = walk(plan, **options)
    return find_chains(follow_sites(track, SITES, radius=1.0, labels=labels).hops, window_ps=window_ps)


def test_known_chain():
    """The first ion pushes the second, which goes to an empty site."""
    (chain,) = chains_of([[(0, (0, 0, 0)), (20, (0, 0, 1))], [(0, (0, 0, 1)), (22, (0, 0, 2))]], vibration=0.2)
    assert chain.ions == (0, 1)
    assert chain.sites == (index_of(0, 0, 0), index_of(0, 0, 1), index_of(0, 0, 2))
    assert chain.length == 2
    assert chain.along(ALONG) == pytest.approx(2.0 * LENGTH)
    assert (chain.start_ps, chain.end_ps) == pytest.approx((1.9, 2.2))


def test_chain_in_time_from_either_end():
    """Whether the pusher or the pushed moves first makes no difference: the order is that of who takes whose site."""
    for delays in ([3, 2], [-3, -2], [0, 0]):
        plan = [[(0, (0, 0, 0)), (30, (0, 0, 1))]]
        second, third = 30 + delays[0], 30 + delays[0] + delays[1]
        plan += [[(0, (0, 0, 1)), (second, (0, 1, 1))], [(0, (0, 1, 1)), (third, (0, 1, 2))]]
        (chain,) = chains_of(plan)
        assert chain.ions == (0, 1, 2)
        assert not chain.is_ring
        assert chain.displacement == pytest.approx(2.0 * CELL[2] / 3.0 + CELL[1] / 3.0)


def test_flight():
    (chain,) = chains_of([[(0, (0, 0, 0)), (24, (0, 0, 1))], [(0, (0, 0, 1)), (26, (0, 0, 2))]], flight=4)
    assert chain.ions == (0, 1)


def test_slow_successors_are_not_pushed():
    """Long after the first has left its site, another fills it: a vacancy, no knock-off."""
    plan = [[(0, (0, 0, 1)), (10, (0, 0, 2))], [(0, (0, 0, 0)), (40, (0, 0, 1))]]
    assert [chain.length for chain in chains_of(plan)] == [1, 1]
    (chain,) = chains_of(plan, window_ps=3.5)
    assert chain.ions == (1, 0)


def test_ring():
    plan = [
        [(0, (0, 0, 0)), (30, (0, 0, 1))],
        [(0, (0, 0, 1)), (31, (0, 1, 1))],
        [(0, (0, 1, 1)), (32, (0, 0, 0))],
    ]
    (chain,) = chains_of(plan)
    assert chain.is_ring
    assert chain.length == 3
    assert chain.displacement == pytest.approx(np.zeros(3), abs=1e-12)
    summary = summarise_chains([chain], ALONG)
    assert (summary.n_rings, summary.share_in_chains, summary.chains_by_length) == (1, 0.0, {})
    assert summary.replacements == {('Li', 'Li'): 3}


def test_return_of_the_same_ion_is_no_chain():
    chains = chains_of([[(0, (0, 0, 0)), (20, (0, 0, 1)), (23, (0, 0, 0))]])
    assert [chain.length for chain in chains] == [1, 1]


def test_guest_that_came_later_is_not_replaced():
    """The second ion comes to the site after the first one, and leaves it: it was there only as a guest."""
    plan = [[(0, (0, 0, 0)), (20, (0, 0, 1))], [(0, (0, 1, 1)), (21, (0, 0, 1)), (23, (0, 0, 2))]]
    assert all(chain.length == 1 for chain in chains_of(plan))


def test_nearest_in_time_comes_first():
    """Of two ions that come to the site of a third, the one that comes as it leaves has pushed it."""
    plan = [
        [(0, (0, 0, 0)), (33, (0, 0, 1))],
        [(0, (0, 1, 1)), (30, (0, 0, 1))],
        [(0, (0, 0, 1)), (30, (0, 0, 2))],
    ]
    long = next(chain for chain in chains_of(plan) if chain.length == 2)
    assert long.ions == (1, 2)


def test_summary():
    plan = [
        [(0, (0, 0, 0)), (20, (0, 0, 1))],  # metal pushes salt
        [(0, (0, 0, 1)), (21, (0, 0, 2))],
        [(0, (1, 1, 2)), (30, (1, 1, 1))],  # alone, against the field
        [(0, (2, 1, 1)), (40, (2, 2, 1))],  # alone, across it
    ]
    chains = chains_of(plan, labels=['metal', 'salt', 'salt', 'salt'])
    summary = summarise_chains(chains, [0.0, 0.0, 2.0])
    assert summary.n_hops == 4
    assert (summary.n_along, summary.n_against) == (2, 1)
    assert summary.chains_by_length == {1: 2, 2: 1}
    assert summary.share_in_chains == pytest.approx(0.5)
    assert summary.net_displacement == pytest.approx(3.0)
    assert summary.net_displacement_in_chains == pytest.approx(6.0)
    assert summary.replacements == {('metal', 'salt'): 1}


def test_no_hops():
    summary = summarise_chains(find_chains([], window_ps=1.0), ALONG)
    assert summary.n_hops == 0
    assert np.isnan(summary.share_in_chains)


def test_what_does_not_fit():
    with pytest.raises(SiteError, match='negative'):
        find_chains([], window_ps=-1.0)
    with pytest.raises(SiteError, match='not zero'):
        summarise_chains([], [0.0, 0.0, 0.0])
