"""Calcfunctions on jobs of models: what several of them have made of the same frames."""

from __future__ import annotations

from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames


@calcfunction
def join_jobs(**jobs: Any) -> dict[str, orm.Data]:
    """Return what jobs have made of the same frames, of which each was given what the one before left undone.

    :param jobs: for each, in order of the names, its outputs ``labelled``, ``failures``, ``results`` and ``trace``, as
        far as there are.
    :return: the same, as if one job had done it all, in the order of the frames.
    """
    ordered = [job for _, job in sorted(jobs.items())]
    indices = [index for job in ordered if 'labelled' in job for index in job['results']['indices']]
    notes = {index: note for job in ordered for index, note in job['results'].get_dict().get('notes', {}).items()}
    reasons = {index: reason for job in ordered for index, reason in job['failures'].get_dict().items()}
    done = set(map(str, indices))
    joined: dict[str, orm.Data] = {
        'failures': orm.Dict({index: reason for index, reason in reasons.items() if index not in done}),
        'results': orm.Dict({'indices': sorted(indices), 'notes': notes}),
    }
    sets = [job['labelled'].get_frames(trace=True) for job in ordered if 'labelled' in job]
    if sets:
        order = sorted(range(len(indices)), key=indices.__getitem__)
        joined['labelled'] = FramesData(Frames.concatenate(sets)[order])
    traces = [job['trace'].get_frames(trace=True) for job in ordered if 'trace' in job]
    if traces:
        trace = Frames.concatenate(traces)
        origins = np.asarray(trace.origin_indices)
        joined['trace'] = FramesData(trace[np.unique(origins, return_index=True)[1]])
    return joined
