"""Time from measured speeds, and room from shapes: compared with what is really written."""

import io
import uuid

import numpy as np
import pytest

from aiida_seimlip.data.frames import FILENAME, FramesData
from aiida_seimlip.science.analysis.track import Track
from aiida_seimlip.science.cost import CostError, Speed, find_rate, frames_bytes, n_samples, track_bytes
from aiida_seimlip.science.frames import Frames, predicted_by


def speeds(*pairs, with_grades=False, n_ranks=1):
    return [Speed(rate, n_ranks, level, with_grades) for level, rate in pairs]


def test_measured_level():
    rate = find_rate(speeds((8, 1e5), (16, 2e4)), 16, with_grades=False)
    assert rate.atom_steps_per_core_second == pytest.approx(2e4)
    assert not rate.is_extrapolated
    assert rate.core_hours(2e4 * 3600 * 5) == pytest.approx(5.0)


def test_level_between_two_is_the_geometric_mean():
    rate = find_rate(speeds((16, 2e4), (8, 8e4), (20, 1e4)), 12, with_grades=False)
    assert rate.atom_steps_per_core_second == pytest.approx(4e4)
    assert (rate.levels, rate.is_extrapolated) == ((8, 16, 20), False)


@pytest.mark.parametrize(('level', 'factor'), [(10, np.exp(-0.36)), (6, np.exp(0.36))])
def test_level_beyond_those_measured(level, factor):
    rate = find_rate(speeds((8, 1e5)), level, with_grades=False)
    assert rate.atom_steps_per_core_second == pytest.approx(1e5 * factor)
    assert rate.is_extrapolated


def test_slowdown_is_that_of_our_kernel():
    assert find_rate(speeds((8, 170e3)), 16).atom_steps_per_core_second == pytest.approx(40e3, rel=0.05)


def test_ranks_are_cores():
    assert find_rate(speeds((8, 1e5), n_ranks=4), 8).atom_steps_per_core_second == pytest.approx(2.5e4)


def test_last_measurement_counts():
    assert find_rate(speeds((8, 1e5), (8, 2e5)), 8).atom_steps_per_core_second == pytest.approx(2e5)


def test_other_models_have_no_level():
    both = [*speeds((8, 1e5)), Speed(300.0)]
    assert find_rate(both).atom_steps_per_core_second == 300.0
    assert find_rate(both, 8).atom_steps_per_core_second == pytest.approx(1e5)


def test_nothing_that_applies():
    with pytest.raises(CostError, match='of a moment tensor potential with grades'):
        find_rate(speeds((8, 1e5)), 8, with_grades=True)
    with pytest.raises(CostError, match='of any other model'):
        find_rate(speeds((8, 1e5)))


@pytest.mark.parametrize(('n_steps', 'every', 'expected'), [(100, 10, 11), (105, 10, 11), (5, 10, 1)])
def test_samples_of_a_run(n_steps, every, expected):
    assert n_samples(n_steps, every) == expected


@pytest.mark.parametrize(('n_frames', 'n_ions'), [(1, 1), (700, 15), (3000, 480)])
def test_track_takes_what_is_said(n_frames, n_ions):
    track = Track(
        positions=np.zeros((n_frames, n_ions, 3), dtype=np.float32), symbols=('Li',) * n_ions,
        framework=np.zeros((n_frames, 3)), cells=np.tile(np.eye(3), (n_frames, 1, 1)), steps=np.arange(n_frames),
        timestep=0.5,
    )  # fmt: skip
    written = 0
    for array in track.to_arrays().values():
        buffer = io.BytesIO()
        np.save(buffer, array)
        written += len(buffer.getvalue())
    assert track_bytes(n_frames, n_ions) == written


def test_long_track_of_the_paper_stays_small():
    """20 ns of 480 Li with a position each ps."""
    assert track_bytes(20_000, 480) < 200e6


@pytest.mark.parametrize(
    'known',
    [
        (),
        ('energies', 'forces'),
        ('energies', 'methods'),
        ('energies', 'forces', 'stresses', 'grades', 'methods', 'steps'),
    ],
)
def test_frames_take_what_is_said(known, li2co3):
    n_frames, size = 7, len(li2co3)
    frames = Frames.from_atoms([li2co3] * n_frames)
    arrays = {
        'energies': np.zeros(n_frames), 'forces': np.zeros((n_frames * size, 3)), 'stresses': np.zeros((n_frames, 6)),
        'grades': np.ones(n_frames), 'steps': np.arange(n_frames),
    }  # fmt: skip
    given = {'origin_steps' if name == 'steps' else name: arrays[name] for name in known if name != 'methods'}
    frames = frames.replace(**given)
    if 'methods' in known:
        frames = frames.computed_by(predicted_by(str(uuid.uuid4())), 'free')
    node = FramesData(frames)
    written = len(node.base.repository.get_object_content(FILENAME, mode='rb'))
    assert frames_bytes(n_frames, size, known) == written
