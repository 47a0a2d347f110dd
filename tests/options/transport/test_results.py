"""Options and results of transport: what is refused, and names that lead back to temperatures."""

import json

import pytest
from pydantic import ValidationError

from aiida_seimlip.options.transport.conductivity import ConductivityOptions
from aiida_seimlip.options.transport.diffusivity import DiffusivityOptions
from aiida_seimlip.options.transport.results import (
    DiffusionPoint,
    DiffusivityResults,
    ReplicaRecord,
    temperature_key,
    temperature_of,
)


def options(**changes):
    dynamics = {'production_steps': 1000, 'track_every': 10, 'dump_every': 100, **changes.pop('dynamics', {})}
    return {'seed': 1, 'temperatures': [900.0, 600.0], 'dynamics': dynamics, **changes}


@pytest.mark.parametrize('temperature', [60.0, 600.0, 87.125, 1200.0])
def test_name_leads_back_to_the_temperature(temperature):
    key = temperature_key(temperature, 3)
    assert temperature_of(key) == temperature_of(f'{key}_lag_ps') == temperature
    assert temperature_key(temperature) == key.removesuffix('_r3')


def test_names_are_sorted_as_temperatures():
    assert temperature_key(600.0) == 'T0600'
    assert temperature_key(300.0) < temperature_key(600.0) < temperature_key(600.5) < temperature_key(1200.0)


def test_what_is_no_name_is_refused():
    with pytest.raises(ValueError, match='`msd` does not begin with a temperature'):
        temperature_of('msd')


def test_temperatures_rise():
    assert DiffusivityOptions(**options()).temperatures == [600.0, 900.0]


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'temperatures': [600.0, 600.0]}, 'each must be named once'),
        ({'temperatures': [0.0]}, 'above 0'),
        ({'mobile': ['Xx']}, '`Xx` is not an element'),
        ({'mobile': ['Li', 'Na']}, 'at most 1'),
        ({'analysis': {'fit_window': [0.3, 0.2]}}, 'the shares must rise'),
        ({'dynamics': {'track_every': 300}}, 'multiple of `track_every`'),
        ({'dynamics': {'track_every': 100}}, 'a track of 10 frames, but at least 50'),
        ({'dynamics': {'dump_every': 2000}}, '`dump_every` must not be above'),
    ],
)
def test_refused_options(changes, message):
    with pytest.raises(ValidationError, match=message):
        DiffusivityOptions(**options(**changes))


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'charge': 0.0}, 'neutral particles conduct nothing'),
        ({'carriers': 'defects'}, '`n_defects` must be given'),
        ({'n_defects': 1}, '`n_defects` must be given'),
        ({'collective_window': (0.0, 0.6)}, 'at most 0.5'),
    ],
)
def test_refused_carriers(changes, message):
    with pytest.raises(ValidationError, match=message):
        ConductivityOptions(**changes)


def test_results_survive_json():
    point = DiffusionPoint(
        temperature=600.0, D=1e-9, D_interval=(5e-10, 2e-9),
        replicas=[ReplicaRecord(key='T0600_r0', seed=1, outcome='completed')],
    )  # fmt: skip
    results = DiffusivityResults(mobile=['Li'], ensemble='nvt', seed=1, points=[point])
    assert DiffusivityResults.model_validate(json.loads(json.dumps(results.model_dump(mode='json')))) == results


def test_unknown_outcome_is_refused():
    with pytest.raises(ValidationError, match='outcome'):
        ReplicaRecord(key='T0600_r0', seed=1, outcome='exploded')
