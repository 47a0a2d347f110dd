"""Before anything is paid: what a campaign begins with, and what it says about it."""

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import build_active_set
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain
from tests.workflows.campaign.conftest import running
from tests.workflows.conftest import SPECIES


@pytest.fixture
def known(make_frames):
    """Return labelled frames and a function that gives the potential that labelled them, with any order of species."""
    empty = untrained(6, SPECIES, min_dist=2.0, max_dist=5.0)
    content = empty.with_parameters(np.random.default_rng(1).normal(scale=0.3, size=empty.n_parameters))
    frames = evaluate(content, make_frames(6).get_frames())
    content = build_active_set(content, frames)

    def factory(species=SPECIES, **changes):
        return PotentialData.from_mtp(content.replace(species=tuple(species), **changes)).store()

    return FramesData(frames).store(), factory


def begin(generate_campaign, frames, potential, options=None, **inputs):
    """Return a campaign that was reviewed, and its exit code."""
    inputs = {'initial_training': {'old': frames}, 'initial_potential': potential, **inputs}
    process = generate_campaign(options, **inputs)
    return process, process.review()


def said(process):
    return [entry.message for entry in orm.Log.collection.get_logs_for(process.node)]


def test_potential_that_belongs_to_its_frames(generate_campaign, known):
    process, exit_code = begin(generate_campaign, known[0], known[1]())
    assert exit_code is None
    assert not process.should_train_first()
    assert process.ctx.review['errors']['force_ev_per_angstrom'] < 1e-6


def test_species_declared_in_the_wrong_order(generate_campaign, known):
    species = list(reversed(SPECIES))
    process, exit_code = begin(generate_campaign, known[0], known[1](species), species=orm.List(species))
    assert exit_code.status == process.exit_codes.ERROR_INITIAL_POTENTIAL_UNFIT.status == 210
    assert exit_code.message.startswith('The input `initial_potential` does not belong to the frames of `initial_trai')
    assert 'they were declared in the wrong one' in exit_code.message
    assert 'potential' not in process.outputs
    assert process.outputs['history']['message'] == exit_code.message
    assert exit_code.message.rstrip('.') in said(process)[-1]


def test_nothing_is_paid_for_a_potential_of_another_order(campaign_inputs, known):
    species = list(reversed(SPECIES))
    given = {'initial_training': {'old': known[0]}, 'initial_potential': known[1](species), 'species': species}
    outputs, node = run_get_node(ActiveLearningWorkChain, **{**campaign_inputs, **given})
    assert node.exit_status == 210, node.exit_message
    assert {called.process_label for called in node.called} == {'review_beginning', 'assemble_history'}
    assert 'history' in outputs


def test_potential_without_active_set_is_trained_first(generate_campaign, known):
    """Its explorations would know no grades: the first one failed."""
    bare = known[1](active_set=None)
    process, exit_code = begin(generate_campaign, known[0], bare)
    assert exit_code is None
    assert not process.should_bootstrap()
    assert process.should_train_first()
    process.launched = []
    process.submit_engine = lambda socket, label, **data: process.launched.append((socket, label, data))
    process.to_context = lambda **kwargs: None
    process.run_training()
    ((socket, label, data),) = process.launched
    assert (socket, label) == ('training', 'iteration_000_train')
    assert data['start'].uuid == bare.uuid
    assert [node.uuid for node in data['training'].values()] == [known[0].uuid]


def test_warnings_are_told_once_and_kept(generate_campaign):
    process = generate_campaign({'max_iterations': 1})
    assert process.review() is None
    (warning,) = [words for words in said(process) if 'see their own images' in words and '`crystal`' in words]
    process.warn(process.ctx.review['warnings'])
    assert [words for words in said(process) if words == warning] == [warning]
    watched = process.node.base.extras.get('seimlip_history')['warnings']
    process.results()
    assert process.outputs['history']['warnings'] == watched
    assert any(words in warning for words in watched)


def test_warnings_before_submission(generate_campaign, campaign_inputs):
    process = generate_campaign()
    process.review()
    inputs = {**campaign_inputs, 'options': process.inputs.options}
    assert list(ActiveLearningWorkChain.find_warnings(inputs)) == process.ctx.review['warnings']


def test_cell_that_went_far_is_told_at_once(generate_campaign, finished, make_frames, potential, under_way):
    process = generate_campaign()
    process.ctx.potential = potential
    under_way(process)
    process.plan_explorations()
    process.run_explorations()
    cell = {
        'start_volume': 100.0, 'start_angle': 90.0, 'start_height': 18.0, 'smallest_volume': 100.0,
        'largest_volume': 210.0, 'sharpest_angle': 90.0, 'smallest_height': 18.0, 'cutoff': 5.0,
    }  # fmt: skip
    for key, name in running(process).items():
        results = {'outcome': 'completed', 'n_steps': 100, 'cell': cell if key == 'run_000' else None}
        process.ctx.jobs[name] = finished(results=orm.Dict(results))
    process.inspect_explorations()
    words = 'The cell of `crystal` at nvt-20K swelled to 2.10 times its volume.'
    assert [entry for entry in said(process) if words in entry]
    assert words in process.node.base.extras.get('seimlip_history')['warnings']


def test_potential_whose_active_set_is_not_filled(generate_campaign, finished, make_frames):
    process = generate_campaign()
    empty = untrained(6, SPECIES, min_dist=2.0, max_dist=5.0)
    content = empty.with_parameters(np.random.default_rng(1).normal(scale=0.3, size=empty.n_parameters))
    frames = make_frames(1, labelled=True)
    node = PotentialData.from_mtp(build_active_set(content, frames.get_frames())).store()
    errors = orm.Dict({name: {'count': 1, 'rms': 0.1} for name in ('energy_per_atom', 'force', 'stress_pressure')})
    process.ctx.training['iteration_000'] = frames.store()
    process.ctx.training_process = finished(potential=node, errors=errors)
    assert process.inspect_training() is None
    assert any('of 71 rows of the active set stay empty' in words for words in said(process))
    process.results()
    assert any('rows of the active set stay empty' in words for words in process.outputs['history']['warnings'])
