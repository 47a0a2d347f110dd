"""Calcfunctions that divide one training among several jobs."""

from __future__ import annotations

import numpy as np
from aiida import orm
from aiida.engine import calcfunction


@calcfunction
def with_remaining_iterations(parameters: orm.Dict, results: orm.Dict) -> orm.Dict:
    """Return parameters for the rest of a training that was stopped.

    :param parameters: of the job that was stopped, as `Mlip3TrainOptions`.
    :param results: of that job: how many iterations it did, and whether its optimiser had come to an end by itself.
        Then nothing is left to do but to build the active set.
    """
    content = parameters.get_dict()
    left = content['iteration_limit'] - results['n_iterations']
    return orm.Dict({**content, 'iteration_limit': 0 if results['stop_reason'] else max(left, 0)})


@calcfunction
def join_histories(**jobs: orm.ArrayData) -> orm.ArrayData:
    """Join the histories of jobs each of which went on where the one before was stopped.

    :param jobs: histories, in the order of their names.
    """
    histories = [history for _, history in sorted(jobs.items())]
    names = sorted({name for history in histories for name in history.get_arraynames()})
    return orm.ArrayData({
        name: np.concatenate([history.get_array(name) for history in histories if name in history.get_arraynames()])
        for name in names
    })  # fmt: skip
