"""Answers from the record, and the reasons where there is none."""

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.campaign.replay import explain_unrecorded, replay_dynamics
from aiida_seimlip.science.frames import Frames
from tests.engines.conftest import DYNAMICS, image, labelled


@pytest.fixture
def starts():
    """Return two frames to start from."""
    return FramesData.from_atoms([image(1), image(2)]).store()


@pytest.fixture
def record(starts):
    """Return what a reference program was asked and answered: two samples from each start."""
    samples = Frames.from_atoms([labelled(image(seed)) for seed in (21, 22, 23, 24)]).replace(
        origin_uuids=np.full(4, starts.uuid), origin_indices=np.array([0, 0, 1, 1]),
        origin_steps=np.array([10, 20, 10, 20]),
    )  # fmt: skip
    return {'frames': starts, 'dynamics': orm.Dict(DYNAMICS), 'samples': FramesData(samples)}


def test_reason_names_the_hash(starts):
    reasons = explain_unrecorded(starts).get_dict()
    assert list(reasons) == ['0', '1']
    for index, value in enumerate(starts.hashes):
        assert reasons[str(index)].startswith('NotRecorded: ')
        assert value in reasons[str(index)]


def test_recorded_dynamics_are_answered(starts, record):
    again = FramesData(starts.get_frames())
    outputs = replay_dynamics(again, orm.Dict(DYNAMICS), record=record)
    found, expected = outputs['frames'].get_frames(), record['samples'].get_frames()
    np.testing.assert_array_equal(found.positions, expected.positions)
    np.testing.assert_array_equal(found.energies, expected.energies)
    np.testing.assert_array_equal(found.forces, expected.forces)
    assert found.origin_uuids.tolist() == [again.uuid] * 4
    assert found.origin_steps.tolist() == [10, 20, 10, 20]
    assert outputs['failures'].get_dict() == {}


def test_defaults_may_be_left_out(starts, record):
    from aiida_seimlip.options.ase import MdOptions

    complete = orm.Dict(MdOptions.from_node(DYNAMICS).to_dict())
    assert replay_dynamics(starts, complete, record=record)['frames'].n_frames == 4


@pytest.mark.parametrize('change', [{'seed': 5}, {'temperature': 31.0}, {'n_steps': 40}, {'timestep': 2.0}])
def test_other_dynamics_are_not_answered(starts, record, change):
    outputs = replay_dynamics(starts, orm.Dict({**DYNAMICS, **change}), record=record)
    assert 'frames' not in outputs
    reasons = outputs['failures'].get_dict()
    assert set(reasons) == {'0', '1'}
    assert starts.hashes[1] in reasons['1']


def test_start_at_another_place_is_not_answered(starts, record):
    """The random numbers of a trajectory depend on the place of its start."""
    swapped = FramesData(starts.get_frames()[[1, 0]])
    assert set(replay_dynamics(swapped, orm.Dict(DYNAMICS), record=record)['failures'].get_dict()) == {'0', '1'}


def test_recorded_failures_fail_again(starts, record):
    """A trajectory that was cut short keeps its samples and its failure."""
    samples = record['samples'].get_frames()[[0, 2, 3]]
    cut = {**record, 'samples': FramesData(samples), 'failures': orm.Dict({'0': 'NotConverged: step 20.'})}
    outputs = replay_dynamics(starts, orm.Dict(DYNAMICS), record=cut)
    assert outputs['frames'].get_frames().origin_steps.tolist() == [10, 10, 20]
    assert outputs['failures'].get_dict() == {'0': 'NotConverged: step 20.'}
