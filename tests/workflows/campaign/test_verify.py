"""Verifying: a potential that survives everything has converged only if it agrees with the reference."""

import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.campaign.history import CampaignHistory
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate

ACCURACY = {'max_energy_error': 5.0, 'max_force_error': 0.1}


@pytest.fixture
def survived(generate_campaign, explore, make_frames):
    """Return a function that makes a campaign all of whose explorations have survived, and what it launches."""

    def factory(options=None, n_labels=5):
        process = generate_campaign({'accuracy': ACCURACY, **(options or {})})
        process.ctx.training['iteration_000'] = make_frames(n_labels, labelled=True, seed=50).store()
        _, launched, exit_code = explore(process)
        assert exit_code is None
        process.ctx.trajectories = {
            key: make_frames(4, seed=60 + number).store() for number, key in enumerate(sorted(process.ctx.parameters))
        }  # fmt: skip
        launched.clear()
        return process, launched

    return factory


@pytest.fixture
def verify(finished):
    """Return a function that labels the spot checks of a campaign by its potential, with an error in the energies."""

    def run(process, launched, *, shift=0.0, failures=None):
        assert process.run_verification() is None
        frames = evaluate(process.ctx.potential.get_mtp(), launched[-1][2]['frames'].get_frames(trace=True))
        labelled = frames.replace(energies=frames.energies + 1e-3 * shift * frames.sizes)
        process.ctx.references['checks'] = finished(frames=FramesData(labelled), failures=orm.Dict(failures or {}))
        return process.inspect_verification()

    return run


def test_survival_alone_is_not_enough(survived):
    process, _ = survived()
    assert process.ctx.passed
    assert not process.ctx.converged
    assert process.should_verify()


def test_survival_is_enough_where_no_accuracy_is_asked_for(survived):
    process, _ = survived({'accuracy': None})
    assert process.ctx.converged
    assert not process.should_verify()


def test_last_frame_of_each_exploration_is_labelled(survived):
    process, launched = survived()
    assert process.run_verification() is None
    ((socket, label, data),) = launched
    assert (socket, label) == ('reference', 'iteration_001_label_checks')
    frames = data['frames'].get_frames(trace=True)
    assert frames.origin_uuids.tolist() == [node.uuid for _, node in sorted(process.ctx.trajectories.items())]
    assert set(frames.origin_indices) == {3}


def test_accurate_potential_has_converged(survived, verify):
    process, launched = survived()
    assert verify(process, launched, shift=4.9) is None
    assert process.ctx.converged
    assert not process.should_learn()
    assert process.results() is None
    history = CampaignHistory(**process.outputs['history'].get_dict())
    errors = history.iterations[-1].check_errors
    assert errors.energy_mev_per_atom == pytest.approx(4.9)
    assert errors.force_ev_per_angstrom == pytest.approx(0.0, abs=1e-12)
    assert list(process.outputs['training']) == ['iteration_000']
    assert process.outputs['checks'].n_frames == len(process.ctx.trajectories)


def test_history_of_a_verified_campaign_says_that_it_converged(survived, verify):
    process, launched = survived()
    verify(process, launched, shift=4.9)
    process.results()
    assert process.outputs['history']['converged'] is process.ctx.converged is True


@pytest.mark.parametrize('accuracy', [{'max_energy_error': 5.0}, {'max_energy_error': 5.0, 'max_force_error': 0.1}])
def test_inaccurate_potential_learns_what_it_was_checked_by(survived, verify, accuracy):
    process, launched = survived({'accuracy': accuracy})
    assert verify(process, launched, shift=5.1) is None
    assert not process.ctx.converged
    assert process.should_learn()
    assert list(process.labelled_so_far()) == ['iteration_000', 'iteration_001']
    process.results()
    history = CampaignHistory(**process.outputs['history'].get_dict())
    assert not history.converged
    assert 'checks' not in process.outputs
    assert history.iterations[-1].n_labelled == len(process.ctx.trajectories)


