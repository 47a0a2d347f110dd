"""Tests of extrapolation control: what is saved, and when a run ends."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aiida_seimlip.embedded.extrapolation import BreakError, ExtrapolationControl, Thresholds
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_potential import read_almtp
from aiida_seimlip.science.mtp.evaluate import Evaluator
from aiida_seimlip.science.mtp.grade import Grader

MLIP3 = Path(__file__).parents[1] / 'fixtures' / 'mlip3'
SPECIES = ('Li', 'C', 'O')
GRADE = 11.57554
"""Grade of the recorded configuration."""


@pytest.fixture(scope='module')
def potential():
    return read_almtp(MLIP3 / 'shared/l08_nbh_30.almtp', SPECIES)


@pytest.fixture
def inspect(potential):
    """Return a function that shows the recorded configuration to extrapolation control."""
    frame = read_cfg(MLIP3 / '55_mtp_preselected_read/preselected.cfg', SPECIES).frames[-1].replace(grades=None)
    evaluator = Evaluator(potential)
    local = evaluator.compute_frames(frame, with_local=True).local
    grade, atoms = Grader(potential, evaluator).grade(frame.types(SPECIES), local)
    order = np.arange(24)[::-1]
    turned = frame.replace(numbers=frame.numbers[order], positions=frame.positions[order])

    def function(thresholds: Thresholds, steps: tuple[int, ...] = (7,)) -> ExtrapolationControl:
        control = ExtrapolationControl(SPECIES, thresholds)
        for step in steps:
            control.inspect(step, grade, atoms, lambda: (turned, order))
        return control

    return function


def test_saved_frame(inspect, tmp_path):
    path = tmp_path / 'preselected.cfg'
    control = inspect(Thresholds(save=2.0, stop=20.0, path=path))
    assert control.grade == pytest.approx(GRADE, rel=1e-5)
    saved = read_cfg(path, SPECIES)
    recorded = read_cfg(MLIP3 / '55_mtp_preselected_read/preselected.cfg', SPECIES)
    assert saved.frames.grades == pytest.approx([GRADE], rel=1e-5)
    assert saved.features[0]['MD_step'] == '7'
    # the atoms, and their grades, come in the order that the caller wants
    np.testing.assert_allclose(saved.frames.positions[::-1], recorded.frames.positions[-24:], atol=1e-9)
    np.testing.assert_allclose(saved.nbh_grades[::-1], recorded.nbh_grades[-24:], rtol=1e-4)


def test_break_comes_after_saving(inspect, tmp_path):
    path = tmp_path / 'preselected.cfg'
    with pytest.raises(BreakError, match=r'Breaking threshold exceeded \(MV-grade: 11\.5755\d\d\)'):
        inspect(Thresholds(save=2.0, stop=10.0, path=path))
    assert len(read_cfg(path, SPECIES).frames) == 1


def test_each_step_is_saved_once(inspect, tmp_path):
    """LAMMPS evaluates the last step of a run again when the next one starts."""
    path = tmp_path / 'preselected.cfg'
    inspect(Thresholds(save=2.0, stop=20.0, path=path), steps=(7, 7, 8))
    assert [features['MD_step'] for features in read_cfg(path, SPECIES).features] == ['7', '8']


def test_file_of_an_earlier_run_is_deleted(inspect, tmp_path):
    path = tmp_path / 'preselected.cfg'
    path.write_text('old')
    inspect(Thresholds(save=20.0, stop=30.0, path=path))
    assert not path.exists()


def test_no_break_unless_it_exceeds_the_threshold_to_save(inspect):
    """MLIP-3 turns the break off this way."""
    assert inspect(Thresholds(save=5.0, stop=5.0)).grade > 5.0


def test_without_feature(inspect, tmp_path):
    path = tmp_path / 'preselected.cfg'
    inspect(Thresholds(save=2.0, stop=20.0, path=path, with_feature=False))
    saved = read_cfg(path, SPECIES)
    assert saved.nbh_grades is None
    assert 'MV_grade' not in saved.features[0]


def test_negative_threshold(inspect):
    with pytest.raises(ValueError, match='Invalid threshold specified'):
        inspect(Thresholds(save=-1.0))
