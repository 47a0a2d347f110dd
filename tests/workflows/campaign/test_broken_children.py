"""Processes below a campaign that were killed, or that excepted: the campaign ends with what it has so far."""

import pytest
from aiida import orm
from plumpy import ProcessState

from tests.workflows.campaign.conftest import running

ENDS = {ProcessState.KILLED: 'was killed', ProcessState.EXCEPTED: 'excepted: OperationalError: database is locked'}


@pytest.fixture(params=ENDS, ids=lambda state: state.value)
def broken(request):
    """Return a process that did not finish, and how that is said."""
    node = orm.WorkChainNode()
    node.set_process_label('StandIn')
    node.set_process_state(request.param)
    if request.param is ProcessState.EXCEPTED:
        node.set_exception('Traceback ...\nOperationalError: database is locked')
    return node.store(), ENDS[request.param]


@pytest.fixture
def campaign(generate_campaign, potential, make_frames, under_way):
    """Return a campaign in its first iteration, with a potential and five labels, that submits nothing."""
    process = generate_campaign()
    under_way(process)
    process.ctx.potential = potential
    process.ctx.training['iteration_000'] = make_frames(5, labelled=True, seed=50).store()
    process.plan_explorations()
    return process


def end_exploration(process, node, make_frames):
    process.run_explorations()
    process.ctx.jobs.update(dict.fromkeys(running(process).values(), node))
    return process.inspect_explorations()


def end_selection(process, node, make_frames):
    process.ctx.candidates = {'run_000': make_frames(3, seed=2).store()}
    process.run_selection()
    process.ctx.selection = node
    return process.inspect_selection()


def end_labelling(process, node, make_frames):
    process.ctx.to_label = make_frames(3, seed=2).store()
    process.run_labelling()
    process.ctx.references['selected'] = node
    return process.inspect_labelling()


def end_training(process, node, make_frames):
    process.ctx.training_process = node
    return process.inspect_training()


@pytest.mark.parametrize(
    ('end', 'label'),
    [
        (end_exploration, 'ERROR_EXPLORATION_FAILED'),
        (end_selection, 'ERROR_SELECTION_FAILED'),
        (end_labelling, 'ERROR_LABELLING_FAILED'),
        (end_training, 'ERROR_TRAINING_FAILED'),
    ],
)
def test_campaign_ends_with_what_it_has(campaign, broken, make_frames, end, label):
    node, said = broken
    exit_code = end(campaign, node, make_frames)
    assert exit_code.status == campaign.exit_codes[label].status
    assert f'StandIn {node.pk} {said}' in exit_code.message
    assert campaign.outputs['potential'].uuid == campaign.ctx.potential.uuid
    assert campaign.outputs['training']['iteration_000'].n_frames == 5
    assert campaign.outputs['history']['message'] == exit_code.message


def test_limit_of_restarts_is_a_setting_of_the_engine(generate_campaign, campaign_inputs, monkeypatch):
    process = generate_campaign(reference={**campaign_inputs['reference'], 'max_restarts': orm.Int(5)})
    submitted = []
    monkeypatch.setattr(process, 'submit', lambda engine, **inputs: submitted.append(inputs))
    process.submit_engine('reference', 'label')
    assert submitted[0]['max_restarts'].value == 5
