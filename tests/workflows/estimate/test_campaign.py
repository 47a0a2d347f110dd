"""What a campaign is going to do, counted by hand."""

import pytest
from aiida import orm

from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from aiida_seimlip.workflows.estimate.campaign import plan_campaign


@pytest.fixture
def plan(structure_li2co3, frames_labelled):
    """Return a function that plans a campaign from the protocol `demo`; two starts, of 24 and of 24 atoms."""

    def make(overrides=None, **inputs):
        options = ActiveLearningWorkChain.get_protocol_inputs('demo', {'options': overrides or {}})['options']
        structures = {'crystal': structure_li2co3, 'others': frames_labelled}
        return plan_campaign({'options': orm.Dict(options), 'structures': structures, **inputs})

    return make


def work(plan, name):
    return next(work for work in plan.works if work.name == name)


def test_explorations_are_those_of_all_iterations(plan):
    """From the structure and from each of the 16 frames."""
    found = plan({'max_iterations': 3})
    exploration = work(found, 'explore nvt-600K')
    assert (exploration.n_jobs, exploration.steps) == (3 * 17, 6000)
    assert exploration.atom_steps == 3 * 17 * 6000 * 24
    assert (exploration.level, exploration.with_grades) == (10, True)
    assert found.is_limit
    assert any('all 3 iterations' in note for note in found.notes)


def test_labels_are_limited(plan):
    assert work(plan(), 'label selected frames').steps == 250, 'by max_labels'
    assert work(plan({'max_iterations': 2}), 'label selected frames').steps == 2 * 24, 'by max_frames'
    unlimited = plan({'max_labels': None, 'selection': {'max_frames': None}})
    assert work(unlimited, 'label selected frames').atom_steps is None
    assert any('Nothing limits the number of labels' in note for note in unlimited.notes)


def test_bootstrap(plan):
    dynamics = {'temperatures': [300.0, 600.0], 'n_steps': 40, 'sample_every': 10}
    found = plan({'bootstrap': {'dynamics': dynamics}})
    assert work(found, 'label perturbed starts').steps == 14 * 17
    assert work(found, 'dynamics of the reference').atom_steps == 2 * 17 * 40 * 24


def test_bootstrap_that_chooses(plan, frames_training):
    """No more than the limit is labelled, however many candidates 17 starts and further frames make."""
    name = 'label perturbed starts'
    found = plan({'bootstrap': {'max_labels': 60}}, bootstrap_candidates={'more': frames_training})
    assert work(found, name).steps == 60
    joined = work(plan(bootstrap_candidates={'more': frames_training}), name)
    assert joined.steps == 14 * 17 + frames_training.n_frames
    assert work(found, name).n_bytes < joined.n_bytes


def test_labels_of_each_start_are_limited(plan):
    limited = plan(
        {'max_labels': None, 'selection': {'max_frames': None, 'max_frames_per_start': 1}, 'max_iterations': 2}
    )
    assert work(limited, 'label selected frames').steps == 2 * 17


def test_no_bootstrap_with_labels(plan, frames_training):
    names = [one.name for one in plan(initial_training={'old': frames_training}).works]
    assert 'label perturbed starts' not in names
    beside = plan({'bootstrap': {'beside_initial': True}}, initial_training={'old': frames_training})
    assert work(beside, 'label perturbed starts').steps == 14 * 17


def test_spot_checks(plan):
    found = plan({'accuracy': {'max_energy_error': 6.0, 'frames_per_exploration': 2}})
    n_conditions = len([one for one in found.works if one.name.startswith('explore ')])
    assert work(found, 'label spot checks').steps == 2 * 17 * n_conditions
    assert not [one for one in plan({}).works if 'spot' in one.name]


def test_held_out_frames(plan):
    found = plan()
    assert work(found, 'held out nvt-300K').n_jobs == 17
    assert work(found, 'label held-out frames').steps == 30
    assert not [one for one in plan({'held_out': None}).works if 'held' in one.name]


def test_committees(plan):
    """Each member is trained by a job of its own; their selection runs no program; lone atoms are labelled first."""
    engines = orm.Dict({'training': 'mace', 'exploration': 'ase', 'selection': 'committee'})
    found = plan(
        {'max_iterations': 3, 'lone_atoms': 12.0}, engines=engines, species=orm.List(['Li', 'C', 'O']),
        training={'parameters': orm.Dict({'committee': 2})},
    )  # fmt: skip
    assert work(found, 'train').n_jobs == 2 * (3 + 1)
    assert (work(found, 'label lone atoms').steps, work(found, 'label lone atoms').atom_steps) == (3, 3)
    assert 'select' not in [one.name for one in found.works]
    assert 'label lone atoms' not in [one.name for one in plan().works]
    assert work(plan(), 'select').n_jobs == 12
