"""Calcfunctions of production dynamics: parameters of its jobs, and their outputs joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.track import join_track_nodes, load_track
from aiida_seimlip.options.dynamics import LammpsDynamicsOptions
from aiida_seimlip.options.records import CellRecord
from aiida_seimlip.science.frames import Frames

MEANS = ('mean_temperature', 'mean_pressure', 'mean_volume')
MEANS_IN_FIELD = ('mean_temperature_still',)
SUMS = ('n_steps', 'seconds', 'loop_seconds')


@calcfunction
def to_lammps_parameters(parameters: orm.Dict) -> orm.Dict:
    """Return parameters of ``seimlip.lammps`` for a production run.

    :param parameters: as `LammpsDynamicsOptions`.
    """
    return orm.Dict(LammpsDynamicsOptions.from_node(parameters).to_lammps())


@calcfunction
def join_dynamics(**jobs: Any) -> dict[str, orm.Data]:
    """Join the outputs of a run that took several jobs.

    A job that was interrupted and then run again, which shows by the same node of parameters, is replaced by the one
    after it.

    :param jobs: for each job, in order, ``parameters``, ``results`` and, if there are, ``track`` and ``trajectory``.
    :return: ``results``, ``track`` and ``trajectory`` as one job would have given them; means are weighted by steps.
    :raises TrackError: if a job does not go on where the one before it had ended.
    """
    runs = [job for _, job in sorted(jobs.items())]
    lasting = [run for run, after in zip_longest(runs, runs[1:]) if after is None or not _is_again(run, after)]
    contents = [run['results'].get_dict() for run in lasting]
    cell = CellRecord.joined([content.get('cell') for content in contents])
    results = {
        **contents[-1],
        **{name: _sum([content.get(name) for content in contents]) for name in SUMS},
        **{
            name: _mean([(content.get(name), content['n_steps']) for content in contents])
            for name in (*MEANS, *(name for name in MEANS_IN_FIELD if name in contents[0]))
        },
        'n_steps_asked': contents[0]['n_steps_asked'],
        'n_jobs': len(runs),
        'cell': None if cell is None else cell.model_dump(),
    }
    outputs: dict[str, orm.Data] = {}
    tracks = [run['track'] for run in lasting if 'track' in run]
    if tracks:
        track = outputs['track'] = join_track_nodes(tracks)
        results['n_track_frames'] = len(load_track(track))
    trajectories = [run['trajectory'] for run in lasting if 'trajectory' in run]
    if trajectories:
        outputs['trajectory'] = FramesData(_join_frames(trajectories))
    return {**outputs, 'results': orm.Dict(results)}


def _is_again(run: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Return whether a job was followed by the same one."""
    return bool(run['parameters'].uuid == after['parameters'].uuid)


def _join_frames(nodes: Sequence[FramesData]) -> Frames:
    """Return the frames of all jobs; a continuation repeats no step that is there already."""
    parts: list[Frames] = []
    last = -1
    for node in nodes:
        frames = node.get_frames(trace=True)
        steps = np.arange(len(frames)) if frames.origin_steps is None else frames.origin_steps
        parts.append(frames[steps > last])
        last = max(last, int(steps.max(initial=last)))
    return Frames.concatenate(parts)


def _sum(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _mean(values: Sequence[tuple[float | None, int]]) -> float | None:
    """Return the mean of values weighted by numbers of steps, None if nothing is known."""
    known = [(value, max(weight, 1)) for value, weight in values if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if known else None
