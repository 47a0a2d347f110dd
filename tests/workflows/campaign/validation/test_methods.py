"""Predictions are no labels, and methods are mixed where that is meant only."""

import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.campaign.history import HISTORY_EXTRA
from aiida_seimlip.workflows.campaign.validation.methods import describe_reference, warn_about_methods
from tests.workflows.campaign.validation.test_validation import complaint


@pytest.fixture
def labelled(make_frames):
    """Return a factory of sets of labelled frames: ``labelled(method, kind)``."""

    def factory(method='', kind=''):
        return FramesData(make_frames(3, labelled=True).get_frames().computed_by(method, kind))

    return factory


@pytest.fixture
def inputs(campaign_inputs):
    """Return inputs of a campaign whose reference labels by EMT."""
    reference = {**campaign_inputs['reference'], 'parameters': orm.Dict({'calculator': {'name': 'emt'}})}
    return {**campaign_inputs, 'reference': reference}


def test_predictions_are_refused_by_name(inputs, labelled, potential):
    training = {'band': labelled(f'potential:{potential.uuid}')}
    message = complaint({**inputs, 'initial_training': training})
    assert message.startswith(
        'Input `initial_training.band`: energies and forces of 3 of 3 frames are predictions of the potential '
        f'{potential.pk} ({potential.uuid[:8]})'
    )


def test_mixtures_are_refused(inputs, labelled):
    training = {'a': labelled('PBE'), 'b': labelled('EMT')}
    message = complaint({**inputs, 'initial_training': training})
    assert '`EMT` (in b), `PBE` (in a)' in message
    assert 'set `allow_mixed_methods` in the input `options`' in message
    message = complaint({**inputs, 'initial_training': {'a': labelled('PBE')}})
    assert 'labels by `PBE` (in a), but the reference labels by `EMT`' in message


def test_mixtures_that_are_meant(inputs, labelled):
    options = {**inputs['options'], 'allow_mixed_methods': True}
    mixed = {
        **inputs,
        'options': options,
        'initial_training': {'a': labelled('PBE', 'sigma0'), 'b': labelled('EMT', 'free')},
    }
    assert complaint(mixed) is None
    methods, kinds = warn_about_methods(mixed)
    assert 'different methods' in methods
    assert 'different kinds' in kinds
    predicted = {**mixed, 'initial_training': {'a': labelled('potential:0123')}}
    assert 'what a potential predicts is no label' in complaint(predicted), 'a prediction is none even then'


@pytest.mark.parametrize(('method', 'warnings'), [('', 1), ('EMT', 0)])
def test_unknown_methods_are_said(inputs, labelled, method, warnings):
    given = {**inputs, 'initial_training': {'a': labelled(method)}}
    assert complaint(given) is None
    assert len(warn_about_methods(given)) == warnings


def test_warnings_are_recorded(generate_campaign, labelled):
    process = generate_campaign(initial_training={'a': labelled()})
    warnings = process.node.base.extras.get(HISTORY_EXTRA)['warnings']
    (warning,) = [warning for warning in warnings if 'unknown by which method' in warning]
    assert '`initial_training.a`' in warning


def test_a_potential_is_no_reference(inputs, potential):
    """Unless the user names it as the method that the campaign learns from."""
    calculator = {'name': 'mtp'}
    reference = {
        **inputs['reference'], 'parameters': orm.Dict({'calculator': calculator}), 'potential': potential
    }  # fmt: skip
    message = complaint({**inputs, 'reference': reference})
    assert message.startswith(f'Input `reference.potential` is the potential {potential.pk} ({potential.uuid[:8]})')
    assert '`reference.parameters.calculator.method_label`' in message
    meant = {**reference, 'parameters': orm.Dict({'calculator': {**calculator, 'method_label': 'large MTP'}})}
    assert complaint({**inputs, 'reference': meant}) is None
    assert describe_reference({**inputs, 'reference': meant}) == ('large MTP', '')
