"""Jobs that are interrupted by what lies outside the program: how that is recognised, and what is done about it."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.schedulers import JobState
from aiida.schedulers.datastructures import JobInfo
from plumpy import ProcessState

from aiida_seimlip.calculations.lammps import LammpsCalculation
from aiida_seimlip.calculations.mlip3_train import Mlip3TrainCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.interruption import Cause, find_interruption

from .test_handlers import PARAMETERS, finished_job, folder, frames, make, results, run_next

STDERR = '_scheduler-stderr.txt'
CANCELLED = 'slurmstepd: error: *** JOB 5 ON node CANCELLED AT 2026-01-02T03:04:05 ***'
TIMEOUT = 'slurmstepd: error: *** JOB 5 ON node CANCELLED AT 2026-01-02T03:04:05 DUE TO TIME LIMIT ***'
NODE_FAILURE = (
    'slurmstepd: error: *** JOB 5 ON node CANCELLED AT 2026-01-02T03:04:05 DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR '
    'DETAILS ***'
)
PREEMPTION = 'slurmstepd: error: *** JOB 5 ON node CANCELLED AT 2026-01-02T03:04:05 DUE TO PREEMPTION ***'
OOM_KILL = (
    'slurmstepd: error: Detected 1 oom_kill event in StepId=5.batch. Some of the step tasks have been OOM Killed.'
)


@pytest.fixture
def job(aiida_localhost):
    """Return a function that makes a job that failed: ``job('ERROR_OUTPUT_STDOUT_MISSING', {name: text})``."""

    def factory(label='ERROR_OUTPUT_STDOUT_MISSING', files=None, **attributes):
        node = finished_job(Mlip3TrainCalculation, label, {}, retrieved=folder(**(files or {})))
        for name, value in attributes.items():
            getattr(node, f'set_{name}')(value)
        return node

    return factory


@pytest.mark.parametrize(
    ('text', 'cause'),
    [
        (CANCELLED, Cause.CANCELLED),
        (TIMEOUT, Cause.OUT_OF_WALLTIME),
        (NODE_FAILURE, Cause.NODE_FAILURE),
        (PREEMPTION, Cause.PREEMPTED),
        (OOM_KILL, Cause.OUT_OF_MEMORY),
        (f'Loading module numpy\n{TIMEOUT}', Cause.OUT_OF_WALLTIME),
        ('cp: error writing file: No space left on device', Cause.OUT_OF_DISK),
    ],
)
def test_cause_is_read_from_what_the_scheduler_wrote(job, text, cause):
    found = find_interruption(job(files={STDERR: text, 'stdout.txt': ''}))
    assert found.cause is cause
    assert f'`{STDERR}` says: {text.splitlines()[-1]}' in str(found)


@pytest.mark.parametrize(
    ('text', 'cause'),
    [
        ('OSError: [Errno 28] No space left on device', Cause.OUT_OF_DISK),
        ('OSError: [Errno 122] Disk quota exceeded', Cause.OUT_OF_DISK),
        ("terminate called after throwing an instance of 'std::bad_alloc'", Cause.OUT_OF_MEMORY),
    ],
)
def test_cause_is_read_from_what_the_program_wrote(job, text, cause):
    found = find_interruption(
        job('ERROR_COMMAND_FAILED', {'stdout.txt': 'started', 'stderr.txt': f'Traceback\n{text}'})
    )
    assert found.cause is cause


def test_large_files_and_folders_do_no_harm(job):
    """Only the end of a file is looked at, where the words of who ended the job stand."""
    text = 'No space left on device\n' + 100_000 * '1.0 ' + '\n'
    assert find_interruption(job('ERROR_COMMAND_FAILED', {'stdout.txt': text, 'folder/file': ''})) is None
    found = find_interruption(job('ERROR_COMMAND_FAILED', {'stdout.txt': f'{text}\nDisk quota exceeded\n'}))
    assert found.evidence == '`stdout.txt` says: Disk quota exceeded'


def test_words_of_a_scheduler_do_not_count_in_the_output_of_a_program(job):
    assert find_interruption(job('ERROR_COMMAND_FAILED', {'stdout.txt': CANCELLED})) is None


@pytest.mark.parametrize(
    ('state', 'cause'),
    [
        ('CANCELLED by 1000', Cause.CANCELLED),
        ('NODE_FAIL', Cause.NODE_FAILURE),
        ('OUT_OF_MEMORY', Cause.OUT_OF_MEMORY),
        ('TIMEOUT', Cause.OUT_OF_WALLTIME),
    ],
)
def test_cause_is_read_from_the_accounting(job, state, cause):
    info = {'retval': 0, 'stderr': '', 'stdout': f'JobID|State|End|\n5|{state}|now|\n'}
    assert find_interruption(job(files={}, detailed_job_info=info)).cause is cause


def test_accounting_that_does_not_work_is_passed_over(job):
    info = {'retval': 1, 'stderr': 'Slurm accounting storage is disabled', 'stdout': ''}
    assert find_interruption(job(files={'stdout.txt': ''}, detailed_job_info=info)) is None


@pytest.mark.parametrize(
    ('status', 'cause'), [(110, Cause.OUT_OF_MEMORY), (120, Cause.OUT_OF_WALLTIME), (140, Cause.NODE_FAILURE)]
)
def test_cause_is_read_from_the_exit_status(job, status, cause):
    assert find_interruption(job(files={'stdout.txt': ''}, exit_status=status)).cause is cause


@pytest.mark.parametrize(
    ('state', 'cause'),
    [(JobState.QUEUED, Cause.CANCELLED), (JobState.RUNNING, Cause.NO_OUTPUT), (None, Cause.NO_OUTPUT)],
)
def test_no_file_at_all(job, state, cause):
    """A job that waited to the last was cancelled; of one that ran the files are gone."""
    node = job(files={})
    if state is not None:
        info = JobInfo()
        info.job_id, info.job_state = '5', state
        node.set_last_job_info(info)
    assert find_interruption(node).cause is cause


@pytest.mark.parametrize('status', [131, 150])
def test_job_that_was_refused_or_stopped_by_a_monitor(job, status):
    assert find_interruption(job(files={}, exit_status=status)) is None


def test_failure_of_the_program_is_no_interruption(job):
    assert find_interruption(job('ERROR_COMMAND_FAILED', {'stdout.txt': 'training started'})) is None
    assert find_interruption(job(None, {'stdout.txt': 'training complete', STDERR: OOM_KILL})) is None


def test_jobs_that_did_not_finish(job):
    killed = job(None)
    killed.set_process_state(ProcessState.KILLED)
    assert find_interruption(killed) is None
    excepted = job(None)
    excepted.set_process_state(ProcessState.EXCEPTED)
    excepted.set_exception('Traceback\nOperationalError: database is locked')
    assert str(find_interruption(excepted)) == (
        'AiiDA could not handle the job (OperationalError: database is locked)'
    )  # fmt: skip


# -- what is done about it --------------------------------------------------------------------------------------------


@pytest.fixture
def train(settings, training, potential):
    """Return a function that makes a training process, with its limit of restarts."""

    def factory(max_restarts=3):
        inputs = {'training': training, 'start': potential, 'max_restarts': orm.Int(max_restarts)}
        return make('training', 'mlip3', **settings('training', 'mlip3'), **inputs)

    return factory


def interrupt(process, text, label='ERROR_COMMAND_FAILED'):
    """Let the next job of a process be interrupted; return what the inspection says."""
    files = {STDERR: text, 'stdout.txt': ''} if text else {}
    return run_next(process, Mlip3TrainCalculation, label, retrieved=folder(**files))


def reports(process):
    return [entry.message for entry in orm.Log.collection.get_logs_for(process.node)]


@pytest.mark.parametrize(
    ('handler', 'text', 'n_restarts'),
    [
        ('handle_cancelled', CANCELLED, 3),
        ('handle_preempted', PREEMPTION, 3),
        ('handle_node_failure', NODE_FAILURE, 3),
        ('handle_out_of_disk', 'No space left on device', 3),
        ('handle_no_output', None, 3),
        ('handle_out_of_memory', OOM_KILL, 1),
        ('handle_hanging', TIMEOUT, 1),
    ],
)
def test_job_is_run_again_a_few_times(train, monkeypatch, handler, text, n_restarts):
    process = train()
    said = []
    monkeypatch.setattr(type(process), 'report', lambda self, message: said.append(message))
    inputs = dict(process.ctx.inputs)
    for number in range(n_restarts):
        assert interrupt(process, text).status == 0
        assert process.should_run_process()
        assert f'It is run again (restart {number + 1} of 3).' in ''.join(said)
        said.clear()
    exit_code = interrupt(process, text)
    label = 'ERROR_OUT_OF_WALLTIME' if handler == 'handle_hanging' else 'ERROR_NO_POTENTIAL'
    assert exit_code.status == process.exit_codes[label].status
    assert 'Interrupted: ' in exit_code.message
    assert 'It is not run again' in said[0]
    considered = process.node.base.extras.get('considered_handlers')
    assert handler in [name for name, report in considered[-1] if report]
    assert {name: value for name, value in process.ctx.inputs.items() if name != 'metadata'} == {
        name: value for name, value in inputs.items() if name != 'metadata'
    }


def test_no_restart_if_none_is_allowed(train):
    assert interrupt(train(0), CANCELLED).status


def test_negative_limit_is_refused(train):
    with pytest.raises(ValueError, match='`max_restarts` is -1, but must not be negative'):
        train(-1)


def test_excepted_job_is_run_again(train):
    process = train(1)
    for expected in (False, True):
        process.ctx.iteration += 1
        node = finished_job(Mlip3TrainCalculation, None, {})
        node.set_process_state(ProcessState.EXCEPTED)
        node.set_exception('OperationalError: database is locked')
        process.ctx.setdefault('children', []).append(node)
        exit_code = process.inspect_process()
        assert bool(exit_code) is expected
    assert 'database is locked' in exit_code.message


def test_killed_job_is_not_run_again(train):
    """Who kills a job through AiiDA wants it to end."""
    process = train()
    process.ctx.iteration += 1
    node = finished_job(Mlip3TrainCalculation, None, {})
    node.set_process_state(ProcessState.KILLED)
    process.ctx.children = [node]
    exit_code = process.inspect_process()
    assert exit_code.status == process.exit_codes.ERROR_NO_POTENTIAL.status
    assert 'it was killed' in exit_code.message


# -- explorations -----------------------------------------------------------------------------------------------------


@pytest.fixture
def exploration(settings, potential):
    return make(
        'exploration', 'lammps', **settings('exploration', 'lammps'), structure=frames(1), potential=potential,
        parameters=orm.Dict(PARAMETERS),
    )  # fmt: skip


def explore(process, label, outcome, n_steps, text=None, **outputs):
    """Let the next job of an exploration end."""
    files = {'lammps.out': '', **({'lammps.err': text} if text else {})}
    given = {'results': results(outcome, n_steps), 'retrieved': folder(**files), **outputs}
    return run_next(process, LammpsCalculation, label, **given)


def test_full_disk_is_not_taken_for_a_crash(exploration):
    """The run is repeated as it was, not in smaller steps."""
    explore(exploration, 'ERROR_CRASHED', 'crashed', 40, 'ERROR: Error writing dump custom: No space left on device')
    assert exploration.should_run_process()
    assert exploration.ctx.inputs.parameters.uuid == exploration.inputs.parameters.uuid


def test_results_of_an_exploration_that_was_run_again(exploration):
    """The time of the first job does not count; its candidates do, but no frame comes twice."""
    found = frames(3, seed=1).get_frames()
    full = 'No space left on device'
    explore(exploration, 'ERROR_INTERRUPTED', 'failed', 40, full, candidates=FramesData(found[[0, 1]]))
    outputs = {'candidates': FramesData(found[[1, 2]]), 'trajectory': frames(10, seed=2)}
    explore(exploration, None, 'completed', 100, **outputs)
    exploration.results()
    assert exploration.outputs['candidates'].hashes == found.hashes()
    content = exploration.outputs['results'].get_dict()
    assert (content['n_steps'], content['n_candidates'], content['n_jobs']) == (100, 3, 2)


def test_continuation_that_was_run_again(exploration):
    """Steps are counted once, where the job that went on from the wall time had to be repeated."""
    velocities = np.ones((8, 3))
    outputs = {'final': frames(1, seed=7, velocities=velocities), 'trajectory': frames(3, seed=2)}
    explore(exploration, 'ERROR_OUT_OF_WALLTIME', 'out_of_walltime', 30, **outputs)
    full = 'No space left on device'
    explore(exploration, 'ERROR_INTERRUPTED', 'failed', 20, full, trajectory=frames(2, seed=3))
    assert exploration.ctx.inputs.structure.uuid == outputs['final'].uuid
    explore(exploration, None, 'completed', 70, trajectory=frames(7, seed=4))
    exploration.results()
    content = exploration.outputs['results'].get_dict()
    assert (content['n_steps'], content['n_jobs']) == (100, 3)
    assert exploration.outputs['trajectory'].n_frames == 10
