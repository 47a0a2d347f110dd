"""Limits that leave nothing to do are refused."""

import pytest

from aiida_seimlip.data.frames import FramesData
from tests.workflows.conftest import crystal


@pytest.fixture
def with_options(campaign_inputs):
    """Return a function that returns the inputs with other options and inputs."""

    def factory(options, **inputs):
        return {**campaign_inputs, 'options': {**campaign_inputs['options'], **options}, **inputs}

    return factory


def test_bootstrap_above_the_limit_of_labels(complaint, with_options):
    assert complaint(with_options({'max_labels': 6})) is None  # just to see whether it survives
    message = complaint(with_options({'max_labels': 5}))
    assert message == (
        'Input `options` allows 5 labels (`max_labels`), but the bootstrap makes 6 already: nothing could be learned '
        'from the explorations.'
    )


def test_samples_of_reference_dynamics_are_labels(complaint, with_options):
    dynamics = {'temperatures': [20.0, 40.0], 'n_steps': 50, 'sample_every': 5}
    options = {'bootstrap': {'n_perturbed': 3, 'dynamics': dynamics}}
    assert 'the bootstrap makes 46 already' in complaint(with_options({**options, 'max_labels': 45}))


def test_initial_training_at_the_limit_of_labels(complaint, with_options, make_frames):
    training = {'old': make_frames(5, labelled=True)}
    message = complaint(with_options({'max_labels': 5}, initial_training=training))
    assert '5 labels (`max_labels`), but the input `initial_training` holds 5 already' in message
    assert complaint(with_options({'max_labels': 6}, initial_training=training)) is None
    assert complaint(with_options({'max_labels': None}, initial_training=training)) is None


def test_start_that_the_filters_would_drop(complaint, with_options):
    close = crystal()
    close.positions[1] = close.positions[0] + [0.7, 0.0, 0.0]
    structures = {'fine': FramesData.from_atoms([crystal()]), 'close': FramesData.from_atoms([close])}
    message = complaint(with_options({}, structures=structures))
    assert message.startswith(
        'Input `structures.close` has atoms 0.70 Å apart, but the input `options` drops candidates'
    )
    assert complaint(with_options({'filters': {'min_distance': 0.6}}, structures=structures)) is None


@pytest.mark.parametrize(('n_steps', 'dump_every', 'is_fine'), [(100, 100, True), (100, 101, False), (150, 100, True)])
def test_held_out_frames_that_nobody_would_keep(complaint, with_options, n_steps, dump_every, is_fine):
    condition = {'temperature': 20.0, 'n_steps': n_steps, 'dump_every': dump_every}
    message = complaint(with_options({'held_out': {'conditions': [condition], 'n_frames': 4}}))
    assert (message is None) is is_fine
    assert is_fine or 'keep no frame of nvt-20K to draw from' in message


def test_limited_bootstrap_counts_what_it_may_take(complaint, with_options):
    assert complaint(with_options({'max_labels': 4, 'bootstrap': {'n_perturbed': 9, 'max_labels': 4}})) is None
    message = complaint(with_options({'max_labels': 4, 'bootstrap': {'n_perturbed': 9, 'max_labels': 5}}))
    assert 'the bootstrap makes 5 already' in message


def test_bootstrap_beside_an_initial_training_set_counts_both(complaint, with_options, make_frames):
    training = {'old': make_frames(5, labelled=True)}
    bootstrap = {'n_perturbed': 3, 'beside_initial': True}
    message = complaint(with_options({'max_labels': 10, 'bootstrap': bootstrap}, initial_training=training))
    assert '`initial_training` holds 5, and the bootstrap makes 6 already' in message
    assert complaint(with_options({'max_labels': 11, 'bootstrap': bootstrap}, initial_training=training)) is None


def test_limit_of_the_bootstrap_below_the_share_of_each_start(complaint, with_options):
    bootstrap = {'n_perturbed': 9, 'max_labels': 5, 'min_per_start': 2}
    structures = {'small': FramesData.from_atoms([crystal(4, 0.1)])}
    assert complaint(with_options({'bootstrap': bootstrap})) is None
    message = complaint(with_options({'bootstrap': bootstrap}, bootstrap_structures=structures))
    assert '5 labels (`bootstrap.max_labels`), but 3 starts and `bootstrap_structures` are to have 2 each' in message
