"""Ions on sites that are known, and hops that are made up."""

import dataclasses

import numpy as np
import pytest
from ase import Atoms
from ase.geometry import find_mic

from aiida_seimlip.science.analysis.site_hops import ReferenceSites, SiteError, follow_sites
from aiida_seimlip.science.analysis.track import Track
from aiida_seimlip.science.frames import Frames
from tests.science.analysis.walks import caged

CELL = np.array([[9.0, 0.0, 0.0], [2.0, 9.0, 0.0], [-1.0, 1.5, 9.0]])
GRID = np.stack(np.meshgrid(range(3), range(3), range(3), indexing='ij'), axis=-1).reshape(-1, 3) / 3.0
SITES = ReferenceSites(GRID @ CELL, CELL, ('Li',) * 27)


def walk(plan, n_frames=60, *, vibration=0.0, seed=0, interval=0.1, flight=0):
    """Return a track of ions that are at given sites from given frames on.

    :param plan: for each ion pairs of a frame and the fractional coordinates (in thirds) it is at from there on.
    :param flight: number of frames that an ion takes to get to the next place.
    """
    positions = np.empty((n_frames, len(plan), 3))
    for ion, stops in enumerate(plan):
        for (frame, place), following in zip(stops, [*stops[1:], (n_frames, None)], strict=True):
            positions[frame : following[0], ion] = np.array(place) / 3.0 @ CELL
        for frame, _ in stops[1:]:
            before, after = positions[frame - 1, ion].copy(), positions[frame, ion].copy()
            for step in range(flight):
                positions[frame - flight + step, ion] = before + (after - before) * (step + 1) / (flight + 1)
    positions += caged(n_frames, len(plan), np.random.default_rng(seed), vibration, 0.5)
    return Track(
        positions=positions, symbols=('Li',) * len(plan), framework=np.zeros((n_frames, 3)),
        cells=np.tile(CELL, (n_frames, 1, 1)), steps=np.arange(n_frames), timestep=1000.0 * interval,
    )  # fmt: skip


def index_of(*place):
    return int(np.ravel_multi_index(np.mod(place, 3), (3, 3, 3)))


def test_one_hop():
    track = walk([[(0, (0, 0, 0)), (20, (0, 0, 1))], [(0, (1, 1, 1))]], vibration=0.2)
    history = follow_sites(track, SITES, radius=1.0)
    (hop,) = history.hops
    assert (hop.ion, hop.from_site, hop.to_site) == (0, index_of(0, 0, 0), index_of(0, 0, 1))
    assert (hop.since_ps, hop.left_ps, hop.arrived_ps) == pytest.approx((0.0, 1.9, 2.0))
    assert hop.displacement == pytest.approx(CELL[2] / 3.0)
    assert hop.length == pytest.approx(np.linalg.norm(CELL[2]) / 3.0)
    assert np.all(history.sites[:20, 0] == hop.from_site)
    assert np.all(history.sites[20:, 0] == hop.to_site)
    assert np.all(history.sites[:, 1] == index_of(1, 1, 1))


def test_through_the_border():
    """Unwrapped and wrapped positions give the same hops, whose displacements go through the border."""
    track = walk([[(0, (2, 1, 0)), (20, (3, 1, 0)), (40, (3, 1, -1))]], vibration=0.2)
    history = follow_sites(track, SITES, radius=1.0)
    assert [hop.to_site for hop in history.hops] == [index_of(0, 1, 0), index_of(0, 1, 2)]
    assert history.hops[0].displacement == pytest.approx(CELL[0] / 3.0)
    assert history.hops[1].displacement == pytest.approx(-CELL[2] / 3.0)
    wrapped = [
        Atoms('Li', positions=frame, cell=CELL, pbc=True, info={'md_step': step})
        for step, frame in enumerate(track.positions)
    ]
    for atoms in wrapped:
        atoms.wrap()
    again = follow_sites(Track.from_frames(Frames.from_atoms(wrapped), ['Li'], 100.0), SITES, radius=1.0)
    assert [hop.to_site for hop in again.hops] == [hop.to_site for hop in history.hops]
    assert again.hops[1].displacement == pytest.approx(history.hops[1].displacement)


def test_round_through_the_whole_cell():
    """An ion that comes back to its site in the next cell has gone there."""
    stops = [(15 * step, (0, 0, step)) for step in range(4)]
    hops = follow_sites(walk([stops]), SITES, radius=1.0).hops
    assert [hop.to_site for hop in hops] == [index_of(0, 0, 1), index_of(0, 0, 2), index_of(0, 0, 0)]
    assert np.sum([hop.displacement for hop in hops], axis=0) == pytest.approx(CELL[2])


def test_excursions_are_no_hops():
    """An ion that crosses the middle to the next site and turns round has not been there."""
    track = walk([[(0, (0, 0, 0)), (20, (0, 0, 0.6)), (22, (0, 0, 0)), (40, (0, 0, 0.6)), (42, (0, 0, 1))]])
    (hop,) = follow_sites(track, SITES, radius=1.0).hops
    assert hop.arrived_ps == pytest.approx(4.2)
    assert hop.left_ps == pytest.approx(3.9)


