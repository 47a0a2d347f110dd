"""The engine `mace` of the socket `training`, with MACE itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.calculations.mace_train import MaceTrainCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.held_out import divide_training
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.options.mace import MaceTrainOptions
from tests.mace_models.alloys import SMALL, alloys
from tests.mace_models.fixtures import PYTHON, needs_mace

KILLS = Path(__file__).parents[1] / 'mace_models' / 'kills.py'
OPTIONS = MaceTrainOptions.from_node({**SMALL, 'committee': 2, 'max_num_epochs': 4})
ONE_CORE = {'num_machines': 1, 'num_mpiprocs_per_machine': 1}
ENGINE = load_engine('training', 'mace')


@pytest.fixture
def training():
    frames = alloys(12)
    return {'one': FramesData(frames[:5]), 'two': FramesData(frames[5:])}


@pytest.fixture
def run(training):
    """Return a function that runs the engine with a code."""

    def factory(code, **inputs):
        return run_get_node(ENGINE, **{'code': code, 'training': training, 'parameters': OPTIONS, **inputs})

    return factory


@pytest.fixture
def interrupted_code(tmp_path, code):
    """Return an interpreter that is killed in its third epoch, unless it goes on from a checkpoint."""
    program = tmp_path / 'python'
    program.write_text(f'#!/bin/sh\n[ -e earlier.pt ] && exec {PYTHON} "$@"\nexec {PYTHON} -B {KILLS} 2 3\n')
    program.chmod(0o755)
    return code('seimlip.mace.train', str(program))


def jobs_of(node):
    return sorted((job for job in node.called if job.process_class is MaceTrainCalculation), key=lambda job: job.pk)


@needs_mace
@pytest.mark.slow
def test_committee_whose_jobs_are_killed(run, interrupted_code, training):
    """Each member goes on in a second job; the committee is calibrated on the frames that no member learned from."""
    outputs, node = run(interrupted_code)
    assert node.is_finished_ok, node.exit_message
    jobs = jobs_of(node)
    assert [job.exit_status for job in jobs] == [401, 401, 0, 0]
    potential = outputs['potential']
    assert potential.selection_mode == 'committee'
    assert (potential.species, len(potential.get_pickles())) == (('Cu', 'Au'), 2)
    one, two = (job.outputs.potential.get_members()[0] for job in jobs[2:])
    assert potential.get_members() == [one, two]
    assert one != two
    assert outputs['history'].get_array('member_epoch').tolist() == [[0, 1, 2, 3]] * 2

    validation = divide_training(training, None, OPTIONS.validation_fraction, OPTIONS.seed)[1]
    forces = [job.outputs.validation_predictions.get_frames().forces for job in jobs[2:]]
    error = np.linalg.norm((forces[0] + forces[1]) / 2 - validation.forces, axis=1)
    deviation = np.linalg.norm(forces[0] - forces[1], axis=1) / np.sqrt(2.0)  # of two numbers
    expected = np.sqrt(np.mean(error**2) / np.mean(deviation**2))
    assert potential.deviation_scale == pytest.approx(expected, rel=1e-10)
    rms = [job.outputs.errors['force']['rms'] for job in jobs[2:]]
    assert outputs['errors']['force']['rms'] == pytest.approx(np.sqrt(np.mean(np.square(rms))))
    assert outputs['errors']['force']['count'] == jobs[2].outputs.errors['force']['count']


def test_job_that_gets_nowhere_is_not_run_for_ever(run, code):
    """The program ends at once and leaves nothing."""
    _, node = run(code('seimlip.mace.train'), parameters={**OPTIONS.to_dict(), 'committee': 1})
    assert node.exit_status == ENGINE.spec().exit_codes.ERROR_NO_POTENTIAL.status
    assert '`results.json` was not retrieved' in node.exit_message
    assert len(jobs_of(node)) < 6


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'parameters': {**SMALL, 'atom_energies': {}}}, 'gives no `atom_energies`'),
        ({'options': {'resources': ONE_CORE}, 'parameters': {**SMALL, 'threads': 2}}, '2 `threads`'),
    ],
)
def test_refused_at_submission(run, code, changes, words):
    with pytest.raises(ValueError, match=words):
        run(code('seimlip.mace.train'), **changes)


def test_selection_mode_follows_the_number_of_members():
    assert ENGINE.selection_mode({'parameters': orm.Dict({'committee': 3})}) == 'committee'
    assert ENGINE.selection_mode({'parameters': orm.Dict({'committee': 1})}) is None
