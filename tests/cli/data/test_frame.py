"""The provenance card of a frame."""

import math

import numpy as np
import pytest

from aiida_seimlip.cli.data.card import find_card
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames


@pytest.mark.parametrize('name', ['candidates', 'labelled'])
def test_card_is_the_same_from_both_ends(story, name):
    node = getattr(story, name)
    card = find_card(node, node.n_frames - 1)
    assert card.sampled_by.pk == story.exploration.pk
    assert card.origin.pk == story.start.pk
    assert (card.origin_index, card.step, card.grade) == (0, 345, 11.0)
    assert card.labelled_by.pk == story.labelling.pk
    assert [potential.pk for potential in card.potentials] == [story.potential.pk]
    assert [sighting.node.pk for sighting in card.sightings] == [story.candidates.pk, story.labelled.pk]
    assert card.sightings[1].index == 1


def test_card_of_frame_that_was_not_labelled(story):
    card = find_card(story.candidates, 0)
    assert card.labelled_by is None
    assert card.potentials == ()


def test_card_of_start(story):
    card = find_card(story.start, 0)
    assert card.sampled_by is None
    assert card.step == -1
    assert math.isnan(card.grade)


def test_command(run_command, story):
    output = run_command('frame', story.labelled.pk, 1).output
    for text in (
        'MD step 345', 'extrapolation grade 11.000', 'nvt, temperature 600 K, seed 17',
        "tblite(method='GFN1-xTB', verbosity=0)",
        'energy -10.000000 eV/atom, largest force 0.866 eV/Å', f'mtp of level 6, node {story.potential.pk}',
        'from 2 labels; 2 meV/atom', story.start.uuid,
    ):  # fmt: skip
        assert text in output


def test_command_for_a_start(run_command, story):
    output = run_command('frame', story.start.pk, 0).output
    assert 'given by the user' in output
    assert 'it has no labels' in output
    assert 'no potential' in output


@pytest.fixture
def known(li2co3):
    """Return one frame with a label of a method, one that a potential predicted, and one of unknown origin."""
    frames = Frames.from_atoms([li2co3, li2co3 * (2, 1, 1), li2co3 * (1, 2, 1)])
    frames = frames.replace(
        energies=[-240.0, -480.0, -480.0], forces=np.zeros_like(frames.positions),
        methods=['PBE', 'potential:01234567-89ab-4def-8123-456789abcdef', ''], energy_kinds=['sigma0', 'free', ''],
    )  # fmt: skip
    features = [{'config_type': 'bulk', 'source_file': 'train.cfg'}, {}, {'config_type': 'bulk'}]
    return FramesData(frames.with_features(features)).store()


def test_who_computed_it(run_command, known):
    output = run_command('frame', known.pk, 0).output
    assert 'method: PBE, energy extrapolated to zero smearing' in output
    assert 'config_type   bulk' in output
    assert 'source_file   train.cfg' in output
    assert 'method: unknown, energy of unknown kind' in run_command('frame', known.pk, 2).output


def test_prediction(run_command, known):
    output = run_command('frame', known.pk, 1).output
    assert 'it has no labels' in output
    assert 'what is known of its energy and forces was predicted by potential 01234567' in output


def test_list_and_show_tell_the_methods(run_command, known):
    (line,) = [line for line in run_command('frames', 'list').output.splitlines() if line.startswith(f'{known.pk} ')]
    assert 'unknown, PBE, potential 01234567' in line
    assert f'{known.pk} ' not in run_command('frames', 'list', '--labelled').output
    output = ' '.join(run_command('frames', 'show', known.pk).output.split())
    for text in (
        'labelled 2 of 3', 'predicted 1 of 3', 'methods 1 × unknown, 1 × PBE, 1 × potential 01234567',
        '1 × energy of unknown kind, 1 × free energy, 1 × energy extrapolated to zero smearing',
        'feature config_type 2 × bulk', 'feature source_file 1 × train.cfg',
    ):  # fmt: skip
        assert text in output


@pytest.mark.parametrize(
    ('arguments', 'is_found'),
    [
        (['--method', 'PBE'], True),
        (['--method', 'RPBE'], False),
        (['--method', 'unknown'], True),
        (['--feature', 'config_type=bulk'], True),
        (['--feature', 'config_type=slab'], False),
        (['--feature', 'config_type=bulk', '--feature', 'source_file=train.cfg', '--method', 'PBE'], True),
        (['--feature', 'no such=name'], False),
    ],
)
def test_list_by_method_and_feature(run_command, known, arguments, is_found):
    assert (f'{known.pk} ' in run_command('frames', 'list', *arguments).output) == is_found


def test_feature_without_a_value(run_command, known):
    result = run_command('frames', 'list', '--feature', 'config_type', fails=True)
    assert result.exit_code == 2
    assert 'is not of the form NAME=VALUE' in result.output


def test_negative_index_counts_from_the_end(run_command, story):
    assert run_command('frame', story.labelled.pk, -1).output == run_command('frame', story.labelled.pk, 1).output


def test_index_out_of_range(run_command, story):
    output = run_command('frame', story.labelled.pk, 2, fails=True).output
    assert f'Node {story.labelled.pk} holds 2 frames: there is no frame 2.' in output
