"""How the adapters deal with jobs that do not end well: each handler, without a program."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from plumpy import ProcessState

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.calculations.lammps import LammpsCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.science.frames import Frames

from .conftest import image, labelled


def make(socket, name, **inputs):
    """Return an engine's process, set up but not run."""
    process = instantiate_process(get_manager().get_runner(), load_engine(socket, name), **inputs)
    process.setup()
    return process


def finished_job(job_class, label: str | None, inputs: dict[str, Any], **outputs: Any) -> orm.CalcJobNode:
    """Return a terminated job; `label` names its exit code.

    Unless other files are given as `retrieved`, its program has printed nothing.
    """
    outputs = {'retrieved': folder(stdout=''), **outputs}
    node = orm.CalcJobNode(computer=orm.load_computer('localhost'))
    node.set_process_label(job_class.__name__)
    node.set_process_state(ProcessState.FINISHED)
    exit_code = job_class.spec().exit_codes[label] if label else None
    node.set_exit_status(exit_code.status if exit_code else 0)
    node.set_exit_message('It ended badly.' if exit_code else '')
    node.set_option('scheduler_stderr', '_scheduler-stderr.txt')
    node.set_option('scheduler_stdout', '_scheduler-stdout.txt')
    for name, value in inputs.items():
        if isinstance(value, orm.Node):
            value.store()
            node.base.links.add_incoming(value, link_type=LinkType.INPUT_CALC, link_label=name)
    node.store()
    for name, value in outputs.items():
        value.base.links.add_incoming(node, link_type=LinkType.CREATE, link_label=name)
        value.store()
    return node


def run_next(process, job_class, label, **outputs):
    """Let the process start a job and inspect it once it has ended; return what the inspection says."""
    process.ctx.iteration += 1
    process.node.base.extras.set('considered_handlers', [[]] * process.ctx.iteration)
    job = finished_job(job_class, label, dict(process.ctx.inputs), **outputs)
    process.ctx.setdefault('children', []).append(job)
    return process.inspect_process()


def folder(**files: str) -> orm.FolderData:
    """Return the files that were retrieved from a job."""
    node = orm.FolderData()
    for name, content in files.items():
        node.base.repository.put_object_from_bytes(content.encode(), name)
    return node


# -- exploration ------------------------------------------------------------------------------------------------------

PARAMETERS = {
    'temperature': 20.0, 'timestep': 2.0, 'n_steps': 100, 'dump_every': 10, 'thermo_every': 10, 'seed': 5,
}  # fmt: skip


def frames(n, seed=0, **arrays):
    found = Frames.from_atoms([image(1000 * seed + index) for index in range(n)])
    return FramesData(found.replace(**arrays))


def results(outcome, n_steps=100, grade=None, n_candidates=0):
    return orm.Dict({'outcome': outcome, 'n_steps': n_steps, 'highest_grade': grade, 'n_candidates': n_candidates})


@pytest.fixture
def exploration(settings, potential):
    return make(
        'exploration', 'lammps', **settings('exploration', 'lammps'), structure=frames(1), potential=potential,
        parameters=orm.Dict(PARAMETERS),
    )  # fmt: skip


def test_survival(exploration):
    assert run_next(exploration, LammpsCalculation, None, results=results('completed')) is None
    assert not exploration.should_run_process()
    exploration.results()
    assert exploration.outputs['results']['outcome'] == 'completed'


def test_handle_break(exploration):
    """A break ends the exploration well."""
    outputs = {'results': results('broke', 40, 11.0, 2), 'candidates': frames(2, grades=np.array([3.0, 11.0]))}
    assert not run_next(exploration, LammpsCalculation, 'BREAKING_THRESHOLD_EXCEEDED', **outputs).status
    assert not exploration.should_run_process()
    exploration.results()
    assert exploration.outputs['results']['outcome'] == 'broke'
    assert exploration.outputs['candidates'].n_frames == 2


def test_handle_crash_tries_a_smaller_step(exploration):
    outputs = {'results': results('crashed', 40, 5.0, 2), 'candidates': frames(2, seed=1), 'trajectory': frames(4)}
    run_next(exploration, LammpsCalculation, 'ERROR_CRASHED', **outputs)
    assert exploration.should_run_process()
    parameters = exploration.ctx.inputs.parameters
    assert (parameters['timestep'], parameters['n_steps'], parameters['dump_every']) == (1.0, 200, 20)
    assert parameters['temperature'] == 20.0
    assert parameters.creator.process_label == 'with_back_off'
    run_next(exploration, LammpsCalculation, None, results=results('completed', 200, 3.0), trajectory=frames(10))
    assert not exploration.should_run_process()
    exploration.results()
    found = exploration.outputs['results'].get_dict()
    assert (found['outcome'], found['n_steps'], found['n_steps_asked'], found['n_jobs']) == ('completed', 100, 100, 2)
    assert found['highest_grade'] == 5.0
    assert exploration.outputs['candidates'].n_frames == 2
    assert exploration.outputs['trajectory'].n_frames == 10


