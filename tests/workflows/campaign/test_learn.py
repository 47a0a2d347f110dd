"""Selecting, labelling and training: what is taken in, what is left out, and how the campaign ends without."""

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData


@pytest.fixture
def campaign(generate_campaign, potential, make_frames, monkeypatch):
    """Return a function that makes a campaign in its first iteration, with a potential and five labels."""

    def factory(options=None, **inputs):
        process = generate_campaign(options, **inputs)
        process.launched = []
        monkeypatch.setattr(
            process, 'submit_engine', lambda socket, label, **data: process.launched.append((socket, label, data))
        )
        monkeypatch.setattr(process, 'to_context', lambda **kwargs: None)
        process.ctx.potential = potential
        process.ctx.training['iteration_000'] = make_frames(5, labelled=True, seed=50).store()
        process.plan_explorations()
        return process

    return factory


def label(process, finished, **outputs):
    """Let the reference engine end."""
    process.ctx.to_label = outputs.pop('sent')
    process.run_labelling()
    outputs.setdefault('failures', orm.Dict({}))
    process.ctx.references['selected'] = finished(**outputs)
    return process.inspect_labelling()


# -- selection --------------------------------------------------------------------------------------------------------


def test_candidates_of_all_explorations_are_joined(campaign, make_frames):
    process = campaign()
    process.ctx.candidates = {'run_001': make_frames(2, seed=1).store(), 'run_000': make_frames(3, seed=2).store()}
    assert process.run_selection() is None
    ((socket, link_label, data),) = process.launched
    assert (socket, link_label) == ('selection', 'iteration_001_select')
    frames = data['candidates'].get_frames()
    assert (
        frames.origin_uuids.tolist()
        == [process.ctx.candidates['run_000'].uuid] * 3 + [process.ctx.candidates['run_001'].uuid] * 2
    )
    assert data['potential'] is process.ctx.potential
    assert data['training'].keys() == {'iteration_000'}


def test_known_frames_are_dropped_and_recorded(campaign, make_frames):
    process = campaign()
    known = FramesData(process.ctx.training['iteration_000'].get_frames()[[1]].without_labels()).store()
    process.ctx.candidates = {'run_000': known, 'run_001': make_frames(1).store()}
    process.run_selection()
    (drop,) = process.made['filter']['dropped']
    assert (drop['reason'], drop['count'], drop['frames']) == ('labelled before', 1, [f'{known.uuid}:0'])
    assert process.launched[0][2]['candidates'].n_frames == 1


def test_failed_frames_are_not_sent_again(campaign, make_frames):
    process = campaign()
    sent = make_frames(2, seed=4).store()
    process.ctx.nodes['iteration_000'] = {'sent': {'selected': sent}, 'failures': {'selected': orm.Dict({'1': 'SCF'})}}
    process.ctx.candidates = {'run_000': FramesData(sent.get_frames()).store()}
    process.run_selection()
    assert process.made['filter']['dropped'][0]['reason'] == 'could not be labelled before'
    assert process.launched[0][2]['candidates'].n_frames == 1


def test_fragment_among_the_candidates_is_dropped(campaign, make_frames):
    process = campaign()
    atoms = make_frames(2).get_frames().to_atoms()
    process.ctx.candidates = {'run_000': FramesData.from_atoms([atoms[0], atoms[1][:5]]).store()}
    process.run_selection()
    assert 'fragment' in process.made['filter']['dropped'][0]['reason']
    assert process.launched[0][2]['candidates'].n_frames == 1


def test_selection_is_ranked_and_capped(campaign, finished, make_frames):
    process = campaign({'selection': {'max_frames': 2}})
    process.ctx.selection = finished(selected=make_frames(3, grades=[3.0, 9.0, 5.0]))
    assert process.inspect_selection() is None
    assert process.ctx.to_label.get_frames().grades.tolist() == [9.0, 5.0]
    assert process.made['rank']['dropped'][0]['reason'] == 'more than 2 of one iteration'


