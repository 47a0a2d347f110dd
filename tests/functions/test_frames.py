"""Sets of frames are divided and joined without loss, in order."""

import numpy as np
from aiida import orm
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.frames import (
    gather_late,
    join_frames,
    list_failed,
    list_late,
    merge_labels,
    split_frames,
    unfinished_frames,
)
from aiida_seimlip.science.frames import Frames


def frames(n):
    images = []
    for index in range(n):
        atoms = bulk('Cu', cubic=True)
        atoms.positions[0] += 0.01 * index
        images.append(atoms)
    return FramesData(Frames.from_atoms(images)).store()


def labelled(node, indices):
    part = node.get_frames(trace=True)[indices]
    n_atoms = int(part.ptr[-1])
    return FramesData(part.replace(energies=np.array(indices, dtype=float), forces=np.zeros((n_atoms, 3))))


def test_split_keeps_order_and_origin(aiida_profile):
    node = frames(5)
    parts = split_frames(node, orm.Int(2))
    assert [parts[name].n_frames for name in sorted(parts)] == [3, 2]
    assert [value for name in sorted(parts) for value in parts[name].hashes] == node.hashes
    assert parts['part_001'].get_frames().origin_uuids.tolist() == [node.uuid] * 2
    assert parts['part_001'].get_frames().origin_indices.tolist() == [3, 4]


def test_split_makes_no_empty_part(aiida_profile):
    assert len(split_frames(frames(2), orm.Int(5))) == 2


def test_unfinished_frames(aiida_profile):
    node = frames(4)
    failures = orm.Dict({'3': 'NotFinished: late', '1': 'NotConverged', '2': 'NotFinished: late'})
    assert unfinished_frames(node, failures).hashes == node.hashes[2:]


def test_merge_takes_the_later_label_for_an_unfinished_frame(aiida_profile):
    node = frames(3)
    rest = FramesData(node.get_frames()[[2]])
    jobs = {
        'job_000': {
            'frames': node, 'labelled': labelled(node, [0]),
            'failures': orm.Dict({'1': 'NotConverged', '2': 'NotFinished: late'}),
        },
        'job_001': {'frames': rest, 'labelled': labelled(node, [2]), 'failures': orm.Dict({})},
    }  # fmt: skip
    outputs = merge_labels(node, **jobs)
    assert outputs['frames'].get_frames().energies.tolist() == [0.0, 2.0]
    assert outputs['failures'].get_dict() == {'1': 'NotConverged'}


def test_merge_of_failures_alone_has_no_frames(aiida_profile):
    node = frames(1)
    outputs = merge_labels(node, job_000={'frames': node, 'failures': orm.Dict({'0': 'NotConverged'})})
    assert set(outputs) == {'failures'}


def test_frame_that_no_job_returned_is_a_failure(aiida_profile):
    node = frames(2)
    job = {'frames': node, 'labelled': labelled(node, [0]), 'failures': orm.Dict({})}
    assert 'no job returned' in merge_labels(node, job_000=job)['failures']['1']


def test_join_is_in_the_order_of_the_names(aiida_profile):
    one, two = frames(2), frames(3)
    joined = join_frames(b=one, a=two)
    assert joined.hashes == [*two.hashes, *one.hashes]
    assert joined.get_frames().origin_uuids.tolist() == [two.uuid] * 3 + [one.uuid] * 2


def test_late_frames_are_gathered_from_all_batches(aiida_profile):
    one, two = frames(3), frames(4)
    batches = {
        'one': {'frames': one, 'failures': orm.Dict({'2': 'Late: not yet', '0': 'NotConverged'})},
        'two': {'frames': two, 'failures': orm.Dict({'3': 'Late: not yet'})},
    }
    late = gather_late(**batches)
    assert late.hashes == [one.hashes[2], two.hashes[3]]
    assert late.get_frames().origin_indices.tolist() == [2, 3]


def test_late_frames_have_not_failed():
    reasons = {'11': 'Late: not yet', '2': 'NotConverged', '1': 'NotFinished: no time'}
    assert list_late(reasons) == [11]
    assert list_failed(reasons) == [1, 2]


def test_known_labels_are_merged_like_those_of_a_job(aiida_profile):
    """What was known before has no failures, and comes without the frames that it was asked for."""
    node = frames(3)
    job = {
        'frames': unfinished_frames(node, orm.Dict({'1': 'NotFinished'})),
        'failures': orm.Dict({'0': 'NotConverged'}),
    }
    merged = merge_labels(node, known={'labelled': labelled(node, [0, 2])}, job_000=job)
    assert merged['frames'].hashes == [node.hashes[0], node.hashes[2]]
    assert merged['failures'].get_dict() == {'1': 'NotConverged'}
