"""What is computed with a calibrated potential tells the errors of forces that are to be expected."""

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.audit import audit_grades
from aiida_seimlip.functions.barrier.neb import describe_barrier
from aiida_seimlip.functions.crystal.models import read_model
from aiida_seimlip.functions.expected_errors import expect_force_error
from aiida_seimlip.functions.transport.points import combine_runs, read_run
from aiida_seimlip.options.barrier.neb import NEBOptions
from aiida_seimlip.options.barrier.results import BarrierRecord
from aiida_seimlip.options.crystal.relaxation import RelaxationOptions
from aiida_seimlip.options.expected import ExpectedForceError
from aiida_seimlip.options.transport.diffusivity import DiffusivityOptions
from aiida_seimlip.science.analysis.calibration import Calibration
from aiida_seimlip.science.mtp.grade import grade
from tests.report.barrier_nodes import make_path

CALIBRATION = Calibration(
    'atom_grade', (0.5, 0.95), (1.0, 4.0), ((0.1, 0.2), (0.3, 0.5)), n_frames=40, n_atoms=960, method='PBE'
)  # fmt: skip


@pytest.fixture
def calibrated(potential_trained):
    return potential_trained.with_calibration(CALIBRATION).store()


def test_error_is_that_of_the_bin_of_the_grade(calibrated):
    expected = ExpectedForceError(
        median_ev_per_angstrom=0.2, p95_ev_per_angstrom=0.5, largest_grade=4.0, method='PBE'
    )  # fmt: skip
    assert expect_force_error(calibrated, 3.0) == expected
    assert expected.describe() == 'expected force error: median 0.2, 95 % below 0.5 eV/Å'
    beyond = expect_force_error(calibrated, 4.1)
    assert beyond.describe() == 'expected force error not known: calibrated are grades up to 4'


def test_runs_of_a_diffusivity_know_it(calibrated, potential_trained, frames_labelled):
    dynamics = {'production_steps': 100, 'track_every': 2, 'dump_every': 10}
    options = orm.Dict({'seed': 1, 'temperatures': [600.0], 'mobile': ['Li'], 'dynamics': dynamics})
    settings = DiffusivityOptions.from_node(options)
    highest = grade(potential_trained.get_mtp(), frames_labelled.get_frames()).frame.max()
    for potential in (calibrated, potential_trained):
        audit = audit_grades(options, potential, T0600_r0=frames_labelled).get_dict()
        planned = {'key': 'T0600_r0', 'seed': 1, 'temperature': 600.0, 'replica': 0}
        run = read_run(planned, {'outcome': 'failed'}, {}, audit, settings)
        point = combine_runs(600.0, [run], 24, settings, {}).point
        assert run.record.expected_force_error == expect_force_error(potential, highest)
        assert point.expected_force_error == run.record.expected_force_error


def test_crystals_know_it(calibrated, frames_labelled):
    minima = FramesData(frames_labelled.get_frames()[:2])
    found = {'potential': calibrated, 'minima': {'labelled': minima}}
    grades = grade(calibrated.get_mtp(), minima.get_frames()).frame
    read = read_model(RelaxationOptions(reference=None), found, 2, lambda frame: 0)
    for value, one in zip(grades, read, strict=True):
        assert one.common['expected_force_error'] == expect_force_error(calibrated, value)
    without = read_model(RelaxationOptions(reference=None), {'minima': {'labelled': minima}}, 2, lambda frame: 0)
    assert without[0].common['expected_force_error'] is None


def test_barriers_know_it(calibrated):
    path = FramesData(make_path(0.3, grades=np.linspace(0.2, 2.4, 7))).store()
    results = orm.Dict({'is_converged': True, 'is_climbing': True, 'n_steps': 57})
    found = describe_barrier(path, results, orm.Dict(NEBOptions().to_dict()), potential=calibrated)
    record = BarrierRecord.model_validate(found['barrier'].get_dict())
    assert record.expected_force_error == expect_force_error(calibrated, 2.4)
    alone = describe_barrier(path, results, orm.Dict(NEBOptions().to_dict()))
    assert BarrierRecord.model_validate(alone['barrier'].get_dict()).expected_force_error is None
