"""Labels that the profile holds are not computed again."""

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.engines.reference.known import find_labelled
from aiida_seimlip.science.frames import Frames

from .conftest import LENNARD_JONES, image


@pytest.fixture
def label(settings):
    """Return a function that labels frames and returns the outputs and the number of jobs."""

    def run(frames, **inputs):
        outputs, node = run_get_node(
            load_engine('reference', 'ase'), **{**settings('reference', 'ase'), **inputs}, frames=frames
        )
        assert node.is_finished_ok, node.exit_message
        return outputs, sum(isinstance(child, orm.CalcJobNode) for child in node.called)

    return run


def frames_of(*seeds):
    return FramesData(Frames.from_atoms([image(seed) for seed in seeds]))


def ancestors(outputs):
    """Return the UUIDs of everything from which labelled frames were made."""
    query = orm.QueryBuilder().append(orm.Node, filters={'uuid': outputs['frames'].uuid}, tag='labels')
    return query.append(orm.Data, with_descendants='labels', project='uuid').all(flat=True)


def test_labels_are_reused(label):
    """The second time only what is new is calculated, and the result is in order; the third time nothing is."""
    first, n_jobs = label(frames_of(9001, 9002))
    assert n_jobs == 1
    frames = frames_of(9002, 9003, 9001)
    second, n_jobs = label(frames)
    assert n_jobs == 1
    assert second['frames'].hashes == frames.hashes
    assert second['failures'].get_dict() == {}
    np.testing.assert_array_equal(second['frames'].get_frames().energies[[2, 0]], first['frames'].get_frames().energies)
    assert second['frames'].get_frames().origin_uuids.tolist() == [frames.uuid] * 3
    third, n_jobs = label(frames_of(9003, 9002, 9001))
    assert n_jobs == 0
    np.testing.assert_array_equal(
        third['frames'].get_frames().energies, second['frames'].get_frames().energies[[1, 0, 2]]
    )
    assert first['frames'].uuid in ancestors(third)


def test_reuse_can_be_turned_off(label):
    label(frames_of(9011))
    assert label(frames_of(9011), reuse_labels=False)[1] == 1


def test_other_settings_are_other_labels(label):
    """The division of the work does not matter, the keyword arguments of the calculator do."""
    outputs, _ = label(frames_of(9021))
    frames = frames_of(9021)
    same = {'calculator': {'name': 'lj', 'kwargs': LENNARD_JONES}, 'processes': 2, 'threads': 3}
    creator = outputs['frames'].uuid
    assert [node.uuid for node in find_labelled(orm.Dict(same), frames).values() if node.hashes == frames.hashes] == [
        creator
    ]
    for change in (
        {'calculator': {'name': 'lj', 'kwargs': {**LENNARD_JONES, 'rc': 7.0}}},
        {'calculator': {'name': 'emt'}},
        {'stress': False},
    ):
        found = find_labelled(orm.Dict({**same, **change}), frames)
        assert not [node for node in found.values() if node.uuid == creator]


def test_another_potential_gives_other_labels(label, potential):
    """Labels by a potential count for that potential only, never for a calculator that was given none."""
    from aiida_seimlip.data.potential import PotentialData

    parameters = orm.Dict({'calculator': {'name': 'mtp'}})
    outputs, n_jobs = label(frames_of(9025), parameters=parameters, potential=potential)
    assert n_jobs == 1
    assert label(frames_of(9025), parameters=parameters, potential=potential)[1] == 0
    other = PotentialData.from_mtp(potential.get_mtp().replace(active_set=None)).store()
    for given in (other, None):
        found = find_labelled(parameters, frames_of(9025), given)
        assert outputs['frames'].uuid not in [node.uuid for node in found.values()]


def test_dynamics_are_reused(label):
    """The same starts, settings and calculator give the same samples, without a job."""
    dynamics = {'temperature': 30.0, 'n_steps': 4, 'sample_every': 2, 'seed': 4, 'timestep': 4.0}
    frames = frames_of(9031, 9032)
    first, n_jobs = label(frames, dynamics=orm.Dict(dynamics))
    assert n_jobs == 1
    again = frames_of(9031, 9032)
    second, n_jobs = label(again, dynamics=orm.Dict(dynamics))
    assert n_jobs == 0
    assert second['frames'].hashes == first['frames'].hashes
    assert second['failures'].get_dict() == {}
    np.testing.assert_array_equal(second['frames'].get_frames().energies, first['frames'].get_frames().energies)
    assert set(second['frames'].get_frames().origin_uuids) == {again.uuid}
    assert label(frames_of(9031, 9032), dynamics=orm.Dict({**dynamics, 'seed': 5}))[1] == 1


def test_check_of_a_program_runs_it(settings):
    """A check that took over the labels of the last one would say nothing."""
    from aiida_seimlip.workflows.check.programs import ReferenceCheck

    jobs = ReferenceCheck('ase').plan('label', orm.Dict({}), {'frames': frames_of(1)}, {}, {})
    assert jobs['label'][1]['reuse_labels'].value is False
