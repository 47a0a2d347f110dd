"""The history of a campaign survives its way through a node and refuses what it does not know."""

import json

import pytest
from pydantic import ValidationError

from aiida_seimlip.options.campaign.history import CampaignHistory, ExplorationRecord, IterationRecord


def exploration(**changes):
    values = {
        'start': 'crystal', 'condition': 'nvt-300K', 'temperature': 300.0, 'ensemble': 'nvt', 'seed': 7,
        'outcome': 'completed', 'n_steps': 100, 'n_steps_asked': 100,
    }  # fmt: skip
    return ExplorationRecord(**{**values, **changes})


def test_round_trip_through_json():
    history = CampaignHistory(
        species=['Li', 'C', 'O'], iterations=[IterationRecord(iteration=1, explorations=[exploration()])]
    )
    assert CampaignHistory(**json.loads(json.dumps(history.model_dump(mode='json')))) == history


def test_unknown_key_is_refused():
    with pytest.raises(ValidationError, match='colour'):
        IterationRecord(iteration=1, colour='red')


def test_unknown_outcome_is_refused():
    with pytest.raises(ValidationError, match='outcome'):
        exploration(outcome='exploded')


@pytest.mark.parametrize(('survivors', 'postponed', 'expected'), [(2, 0, True), (1, 0, False), (2, 1, False)])
def test_survival_needs_every_exploration(survivors, postponed, expected):
    record = IterationRecord(iteration=1, n_explorations=2, n_survivors=survivors, n_postponed=postponed)
    assert record.is_survived is expected


def test_iteration_without_exploration_is_no_survival():
    assert not IterationRecord(iteration=0).is_survived


def test_labels_are_those_of_the_last_iteration():
    assert CampaignHistory().n_labels == 0
    records = [IterationRecord(iteration=0, n_training=30), IterationRecord(iteration=1, n_training=42)]
    assert CampaignHistory(iterations=records).n_labels == 42