def test_selection_is_capped_by_the_budget_of_labels(campaign, finished, make_frames):
    process = campaign({'max_labels': 6})
    process.ctx.selection = finished(selected=make_frames(3, grades=[3.0, 9.0, 5.0]))
    process.inspect_selection()
    assert process.ctx.to_label.get_frames().grades.tolist() == [9.0]


def test_frames_of_what_survived_are_labelled_as_well(campaign, finished, make_frames):
    process = campaign({'selection': {'spot_checks_per_exploration': 1}})
    process.ctx.trajectories = {name: make_frames(3, seed=seed).store() for seed, name in enumerate('ab')}
    process.ctx.outcomes = {'a': 'completed', 'b': 'broke'}
    process.ctx.selection = finished(selected=make_frames(1, grades=[3.0], seed=9))
    assert process.inspect_selection() is None
    frames = process.ctx.to_label.get_frames(trace=True)
    assert frames.origin_uuids[0] == process.ctx.trajectories['a'].uuid
    assert frames.origin_indices[0] == 2
    assert len(frames) == 2
    assert process.made['rank']['n_spot_checks'] == 1


def test_empty_selection_although_explorations_break(campaign, finished, make_frames):
    process = campaign()
    process.made['filter'] = orm.Dict({'n_candidates': 4, 'dropped': []})
    process.ctx.selection = finished(selected=FramesData.from_atoms([]))
    exit_code = process.inspect_selection()
    assert exit_code.status == process.exit_codes.ERROR_EMPTY_SELECTION.status
    assert exit_code.message == (
        'In iteration 1 explorations broke, but none of 4 candidates was selected: none was dropped.'
    )
    assert {'potential', 'training', 'history'} <= set(process.outputs)


def test_all_candidates_dropped(campaign, make_frames):
    process = campaign({'filters': {'min_distance': 3.0}})
    process.ctx.candidates = {'run_000': make_frames(2).store()}
    atoms = make_frames(2).get_frames().to_atoms()
    for image in atoms:
        image.positions[0] = image.positions[1] + 0.5
    process.ctx.candidates = {'run_000': FramesData.from_atoms(atoms).store()}
    exit_code = process.run_selection()
    assert exit_code.status == process.exit_codes.ERROR_EMPTY_SELECTION.status
    assert '2 shortest distance below 3 Å' in exit_code.message
    assert not process.launched


def test_no_candidates_at_all(campaign):
    exit_code = campaign().run_selection()
    assert 'none of 0 candidates' in exit_code.message


def test_selection_failed(campaign, finished):
    process = campaign()
    process.ctx.selection = finished(310, 'mlp is not there.')
    exit_code = process.inspect_selection()
    assert exit_code.status == process.exit_codes.ERROR_SELECTION_FAILED.status
    assert 'mlp is not there.' in exit_code.message


# -- labels -----------------------------------------------------------------------------------------------------------


def test_labels_are_taken_in_as_they_are(campaign, finished, make_frames):
    process = campaign()
    labelled = make_frames(3, labelled=True)
    assert label(process, finished, sent=make_frames(3), frames=labelled) is None
    assert process.launched[0][:2] == ('reference', 'iteration_001_label_selected')
    assert process.ctx.training['iteration_001'].uuid == labelled.uuid
    record = process.node.base.extras.get('seimlip_history')['iterations'][-1]
    assert (record['n_training'], record['n_labelled'], record['n_failed']) == (8, 3, 0)
    assert record['validation_errors']['n_frames'] == 3
    assert record['validation_errors']['force_ev_per_angstrom'] > 0.5


def test_labels_with_large_forces_are_dropped(campaign, finished, make_frames):
    frames = make_frames(3, labelled=True).get_frames()
    forces = frames.forces.copy()
    forces[3] = [100.0, 0.0, 0.0]
    labelled = FramesData(frames.replace(forces=forces))
    process = campaign({'filters': {'max_force': 20.0}})
    label(process, finished, sent=make_frames(3), frames=labelled)
    assert process.ctx.training['iteration_001'].n_frames == 2
    assert process.made['vetting']['dropped'][0]['reason'] == 'force above 20 eV/Å'


