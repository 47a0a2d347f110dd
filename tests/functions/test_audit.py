"""A program that does not compute the potential is found out, and so is a potential outside its domain."""

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.audit import audit_grades, compare_start, thin_out
from aiida_seimlip.options.transport.results import ParityRecord
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import grade
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA


@pytest.fixture
def options():
    dynamics = {'production_steps': 100, 'track_every': 2, 'dump_every': 10}
    return orm.Dict({'seed': 1, 'temperatures': [600.0], 'dynamics': dynamics, 'domain': {'threshold': 2.0}})


@pytest.fixture
def evaluated(potential_trained, frames_labelled):
    """Return one frame as our own kernel evaluates it."""
    return evaluate(potential_trained.get_mtp(), frames_labelled.get_frames()[0].without_labels())


def compare(options, potential, frames, pressure=None):
    record = compare_start(options, potential, FramesData(frames), orm.Dict({'mean_pressure': pressure}))
    return ParityRecord.model_validate(record.get_dict())


def test_same_numbers_are_equal(options, potential_trained, evaluated):
    record = compare(options, potential_trained, evaluated)
    assert record.is_equal
    assert (record.energy_difference, record.forces_difference) == (0.0, 0.0)
    assert record.grade == pytest.approx(grade(potential_trained.get_mtp(), evaluated).frame[0])


def test_pressure_stands_for_a_stress_that_is_not_given(options, potential_trained, evaluated):
    pressure = -evaluated.stresses[0, :3].mean() * EV_PER_A3_TO_GPA * 1e4
    bare = evaluated.replace(stresses=None)
    assert compare(options, potential_trained, bare, pressure).stress_difference == pytest.approx(0.0, abs=1e-9)
    record = compare(options, potential_trained, bare, pressure + 500.0)
    assert record.stress_difference == pytest.approx(0.05)
    assert 'stress by 0.05 GPa (allowed are 0.01)' in record.message
    assert compare(options, potential_trained, bare).stress_difference is None


@pytest.mark.parametrize('name', ['energies', 'forces', 'stresses'])
def test_other_numbers_are_told(options, potential_trained, evaluated, name):
    values = getattr(evaluated, name)
    record = compare(options, potential_trained, evaluated.replace(**{name: values + 0.1}))
    assert not record.is_equal
    assert {'energies': 'energy', 'forces': 'forces', 'stresses': 'stress'}[name] in record.message


@pytest.mark.parametrize('name', ['energies', 'forces'])
def test_what_is_missing_is_not_equal(options, potential_trained, evaluated, name):
    record = compare(options, potential_trained, evaluated.replace(**{name: None}))
    assert not record.is_equal
    assert 'the program gave none' in record.message


def test_grades_are_those_of_our_kernel(options, potential_trained, frames_labelled):
    audit = audit_grades(options, potential_trained, T0600_r0=frames_labelled)['T0600_r0']
    grades = grade(potential_trained.get_mtp(), frames_labelled.get_frames()).frame
    assert audit['n_graded'] == frames_labelled.n_frames
    assert audit['highest_grade'] == pytest.approx(grades.max())
    assert audit['share_above_threshold'] == pytest.approx(np.mean(grades > 2.0))


def test_grades_of_no_frames_are_unknown(options, potential_trained):
    audit = audit_grades(options, potential_trained, T0600_r0=FramesData(Frames.empty()))['T0600_r0']
    unknown = dict.fromkeys(('share_above_threshold', 'highest_grade', 'expected_force_error'))
    assert audit == {'n_graded': 0, 'n_above': 0, **unknown}


def test_frames_are_thinned_out_evenly(frames_labelled):
    frames = frames_labelled.get_frames()
    few = thin_out(frames, 4)
    assert few.hashes() == [frames.hashes()[i] for i in (0, 5, 10, 15)]
    assert thin_out(frames, 100) is frames
