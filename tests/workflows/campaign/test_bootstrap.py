"""The bootstrap: what is sent to be labelled, what is known, and what the campaign does beside a training set."""

import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.campaign.history import CampaignHistory
from tests.workflows.conftest import crystal

LIMITED = {'n_perturbed': 4, 'temperatures': [20.0], 'max_labels': 5}


@pytest.fixture
def beginning(generate_campaign, monkeypatch):
    """Return a function that makes a campaign whose engines are not run: ``(bootstrap=None, **inputs)``."""

    def factory(bootstrap=None, **inputs):
        process = generate_campaign({'bootstrap': bootstrap or {'n_perturbed': 3}}, **inputs)
        process.launched = []
        monkeypatch.setattr(
            process, 'submit_engine', lambda socket, label, **data: process.launched.append((socket, label, data))
        )
        monkeypatch.setattr(process, 'to_context', lambda **kwargs: None)
        return process

    return factory


def sent(process):
    """Return the frames that were sent to be labelled."""
    ((socket, label, data),) = process.launched
    assert (socket, label) == ('reference', 'iteration_000_label_perturbed')
    return data['frames']


def test_by_default_nothing_is_chosen(beginning):
    process = beginning()
    assert process.run_bootstrap() is None
    assert sent(process).creator.process_label == 'plan_bootstrap'
    assert 'rank' not in process.made


def test_labels_are_spent_on_the_most_informative(beginning, finished, make_frames):
    process = beginning(LIMITED)
    process.run_bootstrap()
    frames = sent(process)
    assert frames.n_frames == 5
    assert frames.creator.process_label == 'choose_bootstrap'
    process.ctx.references['perturbed'] = finished(frames=make_frames(5, labelled=True), failures=orm.Dict({}))
    assert process.inspect_bootstrap() is None
    process.attach_outputs('enough')
    record = CampaignHistory(**process.outputs['history'].get_dict()).iterations[0]
    assert (record.n_labelled, sum(drop.count for drop in record.dropped)) == (5, 3)


def test_structures_join_the_bootstrap_but_no_exploration(beginning, potential):
    structures = {'small': orm.StructureData(ase=crystal(5, 0.1))}
    process = beginning({'n_perturbed': 3, 'structures': {'strains': [-0.02, 0.03]}}, bootstrap_structures=structures)
    process.run_bootstrap()
    assert sent(process).n_frames == 2 * 3 + 2
    process.ctx.potential = potential
    process.plan_explorations()
    assert {entry['start'] for entry in process.made['plan']['explorations']} == {'crystal', 'other'}


def test_labelled_candidates_are_learned_from_without_being_sent(beginning, finished, make_frames):
    trace = make_frames(3, labelled=True, seed=8).store()
    process = beginning(bootstrap_candidates={'trace': trace})
    process.run_bootstrap()
    assert not set(sent(process).hashes) & set(trace.hashes)
    labelled = make_frames(6, labelled=True, seed=1)
    process.ctx.references['perturbed'] = finished(frames=labelled, failures=orm.Dict({}))
    assert process.inspect_bootstrap() is None
    assert set(process.ctx.training['iteration_000'].hashes) == {*trace.hashes, *labelled.hashes}


# -- beside an initial training set -----------------------------------------------------------------------------------


def test_beside_an_initial_training_set(beginning, finished, make_frames, potential):
    """Its frames are known: what is among them is not sent, and the first potential has to learn the others."""
    old = make_frames(4, labelled=True, seed=3).store()
    again = FramesData(old.get_frames()[[1]].without_labels()).store()
    process = beginning(
        {'n_perturbed': 3, 'beside_initial': True}, initial_training={'old': old}, initial_potential=potential,
        bootstrap_candidates={'again': again},
    )  # fmt: skip
    assert process.should_bootstrap()
    process.run_bootstrap()
    assert sent(process).n_frames == 6
    assert process.made['rank']['dropped'][0]['reason'] == 'labelled before'
    process.ctx.references['perturbed'] = finished(frames=make_frames(6, labelled=True), failures=orm.Dict({}))
    assert process.inspect_bootstrap() is None
    assert list(process.ctx.training) == ['initial_old', 'iteration_000']
    assert process.should_train_first()


def test_nothing_new_beside_an_initial_training_set(beginning, make_frames, potential):
    """The same frames again: nothing is sent, and the potential has nothing to learn."""
    first = beginning()
    first.run_bootstrap()
    frames = sent(first).get_frames()
    labels = make_frames(len(frames), labelled=True).get_frames()
    old = FramesData(frames.replace(energies=labels.energies, forces=labels.forces)).store()
    process = beginning(
        {'n_perturbed': 3, 'beside_initial': True}, initial_training={'old': old}, initial_potential=potential
    )
    process.run_bootstrap()
    assert not process.launched
    assert process.inspect_bootstrap() is None
    assert list(process.ctx.training) == ['initial_old']
    assert not process.should_train_first()


def test_without_the_option_an_initial_training_set_replaces_the_bootstrap(beginning, make_frames):
    structures = {'small': orm.StructureData(ase=crystal(5, 0.1))}
    process = beginning(initial_training={'old': make_frames(2, labelled=True)}, bootstrap_structures=structures)
    assert not process.should_bootstrap()


@pytest.mark.parametrize(
    ('first_iteration', 'names', 'expected'),
    [(0, ['initial_a'], True), (0, ['iteration_000'], False), (2, ['a'], False)],
)
def test_a_continuation_does_not_bootstrap_twice(beginning, first_iteration, names, expected):
    settings = beginning({'n_perturbed': 1, 'beside_initial': True}).settings
    settings = settings.model_copy(update={'continues': 'some uuid', 'first_iteration': first_iteration})
    assert settings.has_bootstrap(names) is expected


def test_nothing_is_worth_a_label(generate_campaign):
    """The starts keep the distance that the filters ask for, but none of their hot copies does."""
    bootstrap = {**LIMITED, 'temperatures': [3000.0]}
    structures = {'crystal': FramesData.from_atoms([crystal()])}
    process = generate_campaign({'bootstrap': bootstrap, 'filters': {'min_distance': 3.7}}, structures=structures)
    exit_code = process.run_bootstrap()
    assert exit_code.status == process.exit_codes.ERROR_BOOTSTRAP_FAILED.status
    assert '4 shortest distance below 3.7 Å' in exit_code.message
