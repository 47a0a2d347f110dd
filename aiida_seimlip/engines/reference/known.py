"""Where labels are to be found that `AseCalculation` has made: a query over the graph, imported parts included."""

from __future__ import annotations

from typing import Any

from aiida import orm

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.ase import AseOptions


def find_labelled(parameters: orm.Dict, frames: FramesData) -> dict[str, FramesData]:
    """Return the sets of frames that were labelled by the same calculator with the same keyword arguments.

    How the work was divided (processes, threads, wall time, number of jobs) and where it was done do not matter, nor
    whether the frames come from a relaxation or from dynamics. Sets with other formulas than `frames` are left out.

    :param parameters: of `AseCalculation`.
    :param frames: the frames to be labelled.
    :return: by ``labels_<pk>``.
    """
    method, formulas = _method(parameters.get_dict()), set(frames.formulas)
    query = orm.QueryBuilder()
    query.append(orm.CalcJobNode, filters={'process_type': AseCalculation.build_process_type()}, tag='job')
    query.append(
        orm.Dict, with_outgoing='job', edge_filters={'label': 'parameters'}, project=['attributes'],
        filters={'attributes.calculator.name': method['name']},
    )  # fmt: skip
    query.append(
        FramesData, with_incoming='job', edge_filters={'label': 'labelled'}, project=['id', 'attributes.formulas'],
        filters={'attributes.n_labelled': {'>': 0}},
    )  # fmt: skip
    found = [
        pk for content, pk, known in query.iterall()
        if formulas & set(known) and AseOptions.explain(content, 'parameters') is None and _method(content) == method
    ]  # fmt: skip
    if not found:
        return {}
    nodes = orm.QueryBuilder().append(FramesData, filters={'id': {'in': found}}).all(flat=True)
    return {f'labels_{node.pk:09d}': node for node in nodes}


def _method(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return that part of the parameters on which the labels depend."""
    options = AseOptions.from_node(parameters)
    calculator = options.calculator
    return {
        'name': calculator.name, 'kwargs': {**calculator.known.defaults, **calculator.kwargs},
        'stress': options.stress,
    }  # fmt: skip