def crash(exploration, seed):
    outputs = {'results': results('crashed', 40, None, 2), 'candidates': frames(2, seed=seed)}
    run_next(exploration, LammpsCalculation, 'ERROR_CRASHED', **outputs)


def test_handle_crash_takes_the_last_one_as_data(exploration):
    for seed in (1, 2, 3):
        assert exploration.should_run_process()
        crash(exploration, seed)
    assert not exploration.should_run_process()
    exploration.results()
    found = exploration.outputs['results'].get_dict()
    assert (found['outcome'], found['n_candidates']) == ('crashed', 6)
    assert exploration.outputs['candidates'].n_frames == 6
    tries = [(one['temperature'], one['timestep'], one['outcome']) for one in found['tries']]
    assert tries == [(20.0, 2.0, 'crashed'), (20.0, 1.0, 'crashed'), (16.0, 0.5, 'crashed')]


def test_survival_of_a_cooler_run_is_none(exploration):
    """The condition that was asked for has not been survived; what was found on the way is kept."""
    for seed in (1, 2):
        crash(exploration, seed)
    last = {'trajectory': frames(10), 'final': frames(1, seed=9, velocities=np.ones((8, 3)))}
    run_next(exploration, LammpsCalculation, None, results=results('completed', 400, 3.0), **last)
    exploration.results()
    found = exploration.outputs['results'].get_dict()
    assert (found['outcome'], found['n_steps'], found['n_jobs']) == ('crashed', 100, 3)
    assert found['message'] == 'The run crashed at 20 K, and came to its end at 16 K only.'
    assert exploration.outputs['candidates'].n_frames == 4
    assert 'final' not in exploration.outputs


def test_crashes_without_retries(settings, potential):
    exploration = make(
        'exploration', 'lammps', **settings('exploration', 'lammps'), structure=frames(1), potential=potential,
        parameters=orm.Dict({**PARAMETERS, 'crash_retries': 0}),
    )  # fmt: skip
    crash(exploration, 1)
    assert not exploration.should_run_process()


def test_handle_out_of_walltime_goes_on(exploration):
    velocities = np.ones((8, 3))
    outputs = {
        'results': results('out_of_walltime', 30, 2.5, 1), 'final': frames(1, seed=7, velocities=velocities),
        'candidates': frames(1, seed=1), 'trajectory': frames(3, seed=2),
    }  # fmt: skip
    run_next(exploration, LammpsCalculation, 'ERROR_OUT_OF_WALLTIME', **outputs)
    assert exploration.should_run_process()
    parameters = exploration.ctx.inputs.parameters
    assert (parameters['n_steps'], parameters['first_step'], parameters['velocities']) == (70, 30, 'keep')
    assert exploration.ctx.inputs.structure.uuid == outputs['final'].uuid
    last = frames(1, seed=8, velocities=velocities)
    run_next(exploration, LammpsCalculation, None, results=results('completed', 70), trajectory=frames(7), final=last)
    exploration.results()
    found = exploration.outputs['results'].get_dict()
    assert (found['outcome'], found['n_steps'], found['n_jobs']) == ('completed', 100, 2)
    assert exploration.outputs['trajectory'].n_frames == 10
    assert exploration.outputs['final'].uuid == last.uuid


def test_out_of_walltime_without_progress_fails(exploration):
    outcome = run_next(exploration, LammpsCalculation, 'ERROR_OUT_OF_WALLTIME', results=results('out_of_walltime', 0))
    assert outcome.status == exploration.exit_codes.ERROR_PROGRAM_FAILED.status


def test_handle_interrupted_once(exploration):
    run_next(exploration, LammpsCalculation, 'ERROR_INTERRUPTED', results=results('interrupted', 10))
    assert exploration.should_run_process()
    outcome = run_next(exploration, LammpsCalculation, 'ERROR_INTERRUPTED', results=results('interrupted', 10))
    assert outcome.status == exploration.exit_codes.ERROR_PROGRAM_FAILED.status


@pytest.mark.parametrize('label', ['ERROR_INITIALISATION', 'ERROR_CANDIDATES_FRAGMENTED', 'ERROR_OUTPUT_UNREADABLE'])
def test_handle_unrecoverable(exploration, label):
    outcome = run_next(exploration, LammpsCalculation, label)
    assert outcome.status == exploration.exit_codes.ERROR_PROGRAM_FAILED.status
    assert 'It ended badly.' in outcome.message


# -- training ---------------------------------------------------------------------------------------------------------


