"""Tests for `science.analysis.track`."""

import dataclasses

import numpy as np
import pytest

from aiida_seimlip.science.analysis.track import Track, TrackError, centre_of_mass, unwrap
from aiida_seimlip.science.frames import Frames

MONOCLINIC = np.array([[8.4, 0.0, 0.0], [0.0, 5.0, 0.0], [-2.6, 0.0, 5.6]])


def breathing_cells(n_frames, cell=MONOCLINIC, amplitude=0.02, seed=5):
    """Return cells whose edges and tilt fluctuate from frame to frame."""
    random = np.random.default_rng(seed)
    strains = amplitude * random.normal(size=(n_frames, 3, 3))
    return cell @ (np.eye(3) + np.triu(strains).transpose(0, 2, 1))


def wrapped_walk(cells, n_atoms=7, step=0.3, seed=1):
    """Walk from wrapped position to wrapped position, as an observer in a breathing cell sees it; return both paths."""
    random = np.random.default_rng(seed)
    steps = step * random.normal(size=(len(cells), n_atoms, 3)).clip(-2.5, 2.5)
    wrapped = np.empty_like(steps)
    wrapped[0] = random.uniform(size=(n_atoms, 3)) @ cells[0]
    for frame in range(1, len(cells)):
        scaled = (wrapped[frame - 1] + steps[frame]) @ np.linalg.inv(cells[frame])
        wrapped[frame] = (scaled % 1.0) @ cells[frame]
    steps[0] = wrapped[0]
    return wrapped, np.cumsum(steps, axis=0)


def a_track(n_frames=20, start=0, seed=0, **changes):
    """Return a small track with frames each 10 steps of 0.5 fs."""
    random = np.random.default_rng(seed)
    arrays = {
        'positions': np.cumsum(random.normal(scale=0.1, size=(n_frames, 4, 3)), axis=0),
        'symbols': ('Li', 'F', 'Li', 'Li'),
        'framework': np.cumsum(random.normal(scale=0.01, size=(n_frames, 3)), axis=0),
        'cells': np.tile(MONOCLINIC, (n_frames, 1, 1)),
        'steps': start + 10 * np.arange(n_frames),
        'timestep': 0.5,
    }
    return Track(**{**arrays, **changes})


class TestUnwrap:
    @pytest.mark.parametrize('amplitude', [0.0, 0.02])
    def test_known_path(self, amplitude):
        cells = breathing_cells(1500, amplitude=amplitude)
        wrapped, path = wrapped_walk(cells)
        assert np.abs(path[-1] - path[0]).max() > 8.4  # the atoms leave the cell
        np.testing.assert_allclose(unwrap(wrapped, cells), path, atol=1e-9)

    def test_counting_borders_overrates_the_motion_in_a_breathing_cell(self):
        cells = breathing_cells(4000)
        wrapped, path = wrapped_walk(cells, n_atoms=20)
        true, summed, counted = (
            np.mean(np.sum(np.diff(positions, axis=0) ** 2, axis=-1))
            for positions in (path, unwrap(wrapped, cells), by_image_counts(wrapped, cells))
        )
        assert summed == pytest.approx(true, rel=1e-9)
        assert counted > 1.2 * true

    def test_unwrapped_positions_stay_as_they_are(self):
        cells = np.tile(MONOCLINIC, (300, 1, 1))
        path = wrapped_walk(cells)[1]
        np.testing.assert_allclose(unwrap(path, cells), path, atol=1e-9)

    def test_open_direction_is_left_alone(self):
        cells = np.tile(np.diag([5.0, 5.0, 5.0]), (3, 1, 1))
        positions = np.zeros((3, 1, 3))
        positions[1:] = 4.0
        np.testing.assert_allclose(unwrap(positions, cells, pbc=(True, True, False))[1], [[-1.0, -1.0, 4.0]])

    def test_frames_too_far_apart(self):
        positions = np.zeros((2, 1, 3))
        positions[1, 0, 1] = 2.4
        with pytest.raises(TrackError, match=r'0\.48 of a cell vector'):
            unwrap(positions, np.tile(np.eye(3) * 5.0, (2, 1, 1)))


class TestTrack:
    def test_times(self):
        track = a_track(start=500)
        assert len(track) == 20
        assert track.n_ions == 4
        assert track.interval == pytest.approx(0.005)
        assert track.duration == pytest.approx(19 * 0.005)
        assert track.times[0] == 0.0
        np.testing.assert_allclose(track.volumes, 8.4 * 5.0 * 5.6)

    def test_uneven_frames_have_no_interval(self):
        with pytest.raises(TrackError, match=r'\[10, 20\] MD steps apart'):
            _ = a_track(3, steps=np.array([0, 10, 30])).interval

    @pytest.mark.parametrize(
        ('changes', 'message'),
        [
            ({'symbols': ('Li',)}, 'shape'),
            ({'steps': np.zeros(20)}, 'do not increase'),
            ({'timestep': 0.0}, 'not positive'),
            ({'framework': np.full((20, 3), np.nan)}, 'not finite'),
        ],
    )
    def test_refuses_what_is_no_trajectory(self, changes, message):
        with pytest.raises(TrackError, match=message):
            a_track(**changes)

    def test_select(self):
        track = a_track()
        assert track.select(['F']).symbols == ('F',)
        np.testing.assert_array_equal(track.select(['Li']).positions, track.positions[:, [0, 2, 3]])
        with pytest.raises(TrackError, match='no Na'):
            track.select(['Na'])

    def test_drift_free(self):
        track = a_track()
        moved = dataclasses.replace(
            track,
            positions=track.positions + np.linspace(0, 30, 20)[:, None, None],
            framework=track.framework + np.linspace(0, 30, 20)[:, None],
        )
        np.testing.assert_allclose(moved.drift_free().positions, track.drift_free().positions, atol=1e-12)
        np.testing.assert_array_equal(track.drift_free().positions[0], track.positions[0])
        assert not track.drift_free().framework.any()

    @pytest.mark.parametrize('dtype', [np.float32, np.float64])
    def test_round_trip_of_arrays(self, dtype):
        track = a_track()
        track = dataclasses.replace(track, positions=track.positions.astype(dtype))
        again = Track.from_arrays(track.to_arrays())
        assert again.symbols == track.symbols
        assert again.timestep == track.timestep
        assert again.positions.dtype == np.float32
        np.testing.assert_array_equal(again.positions, track.positions.astype(np.float32))
        for name in ('framework', 'cells', 'steps'):
            np.testing.assert_array_equal(getattr(again, name), getattr(track, name))


