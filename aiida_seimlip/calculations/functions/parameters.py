"""Calcfunctions that derive the parameters of one job from those of another, and sum up jobs that belong together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.engine import calcfunction


@calcfunction
def with_dynamics(parameters: orm.Dict, dynamics: orm.Dict) -> orm.Dict:
    """Return parameters of ``seimlip.ase`` for molecular dynamics with the same calculator.

    :param parameters: as `AseOptions`, for single points.
    :param dynamics: as `MdOptions`.
    """
    return orm.Dict({**parameters.get_dict(), 'task': 'md', 'md': dynamics.get_dict()})


@calcfunction
def with_smaller_step(parameters: orm.Dict) -> orm.Dict:
    """Return parameters for the same time of molecular dynamics in steps of half the length.

    :param parameters: as `ExplorationConditions`, and more.
    """
    content = parameters.get_dict()
    halved = {'timestep': 0.5 * content['timestep']}
    doubled = {name: 2 * content[name] for name in ('n_steps', 'dump_every', 'thermo_every') if name in content}
    return orm.Dict({**content, **halved, **doubled})


@calcfunction
def with_remaining_steps(parameters: orm.Dict, results: orm.Dict) -> orm.Dict:
    """Return parameters for the rest of a run that ended at its wall-time limit.

    :param parameters: as `LammpsOptions`.
    :param results: of the run: how many steps it did.
    """
    content, done = parameters.get_dict(), results['n_steps']
    rest = {'n_steps': content['n_steps'] - done, 'first_step': content.get('first_step', 0) + done}
    return orm.Dict({**content, **rest, 'velocities': 'keep'})


@calcfunction
def summarise_runs(parameters: orm.Dict, **runs: Any) -> orm.Dict:
    """Return the results of an exploration that took several jobs.

    :param parameters: of the exploration, as `LammpsOptions`.
    :param runs: ``parameters`` and ``results`` of each job, in order.
    :return: the results of the last job, with `n_steps` (in steps of the exploration) of all jobs since the last start,
        `highest_grade` and `n_candidates` of all jobs, and `n_jobs`.
    """
    jobs = [run for _, run in sorted(runs.items())]
    last_start = max(i for i, job in enumerate(jobs) if i == 0 or job['parameters'].get('velocities') != 'keep')
    grades = [job['results']['highest_grade'] for job in jobs if job['results'].get('highest_grade') is not None]
    time = sum(_time(job) for job in jobs[last_start:])
    return orm.Dict({
        **jobs[-1]['results'].get_dict(),
        'n_steps': round(time / parameters['timestep']),
        'n_steps_asked': parameters['n_steps'],
        'highest_grade': max(grades, default=None),
        'n_candidates': sum(job['results'].get('n_candidates') or 0 for job in jobs),
        'n_jobs': len(jobs),
    })  # fmt: skip


def _time(job: Mapping[str, Any]) -> float:
    """Return how long a job has run, in fs of molecular dynamics."""
    return float(job['results']['n_steps'] * job['parameters']['timestep'])