def test_what_is_missing_is_said(survived, verify):
    process, launched = survived({'max_iterations': 1})
    verify(process, launched, shift=5.1)
    assert not process.should_iterate()
    exit_code = process.results()
    assert exit_code.status == process.exit_codes.ERROR_ITERATIONS_EXHAUSTED.status
    assert 'allows, all explorations survive, but the potential is not as accurate' in exit_code.message
    (formula,) = process.ctx.starts['crystal'].formulas
    words = [entry.message for entry in orm.Log.collection.get_logs_for(process.node)]
    assert any(f'; not as accurate as asked on {formula} (5.1 meV/atom)' in line for line in words)


def test_nothing_is_learned_beyond_the_budget(survived, verify):
    process, launched = survived({'max_labels': 7}, n_labels=7)
    assert process.ctx.stop is None  # what is converged may still be found out
    assert verify(process, launched, shift=5.1) is None
    assert not process.should_learn()
    exit_code = process.results()
    assert exit_code.status == process.exit_codes.ERROR_LABEL_BUDGET_EXHAUSTED.status
    assert 'not as accurate' in exit_code.message
    assert list(process.outputs['training']) == ['iteration_000']
    assert process.outputs['checks'].n_frames == len(process.ctx.trajectories)


def test_late_labels_are_taken_in_as_well(survived, verify, finished, make_frames):
    process, launched = survived()
    process.ctx.late = make_frames(2, seed=90).store()
    assert process.run_verification() is None
    assert [label for _, label, _ in launched] == ['iteration_001_label_checks', 'iteration_001_label_late']
    frames = evaluate(process.ctx.potential.get_mtp(), launched[0][2]['frames'].get_frames(trace=True))
    process.ctx.references['checks'] = finished(
        frames=FramesData(frames.replace(energies=frames.energies + 1.0)), failures=orm.Dict({})
    )
    late = make_frames(2, labelled=True, seed=90)
    process.ctx.references['late'] = finished(frames=late, failures=orm.Dict({}))
    assert process.inspect_verification() is None
    assert process.made['check_errors']['n_frames'] == len(frames)  # late frames were chosen for being unknown
    assert process.made['accepted'].n_frames == len(frames) + 2
    assert process.ctx.late is None


def test_no_frames_to_check_by(survived):
    process, launched = survived()
    process.ctx.trajectories = {}
    exit_code = process.run_verification()
    assert exit_code.status == process.exit_codes.ERROR_ACCURACY_UNKNOWN.status
    assert 'have kept no frames' in exit_code.message
    assert not launched
    assert 'potential' in process.outputs


def test_no_check_could_be_labelled(survived, finished, make_frames):
    process, _ = survived({'failure_budget': 1.0})
    process.ctx.late = make_frames(1, seed=90).store()
    process.run_verification()
    n_checks = process.ctx.batches['checks'].n_frames
    failures = {str(index): 'NotConverged' for index in range(n_checks)}
    process.ctx.references['checks'] = finished(failures=orm.Dict(failures))
    process.ctx.references['late'] = finished(frames=make_frames(1, labelled=True, seed=90), failures=orm.Dict({}))
    exit_code = process.inspect_verification()
    assert exit_code.status == process.exit_codes.ERROR_ACCURACY_UNKNOWN.status


# -- while others still break -----------------------------------------------------------------------------------------


@pytest.fixture
def recalled(generate_campaign, potential, make_frames, finished):
    """Return a function that lets a start that survived be checked: what is climbed after that, and the campaign."""

    def run(shift, options=None):
        process = generate_campaign({'accuracy': ACCURACY, **(options or {})})
        process.ctx.potential = potential
        process.plan_explorations()
        survivors = {'run_000': make_frames(4, seed=60).store(), 'run_001': make_frames(4, seed=61).store()}
        process.ctx.trajectories, process.ctx.climbed = survivors, list(process.ctx.starts)
        process.ctx.outcomes = {'run_000': 'completed', 'run_001': 'broke'}
        frames = make_frames(4, seed=60).get_frames()[[3]]
        labelled = evaluate(potential.get_mtp(), frames)
        selected = make_frames(2, labelled=True, seed=62).get_frames()  # what was unknown is no measure
        checks = labelled.replace(energies=labelled.energies + 1e-3 * shift * labelled.sizes)
        process.made['accepted'] = FramesData(Frames.concatenate([checks, selected])).store()
        process.recall_starts()
        return process

    return run