class TestJoin:
    def test_continued_runs(self):
        whole = a_track(60)
        parts = [whole[:21], whole[20:41], whole[40:]]
        assert_same(parts[0].join(parts[1:]), whole)

    def test_what_a_continuation_repeats_is_dropped(self):
        whole = a_track(60)
        assert_same(whole[:29].join([whole[20:25], whole[24:]]), whole)

    def test_continuation_from_wrapped_positions(self):
        whole = a_track(60)
        later = whole[30:]
        images = np.random.default_rng(3).integers(-3, 4, size=(4, 3))
        shifted = dataclasses.replace(
            later, positions=later.positions + images @ MONOCLINIC, framework=later.framework - [1.0, 2.0, 3.0]
        )
        assert_same(whole[:31].join([shifted]), whole)

    def test_gap(self):
        whole = a_track(60)
        with pytest.raises(TrackError, match='starts at step 310, of which the run before it, from step 0 to 290'):
            whole[:30].join([whole[31:]])

    def test_other_positions(self):
        whole = a_track(60)
        with pytest.raises(TrackError, match='does not start where'):
            whole[:31].join([dataclasses.replace(whole[30:], positions=whole.positions[30:] + 0.1)])

    def test_other_ions(self):
        whole = a_track(60)
        with pytest.raises(TrackError, match='other ions'):
            whole[:31].join([dataclasses.replace(whole[30:], symbols=('Li', 'Li', 'Li', 'F'))])


class TestFromFrames:
    def test_mobile_and_framework(self):
        cells = breathing_cells(50)
        wrapped, path = wrapped_walk(cells, n_atoms=5)
        numbers = np.array([8, 3, 6, 8, 3])
        track = Track.from_frames(as_frames(numbers, wrapped, cells), ['Li'], timestep=0.5)
        assert track.symbols == ('Li', 'Li')
        np.testing.assert_allclose(track.positions, path[:, [1, 4]], atol=1e-9)
        centre = (15.999 * (path[:, 0] + path[:, 3]) + 12.011 * path[:, 2]) / (2 * 15.999 + 12.011)
        np.testing.assert_allclose(track.framework, centre, atol=1e-9)
        np.testing.assert_array_equal(track.steps, 100 * np.arange(50))

    def test_no_framework(self):
        cells = breathing_cells(5)
        track = Track.from_frames(as_frames(np.full(7, 3), wrapped_walk(cells)[0], cells), ['Li'], timestep=0.5)
        assert not track.framework.any()
        np.testing.assert_array_equal(track.drift_free().positions, track.positions)

    def test_refuses(self):
        cells = breathing_cells(5)
        frames = as_frames(np.full(7, 3), wrapped_walk(cells)[0], cells)
        with pytest.raises(TrackError, match='no Na'):
            Track.from_frames(frames, ['Na'], 0.5)
        with pytest.raises(TrackError, match='at which MD step'):
            Track.from_frames(frames.replace(origin_steps=None), ['Li'], 0.5)
        with pytest.raises(TrackError, match='There are no frames'):
            Track.from_frames(Frames.empty(), ['Li'], 0.5)
        with pytest.raises(TrackError, match='atoms of frame 3 are others'):
            Track.from_frames(frames.replace(numbers=np.repeat([3, 3, 3, 9, 3], 7)), ['Li'], 0.5)


def test_centre_of_mass_of_nothing():
    np.testing.assert_array_equal(centre_of_mass(np.empty((4, 0, 3)), np.empty(0, dtype=int)), np.zeros((4, 3)))


def by_image_counts(wrapped, cells):
    """Unwrap as programs do that count the borders crossed and multiply by the present cell."""
    scaled = np.einsum('fai,fij->faj', wrapped, np.linalg.inv(cells))
    images = np.zeros_like(scaled)
    images[1:] = -np.cumsum(np.rint(np.diff(scaled, axis=0)), axis=0)
    return np.einsum('fai,fij->faj', scaled + images, cells)


def as_frames(numbers, positions, cells):
    """Pack positions of the same atoms, with MD steps a hundred apart."""
    n_frames = len(positions)
    return Frames(
        numbers=np.tile(numbers, n_frames),
        positions=positions.reshape(-1, 3),
        ptr=np.arange(n_frames + 1) * len(numbers),
        cells=cells,
        pbc=np.ones((n_frames, 3), dtype=bool),
        origin_steps=100 * np.arange(n_frames),
    )


def assert_same(track, expected):
    """Assert that two tracks hold the same paths."""
    np.testing.assert_array_equal(track.steps, expected.steps)
    for name in ('positions', 'framework', 'cells'):
        np.testing.assert_allclose(getattr(track, name), getattr(expected, name), atol=1e-9)