def test_vibrations_are_no_hops():
    track = walk([[(0, tuple(place * 3.0))] for place in GRID], n_frames=2000, vibration=0.45)
    history = follow_sites(track, SITES, radius=1.0)
    assert not history.hops
    assert 0.5 < history.share_at_sites < 1.0


@pytest.mark.parametrize('offset', [0.03, -0.03, 0.15])
def test_sites_near_the_border(offset):
    """Whatever side of the border a site and its ion are on, the ion is at the site that find_mic finds."""
    sites = ReferenceSites((GRID + offset) @ CELL, CELL, ('Li',) * 27)
    track = walk([[(0, tuple(3.0 * (place + offset)))] for place in GRID], n_frames=200, vibration=0.4, seed=7)
    expected = [np.linalg.norm(find_mic(frame - sites.positions, CELL)[0], axis=1) <= 1.0 for frame in track.positions]
    found = follow_sites(track, sites, radius=1.0)
    assert found.share_at_sites == pytest.approx(np.mean(expected), abs=1e-12)
    assert not found.hops


def test_short_visits():
    stops = [(0, (0, 0, 0)), (20, (0, 0, 1)), (23, (0, 0, 2)), (40, (0, 0, 1)), (43, (0, 0, 2))]
    track = walk([stops])
    assert len(follow_sites(track, SITES, radius=1.0).hops) == 4
    (hop,) = follow_sites(track, SITES, radius=1.0, min_stay_ps=0.5).hops
    assert (hop.from_site, hop.to_site) == (index_of(0, 0, 0), index_of(0, 0, 2))
    assert hop.displacement == pytest.approx(2.0 * CELL[2] / 3.0)


def test_moving_framework_and_growing_cell():
    track = walk([[(0, (0, 0, 0)), (20, (0, 0, 1))]])
    drift = np.linspace(0.0, 20.0, 60)[:, None] * np.array([0.3, 0.0, 1.0])
    moved = dataclasses.replace(track, positions=track.positions + drift[:, None], framework=drift)
    assert follow_sites(moved, SITES, radius=1.0).hops[0].arrived_ps == pytest.approx(2.0)
    growth = np.linspace(1.0, 1.5, 60)[:, None, None]
    grown = dataclasses.replace(track, positions=track.positions * growth, cells=track.cells * growth)
    (hop,) = follow_sites(grown, SITES, radius=1.0).hops
    assert hop.displacement == pytest.approx(CELL[2] / 3.0)


def test_labels():
    sites = ReferenceSites(SITES.positions, CELL, tuple('salt' if z > 0.1 else 'metal' for z in GRID[:, 2]))
    track = walk([[(0, (0, 0, 0)), (20, (0, 0, 1))]])
    (hop,) = follow_sites(track, sites, radius=1.0, labels=['old']).hops
    assert (hop.ion_label, hop.from_label, hop.to_label) == ('old', 'metal', 'salt')


def test_sites_of_a_track():
    track = walk([[(0, tuple(place * 3.0))] for place in GRID], n_frames=2000, vibration=0.2)
    sites = ReferenceSites.of_track(track, until_ps=150.0)
    assert sites.positions == pytest.approx(SITES.positions, abs=0.05)
    assert sites.labels == SITES.labels


def test_sites_of_atoms_and_empty_ones():
    atoms = Atoms('LiOLi', positions=[[0, 0, 0], [1, 1, 1], [3, 0, 0]], cell=CELL, pbc=True)
    sites = ReferenceSites.of_atoms(atoms, [0, 2]).with_empty(np.array([[0.0, 0.0, 0.5]]))
    assert sites.labels == ('Li', 'Li', 'empty')
    assert sites.positions[2] == pytest.approx(0.5 * CELL[2])
    assert sites.shortest_distance == pytest.approx(3.0)


def test_ion_that_is_nowhere_at_first():
    history = follow_sites(walk([[(0, (0.5, 0.5, 0.5)), (20, (1, 1, 1))]]), SITES, radius=1.0)
    assert np.all(history.sites[:20] == -1)
    assert not history.hops
    assert history.share_at_sites == pytest.approx(40 / 60)


def test_what_does_not_fit():
    track = walk([[(0, (0, 0, 0))]])
    with pytest.raises(SiteError, match=r'up to half the shortest distance between sites, 3\.00'):
        follow_sites(track, SITES, radius=1.6)
    with pytest.raises(SiteError, match='2 labels for 1 ions'):
        follow_sites(track, SITES, labels=['a', 'b'])
    with pytest.raises(SiteError, match='No ion ever is within'):
        follow_sites(walk([[(0, (0.5, 0.5, 0.5))]]), SITES)
    with pytest.raises(SiteError, match='do not fit to 2 labels'):
        ReferenceSites(np.zeros((3, 3)), CELL, ('a', 'b'))
