"""Calcfunctions that divide a training of MACE among jobs, and join what they give."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.held_out import divide_training
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.mace import MaceTrainOptions
from aiida_seimlip.science.analysis.committee_scale import find_deviation_scale

POTENTIAL, PREDICTIONS, TRAINING, VALIDATION = 'potential_', 'predictions_', 'training_', 'validation_'
"""How the names of the inputs of `join_committee` begin."""

QUANTITIES = ('energy', 'energy_per_atom', 'force', 'force_component', 'stress_energy', 'stress_pressure', 'stress_component')  # fmt: skip


@calcfunction
def with_member(parameters: orm.Dict, member: orm.Int) -> orm.Dict:
    """Return the parameters of the job that trains one member of a committee.

    :param parameters: of all, as `MaceTrainOptions`.
    :param member: its number, from 0.
    """
    return orm.Dict({**parameters.get_dict(), 'member': member.value})


@calcfunction
def join_committee(parameters: orm.Dict, **nodes: orm.Data) -> PotentialData:
    """Join models of MACE into a committee, with what its deviations are worth on the frames for validation.

    :param parameters: that they were trained with, as `MaceTrainOptions`.
    :param nodes: for each member `potential_NN` and `predictions_NN`, its predictions on the frames for validation; the
        training set as `training_KEY`, and that for validation, if there is one, as `validation_KEY`.
    """
    members: list[Any] = _named(nodes, POTENTIAL)
    predictions: list[Any] = [node.get_frames().forces for node in _named(nodes, PREDICTIONS)]
    options = MaceTrainOptions.from_node(parameters)
    training: Any = {name: node for name, node in nodes.items() if name.startswith(TRAINING)}
    validation: Any = {name: node for name, node in nodes.items() if name.startswith(VALIDATION)}
    learned, held_out = divide_training(training, validation, options.validation_fraction, options.seed)
    assert held_out.forces is not None
    first = members[0]
    committee = PotentialData.from_mace(
        [member.get_members()[0] for member in members], species=first.species, cutoff=first.cutoff,
        n_parameters=first.n_parameters, pickles=[member.get_pickles()[0] for member in members], dtype=first.dtype,
        version=first.version, deviation_scale=find_deviation_scale(np.array(predictions), held_out.forces),
    )  # fmt: skip
    committee.set_compositions([learned])
    return committee


@calcfunction
def pool_errors(**errors: orm.Dict) -> orm.Dict:
    """Return the errors of all members of a committee taken together: rms of rms, mean of means, largest of largest.

    :param errors: of each member on the same frames.
    """
    found = [node.get_dict() for node in errors.values()]
    return orm.Dict({name: _pool([content[name] for content in found]) for name in QUANTITIES})


@calcfunction
def join_member_histories(**histories: orm.ArrayData) -> orm.ArrayData:
    """Return the histories of all members: each array with a row for each, NaN where one has ended.

    `loss` is the mean over the members, as long as all go on.

    :param histories: of the members, in the order of their names.
    """
    nodes = [node for _, node in sorted(histories.items())]
    names = sorted(set.intersection(*(set(node.get_arraynames()) for node in nodes)))
    length = max(len(node.get_array('loss')) for node in nodes)
    joined = {}
    for name in names:
        rows = np.full((len(nodes), length), np.nan)
        for row, node in zip(rows, nodes, strict=True):
            array = node.get_array(name)
            row[: len(array)] = array
        joined[f'member_{name}'] = rows
    shortest = min(len(node.get_array('loss')) for node in nodes)
    return orm.ArrayData({'loss': joined['member_loss'][:, :shortest].mean(axis=0), **joined})


def _named(nodes: Mapping[str, orm.Data], prefix: str) -> list[orm.Data]:
    return [node for name, node in sorted(nodes.items()) if name.startswith(prefix)]


def _pool(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Pool the statistics of one quantity; what is unknown of a member is unknown of all."""
    known = {name: [part[name] for part in parts] for name in ('max', 'mean', 'rms')}
    if any(value is None for values in known.values() for value in values):
        return parts[0]
    return {
        **parts[0], 'max': max(known['max']), 'mean': float(np.mean(known['mean'])),
        'rms': float(np.sqrt(np.mean(np.square(known['rms'])))),
    }  # fmt: skip
