"""Calcfunction that joins the jobs of one exploration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.records import CellRecord
from aiida_seimlip.science.frames import Frames


@calcfunction
def merge_runs(parameters: orm.Dict, **jobs: Any) -> dict[str, orm.Data]:
    """Join the outputs of an exploration that took several jobs: after a crash, or at the wall-time limit.

    A job that was interrupted and then run again, which shows by the same node of parameters, is replaced by the one
    after it; candidates that only it has found are kept. Of repeats with other velocities, which show by their seed,
    the candidates count, and nothing else.

    :param parameters: of the exploration, as `LammpsOptions`.
    :param jobs: for each job, in order, ``parameters``, ``results`` and, if there are, ``candidates``, ``trajectory``.
    :return: ``results`` of the last job that is no repeat, with `n_steps` (in steps of the exploration) of all jobs
        since the last start, `highest_grade` of these jobs, `n_candidates` of all, `n_jobs`, and `tries`: one entry for
        each start; ``candidates`` of all jobs, each once; ``trajectory`` of all jobs since the last start.
    """
    everything = [job for _, job in sorted(jobs.items())]
    runs = [job for job in everything if job['parameters'].get('seed', None) == parameters.get('seed', None)]
    lasting = [run for run, after in zip_longest(runs, runs[1:]) if after is None or not _is_again(run, after)]
    starts = [i for i, run in enumerate(lasting) if i == 0 or run['parameters'].get('velocities') != 'keep']
    tries = [lasting[begin:end] for begin, end in zip(starts, [*starts[1:], len(lasting)], strict=True)]
    grades = [run['results']['highest_grade'] for run in runs if run['results'].get('highest_grade') is not None]
    time = sum(_time(run) for run in tries[-1])
    candidates = _join('candidates', everything, unique=True)
    cell = CellRecord.joined([run['results'].get('cell') for run in tries[-1]])
    results = {
        **runs[-1]['results'].get_dict(),
        'n_steps': round(time / parameters['timestep']),
        'n_steps_asked': parameters['n_steps'],
        'highest_grade': max(grades, default=None),
        'n_candidates': 0 if candidates is None else candidates.n_frames,
        'n_jobs': len(everything),
        'cell': None if cell is None else cell.model_dump(),
        'tries': [_describe(one) for one in tries],
    }
    wanted, reached = (float(node['temperature']) for node in (parameters, runs[-1]['parameters']))
    if results['outcome'] == 'completed' and reached < wanted:
        message = f'The run crashed at {wanted:g} K, and came to its end at {reached:g} K only.'
        results.update(outcome='crashed', message=message)
    joined = {'candidates': candidates, 'trajectory': _join('trajectory', tries[-1])}
    return {'results': orm.Dict(results), **{name: node for name, node in joined.items() if node is not None}}


def _describe(jobs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Say how one try went.

    :param jobs: from its start on, each of which went on where the one before had ended.
    """
    parameters, results = jobs[-1]['parameters'], jobs[-1]['results']
    return {
        'temperature': parameters['temperature'], 'timestep': parameters['timestep'], 'outcome': results['outcome'],
        'n_steps': sum(job['results']['n_steps'] for job in jobs), 'message': results.get('message'),
    }  # fmt: skip


def _time(run: Mapping[str, Any]) -> float:
    """Return how long a job has run, in fs of molecular dynamics."""
    return float(run['results']['n_steps'] * run['parameters']['timestep'])


def _is_again(run: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether a job was followed by the same one."""
    return bool(run['parameters'].uuid == after['parameters'].uuid)


def _join(name: str, runs: Sequence[Mapping[str, Any]], *, unique: bool = False) -> FramesData | None:
    """Join the frames of several jobs, in order.

    :param unique: whether to leave out frames that an earlier job has returned already.
    """
    parts = [run[name].get_frames(trace=True) for run in runs if name in run]
    if not parts:
        return None
    frames = Frames.concatenate(parts)
    if unique:
        first = {value: index for index, value in reversed(list(enumerate(frames.hashes())))}
        frames = frames[sorted(first.values())]
    return FramesData(frames)
