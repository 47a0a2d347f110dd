"""Where labels are to be found that `AseCalculation` has made: queries over the graph, imported parts included."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from aiida import orm
from aiida.engine import WorkChain

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.ase import AseOptions, MdOptions


def find_labelled(
    parameters: orm.Dict, frames: FramesData, potential: PotentialData | None = None
) -> dict[str, FramesData]:
    """Return the sets of frames that were labelled by the same calculator with the same keyword arguments.

    How the work was divided (processes, threads, wall time, number of jobs) and where it was done do not matter, nor
    whether the frames come from a relaxation or from dynamics. Sets with other formulas than `frames` are left out.

    :param parameters: of `AseCalculation`.
    :param frames: the frames to be labelled.
    :param potential: that the calculator is given, if it is one of potentials.
    :return: by ``labels_<pk>``.
    """
    method, formulas = _method(parameters.get_dict()), set(frames.formulas)
    query = orm.QueryBuilder()
    query.append(
        orm.CalcJobNode, filters={'process_type': AseCalculation.build_process_type()}, tag='job', project=['id']
    )
    query.append(
        orm.Dict, with_outgoing='job', edge_filters={'label': 'parameters'}, project=['attributes'],
        filters={'attributes.calculator.name': method['name']},
    )  # fmt: skip
    query.append(
        FramesData, with_incoming='job', edge_filters={'label': 'labelled'}, project=['id', 'attributes.formulas'],
        filters={'or': [{'attributes.n_labelled': {'>': 0}}, {'attributes.n_predicted': {'>': 0}}]},
    )  # fmt: skip
    found = {
        job: pk for job, content, pk, known in query.iterall() if formulas & set(known) and _is_method(content, method)
    }
    given = _potentials_of(found)
    return load_labels([pk for job, pk in found.items() if given.get(job) == _uuid(potential)])


def load_labels(pks: list[int]) -> dict[str, FramesData]:
    """Return sets of labelled frames by a name that is valid as the label of a link.

    :param pks: of the nodes.
    :return: by ``labels_<pk>``.
    """
    if not pks:
        return {}
    nodes = orm.QueryBuilder().append(FramesData, filters={'id': {'in': pks}}).all(flat=True)
    return {f'labels_{node.pk:09d}': node for node in nodes}


def find_dynamics(engine: type[WorkChain], inputs: Mapping[str, Any]) -> dict[str, dict[str, orm.Data]]:
    """Return the molecular dynamics that were done from the same frames with the same calculator and settings.

    Those of which a part failed are left out.

    :param engine: whose processes to look at.
    :param inputs: of the process: ``parameters`` of the calculator, the ``potential`` that it is given, if it is one of
        potentials, ``frames`` (the starts, in order), and ``dynamics`` as `MdOptions`.
    :return: by ``dynamics_<pk>``: ``frames``, ``dynamics`` and ``samples``.
    """
    parameters, frames, dynamics = (inputs[name] for name in ('parameters', 'frames', 'dynamics'))
    potential = _uuid(inputs.get('potential'))
    method, asked = _method(parameters.get_dict()), MdOptions.from_node(dynamics).to_dict()
    query = orm.QueryBuilder()
    query.append(
        orm.WorkChainNode, tag='run', project=['id'],
        filters={'process_type': engine.build_process_type(), 'attributes.exit_status': 0},
    )  # fmt: skip
    for label in ('parameters', 'dynamics'):
        query.append(orm.Dict, with_outgoing='run', edge_filters={'label': label}, project=['attributes'])
    query.append(
        FramesData, with_outgoing='run', edge_filters={'label': 'frames'},
        filters={'attributes.n_frames': frames.n_frames},
    )  # fmt: skip
    query.append(FramesData, with_incoming='run', edge_filters={'label': 'frames'})
    same = [pk for pk, content, other in query.iterall() if _is_method(content, method) and _is_asked(other, asked)]
    given = _potentials_of(same)
    same = [pk for pk in same if given.get(pk) == potential]
    return {
        f'dynamics_{pk:09d}': {
            'frames': run.inputs.frames, 'dynamics': run.inputs.dynamics, 'samples': run.outputs.frames,
        }
        for pk in sorted(same)
        if not (run := orm.load_node(pk)).outputs.failures.get_dict() and run.inputs.frames.hashes == frames.hashes
    }  # fmt: skip


def _potentials_of(processes: Collection[int]) -> dict[int, str]:
    """Return the UUID of the potential that each process was given, for those that were given one.

    :param processes: pks.
    """
    query = orm.QueryBuilder().append(orm.ProcessNode, filters={'id': {'in': list(processes)}}, tag='run', project='id')
    query.append(PotentialData, with_outgoing='run', edge_filters={'label': 'potential'}, project='uuid')
    return dict(query.all()) if processes else {}


def _uuid(potential: PotentialData | None) -> str | None:
    return None if potential is None else potential.uuid


def _is_asked(dynamics: dict[str, Any], asked: dict[str, Any]) -> bool:
    return MdOptions.explain(dynamics, 'dynamics') is None and MdOptions.from_node(dynamics).to_dict() == asked


def _is_method(parameters: dict[str, Any], method: dict[str, Any]) -> bool:
    return AseOptions.explain(parameters, 'parameters') is None and _method(parameters) == method


def _method(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return that part of the parameters on which the labels depend."""
    options = AseOptions.from_node(parameters)
    calculator = options.calculator
    return {
        'name': calculator.name, 'kwargs': calculator.all_kwargs, 'stress': options.stress,
        'dispersion': None if calculator.dispersion is None else calculator.dispersion.to_dict(),
        'label': calculator.method_label,
    }  # fmt: skip
