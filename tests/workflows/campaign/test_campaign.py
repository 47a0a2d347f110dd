"""One whole campaign with the programs that come with the package: small, but nothing in it is pretended."""

import sys

import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.campaign.history import CampaignHistory
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from tests.workflows.conftest import SPECIES, crystal

MD = {'timestep': 4.0, 'n_steps': 200, 'dump_every': 20, 'thermo_every': 50, 'thermostat_damping': 200.0}
OVERRIDES = {
    'options': {
        'seed': 11, 'max_iterations': 6, 'max_labels': 60,
        'untrained': {'level': 6, 'min_dist': 2.0, 'max_dist': 5.2},
        'bootstrap': {
            'n_perturbed': 8, 'temperatures': [20.0], 'strain': 0.01, 'ion_stiffness': 0.2,
            'dynamics': {'temperatures': [20.0], 'n_steps': 40, 'sample_every': 10, 'timestep': 4.0},
        },
        'exploration': {'conditions': [{**MD, 'temperature': 15.0}, {**MD, 'temperature': 50.0}]},
        'filters': {'min_distance': 2.0, 'max_force': 5.0},
        'selection': {'max_frames': 12},
        'accuracy': {'max_energy_error': 1.0, 'max_force_error': 0.01},
        'held_out': {'conditions': [{**MD, 'temperature': 30.0}], 'n_frames': 6},
    },
    'reference': {
        'parameters': {
            'calculator': {'name': 'lj', 'kwargs': {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}}
        }
    },
    'training': {'parameters': {'iteration_limit': 60}},
}  # fmt: skip


pytestmark = pytest.mark.slow
_RUN = {}


@pytest.fixture
def campaign(code):
    """Return outputs and process of the campaign, which is run once for all tests of this module."""
    if not _RUN:
        codes = {
            'reference': code('seimlip.ase', sys.executable), 'training': code('seimlip.mlip3.train', 'seimlip-mlp'),
            'exploration': code('seimlip.lammps', 'seimlip-lmp'),
        }  # fmt: skip
        builder = ActiveLearningWorkChain.get_builder_from_protocol(
            codes, {'crystal': orm.StructureData(ase=crystal())}, species=SPECIES, protocol='demo', overrides=OVERRIDES
        )
        _RUN['outputs'], _RUN['node'] = run_get_node(builder)
    return _RUN['outputs'], _RUN['node']


def test_it_converges(campaign):
    outputs, node = campaign
    assert node.is_finished_ok, node.exit_message
    history = CampaignHistory(**outputs['history'].get_dict())
    assert history.converged
    assert history.iterations[-1].is_survived
    assert all(not record.is_survived for record in history.iterations[:-1])
    assert {run.condition for run in history.iterations[-1].explorations} == {'nvt-15K', 'nvt-50K'}


def test_it_agrees_with_the_reference_on_what_it_survived(campaign):
    outputs, _ = campaign
    errors = CampaignHistory(**outputs['history'].get_dict()).iterations[-1].check_errors
    assert errors.energy_mev_per_atom < 1.0
    assert errors.force_ev_per_angstrom < 0.01
    assert errors.n_frames == outputs['checks'].n_frames == 2
    learned = {value for frames in outputs['training'].values() for value in frames.hashes}
    assert not learned & set(outputs['checks'].hashes)


def test_potential_is_good_on_frames_that_it_has_not_seen(campaign):
    outputs, _ = campaign
    held_out = CampaignHistory(**outputs['history'].get_dict()).held_out
    assert held_out.n_frames == 6
    assert held_out.errors.energy_mev_per_atom < 1.0
    assert held_out.errors.force_ev_per_angstrom < 0.01
    assert held_out.errors.stress_gpa < 0.05
    learned = {value for frames in outputs['training'].values() for value in frames.hashes}
    assert not learned & set(outputs['held_out'].hashes)


def test_history_is_that_of_the_outputs(campaign):
    outputs, node = campaign
    history = CampaignHistory(**outputs['history'].get_dict())
    assert history.n_labels == sum(frames.n_frames for frames in outputs['training'].values())
    trained = [record for record in history.iterations if record.potential_uuid]
    assert trained[-1].potential_uuid == outputs['potential'].uuid
    assert [record.training_uuid for record in trained] == [frames.uuid for frames in outputs['training'].values()]
    assert trained[-1].train_errors.n_frames == history.n_labels
    assert all(record.seconds['train'] > 0.0 for record in trained)
    watched = CampaignHistory(**node.base.extras.get('seimlip_history'))
    assert watched.iterations == history.iterations


def test_no_frame_is_learned_twice(campaign):
    outputs, _ = campaign
    hashes = [value for frames in outputs['training'].values() for value in frames.hashes]
    assert len(set(hashes)) == len(hashes)


def test_every_label_is_accepted(campaign):
    outputs, _ = campaign
    assert all(frames.is_labelled for frames in outputs['training'].values())
    assert outputs['held_out'].is_labelled


def test_no_random_number_is_used_twice(campaign):
    outputs, _ = campaign
    history = CampaignHistory(**outputs['history'].get_dict())
    runs = [run for record in (*history.iterations, history.held_out) for run in record.explorations]
    assert len({run.seed for run in runs}) == len(runs)


def test_no_data_without_a_creator(campaign):
    """Frames, potentials and parameters are made by a calculation, or were given by the user."""
    _, node = campaign
    given = {entry.node.uuid for entry in node.base.links.get_incoming(link_type=LinkType.INPUT_WORK).all()}
    processes = [node, *node.called_descendants]
    data = {
        entry.node.uuid: entry.node for process in processes for entry in process.base.links.get_incoming().all()
        if isinstance(entry.node, FramesData | PotentialData | orm.Dict)
    }  # fmt: skip
    orphans = [found for uuid, found in data.items() if found.creator is None and uuid not in given]
    assert not orphans


def test_frames_know_where_they_came_from(campaign):
    """A frame learned in the loop leads to the candidates of an exploration, and to its MD step and grade."""
    outputs, _ = campaign
    later = [frames for name, frames in outputs['training'].items() if name > 'iteration_000']
    assert later
    for frames in (node.get_frames() for node in later):
        assert (frames.grades > 2.0).all()
        for uuid, index in zip(frames.origin_uuids, frames.origin_indices, strict=True):
            origin = orm.load_node(uuid)
            assert origin.creator.process_label == 'LammpsCalculation'
            assert 0 <= index < origin.n_frames


def test_settings_of_the_user_are_passed_on_not_copied(campaign):
    _, node = campaign
    jobs = [process for process in node.called_descendants if process.process_label == 'Mlip3TrainCalculation']
    assert {job.inputs.parameters.uuid for job in jobs} == {node.inputs.training.parameters.uuid}