def test_unconverged_labels_are_refused(campaign, finished, make_frames):
    frames = make_frames(3, labelled=True).get_frames()
    labelled = FramesData(frames.replace(energies=np.array([1.0, np.nan, 2.0])))
    process = campaign()
    label(process, finished, sent=make_frames(3), frames=labelled)
    assert process.ctx.training['iteration_001'].is_labelled
    assert process.ctx.training['iteration_001'].n_frames == 2


def test_failures_within_the_budget_are_listed(campaign, finished, make_frames):
    process = campaign()
    sent = make_frames(6)
    failures = orm.Dict({'4': 'NotConverged: 250 cycles'})
    assert label(process, finished, sent=sent, frames=make_frames(5, labelled=True), failures=failures) is None
    record = process.node.base.extras.get('seimlip_history')['iterations'][-1]
    assert record['n_failed'] == 1
    assert record['failures'] == {f'{sent.uuid}:4': 'NotConverged: 250 cycles'}


def test_failure_budget_exceeded(campaign, finished, make_frames):
    process = campaign()
    failures = orm.Dict({str(index): 'NotConverged' for index in range(3)})
    exit_code = label(process, finished, sent=make_frames(9), frames=make_frames(6, labelled=True), failures=failures)
    assert exit_code.status == process.exit_codes.ERROR_FAILURE_BUDGET_EXCEEDED.status
    assert '3 of 9 frames could not be labelled, 1 may fail' in exit_code.message
    assert process.outputs['history']['iterations'][-1]['n_failed'] == 3


def test_all_labels_failed(campaign, finished, make_frames):
    process = campaign()
    exit_code = label(process, finished, sent=make_frames(1), failures=orm.Dict({'0': 'NotConverged'}))
    assert exit_code.status == process.exit_codes.ERROR_FAILURE_BUDGET_EXCEEDED.status


def test_no_usable_labels(campaign, finished, make_frames):
    process = campaign({'filters': {'max_force': 1e-9}})
    exit_code = label(process, finished, sent=make_frames(2), frames=make_frames(2, labelled=True))
    assert exit_code.status == process.exit_codes.ERROR_NO_USABLE_LABELS.status
    assert exit_code.message.endswith('2 force above 1e-09 eV/Å.')


def test_labelling_failed(campaign, finished, make_frames):
    process = campaign()
    process.ctx.to_label = make_frames(2)
    process.run_labelling()
    process.ctx.references['selected'] = finished(310, 'No module named tblite.')
    exit_code = process.inspect_labelling()
    assert exit_code.status == process.exit_codes.ERROR_LABELLING_FAILED.status
    assert 'tblite' in exit_code.message


# -- bootstrap --------------------------------------------------------------------------------------------------------


@pytest.fixture
def beginning(generate_campaign, monkeypatch):
    """Return a function that makes a campaign at its beginning."""

    def factory(options=None, **inputs):
        process = generate_campaign(options, **inputs)
        process.launched = []
        monkeypatch.setattr(
            process, 'submit_engine', lambda socket, label, **data: process.launched.append((socket, label, data))
        )
        monkeypatch.setattr(process, 'to_context', lambda **kwargs: None)
        return process

    return factory


DYNAMICS = {'temperatures': [20.0, 40.0], 'n_steps': 10, 'sample_every': 5}


def test_bootstrap_perturbs_and_runs_dynamics(beginning):
    process = beginning({'bootstrap': {'n_perturbed': 3, 'dynamics': DYNAMICS}})
    assert process.should_bootstrap()
    process.run_bootstrap()
    (_, _, perturbed), (_, _, dynamics) = process.launched
    assert perturbed['frames'].n_frames == 6
    assert dynamics['frames'].n_frames == 4
    assert dynamics['dynamics']['temperature'] == [20.0, 20.0, 40.0, 40.0]
    assert perturbed['frames'].creator.process_label == 'plan_bootstrap'
    assert len(set(perturbed['frames'].hashes)) == 6


