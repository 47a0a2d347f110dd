"""Explorations that become longer as the potential survives them."""

import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.campaign.history import has_converged
from aiida_seimlip.functions.campaign.planning import shorten
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.campaign.history import HISTORY_EXTRA, CampaignHistory
from aiida_seimlip.science.mtp.evaluate import evaluate
from tests.workflows.campaign.conftest import results


@pytest.fixture
def campaign(generate_campaign, campaign_options, make_frames):
    """Return a function that makes a campaign whose explorations become longer."""

    def factory(options=None, **exploration):
        exploration = {**campaign_options['exploration'], 'lengths': [0.1, 1.0], **exploration}
        process = generate_campaign({'exploration': exploration, **(options or {})})
        process.ctx.training['iteration_000'] = make_frames(5, labelled=True, seed=50).store()
        return process

    return factory


def steps_asked(process):
    """Return the numbers of steps of all explorations of the present iteration."""
    return {parameters['n_steps'] for parameters in process.ctx.parameters.values()}


def is_said_to_have_converged(process):
    history = CampaignHistory(**process.node.base.extras.get(HISTORY_EXTRA))
    return has_converged(process.settings, history.iterations)


def test_longer_once_all_survive(campaign, explore, finished):
    process = campaign()
    explore(process, {'run_000': finished(results=results('broke', n_steps=7))})
    (n_short,) = steps_asked(process)
    assert process.should_learn()
    assert process.ctx.length == 0
    explore(process)
    assert steps_asked(process) == {n_short}
    assert process.ctx.passed and not process.ctx.converged
    assert not (process.should_verify() or process.should_learn()), 'there is nothing to learn from'
    assert process.should_iterate()
    assert not is_said_to_have_converged(process)
    explore(process)
    assert steps_asked(process) == {10 * n_short}
    assert process.ctx.converged
    assert is_said_to_have_converged(process)
    explore(process, {'run_000': finished(results=results('broke', n_steps=7))})
    assert process.ctx.length == 1, 'it does not become shorter again'


def test_all_begin_anew_when_they_become_longer(campaign, explore):
    process = campaign(rising='each', recheck='last')
    explore(process)
    assert process.ctx.climbed == []
    waves, _, _ = explore(process)
    assert {key for wave in waves for key in wave} == set(process.ctx.parameters)


def test_labels_of_accurate_checks_are_learned_from(campaign, explore, make_frames, finished):
    process = campaign({'accuracy': {'max_energy_error': 5.0}})
    _, launched, _ = explore(process)
    process.ctx.trajectories = {key: make_frames(4, seed=60).store() for key in process.ctx.parameters}
    launched.clear()
    assert process.should_verify()
    process.run_verification()
    frames = evaluate(process.ctx.potential.get_mtp(), launched[-1][2]['frames'].get_frames(trace=True))
    process.ctx.references['checks'] = finished(frames=FramesData(frames), failures=orm.Dict({}))
    assert process.inspect_verification() is None
    assert process.ctx.length == 1
    assert not process.ctx.converged
    assert process.should_learn(), 'what is paid is learned from'
    assert list(process.labelled_so_far()) == ['iteration_000', 'iteration_001']


def test_what_is_missing_is_said(campaign, explore):
    process = campaign({'max_iterations': 1})
    explore(process)
    assert not process.should_iterate()
    exit_code = process.results()
    assert exit_code.status == process.exit_codes.ERROR_ITERATIONS_EXHAUSTED.status
    assert 'not all of their steps were asked for yet' in exit_code.message
    assert not CampaignHistory(**process.outputs['history'].get_dict()).converged


def test_short_runs_keep_their_last_frame():
    conditions = {'ensemble': 'nvt', 'temperature': 300.0, 'n_steps': 1000, 'dump_every': 200, 'thermo_every': 10}
    options = ActiveLearningOptions(seed=1, exploration={'conditions': [conditions]})
    (condition,) = options.exploration.conditions
    short = shorten(condition, 0.1)
    assert (short.n_steps, short.dump_every, short.thermo_every) == (100, 100, 10)
    assert short.label == condition.label
    assert shorten(condition, 1.0) == condition


@pytest.mark.parametrize('lengths', [[], [0.0, 1.0], [0.5], [0.5, 0.2, 1.0], [0.5, 0.5, 1.0], [1.0, 2.0]])
def test_refused(lengths):
    conditions = [{'ensemble': 'nvt', 'temperature': 300.0, 'n_steps': 1000}]
    fault = ActiveLearningOptions.explain(
        {'seed': 1, 'exploration': {'conditions': conditions, 'lengths': lengths}}, 'options'
    )
    assert 'exploration.lengths' in fault