def test_training_without_labels_is_refused(settings, potential):
    with pytest.raises(ValueError, match=r'`training.one` holds frames without energy or forces'):
        make('training', 'mlip3', **settings('training', 'mlip3'), training={'one': frames(2)}, start=potential)


def test_empty_training_set_is_refused(settings, potential):
    with pytest.raises(ValueError, match='`training` holds no frames'):
        make('training', 'mlip3', **settings('training', 'mlip3'), training={}, start=potential)


# -- reference --------------------------------------------------------------------------------------------------------


@pytest.fixture
def reference(settings, monkeypatch):
    """Return a function that makes a reference process whose jobs are only noted."""

    def factory(n_frames, **inputs):
        images = frames(n_frames, seed=4711)  # which no other test has labelled
        process = make('reference', 'ase', **settings('reference', 'ase'), frames=images, **inputs)
        process.submitted = []
        monkeypatch.setattr(process, 'submit', lambda job, **given: process.submitted.append(given))
        monkeypatch.setattr(process, 'to_context', lambda **kwargs: None)
        return process

    return factory


def end_jobs(process, *endings):
    """Run the batches of a reference process; each ending is an exit code and the reasons of failures by index."""
    process.submitted.clear()
    process.run_jobs()
    for given, (label, failures) in zip(process.submitted, endings, strict=True):
        sent = given['frames'].get_frames(trace=True)
        done = [index for index in range(len(sent)) if str(index) not in failures]
        outputs = {'failures': orm.Dict(failures)}
        if done:
            outputs['labelled'] = FramesData(Frames.from_atoms([labelled(a) for a in sent[done].to_atoms()]))
        job = finished_job(AseCalculation, label, {'frames': given['frames']}, **outputs)
        process.ctx.jobs[given['metadata']['call_link_label']] = job
    return process.inspect_jobs()


def test_one_job_unless_asked_otherwise(reference):
    process = reference(5)
    assert end_jobs(process, (None, {})) is None
    assert len(process.submitted) == 1
    process.results()
    assert process.outputs['frames'].creator.process_label == 'AseCalculation'


def test_frames_are_divided_among_jobs_and_put_back_in_order(reference):
    process = reference(5, n_jobs=orm.Int(2))
    end_jobs(process, (None, {'1': 'NotConverged'}), (None, {'0': 'Error: no'}))
    assert [given['frames'].n_frames for given in process.submitted] == [3, 2]
    assert not process.should_run_jobs()
    process.results()
    hashes = process.inputs.frames.hashes
    assert process.outputs['frames'].hashes == [hashes[index] for index in (0, 2, 4)]
    assert process.outputs['failures'].get_dict() == {'1': 'NotConverged', '3': 'Error: no'}


def test_scheduler_options_reach_the_job(reference):
    process = reference(2, options=orm.Dict({'max_wallclock_seconds': 600}))
    end_jobs(process, (None, {}))
    assert process.submitted[0]['metadata']['options'] == {'max_wallclock_seconds': 600}


def test_next_job_labels_only_what_the_last_one_had_no_time_for(reference):
    process = reference(4)
    late = 'NotFinished: the job ended before this frame was begun or finished.'
    end_jobs(process, ('ERROR_OUT_OF_WALLTIME', {'1': 'NotConverged', '2': late, '3': late}))
    assert process.should_run_jobs()
    end_jobs(process, (None, {'1': 'NotConverged'}))
    assert process.submitted[0]['frames'].hashes == process.inputs.frames.hashes[2:]
    assert not process.should_run_jobs()
    process.results()
    assert process.outputs['frames'].hashes == [process.inputs.frames.hashes[index] for index in (0, 2)]
    assert sorted(process.outputs['failures'].get_dict()) == ['1', '3']


def test_frame_that_was_worked_on_comes_last(reference):
    """A frame that hangs cannot keep the others from being done by the next job."""
    process = reference(4)
    late = 'NotFinished: the job ended before this frame was begun.'
    begun = 'NotFinished, begun: the job ended while it worked on this frame.'
    end_jobs(process, ('ERROR_OUT_OF_WALLTIME', {'0': begun, '1': late, '2': late, '3': late}))
    end_jobs(process, ('ERROR_OUT_OF_WALLTIME', {'3': begun}))
    hashes = process.inputs.frames.hashes
    assert process.submitted[0]['frames'].hashes == [hashes[index] for index in (1, 2, 3, 0)]
    end_jobs(process, ('ERROR_OUT_OF_WALLTIME', {'0': begun}))
    assert not process.should_run_jobs()
    process.results()
    assert process.outputs['frames'].hashes == hashes[1:]
    assert process.outputs['failures'].get_dict() == {'0': begun}


