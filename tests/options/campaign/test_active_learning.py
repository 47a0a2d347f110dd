import pytest
from pydantic import ValidationError

from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.campaign.judgement import AccuracyOptions
from aiida_seimlip.options.records import DetailedErrorsRecord

EXPLORATION = {'conditions': [{'temperature': 300.0, 'n_steps': 100, 'dump_every': 50}]}


def errors(**by_formula):
    records = {
        formula: {'n_frames': 1, 'energy_mev_per_atom': energy, 'force_ev_per_angstrom': force}
        for formula, (energy, force) in by_formula.items()
    }
    return DetailedErrorsRecord(n_frames=len(records), by_formula=records)


def test_each_composition_has_to_be_accurate():
    options = AccuracyOptions(max_energy_error=6.0, max_force_error=0.25)
    found = errors(Li2O=(5.9, 0.24), LiF=(6.1, 0.24), Li=(1.0, 0.26), C=(7.0, 0.3))
    assert options.find_misses(found) == {'LiF': '6.1 meV/atom', 'Li': '0.26 eV/Å', 'C': '7 meV/atom and 0.3 eV/Å'}


def test_what_has_no_limit_is_not_missed():
    assert not AccuracyOptions(max_energy_error=6.0).find_misses(errors(LiF=(5.0, 99.0)))


def test_unknown_is_not_accurate():
    assert AccuracyOptions(max_energy_error=6.0).find_misses(errors(LiF=(None, 0.1))) == {'LiF': 'unknown'}


def test_accuracy_of_nothing_is_refused():
    with pytest.raises(ValidationError, match='needs `max_energy_error` or `max_force_error`'):
        AccuracyOptions(frames_per_exploration=2)


def test_explorations_must_keep_frames_to_check():
    conditions = [{'temperature': 300.0, 'n_steps': 100, 'dump_every': 101}]
    accuracy = {'max_energy_error': 6.0}
    ActiveLearningOptions(seed=1, exploration={'conditions': conditions})
    with pytest.raises(ValidationError, match='nvt-300K keeps none'):
        ActiveLearningOptions(seed=1, exploration={'conditions': conditions}, accuracy=accuracy)
    assert ActiveLearningOptions(seed=1, exploration=EXPLORATION, accuracy=accuracy).accuracy is not None
