"""Tracks in the database."""

import numpy as np
import pytest

from aiida_seimlip.data.track import join_track_nodes, load_track, store_track
from aiida_seimlip.science.analysis.assembly import RecordedPaths, assemble_track
from aiida_seimlip.science.analysis.track import Track, TrackError, unwrap
from aiida_seimlip.science.frames import Frames


def walk(steps, start=0.0, n_ions=2, seed=1):
    rng = np.random.default_rng(seed)
    return Track(
        positions=(start + np.cumsum(rng.normal(size=(len(steps), n_ions, 3)), axis=0)).astype(np.float32),
        symbols=('Li',) * n_ions, framework=rng.normal(size=(len(steps), 3)),
        cells=np.tile(10.0 * np.eye(3), (len(steps), 1, 1)), steps=np.array(steps), timestep=0.5,
    )  # fmt: skip


def continuation(earlier, steps):
    """Return a track that begins with the last frame of an earlier one."""
    later = walk(steps, seed=2)
    shift = earlier.positions[-1] - later.positions[0]
    framework = later.framework - later.framework[0] + earlier.framework[-1]
    return Track(later.positions + shift, later.symbols, framework, later.cells, later.steps, later.timestep)


def assert_same(track, other):
    for name in ('positions', 'framework', 'cells', 'steps'):
        np.testing.assert_array_equal(getattr(track, name), getattr(other, name))
    assert (track.symbols, track.timestep) == (other.symbols, other.timestep)


def test_round_trip():
    track = walk([0, 10, 20])
    node = store_track(track).store()
    assert_same(load_track(node), track)
    assert node.get_array('positions').dtype == np.float32


def test_frames_at_the_end_of_a_job_are_left_out():
    first = walk([0, 10, 20, 27])
    second = continuation(first, [27, 30, 40])
    joined = load_track(store_track(first, second, every=10))
    assert joined.steps.tolist() == [0, 10, 20, 30, 40]
    np.testing.assert_allclose(joined.positions[3], second.positions[1], atol=1e-6)
    assert load_track(store_track(first, every=10)).steps.tolist() == [0, 10, 20]


def test_joined_node_takes_no_room():
    """Its files are those that the nodes of the parts hold already."""
    first = walk([0, 10, 20])
    nodes = [store_track(first, every=10).store(), store_track(continuation(first, [20, 30]), every=10).store()]
    joined = join_track_nodes(nodes).store()
    again = join_track_nodes([joined, store_track(continuation(load_track(joined), [30, 40]), every=10).store()])
    files = [{entry.key for entry in _objects(node)} for node in (*nodes, joined)]
    assert files[2] <= files[0] | files[1]
    assert load_track(joined).steps.tolist() == [0, 10, 20, 30]
    assert load_track(again).steps.tolist() == [0, 10, 20, 30, 40]


def _objects(node):
    repository = node.base.repository
    return [repository.get_object(name) for name in repository.list_object_names()]


def test_parts_in_a_cell_that_changes():
    """A continuation starts from positions by image flags, which a path that was unwrapped by steps has left."""
    rng = np.random.default_rng(7)
    steps = np.arange(0, 400, 10)
    cells = np.array([np.diag([6.0, 7.0, 8.0]) * scale for scale in 1.0 + 0.05 * rng.normal(size=steps.size)])
    scaled = rng.uniform(size=(1, 3, 3)) + np.cumsum(rng.normal(scale=0.12, size=(steps.size, 3, 3)), axis=0)
    raw, wrapped = scaled @ cells, (scaled - np.floor(scaled)) @ cells

    def frame(index):
        return Frames(
            numbers=[3] * 3, positions=raw[index], ptr=[0, 3], cells=cells[[index]], pbc=np.ones((1, 3)),
            origin_steps=steps[[index]],
        )  # fmt: skip

    def part(first, last):
        paths = RecordedPaths(steps, cells, wrapped, np.zeros((steps.size, 3)), is_unwrapped=False)
        conditions = {'mobile': ['Li'], 'first_step': steps[first], 'timestep': 0.5}
        return assemble_track(paths, frame(first), frame(last), **conditions)

    whole = part(0, 39)
    assert np.abs(whole.positions - raw).max() > 0.1
    np.testing.assert_allclose(whole.positions, unwrap(wrapped, cells) + raw[0] - wrapped[0], atol=1e-9)
    nodes = [store_track(part(*ends), every=10) for ends in ((0, 17), (17, 30), (30, 39))]
    joined = load_track(join_track_nodes(nodes))
    assert joined.steps.tolist() == steps.tolist()
    np.testing.assert_allclose(joined.positions, whole.positions, atol=1e-4)


def test_strangers_are_not_joined():
    first = walk([0, 10, 20])
    with pytest.raises(TrackError, match='does not start where'):
        store_track(first, walk([20, 30], start=3.3, seed=5))
    with pytest.raises(ValueError, match='no track'):
        store_track()


def test_size():
    """20 ns of 480 ions and their framework, a frame each ps, stay below 200 MB: 12 bytes for each ion and frame."""
    n_ions, sizes = 480, []
    for n_frames in (100, 200):
        node = store_track(walk(range(0, 2000 * n_frames, 2000), n_ions=n_ions), every=2000).store()
        sizes.append(
            sum(node.base.repository.get_object_size(name) for name in node.base.repository.list_object_names())
        )
    per_frame = (sizes[1] - sizes[0]) / 100
    assert per_frame == 12 * n_ions + 8 * (3 + 9 + 1)
    assert sizes[0] + per_frame * (20_001 - 100) < 120e6
