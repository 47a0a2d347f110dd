"""Calibrations of potentials: what they find, what they leave out, what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from scipy import stats

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.learned import find_original, is_same
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.expected_errors import expect_force_error
from aiida_seimlip.options.models.calibration_results import CalibrationResults
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.frames import Frames, predicted_by
from aiida_seimlip.science.mtp.grade import build_active_set, grade
from aiida_seimlip.workflows.models.calibration import CalibrationWorkChain
from tests.conftest import FIXTURES, SPECIES
from tests.workflows.models.calibrated import displaced, scale, with_errors

SHARED = FIXTURES / 'mlip3' / 'shared'
N_FRAMES = 160


def read(name: str) -> Frames:
    return read_cfg(SHARED / name, SPECIES).frames


@pytest.fixture(scope='module')
def potential() -> PotentialData:
    return PotentialData(SHARED / 'l08_nbh_40.almtp', 'pot.almtp', species=SPECIES).store()


@pytest.fixture(scope='module')
def training() -> FramesData:
    return FramesData(read('train40.cfg').computed_by('PBE', 'free')).store()


@pytest.fixture(scope='module')
def frames(potential) -> FramesData:
    return with_errors(potential, displaced(read('train40.cfg'), N_FRAMES)).store()


@pytest.fixture(scope='module')
def other() -> PotentialData:
    return PotentialData(SHARED / 'l08_nbh_30.almtp', 'pot.almtp', species=SPECIES).store()


@pytest.fixture(scope='module')
def given(frames, training) -> FramesData:
    """Return the frames, two that the potential has learned from, a copy, and one without a label."""
    parts = [frames.get_frames(), training.get_frames()[:2], frames.get_frames()[3]]
    unlabelled = displaced(read('train40.cfg'), 1, seed=9)
    blank = unlabelled.replace(
        energies=np.full(1, np.nan), forces=np.full((int(unlabelled.ptr[-1]), 3), np.nan),
    )  # fmt: skip
    return FramesData(Frames.concatenate([*parts, blank])).store()


@pytest.fixture(scope='module')
def node(potential, given, training, other) -> orm.WorkChainNode:
    builder = CalibrationWorkChain.get_builder_from_protocol(
        potential=potential, frames=given, training={'first': training}, other=other, protocol='balanced'
    )
    _, node = run_get_node(builder)
    return node


@pytest.fixture(scope='module')
def results(node) -> CalibrationResults:
    return CalibrationResults.model_validate(node.outputs.properties.get_dict())


def test_it_ends_well(node):
    assert node.is_finished_ok, node.exit_message


def test_quantiles_are_those_of_the_errors(results):
    calibration = results.grade.calibration
    assert calibration.abscissa == 'atom_grade'
    middle = np.array([0.3, 0.6, 1.0])
    assert (middle < calibration.largest).all()
    truth = scale(middle)[:, None] * stats.halfnorm.ppf(calibration.levels)
    # bins are a factor of 2 wide at most, within which the scale changes by less than that
    assert calibration.predict(middle) == pytest.approx(truth, rel=0.4)


def test_held_out_halves_are_covered(results):
    for one in results.grade.coverage:
        assert one.n_frames == N_FRAMES
        assert one.low <= one.share <= one.high
        assert one.high >= one.level
    assert results.grade.rank_correlation > 0.2


def test_frames_are_left_out_by_name(results):
    reasons = {one.index: one.reason for one in results.left_out}
    assert set(reasons) == {N_FRAMES, N_FRAMES + 1, N_FRAMES + 2, N_FRAMES + 3}
    assert 'training set `first`' in reasons[N_FRAMES]
    assert reasons[N_FRAMES + 2] == 'it is the same as frame 3'
    assert 'no label' in reasons[N_FRAMES + 3]
    assert results.n_frames == N_FRAMES


def test_points_are_grades_and_errors(node, potential, given):
    points = {name: node.outputs.points.get_array(name) for name in node.outputs.points.get_arraynames()}
    assert set(points) == {'grades', 'force_errors', 'frames', 'disagreements'}
    frames = given.get_frames()[:N_FRAMES]
    assert points['grades'] == pytest.approx(grade(potential.get_mtp(), frames).atom)
    assert (points['frames'] == frames.frame_of_atom).all()


def test_cross_check_by_a_second_potential(results, other):
    assert results.cross_check.other_uuid == other.uuid
    assert results.cross_check.curve.abscissa == 'disagreement'
    assert len(results.cross_check.curve.coverage) == 3


def test_potential_is_the_same_and_knows_its_errors(node, potential, training, results):
    found = node.outputs.potential
    assert found.uuid != potential.uuid
    assert is_same(found, potential)
    assert find_original(found).uuid == potential.uuid
    assert found.calibration == results.grade.calibration
    assert found.calibration.method == 'PBE'
    assert potential.calibration is None
    expected = expect_force_error(found, 0.5)
    assert expected.median_ev_per_angstrom == found.calibration.predict(0.5)[0]
    assert expected.p95_ev_per_angstrom == found.calibration.predict(0.5)[2]
    assert '95 % below' in expected.describe()


def test_what_is_not_known_is_said(node, potential):
    beyond = expect_force_error(node.outputs.potential, 1e6)
    assert beyond.median_ev_per_angstrom is None
    assert 'not known: calibrated are grades up to' in beyond.describe()
    assert 'not calibrated' in expect_force_error(potential, 0.5).describe()
    assert expect_force_error(potential, None) is None
    assert expect_force_error(None, 0.5) is None


def test_doubts_are_few(results):
    assert not [doubt for doubt in results.doubts if 'by the grade' in doubt]


def test_grades_of_frames_and_doubts(potential, frames, training):
    """A potential that grades frames is calibrated by them; what it learned from nobody says, and methods differ."""
    mtp = build_active_set(potential.get_mtp(), training.get_frames(), 'cfg')
    whole = PotentialData.from_mtp(mtp).store()
    labelled = with_errors(whole, frames.get_frames().without_labels(), method='')
    builder = CalibrationWorkChain.get_builder_from_protocol(
        potential=whole, frames=FramesData(labelled.get_frames()[:60]), protocol='demo'
    )
    _, node = run_get_node(builder)
    results = CalibrationResults.model_validate(node.outputs.properties.get_dict())
    assert results.grade.abscissa == 'frame_grade'
    assert node.outputs.potential.calibration.abscissa == 'frame_grade'
    assert any('Nobody has said what the potential learned from' in doubt for doubt in results.doubts)
    assert any('60 frames are too few to test' in doubt for doubt in results.doubts)


def test_atoms_are_limited(potential, frames, training):
    """Where the limit leaves too few frames the work ends with a code, and says so."""
    options = {'levels': [0.5, 0.95], 'max_atoms': 24 * 30}
    _, node = run_get_node(CalibrationWorkChain, potential=potential, frames=frames, options=options)
    assert node.exit_status == 400
    assert 'takes 38 frames at least, but there are 30' in node.exit_message
    assert 'potential' not in node.outputs
    assert CalibrationResults.model_validate(node.outputs.properties.get_dict()).grade is None


def fault(**inputs) -> str | None:
    options = orm.Dict(inputs.pop('options', {}))
    return CalibrationWorkChain.validate_inputs({'options': options, **inputs}, None)


def test_right_inputs_pass(potential, frames, training, other):
    assert fault(potential=potential, frames=frames, training={'first': training}, other=other) is None


def test_wrong_inputs_are_refused(potential, frames, training, other):
    template = PotentialData(SHARED / 'l08_template.almtp', 'pot.almtp', species=SPECIES)
    assert 'not trained' in fault(potential=template, frames=frames)
    bare = PotentialData.from_mtp(potential.get_mtp().replace(active_set=None))
    assert 'no active set' in fault(potential=bare, frames=frames)
    renamed = PotentialData(SHARED / 'l08_nbh_40.almtp', 'pot.almtp', species=('Li', 'C', 'F'))
    assert 'holds O, which the input `potential` does not know' in fault(potential=renamed, frames=frames)
    assert 'is the same potential' in fault(potential=other, frames=frames, other=other)
    assert fault(potential=other, frames=frames, other=potential) is None
    few = FramesData(frames.get_frames()[:37])
    assert 'holds 37 frames to learn from, but' in fault(potential=potential, frames=few)
    known = fault(potential=potential, frames=training, training={'first': training})
    assert 'holds 0 frames to learn from (40 are left out: 40 because a potential has learned from it)' in known
    guessed = FramesData(frames.get_frames().computed_by(predicted_by(other.uuid)))
    assert 'predictions' in fault(potential=potential, frames=guessed)


@pytest.mark.parametrize('levels', [[0.5], [0.95, 0.5], [0.5, 0.95, 1.0], []])
def test_wrong_levels_are_refused(levels):
    from aiida_seimlip.options.models.calibration import CalibrationOptions

    assert 'levels' in CalibrationOptions.explain({'levels': levels}, 'options')


def test_builder_takes_the_training_set_from_the_provenance(potential, frames, training):
    from tests.workflows.models.provenance import trained_by_job

    trained = trained_by_job(potential, {'set': training})
    builder = CalibrationWorkChain.get_builder_from_protocol(potential=trained, frames=frames)
    assert [node.uuid for node in builder.training.values()] == [training.uuid]
    builder = CalibrationWorkChain.get_builder_from_protocol(potential=trained, frames=frames, other=trained)
    assert len(builder.training) == 1
    with pytest.raises(ValueError, match='no socket'):
        CalibrationWorkChain.get_builder_from_protocol({'dynamics': 'x'}, trained, frames)
