"""Calcfunction that joins the jobs of one exploration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames


@calcfunction
def merge_runs(parameters: orm.Dict, **jobs: Any) -> dict[str, orm.Data]:
    """Join the outputs of an exploration that took several jobs: after a crash, or at the wall-time limit.

    :param parameters: of the exploration, as `LammpsOptions`.
    :param jobs: for each job, in order, ``parameters``, ``results`` and, if there are, ``candidates``, ``trajectory``.
    :return: ``results`` of the last job, with `n_steps` (in steps of the exploration) of all jobs since the last start,
        `highest_grade` and `n_candidates` of all jobs, and `n_jobs`; ``candidates`` of all jobs; ``trajectory`` of all
        jobs since the last start.
    """
    runs = [job for _, job in sorted(jobs.items())]
    last_start = max(i for i, run in enumerate(runs) if i == 0 or run['parameters'].get('velocities') != 'keep')
    grades = [run['results']['highest_grade'] for run in runs if run['results'].get('highest_grade') is not None]
    time = sum(_time(run) for run in runs[last_start:])
    results = {
        **runs[-1]['results'].get_dict(),
        'n_steps': round(time / parameters['timestep']),
        'n_steps_asked': parameters['n_steps'],
        'highest_grade': max(grades, default=None),
        'n_candidates': sum(run['results'].get('n_candidates') or 0 for run in runs),
        'n_jobs': len(runs),
    }
    joined = {'candidates': _join('candidates', runs), 'trajectory': _join('trajectory', runs[last_start:])}
    return {'results': orm.Dict(results), **{name: node for name, node in joined.items() if node is not None}}


def _time(run: Mapping[str, Any]) -> float:
    """Return how long a job has run, in fs of molecular dynamics."""
    return float(run['results']['n_steps'] * run['parameters']['timestep'])


def _join(name: str, runs: Sequence[Mapping[str, Any]]) -> FramesData | None:
    """Join the frames of several jobs, in order."""
    parts = [run[name].get_frames(trace=True) for run in runs if name in run]
    return FramesData(Frames.concatenate(parts)) if parts else None
