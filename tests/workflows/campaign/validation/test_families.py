"""Campaigns with MACE, and what learns from the same labels: what is refused at submission."""

import sys

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.functions.campaign.warnings import find_warnings
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.workflows.campaign.stage import begins_untrained

TRAINING = {'committee': 2, 'num_channels': 4, 'max_num_epochs': 2}


@pytest.fixture
def mace_inputs(campaign_inputs, campaign_options, code):
    """Return the inputs of a campaign with MACE."""
    python = code('seimlip.ase', sys.executable)
    thresholds = {'threshold_save': 0.3, 'threshold_break': 1.5}
    options = {
        **campaign_options, 'lone_atoms': 12.0, 'exploration': {**campaign_options['exploration'], **thresholds},
    }  # fmt: skip
    return {
        **campaign_inputs, 'options': options,
        'engines': {'reference': 'ase', 'training': 'mace', 'exploration': 'ase', 'selection': 'committee'},
        'training': {'code': python, 'parameters': orm.Dict(TRAINING)}, 'exploration': {'code': python},
        'selection': {'parameters': orm.Dict({'n_frames': 4})},
    }  # fmt: skip


def test_it_is_taken(mace_inputs, complaint):
    assert complaint(mace_inputs) is None


def test_no_untrained_potential_is_needed(mace_inputs, campaign_inputs):
    assert not begins_untrained(mace_inputs['engines'])
    assert begins_untrained(campaign_inputs.get('engines'))


def test_energies_of_lone_atoms_are_needed(mace_inputs, complaint):
    without = {**mace_inputs, 'options': {**mace_inputs['options'], 'lone_atoms': None}}
    assert 'Input `training.parameters` gives no `atom_energies`' in complaint(without)
    energies = {'Ne': -1.0, 'Ar': -2.0}
    given = {**mace_inputs['training'], 'parameters': orm.Dict({**TRAINING, 'atom_energies': energies})}
    assert complaint({**without, 'training': given}) is None


def test_a_single_model_cannot_explore(mace_inputs, complaint):
    single = {**mace_inputs['training'], 'parameters': orm.Dict({**TRAINING, 'committee': 1})}
    assert 'will be no committee' in complaint({**mace_inputs, 'training': single})


def test_ramps_are_refused(mace_inputs, complaint):
    exploration = mace_inputs['options']['exploration']
    conditions = [{**condition, 'temperature_end': 900.0} for condition in exploration['conditions']]
    options = {**mace_inputs['options'], 'exploration': {**exploration, 'conditions': conditions}}
    assert '`temperature_end` is not known to this engine' in complaint({**mace_inputs, 'options': options})


def test_thresholds_in_ev_are_nothing_for_an_active_set(campaign_inputs, campaign_options, complaint):
    exploration = {**campaign_options['exploration'], 'threshold_save': 0.3}
    message = complaint({**campaign_inputs, 'options': {**campaign_options, 'exploration': exploration}})
    assert '`exploration.threshold_save` to 0.3, but up to a grade of 1' in message


def test_active_sets_are_of_no_concern(mace_inputs, campaign_options):
    options = ActiveLearningOptions.from_node(mace_inputs['options'])
    for begins, expected in ((True, True), (False, False)):
        found = list(find_warnings(options, ['Ne', 'Ar'], mace_inputs['structures'], {}, None, begins_untrained=begins))
        assert any('rows of an active set' in warning for warning in found) == expected


# -- what learns from the same labels ---------------------------------------------------------------------------------


@pytest.fixture
def also(code):
    return {
        'engine': orm.Str('mace'), 'code': code('seimlip.ase', sys.executable),
        'parameters': orm.Dict({**TRAINING, 'atom_energies': {'Ne': -1.0, 'Ar': -2.0}}),
    }  # fmt: skip


def test_another_family_is_taken(campaign_inputs, also, complaint):
    assert complaint({**campaign_inputs, 'also_train': also}) is None


@pytest.mark.parametrize(('change', 'expected'), [
    ({'engine': None}, 'Input `also_train.engine` is missing'),
    ({'engine': 'gap'}, 'no engine `gap` for the socket `training`'),
    ({'parameters': {'colour': 'red'}}, '`also_train.parameters`'),
    ({'parameters': TRAINING}, 'Input `also_train.parameters` gives no `atom_energies`'),
    ({'code': None}, '`also_train.code` is missing'),
])  # fmt: skip
def test_wrong_settings_are_refused_early(campaign_inputs, also, complaint, change, expected):
    changed = {name: value for name, value in {**also, **change}.items() if value is not None}
    assert expected in complaint({**campaign_inputs, 'also_train': changed})


def test_the_other_training_begins_with_all_labels(generate_campaign, also, make_frames, monkeypatch, finished):
    launched = []
    process = generate_campaign(also_train=also)
    monkeypatch.setattr(process, 'submit', lambda engine, **inputs: launched.append((engine, inputs)))
    monkeypatch.setattr(process, 'to_context', lambda **kwargs: None)
    assert not process.should_also_train()
    process.ctx.training['iteration_000'] = make_frames(5, labelled=True, seed=50).store()
    assert process.should_also_train()
    process.run_also_training()
    ((engine, inputs),) = launched
    assert engine.__name__ == 'MaceTrainingWorkChain'
    assert inputs['training'].keys() == {'iteration_000'}
    assert inputs['parameters']['atom_energies'] == {'Ne': -1.0, 'Ar': -2.0}
    assert not {'engine', 'each_iteration', 'start'} & set(inputs)


def test_a_failure_does_not_lose_the_campaign(generate_campaign, also, make_frames, finished, potential):
    process = generate_campaign(also_train=also)
    process.ctx.training['iteration_000'] = process.made['accepted'] = make_frames(5, labelled=True, seed=50).store()
    process.ctx.potential = process.made['potential'] = potential
    process.ctx.also_process = finished(310, 'The training gave no usable potential.')
    assert process.inspect_also_training() is None
    assert not process.should_evaluate_also()
    process.ctx.converged = True
    assert process.results() is None
    assert process.outputs['potential'] is potential
    assert 'also' not in process.outputs
    assert any('gave no usable potential' in warning for warning in process.outputs['history']['warnings'])


def test_the_other_potential_is_judged_by_the_same_frames(generate_campaign, also, make_frames, finished, potential):
    """One of moment tensors is evaluated in this process."""
    process = generate_campaign(also_train=also)
    process.ctx.training['iteration_000'] = process.made['accepted'] = make_frames(5, labelled=True, seed=50).store()
    process.ctx.potential = process.made['potential'] = potential
    errors = {name: {'count': 5, 'rms': 0.1, 'max': 0.2, 'mean': 0.1} for name in ('energy_per_atom', 'force')}
    process.ctx.also_process = finished(potential=potential.clone(), errors=orm.Dict(errors))
    process.inspect_also_training()
    assert not process.should_also_train()
    process.open_record('held_out')
    process.made['accepted'] = make_frames(3, labelled=True, seed=70).store()
    assert process.should_evaluate_also()
    process.run_also_evaluation()
    process.inspect_also_evaluation()
    process.ctx.converged = True
    assert process.results() is None
    history = process.outputs['history'].get_dict()
    assert history['also_errors'] == process.outputs['also_errors'].get_dict()
    assert history['also_errors']['n_frames'] == 3
    assert np.isfinite(history['also_errors']['force_ev_per_angstrom'])
    assert history['iterations'][0]['also_uuid'] == process.outputs['also'].uuid
