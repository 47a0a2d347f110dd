"""How the training engine deals with jobs that do not end well, without a program."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.calculations.mlip3_train import Mlip3TrainCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.training.mlip3 import Mlip3TrainingWorkChain

from .test_handlers import folder, make, run_next


@pytest.fixture
def train(settings, training, potential):
    inputs = {**settings('training', 'mlip3'), 'parameters': orm.Dict({'iteration_limit': 100})}
    return make('training', 'mlip3', **inputs, training=training, start=potential)


@pytest.fixture
def checkpoint(trained):
    """Return a function that makes the outputs of a job that was stopped after some iterations."""

    def factory(n_iterations, stop_reason=None):
        loss = np.linspace(1.0, 0.5, n_iterations)
        return {
            'checkpoint': PotentialData.from_mtp(trained[0]),
            'history': orm.ArrayData({'loss': loss}),
            'results': orm.Dict({'n_iterations': n_iterations, 'stop_reason': stop_reason}),
        }

    return factory


@pytest.mark.parametrize(('second', 'n_warnings'), [('EMT', 1), ('PBE', 0), ('', 0)])
def test_mixed_methods_are_said(train, monkeypatch, second, n_warnings):
    """A training by itself does what it is told; who reads its report learns what it was told."""
    said = []
    monkeypatch.setattr(Mlip3TrainingWorkChain, 'report', lambda self, message: said.append(message))
    one, two = (train.inputs.training[name].get_frames() for name in ('one', 'two'))
    mixed = {'one': FramesData(one.computed_by('PBE')), 'two': FramesData(two.computed_by(second))}
    make('training', 'mlip3', **{**train.inputs, 'training': mixed})
    assert len(said) == n_warnings
    assert all('labels by different methods' in message for message in said)


def stop(train, label, **outputs):
    return run_next(train, Mlip3TrainCalculation, label, **outputs)


@pytest.mark.parametrize('label', ['ERROR_OUT_OF_WALLTIME', 'ERROR_COMMAND_STOPPED'])
def test_handle_stopped_goes_on_from_the_last_potential(train, checkpoint, label):
    first = checkpoint(60)
    stop(train, label, **first)
    assert train.should_run_process()
    assert train.ctx.inputs.start.uuid == first['checkpoint'].uuid
    assert train.ctx.inputs.parameters['iteration_limit'] == 40
    assert train.ctx.inputs.parameters.creator.process_label == 'with_remaining_iterations'
    second = checkpoint(30)
    stop(train, label, **second)
    assert train.ctx.inputs.start.uuid == second['checkpoint'].uuid
    assert train.ctx.inputs.parameters['iteration_limit'] == 10


def test_history_of_all_jobs_is_joined(train, checkpoint, potential, trained):
    stop(train, 'ERROR_OUT_OF_WALLTIME', **checkpoint(60))
    last = {'potential': PotentialData.from_mtp(trained[0]), 'history': orm.ArrayData({'loss': np.full(40, 0.4)})}
    assert stop(train, None, **last) is None
    train.results()
    assert train.outputs['history'].get_array('loss').shape == (100,)
    assert train.outputs['potential'].uuid == last['potential'].uuid


def test_only_the_active_set_is_missing(train, checkpoint):
    """Where the optimiser had come to an end by itself, it is not started again."""
    stop(train, 'ERROR_COMMAND_STOPPED', **checkpoint(20, 'converged'))
    assert train.ctx.inputs.parameters['iteration_limit'] == 0


def test_checkpoint_serves_restarts_from_outside(train, checkpoint):
    """A job that another handler runs again goes on from the last good potential, too."""
    outputs = checkpoint(60)
    files = folder(**{'_scheduler-stderr.txt': 'slurmstepd: *** JOB 7 CANCELLED AT noon DUE TO NODE FAILURE ***'})
    stop(train, 'ERROR_COMMAND_STOPPED', **outputs, retrieved=files)
    assert train.should_run_process()
    assert train.ctx.inputs.start.uuid == outputs['checkpoint'].uuid


@pytest.mark.parametrize(
    'label',
    ['ERROR_COMMAND_STOPPED', 'ERROR_POTENTIAL_INCOMPLETE', 'ERROR_OUTPUT_MISSING', 'ERROR_OUTPUT_STDOUT_MISSING'],
)
def test_handle_incomplete_output_once(train, potential, label):
    stop(train, label)
    assert train.should_run_process()
    assert train.ctx.inputs.start.uuid == potential.uuid
    outcome = stop(train, label)
    assert outcome.status == train.exit_codes.ERROR_NO_POTENTIAL.status
    assert 'It ended badly.' in outcome.message


def test_out_of_walltime_to_the_last_job(train, checkpoint):
    """The last job is allowed no successor; the potential as far as it came is no result."""
    for _ in range(train.inputs.max_iterations.value - 1):
        assert not getattr(stop(train, 'ERROR_OUT_OF_WALLTIME', **checkpoint(5)), 'status', 0)
    outcome = stop(train, 'ERROR_OUT_OF_WALLTIME', **checkpoint(5))
    assert outcome.status == train.exit_codes.ERROR_OUT_OF_WALLTIME.status
    assert 'potential' not in train.outputs


def test_out_of_walltime_without_accounting(train):
    """Where AiiDA cannot know of the wall time, what the scheduler has written tells."""
    outcome = None
    for _ in range(train.inputs.max_iterations.value):
        files = folder(**{'_scheduler-stderr.txt': 'slurmstepd: *** JOB 7 CANCELLED AT noon DUE TO TIME LIMIT ***'})
        outcome = stop(train, 'ERROR_COMMAND_STOPPED', retrieved=files)
        if getattr(outcome, 'status', 0):
            break
    assert outcome.status == train.exit_codes.ERROR_OUT_OF_WALLTIME.status


def test_handle_divergence_goes_back_once(train, checkpoint, potential):
    stop(train, 'ERROR_OUT_OF_WALLTIME', **checkpoint(60))
    stop(train, 'ERROR_DIVERGED', results=orm.Dict({'n_iterations': 3, 'stop_reason': None}))
    assert train.should_run_process()
    assert train.ctx.inputs.start.uuid == potential.uuid
    assert train.ctx.inputs.parameters['iteration_limit'] == 100
    assert stop(train, 'ERROR_DIVERGED').status == train.exit_codes.ERROR_DIVERGED.status


@pytest.mark.parametrize('label', ['ERROR_BAD_DATA', 'ERROR_UNKNOWN_SPECIES', 'ERROR_DIVERGED'])
def test_causes_have_exit_codes_of_their_own(train, label):
    outcome = stop(train, label)
    assert outcome.status == train.exit_codes[label].status
    assert 'It ended badly.' in outcome.message


@pytest.mark.parametrize('label', ['ERROR_COMMAND_FAILED', 'ERROR_OUTPUT_MISMATCH', 'ERROR_OUTPUT_UNREADABLE'])
def test_other_failures_are_not_repeated(train, label):
    outcome = stop(train, label)
    assert outcome.status == train.exit_codes.ERROR_NO_POTENTIAL.status
    assert 'It ended badly.' in outcome.message