def test_bootstrap_depends_on_the_seed_only(beginning):
    hashes = []
    for seed in (1, 1, 2):
        process = beginning({'seed': seed})
        process.run_bootstrap()
        hashes.append(process.launched[0][2]['frames'].hashes)
    assert hashes[0] == hashes[1]
    assert not set(hashes[0]) & set(hashes[2])


def test_bootstrap_joins_its_parts(beginning, finished, make_frames):
    process = beginning({'bootstrap': {'n_perturbed': 3, 'dynamics': DYNAMICS}})
    process.run_bootstrap()
    process.ctx.references['perturbed'] = finished(frames=make_frames(6, labelled=True, seed=1), failures=orm.Dict({}))
    process.ctx.references['dynamics'] = finished(frames=make_frames(4, labelled=True, seed=2), failures=orm.Dict({}))
    assert process.inspect_labelling() is None
    assert process.ctx.training['iteration_000'].n_frames == 10
    assert process.made['vetting']['errors'] is None


def test_bootstrap_failed(beginning, finished):
    process = beginning()
    process.run_bootstrap()
    process.ctx.references['perturbed'] = finished(310, 'No module named tblite.')
    exit_code = process.inspect_labelling()
    assert exit_code.status == process.exit_codes.ERROR_BOOTSTRAP_FAILED.status
    assert 'tblite' in exit_code.message
    assert 'potential' not in process.outputs
    assert 'history' in process.outputs


def test_initial_training_replaces_the_bootstrap(beginning, make_frames):
    process = beginning(initial_training={'old': make_frames(4, labelled=True)})
    assert not process.should_bootstrap()
    assert process.should_train_first()
    process.run_training()
    assert process.launched[0][2]['training'].keys() == {'initial_old'}
    assert not process.launched[0][2]['start'].is_trained


def test_initial_potential_replaces_the_first_training(beginning, make_frames, potential):
    process = beginning(initial_training={'old': make_frames(4, labelled=True)}, initial_potential=potential)
    assert not process.should_bootstrap()
    assert not process.should_train_first()


def test_many_frames_are_many_starts(beginning, make_frames):
    process = beginning(structures={'many': make_frames(3), 'one': make_frames(1, seed=9)})
    assert sorted(process.ctx.starts) == ['many_000', 'many_001', 'many_002', 'one']
    assert all(node.n_frames == 1 for node in process.ctx.starts.values())


# -- training ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('warm', [True, False])
def test_start_of_the_training(campaign, warm, potential):
    process = campaign({'warm_start': warm})
    process.run_training()
    ((_, link_label, data),) = process.launched
    assert link_label == 'iteration_001_train'
    assert (data['start'].uuid == potential.uuid) is warm
    assert data['start'].is_trained is warm


def test_training_failed(campaign, finished, potential):
    process = campaign()
    process.ctx.training_process = finished(310, 'mlp was killed.')
    exit_code = process.inspect_training()
    assert exit_code.status == process.exit_codes.ERROR_TRAINING_FAILED.status
    assert 'mlp was killed.' in exit_code.message
    assert process.outputs['potential'].uuid == potential.uuid


def test_process_that_excepted_is_explained(campaign, finished):
    from plumpy import ProcessState

    process = campaign()
    node = orm.WorkChainNode(label='stand-in')
    node.set_process_label('StandIn')
    node.set_process_state(ProcessState.EXCEPTED)
    node.set_exception('Traceback ...\nValueError: no')
    process.ctx.training_process = node.store()
    assert 'excepted: ValueError: no' in process.inspect_training().message


# -- the end ----------------------------------------------------------------------------------------------------------

HELD_OUT = {'conditions': [{'temperature': 20.0, 'n_steps': 100}], 'n_frames': 4, 'discard': 0.5}


@pytest.fixture
def judged(campaign, make_frames):
    """Return a converged campaign whose last explorations have run."""

    def factory():
        process = campaign({'held_out': HELD_OUT})
        process.ctx.converged = True
        process.plan_held_out()
        for number, key in enumerate(process.ctx.parameters):
            frames = make_frames(11, seed=70 + number).get_frames().replace(origin_steps=np.arange(0, 101, 10))
            process.ctx.trajectories[key] = FramesData(frames).store()
        return process

    return factory


