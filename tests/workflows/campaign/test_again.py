"""No label is computed twice: in the same campaign once more, and in one that goes on. Nothing in it is pretended."""

import sys

import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.options.campaign.history import CampaignHistory
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from tests.workflows.conftest import SPECIES, crystal

MD = {'timestep': 4.0, 'n_steps': 100, 'dump_every': 20, 'thermo_every': 50, 'thermostat_damping': 200.0}
OVERRIDES = {
    'options': {
        'seed': 12, 'max_iterations': 1, 'max_labels': 60,
        'untrained': {'level': 6, 'min_dist': 2.0, 'max_dist': 5.2},
        'bootstrap': {
            'n_perturbed': 5, 'temperatures': [5.0], 'strain': 0.002, 'ion_stiffness': 0.5,
            'dynamics': {'temperatures': [5.0], 'n_steps': 10, 'sample_every': 5, 'timestep': 4.0},
        },
        'exploration': {'conditions': [{**MD, 'temperature': 80.0}]},
        'filters': {'min_distance': 2.0, 'max_force': 5.0, 'max_grade': 1e6},
        'selection': {'max_frames': 6},
        'held_out': None,
    },
    'reference': {
        'parameters': {
            'calculator': {'name': 'lj', 'kwargs': {'sigma': 3.41, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}}
        }
    },
    'training': {'parameters': {'iteration_limit': 20}},
}  # fmt: skip

pytestmark = pytest.mark.slow
_RUN = {}


@pytest.fixture
def builder(code):
    """Return the inputs of a campaign that ends at its limit of one iteration."""
    codes = {
        'reference': code('seimlip.ase', sys.executable), 'training': code('seimlip.mlip3.train', 'seimlip-mlp'),
        'exploration': code('seimlip.lammps', 'seimlip-lmp'),
    }  # fmt: skip
    return ActiveLearningWorkChain.get_builder_from_protocol(
        codes, {'crystal': orm.StructureData(ase=crystal())}, species=SPECIES, protocol='demo', overrides=OVERRIDES
    )


@pytest.fixture
def campaign(builder):
    """Return the campaign, which is run once for all tests of this module."""
    if not _RUN:
        _RUN['node'] = run_get_node(builder)[1]
    node = _RUN['node']
    assert node.exit_status == 400, node.exit_message
    return node


def labelling_jobs(node):
    """Return the jobs of the reference program of a campaign."""
    return [process for process in node.called_descendants if process.process_label == 'AseCalculation']


def labels_of(node):
    """Return the energies of the training set by the content hash of the frame."""
    return {
        value: energy for frames in node.outputs.training.values()
        for value, energy in zip(frames.hashes, frames.get_frames().energies.tolist(), strict=True)
    }  # fmt: skip


def test_same_campaign_again_computes_nothing(campaign, builder):
    assert len(labelling_jobs(campaign)) == 3  # perturbed starts, dynamics, selected frames
    again = run_get_node(builder)[1]
    assert len(labelling_jobs(again)) == 0
    assert labels_of(again) == labels_of(campaign)
    contents = [node.outputs.potential.get_content(mode='rb') for node in (again, campaign)]
    assert contents[0] == contents[1]


def test_continued_campaign_computes_what_is_new(campaign):
    builder = ActiveLearningWorkChain.get_builder_to_continue(campaign, max_iterations=2)
    node = run_get_node(builder)[1]
    assert node.exit_status in (0, 400), node.exit_message
    known = labels_of(campaign)
    asked = [value for job in labelling_jobs(node) for value in job.inputs.frames.hashes]
    assert not set(asked) & set(known)
    assert len(set(asked)) == len(asked)
    assert set(labels_of(node)) >= set(known)
    history = CampaignHistory(**node.outputs.history.get_dict())
    assert history.continues == campaign.uuid
    assert history.iterations[0].iteration == 2
    assert history.n_labels == len(labels_of(node))
    first = [run.seed for record in CampaignHistory(**campaign.outputs.history.get_dict()).iterations
             for run in record.explorations]  # fmt: skip
    assert not set(first) & {run.seed for record in history.iterations for run in record.explorations}
