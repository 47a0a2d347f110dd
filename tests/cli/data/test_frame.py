"""The provenance card of a frame."""

import math

import pytest

from aiida_seimlip.cli.data.card import find_card


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


def test_negative_index_counts_from_the_end(run_command, story):
    assert run_command('frame', story.labelled.pk, -1).output == run_command('frame', story.labelled.pk, 1).output


def test_index_out_of_range(run_command, story):
    output = run_command('frame', story.labelled.pk, 2, fails=True).output
    assert f'Node {story.labelled.pk} holds 2 frames: there is no frame 2.' in output
