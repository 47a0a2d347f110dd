"""What becomes of condensations when jobs end in all ways, without a program, and a real run over several jobs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.record import UNITS, pack_record, read_record
from aiida_seimlip.science.frames import Frames

from .conftest import image, labelled
from .test_handlers import finished_job, make

STAGES = {'stages': [{'kind': 'relax', 'max_steps': 8}], 'sample_every': 2, 'record_every': 4}
BEGUN = 'NotFinished, begun: the job ended while it worked on this frame.'
WAITING = 'NotFinished: the job ended before this frame was begun.'


@pytest.fixture
def condensation(settings, monkeypatch):
    """Return a function that makes a process whose jobs are only noted."""

    def factory(n_frames, **inputs):
        frames = FramesData(Frames.from_atoms([image(seed) for seed in range(n_frames)]))
        given = settings('condensation', 'ase')
        given['parameters'] = orm.Dict({**given['parameters'], 'condense': STAGES})
        process = make('condensation', 'ase', **given, frames=frames, **inputs)
        process.submitted = []
        monkeypatch.setattr(process, 'submit', lambda job, **sent: process.submitted.append(sent))
        monkeypatch.setattr(process, 'to_context', lambda **kwargs: None)
        return process

    return factory


def end_jobs(process, *endings):
    """Run the batches; each ending is an exit code, failures, and what the job says of `began` and `checkpoints`."""
    process.submitted.clear()
    process.run_jobs()
    for sent, (label, failures, began, saved) in zip(process.submitted, endings, strict=True):
        inputs = {name: sent[name] for name in ('frames', 'parameters', 'indices', 'checkpoints') if name in sent}
        outputs = returned(inputs, failures, began, saved)
        job = finished_job(AseCalculation, label, inputs, **outputs)
        process.ctx.jobs[sent['metadata']['call_link_label']] = job
    return process.inspect_jobs()


def returned(inputs, failures, began, saved):
    """Return outputs of a job that has labelled all frames which did not fail, and samples up to where it came."""
    frames, indices = inputs['frames'], list(inputs.get('indices', range(inputs['frames'].n_frames)))
    reached = {
        i: saved.get(str(i), 8 if str(i) not in failures else 0) + (1 if str(i) in saved else 0) for i in indices
    }
    places = [(i, total) for i in indices for total in range(began.get(str(i), 0) + 1, reached[i] + 1)]
    outputs = {
        'failures': orm.Dict(failures),
        'results': orm.Dict({
            'stages': {str(i): [{'kind': 'relax'}] for i in indices if str(i) not in failures}, 'notes': {},
            'began': began, 'checkpoints': saved, 'n_steps': len(places), 'left_out': {}, 'n_left_out': 0, 'n_jobs': 1,
            'seconds': 1.0, 'cpu_seconds': None, 'versions': {'ase': '3'},
        }),
    }  # fmt: skip
    done = [i for i in indices if str(i) not in failures]
    for name, which in (('labelled', [(i, 8) for i in done]), ('trace', places)):
        if which:
            outputs[name] = FramesData(moved(frames, which))
    if places:
        rows = {name: np.zeros(len(places)) for name in UNITS}
        rows['frame'], rows['total'] = np.array(places).T
        rows['energy'] = np.full(len(places), float(len(began)))
        outputs['record'] = pack_record(rows)
    if saved:
        outputs['checkpoints'] = orm.FolderData()
        for index in saved:
            content = json.dumps(saved[index]).encode()
            outputs['checkpoints'].base.repository.put_object_from_bytes(content, f'checkpoint-{int(index):05d}.npz')
    return outputs


def moved(frames, places):
    """Return labelled frames with the origins that the parser gives them."""
    indices, steps = np.array(places).T
    found = Frames.from_atoms([labelled(atoms) for atoms in frames.get_frames()[indices].to_atoms()])
    return found.replace(
        positions=found.positions + 1e-3 * np.repeat(steps, found.sizes)[:, np.newaxis],
        origin_uuids=np.full(len(places), frames.uuid), origin_indices=indices, origin_steps=steps,
    )  # fmt: skip


def test_one_job_gives_its_outputs(condensation):
    process = condensation(3)
    end_jobs(process, (None, {'1': 'TooClose: no'}, dict.fromkeys('012', 0), {}))
    assert not process.should_run_jobs()
    process.results()
    assert process.outputs['frames'].creator.process_label == 'AseCalculation'
    assert process.outputs['failures'].get_dict() == {'1': 'TooClose: no'}
    assert set(process.outputs) == {'frames', 'failures', 'trace', 'record', 'results'}


def test_next_job_goes_on_in_the_middle(condensation):
    process = condensation(4)
    end_jobs(
        process, ('ERROR_OUT_OF_WALLTIME', {'1': BEGUN, '2': BEGUN, '3': WAITING}, {'0': 0, '1': 0, '2': 0}, {'2': 5})
    )
    assert process.should_run_jobs()
    end_jobs(process, (None, {}, {'2': 5, '3': 0, '1': 0}, {}))
    (sent,) = process.submitted
    assert sent['frames'].uuid == process.inputs.frames.uuid, 'random numbers depend on the index'
    assert sent['indices'].get_list() == [2, 3, 1], 'first what can be gone on with, last what left nothing'
    assert sent['checkpoints'].base.repository.list_object_names() == ['checkpoint-00002.npz']
    process.results()
    assert process.outputs['failures'].get_dict() == {}
    assert process.outputs['frames'].get_frames().origin_indices.tolist() == [0, 1, 2, 3]
    trace = process.outputs['trace'].get_frames()
    places = list(zip(trace.origin_indices.tolist(), trace.origin_steps.tolist(), strict=True))
    assert places == [(index, step) for index in range(4) for step in range(1, 9)], 'each step counts once'
    record = read_record(process.outputs['record'])
    assert list(zip(record['frame'].tolist(), record['total'].tolist(), strict=True)) == places
    assert process.outputs['results']['n_jobs'] == 2
    assert process.outputs['results']['seconds'] == 2.0


def test_frames_are_divided_among_jobs(condensation):
    process = condensation(3, n_jobs=orm.Int(2))
    end_jobs(process, (None, {}, {'0': 0, '1': 0}, {}), (None, {'2': 'Swollen: yes'}, {'2': 0}, {}))
    assert [sent['indices'].get_list() for sent in process.submitted] == [[0, 1], [2]]
    process.results()
    assert process.outputs['frames'].get_frames().origin_indices.tolist() == [0, 1]
    assert process.outputs['failures'].get_dict() == {'2': 'Swollen: yes'}


def test_jobs_one_after_the_other(condensation):
    process = condensation(3, n_jobs=orm.Int(3), max_concurrent=orm.Int(1))
    said = []
    process.report = said.append
    for index in range(3):
        assert process.should_run_jobs()
        end_jobs(process, (None, {}, {str(index): 0}, {}))
        assert [sent['indices'].get_list() for sent in process.submitted] == [[index]]
    assert not process.should_run_jobs()
    assert said == ['1 of 3 cells have come to their end', '2 of 3 cells have come to their end']
    process.results()
    assert process.outputs['frames'].get_frames().origin_indices.tolist() == [0, 1, 2]


def test_rest_of_a_job_waits_for_those_that_have_not_begun(condensation):
    process = condensation(2, n_jobs=orm.Int(2), max_concurrent=orm.Int(1))
    end_jobs(process, ('ERROR_OUT_OF_WALLTIME', {'0': BEGUN}, {'0': 0}, {'0': 5}))
    end_jobs(process, (None, {}, {'1': 0}, {}))
    end_jobs(process, (None, {}, {'0': 5}, {}))
    assert process.submitted[0]['indices'].get_list() == [0]
    assert not process.should_run_jobs()


def test_job_that_gets_no_further_is_repeated_a_few_times_only(condensation):
    process = condensation(1, max_restarts=orm.Int(2))
    end_jobs(process, ('ERROR_INTERRUPTED', {'0': BEGUN}, {'0': 0}, {'0': 3}))
    for _ in range(2):
        assert process.should_run_jobs()
        end_jobs(process, ('ERROR_INTERRUPTED', {'0': BEGUN}, {'0': 3}, {'0': 3}))
    assert process.should_run_jobs()
    end_jobs(process, ('ERROR_INTERRUPTED', {'0': BEGUN}, {'0': 3}, {'0': 3}))
    assert not process.should_run_jobs()
    process.results()
    assert process.outputs['failures'].get_dict() == {'0': BEGUN}
    assert process.outputs['trace'].n_frames == 4


def test_wall_time_may_be_spent_as_often_as_there_is_progress(condensation):
    process = condensation(1, max_restarts=orm.Int(0))
    for done in (1, 3, 6):
        end_jobs(process, ('ERROR_OUT_OF_WALLTIME', {'0': BEGUN}, {'0': done - 1}, {'0': done}))
        assert process.should_run_jobs()


def test_calculator_that_cannot_be_set_up_ends_the_process(condensation):
    process = condensation(1)
    process.run_jobs()
    job = finished_job(AseCalculation, 'ERROR_CALCULATOR_SETUP', {'frames': process.inputs.frames})
    process.ctx.jobs['job_000'] = job
    assert process.inspect_jobs().status == process.exit_codes.ERROR_PROGRAM_FAILED.status