def test_held_out_frames_are_drawn_from_all_trajectories(judged):
    process = judged()
    assert process.run_held_out_labelling() is None
    drawn = process.launched[0][2]['frames'].get_frames()
    assert len(drawn) == 4
    assert min(drawn.origin_steps) >= 50
    uuids = [node.uuid for node in process.ctx.trajectories.values()]
    assert sorted(set(drawn.origin_uuids)) == sorted(uuids)


def test_held_out_frames_are_attached_with_errors(judged, finished, make_frames):
    process = judged()
    process.run_held_out_labelling()
    labelled = make_frames(3, labelled=True, seed=99)
    process.ctx.references['drawn'] = finished(frames=labelled, failures=orm.Dict({'2': 'NotConverged'}))
    assert process.inspect_held_out() is None
    assert process.results() is None
    assert process.outputs['held_out'].uuid == labelled.uuid
    record = process.outputs['history']['held_out']
    assert (record['n_frames'], record['n_failed'], record['errors']['n_frames']) == (3, 1, 3)
    assert process.outputs['history']['converged'] is False  # no exploration of the loop was recorded


def test_held_out_failed(judged, finished):
    process = judged()
    process.run_held_out_labelling()
    process.ctx.references['drawn'] = finished(310, 'No module named tblite.')
    exit_code = process.inspect_held_out()
    assert exit_code.status == process.exit_codes.ERROR_HELD_OUT_FAILED.status
    assert 'tblite' in exit_code.message


def test_no_trajectory_to_draw_from(judged):
    process = judged()
    process.ctx.trajectories = {}
    assert process.run_held_out_labelling().status == process.exit_codes.ERROR_HELD_OUT_FAILED.status


@pytest.mark.parametrize('fault', ['no trajectories', 'no labels'])
def test_what_went_wrong_first_is_told_first(judged, finished, fault):
    """A potential that never survived is not one of which only the judgement failed."""
    process = judged()
    process.ctx.converged = False
    if fault == 'no trajectories':
        process.ctx.trajectories = {}
        exit_code = process.run_held_out_labelling()
    else:
        process.run_held_out_labelling()
        process.ctx.references['drawn'] = finished(310, 'No module named tblite.')
        exit_code = process.inspect_held_out()
    assert exit_code.status == process.exit_codes.ERROR_ITERATIONS_EXHAUSTED.status
    assert 'explorations still break. The last potential could not be judged' in exit_code.message
    assert process.outputs['history']['message'] == exit_code.message


def last_words(process):
    return orm.Log.collection.get_logs_for(process.node)[-1].message


def test_last_line_tells_of_success(judged, finished, make_frames):
    process = judged()
    process.run_held_out_labelling()
    labelled = make_frames(3, labelled=True, seed=99)
    process.ctx.references['drawn'] = finished(frames=labelled, failures=orm.Dict({}))
    process.inspect_held_out()
    process.results()
    errors = process.outputs['history']['held_out']['errors']
    words = last_words(process)
    assert 'Converged: 5 labels in 1 iteration. On 3 held-out frames, against ' in words
    assert f'{errors["force_ev_per_angstrom"]:.3g} eV/Å' in words


def test_last_line_tells_of_failure(campaign, finished):
    process = campaign({'max_iterations': 1})
    exit_code = process.results()
    assert f'Not converged (5 labels in 1 iteration): {exit_code.message}' in last_words(process)
    process = campaign()
    process.ctx.selection = finished(310, 'mlp is not there.')
    exit_code = process.inspect_selection()
    assert f'Not converged (5 labels in 1 iteration): {exit_code.message}' in last_words(process)


def test_iterations_exhausted(campaign):
    process = campaign({'max_iterations': 1})
    assert not process.should_iterate()
    exit_code = process.results()
    assert exit_code.status == process.exit_codes.ERROR_ITERATIONS_EXHAUSTED.status
    assert exit_code.message.startswith('After 1 iteration, as many as')
    assert process.outputs['history']['message'] == exit_code.message
    assert process.outputs['training'].keys() == {'iteration_000'}