def test_job_without_progress_is_not_repeated(reference):
    """Where each frame has had the whole wall time to itself, there is no point in another job."""
    process = reference(2)
    begun = 'NotFinished, begun: the job ended while it worked on this frame.'
    end_jobs(process, ('ERROR_OUT_OF_WALLTIME', {'0': begun, '1': begun}))
    assert not process.should_run_jobs()
    process.results()
    assert 'frames' not in process.outputs
    assert sorted(process.outputs['failures'].get_dict()) == ['0', '1']


@pytest.mark.parametrize('label', ['ERROR_INTERRUPTED', 'ERROR_OUT_OF_DISK'])
def test_job_that_was_stopped_is_repeated_a_few_times(reference, label):
    process = reference(2, max_restarts=orm.Int(2))
    late = {str(index): 'NotFinished: the job ended before this frame was begun.' for index in range(2)}
    for _ in range(2):
        end_jobs(process, (label, late))
        assert process.should_run_jobs()
    end_jobs(process, (label, late))
    assert not process.should_run_jobs()
    process.results()
    assert process.outputs['failures'].get_dict() == late


def test_all_frames_failed_is_no_failure_of_the_process(reference):
    process = reference(2)
    assert end_jobs(process, ('ERROR_ALL_FRAMES_FAILED', {'0': 'NotConverged', '1': 'NotConverged'})) is None
    process.results()
    assert 'frames' not in process.outputs


def test_calculator_that_cannot_be_set_up(reference):
    process = reference(2)
    exit_code = end_jobs(process, ('ERROR_CALCULATOR_SETUP', {'0': 'NotFinished', '1': 'NotFinished'}))
    assert exit_code.status == process.exit_codes.ERROR_PROGRAM_FAILED.status
    assert 'It ended badly.' in exit_code.message


def lose_job(process, **retrieved):
    """Run the one batch of a reference process with a job that returns no labels, but files."""
    process.submitted.clear()
    process.run_jobs()
    (given,) = process.submitted
    job = finished_job(
        AseCalculation, 'ERROR_OUTPUT_MISSING', {'frames': given['frames']}, retrieved=folder(**retrieved)
    )
    process.ctx.jobs[given['metadata']['call_link_label']] = job
    return process.inspect_jobs()


def test_job_that_left_nothing_is_run_again(reference):
    process = reference(2)
    assert lose_job(process) is None
    assert process.should_run_jobs()
    end_jobs(process, (None, {}))
    assert process.submitted[0]['frames'].uuid == process.inputs.frames.uuid
    process.results()
    assert process.outputs['frames'].n_frames == 2


def test_jobs_that_leave_nothing_again_and_again(reference):
    process = reference(2, max_restarts=orm.Int(1))
    assert lose_job(process) is None
    exit_code = lose_job(process)
    assert exit_code.status == process.exit_codes.ERROR_PROGRAM_FAILED.status
    assert 'Interrupted: the program left no file' in exit_code.message


def test_job_that_hangs_before_it_has_begun_is_run_again_once(reference):
    process = reference(2)
    message = 'slurmstepd: error: *** JOB 5 ON node CANCELLED AT 2026-01-02T03:04:05 DUE TO TIME LIMIT ***'
    files = {'ase.out': '', '_scheduler-stderr.txt': message}
    assert lose_job(process, **files) is None
    exit_code = lose_job(process, **files)
    assert exit_code.status == process.exit_codes.ERROR_PROGRAM_FAILED.status
    assert 'Interrupted: the wall time ended' in exit_code.message


def test_script_that_does_not_start(reference):
    """Nothing from outside is to blame: there is no point in another job."""
    process = reference(2)
    exit_code = lose_job(process, **{'ase.err': 'python3: No module named numpy', 'ase.out': ''})
    assert exit_code.status == process.exit_codes.ERROR_PROGRAM_FAILED.status
    assert 'It ended badly.' in exit_code.message


def test_what_other_jobs_have_labelled_is_kept(reference):
    process = reference(4, n_jobs=orm.Int(2), max_restarts=orm.Int(0))
    process.run_jobs()
    first, second = process.submitted
    atoms = first['frames'].get_frames(trace=True).to_atoms()
    labels = FramesData(Frames.from_atoms([labelled(image) for image in atoms]))
    given = {'frames': first['frames']}
    process.ctx.jobs['job_000'] = finished_job(
        AseCalculation, None, given, labelled=labels, failures=orm.Dict({})
    )  # fmt: skip
    process.ctx.jobs['job_001'] = finished_job(AseCalculation, 'ERROR_OUTPUT_MISSING', {'frames': second['frames']})
    assert process.inspect_jobs() is None
    process.results()
    assert process.outputs['frames'].hashes == process.inputs.frames.hashes[:2]
    assert sorted(process.outputs['failures'].get_dict()) == ['2', '3']


def test_no_frames_are_refused(settings):
    with pytest.raises(ValueError, match='`frames` holds no frame'):
        make('reference', 'ase', **settings('reference', 'ase'), frames=FramesData.from_atoms([]))