def test_start_that_survived_inaccurately_is_explored_again(recalled):
    process = recalled(5.1)
    assert process.ctx.climbed == []
    assert process.made['check_errors']['n_frames'] == 1
    assert process.made['check_errors']['energy_mev_per_atom'] == pytest.approx(5.1)


def test_start_that_survived_accurately_waits(recalled):
    process = recalled(4.9)
    assert process.ctx.climbed == list(process.ctx.starts)


def test_no_start_is_recalled_where_no_accuracy_is_asked_for(recalled):
    process = recalled(99.0, {'accuracy': None})
    assert process.ctx.climbed == list(process.ctx.starts)
    assert 'check_errors' not in process.made


# -- some compositions alone ------------------------------------------------------------------------------------------


@pytest.fixture
def two(generate_campaign, campaign_options, explore, make_frames, finished):
    """Return a campaign of two compositions, and a function that explores and checks it, with an error of one."""
    crystal = make_frames(1, seed=1).get_frames()
    (atoms,) = crystal.to_atoms()
    exploration = {**campaign_options['exploration'], 'rising': 'each', 'recheck': 'last'}
    process = generate_campaign(
        {'accuracy': {'max_energy_error': 5.0}, 'exploration': exploration},
        structures={'crystal': FramesData(crystal), 'lacking': FramesData.from_atoms([atoms[1:]])},
    )  # fmt: skip
    process.ctx.training['iteration_000'] = make_frames(5, labelled=True, seed=50).store()

    def run(shift):
        waves, launched, _ = explore(process)
        explored = sorted({key for wave in waves for key in wave})
        plan = {entry['key']: entry['start'] for entry in process.made['plan']['explorations']}
        process.ctx.trajectories = {}
        for number, key in enumerate(explored):
            images = make_frames(8, seed=70 + number + 10 * process.ctx.iteration).get_frames().to_atoms()
            kept = images if plan[key] == 'crystal' else [image[1:] for image in images]
            process.ctx.trajectories[key] = FramesData.from_atoms(kept).store()
        launched.clear()
        assert process.should_verify()
        assert process.run_verification() is None
        frames = evaluate(process.ctx.potential.get_mtp(), launched[-1][2]['frames'].get_frames(trace=True))
        (lacking,) = process.ctx.starts['lacking'].formulas
        errors = [shift if formula == lacking else 0.0 for formula in frames.formulas]
        shifted = frames.replace(energies=frames.energies + 1e-3 * frames.sizes * errors)
        process.ctx.references['checks'] = finished(frames=FramesData(shifted), failures=orm.Dict({}))
        assert process.inspect_verification() is None
        return {plan[key] for key in explored}, len(frames)

    return process, run


def test_inaccurate_composition_is_explored_alone_until_it_is_not(two):
    process, run = two
    both, n_all = run(99.0)
    assert both == {'crystal', 'lacking'}
    assert process.ctx.doubted == ['lacking']
    assert process.should_learn()
    alone, n_checks = run(99.0)
    assert alone == {'lacking'}
    assert n_checks == n_all, 'as many checks as of all'
    assert process.ctx.doubted == ['lacking']
    alone, _ = run(0.0)
    assert alone == {'lacking'}
    assert process.ctx.doubted == []
    assert not process.ctx.converged, 'the others have not been explored with this potential'
    assert process.should_learn(), 'what is paid is learned from'
    both, _ = run(0.0)
    assert both == {'crystal', 'lacking'}
    assert process.ctx.converged
