"""What the parser of ``seimlip.ase`` makes of condensations, finished and not."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.record import read_record

from .test_ase import VERSIONS, end, images, sample, written  # noqa: F401 (a fixture)

PARAMETERS = {'calculator': {'name': 'emt'}, 'condense': {'stages': [{'kind': 'relax'}]}}
VALUES = {'temperature': 0.0, 'density': 8.0, 'pressure': float('nan'), 'energy': -1.0, 'max_force': 0.5}
STAGE = {'kind': 'relax', 'n_steps': 20, 'converged': False, **VALUES, 'pressure': None}
STOPPED = {'kind': 'end', 'status': 'out_of_walltime', 'message': 'The time limit has passed.', 'seconds': 3.0}


@pytest.fixture
def parse(parse_recording, images):  # noqa: F811
    """Return a function that parses records, and checkpoints of which the number of steps is given by index."""

    def factory(records, checkpoints=None, **inputs):
        files = {'results.jsonl': written(records)}
        for index, total in (checkpoints or {}).items():
            files[f'checkpoint-{index:05d}.npz'] = total if isinstance(total, bytes) else checkpoint(total)
        given = {'frames': FramesData.from_atoms(images), 'parameters': orm.Dict(PARAMETERS), **inputs}
        return parse_recording('seimlip.ase', {'ase.out': '', 'ase.err': ''}, given, temporary=files)

    return factory


def checkpoint(total):
    buffer = io.BytesIO()
    np.savez(buffer, positions=np.zeros((4, 3)), state=json.dumps({'total': total}))
    return buffer.getvalue()


def row(index, total, stage=0):
    return {'kind': 'row', 'index': index, 'stage': stage, 'step': total, 'total': total, **VALUES}


def moved(image, index, step, kind='sample'):
    more = {'positions': (image.positions + 0.01 * step).tolist(), 'cell': image.cell.tolist()}
    return {**sample(image, index, **more), 'kind': kind, 'step': step}


def begun(index):
    return [{'kind': 'header', 'versions': VERSIONS}, {'kind': 'begin', 'index': index}]


def test_way_of_a_frame_that_came_through(parse, images):  # noqa: F811
    parsed = parse([
        *begun(1), row(1, 0), row(1, 10), moved(images[1], 1, 10, 'trace'),
        {'kind': 'left_out', 'index': 1, 'total': 5}, {'kind': 'stage', 'index': 1, 'stage': 0, 'end': STAGE},
        row(1, 20),
        moved(images[1], 1, 20), end(1, note='NotConverged: stage 0 ended before it had converged.'),
        {'kind': 'end', 'status': 'finished', 'message': None, 'seconds': 3.0},
    ], indices=orm.List([1]))  # fmt: skip
    assert parsed.exit_status == 0, parsed.exit_message
    assert parsed.outputs['failures'].get_dict() == {}, 'the other frames are no business of this job'
    assert parsed.outputs['labelled'].get_frames().origin_steps.tolist() == [20]
    assert parsed.outputs['trace'].get_frames().origin_steps.tolist() == [10]
    record = read_record(parsed.outputs['record'])
    assert record['total'].tolist() == [0, 10, 20]
    assert np.isnan(record['pressure']).all()
    results = parsed.outputs['results'].get_dict()
    assert results['stages'] == {'1': [{'stage': 0, **STAGE}]}
    assert (results['n_steps'], results['n_left_out'], results['began']) == (20, 1, {'1': 0})
    assert results['checkpoints'] == {}
    assert 'checkpoints' not in parsed.outputs


def test_frames_that_can_be_gone_on_with(parse, images):  # noqa: F811
    """A frame that failed by itself is not, even if its checkpoint is left, and a damaged checkpoint is none."""
    parsed = parse(
        [
            *begun(0), {'kind': 'resumed', 'index': 0, 'total': 30, 'ends': [STAGE]}, row(0, 40),
            moved(images[0], 0, 40, 'trace'), {'kind': 'begin', 'index': 1}, row(1, 0), end(1, 'TooClose: no'),
            {'kind': 'begin', 'index': 2}, row(2, 0), STOPPED,
        ],
        checkpoints={0: 45, 1: 7, 2: b'cut'},
    )  # fmt: skip
    assert parsed.exit_message.startswith('The wall time ended after 0 of 3 frames')
    failures = parsed.outputs['failures'].get_dict()
    assert failures['0'].startswith('NotFinished, begun')
    assert failures['1'] == 'TooClose: no'
    assert parsed.outputs['checkpoints'].base.repository.list_object_names() == ['checkpoint-00000.npz']
    results = parsed.outputs['results'].get_dict()
    assert (results['checkpoints'], results['began']) == ({'0': 45}, {'0': 30, '1': 0, '2': 0})
    assert results['stages']['0'] == [{'stage': 0, **STAGE}]
    assert results['n_steps'] == 15
    assert parsed.outputs['trace'].n_frames == 1
