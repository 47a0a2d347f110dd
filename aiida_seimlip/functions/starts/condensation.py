"""Calcfunctions of condensation: how frames are divided among jobs, and what their results are together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.record import UNITS, pack_record, read_record
from aiida_seimlip.functions.frames import NOT_FINISHED, list_unfinished
from aiida_seimlip.science.frames import Frames


@calcfunction
def split_indices(frames: FramesData, n_parts: orm.Int) -> dict[str, orm.List]:
    """Divide the indices of frames among jobs, in order and as evenly as possible.

    :param frames: the frames.
    :param n_parts: number of parts; fewer are made if there are fewer frames.
    :return: ``part_000``, ``part_001``, ...
    """
    parts = np.array_split(np.arange(frames.n_frames), min(n_parts.value, frames.n_frames))
    return {f'part_{number:03d}': orm.List(part.tolist()) for number, part in enumerate(parts)}


@calcfunction
def unfinished_indices(failures: orm.Dict, results: orm.Dict) -> orm.List:
    """Return the indices of the frames that the next job has to work on.

    First come those that it goes on with in the middle, last those that had been begun and left no checkpoint: so a
    frame that takes its job down cannot keep the others from being done.

    :param failures: of a job: index of each frame that did not come through, and the reason.
    :param results: of the job, with the steps done in each of its `checkpoints`.
    """
    saved = results['checkpoints']
    rest = list_unfinished(failures.get_dict())
    return orm.List([index for index in rest if str(index) in saved] + [i for i in rest if str(i) not in saved])


@calcfunction
def join_condensation(frames: FramesData, **jobs: Any) -> dict[str, orm.Data]:
    """Put together what several jobs have given, of which one may have gone on where another one stopped.

    What a job did after its last checkpoint was done again by the next one, whose results count.

    :param frames: all frames, in order.
    :param jobs: for each job, in order: ``failures``, ``results`` and, where there are, ``labelled``, ``trace`` and
        ``record``.
    :return: the outputs of the socket.
    """
    ordered = [job for _, job in sorted(jobs.items())]
    reasons: dict[str, str] = {}
    labelled: list[Frames] = []
    for job in ordered:
        reasons |= job['failures'].get_dict()
        if 'labelled' in job:
            labelled.append(job['labelled'].get_frames(trace=True))
    done = {int(index) for part in labelled for index in part.origin_indices}  # type: ignore[union-attr]
    outputs: dict[str, orm.Data] = {
        'failures': orm.Dict({
            str(index): reasons.get(str(index), f'{NOT_FINISHED}: no job returned this frame.')
            for index in range(frames.n_frames) if index not in done
        }),
        'results': orm.Dict(_join_results([job['results'].get_dict() for job in ordered])),
    }  # fmt: skip
    if labelled:
        outputs['frames'] = FramesData(_in_order(labelled))
    traces = [part for number in range(len(ordered)) if len(part := _trace_that_counts(ordered, number))]
    if traces:
        outputs['trace'] = FramesData(_in_order(traces))
    rows = [_rows_that_count(ordered, number) for number in range(len(ordered)) if 'record' in ordered[number]]
    if rows:
        outputs['record'] = pack_record({name: np.concatenate([part[name] for part in rows]) for name in UNITS})
    return outputs


def _join_results(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the results of all jobs together; of times, those that are known are summed up."""
    stages: dict[str, Any] = {}
    notes: dict[str, str] = {}
    for results in found:
        stages |= results['stages']
        notes |= results['notes']
    left_out = 0
    for number, results in enumerate(found):
        later = _taken_up(found[number + 1 :])
        left_out += sum(_counts(int(i), total, later) for i, totals in results['left_out'].items() for total in totals)
    return {
        'stages': stages, 'notes': notes, 'n_steps': sum(results['n_steps'] for results in found),
        'n_left_out': left_out, 'n_jobs': len(found), 'versions': found[-1]['versions'],
        **{name: sum(results[name] or 0.0 for results in found) for name in ('seconds', 'cpu_seconds')},
    }  # fmt: skip


def _taken_up(later: list[dict[str, Any]]) -> dict[int, int]:
    """Return after how many steps each frame was taken up by the first of the later jobs that began it."""
    found: dict[int, int] = {}
    for results in reversed(later):
        found |= {int(index): total for index, total in results['began'].items()}
    return found


def _counts(index: int, total: int, taken_up: Mapping[int, int]) -> bool:
    """Return whether what a job did at a step was not done again later."""
    return index not in taken_up or total <= taken_up[index] > 0


def _trace_that_counts(jobs: list[Mapping[str, Any]], number: int) -> Frames:
    if 'trace' not in jobs[number]:
        return Frames.empty()
    later = _taken_up([job['results'].get_dict() for job in jobs[number + 1 :]])
    frames: Frames = jobs[number]['trace'].get_frames(trace=True)
    places = zip(frames.origin_indices, frames.origin_steps, strict=True)  # type: ignore[arg-type]
    return frames[np.array([_counts(int(index), int(step), later) for index, step in places], dtype=bool)]


def _rows_that_count(jobs: list[Mapping[str, Any]], number: int) -> dict[str, np.ndarray]:
    later = _taken_up([job['results'].get_dict() for job in jobs[number + 1 :]])
    arrays = read_record(jobs[number]['record'])
    counts = [_counts(int(i), int(t), later) for i, t in zip(arrays['frame'], arrays['total'], strict=True)]
    return {name: array[np.array(counts, dtype=bool)] for name, array in arrays.items()}


def _in_order(parts: list[Frames]) -> Frames:
    """Return frames in order of what they come from and of their step."""
    frames = Frames.concatenate(parts)
    return frames[np.lexsort((frames.origin_steps, frames.origin_indices))]  # type: ignore[arg-type]
