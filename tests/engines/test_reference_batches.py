"""What becomes of frames that are labelled in batches, when jobs end in all ways, without a program."""

from __future__ import annotations

import pytest
from aiida import orm

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames

from .conftest import labelled
from .test_handlers import finished_job, folder, frames, make


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
