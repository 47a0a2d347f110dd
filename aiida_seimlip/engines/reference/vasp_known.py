"""What a profile holds of VASP: potentials, labels, and jobs that are under way or were never harvested."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from aiida import orm
from aiida_vasp.data.potcar import PotcarData, PotcarGroup

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.reference.known import load_labels
from aiida_seimlip.engines.reference.vasp_job import VaspLabelWorkChain
from aiida_seimlip.functions.vasp import JOB_KEY
from aiida_seimlip.options.vasp import VaspLabelOptions

PREPARE, HARVEST = 'prepare_vasp', 'harvest_vasp'
"""Labels of the processes that make the inputs of jobs, and labels of their outputs."""

UNDER_WAY = ['created', 'running', 'waiting']
CHECKPOINT = orm.ProcessNode.CHECKPOINT_KEY
"""What a process has that a worker of the daemon can go on with."""


def explain_potentials(options: VaspLabelOptions, elements: Collection[str], name: str) -> str | None:
    """Say which potentials are not in the profile.

    :param options: which family, and which potential for each element.
    :param elements: that potentials are needed for.
    :param name: of the input, for the message.
    :return: one sentence, or None if all are there.
    """
    family = options.potential_family
    if PotcarData.get_potcar_group(family) is None:
        groups = orm.QueryBuilder().append(PotcarGroup, project=['label']).all(flat=True)
        known = ', '.join(f'`{label}`' for label in sorted(groups)) or 'none'
        return (
            f'Input `{name}` names the potential family `{family}`, but this profile has {known}; upload it with '
            '`aiida-vasp potcar uploadfamily`.'
        )
    query = orm.QueryBuilder().append(PotcarGroup, filters={'label': family}, tag='family')
    present = set(query.append(PotcarData, with_group='family', project=['attributes.full_name']).all(flat=True))
    lacking = [element for element in elements if options.potential_of(element) not in present]
    if not lacking:
        return None
    missing = ', '.join(f'`{options.potential_of(element)}` for {element}' for element in lacking)
    others = sorted(full for full in present if full.split('_')[0] in lacking)
    there = f'it has {", ".join(f"`{full}`" for full in others)}: name one in `potential_mapping`' if others else (
        'it has no other potential for this'
    )  # fmt: skip
    return f'Input `{name}`: the potential family `{family}` lacks {missing}; {there}.'


def find_labelled(parameters: orm.Dict, frames: FramesData) -> dict[str, FramesData]:
    """Return the sets of frames that VASP has labelled by the same method, single points or samples of dynamics.

    :param parameters: as `VaspLabelOptions`.
    :param frames: the frames to be labelled; sets with none of their formulas are left out.
    :return: by ``labels_<pk>``.
    """
    formulas = set(frames.formulas)
    query = orm.QueryBuilder()
    query.append(orm.CalcFunctionNode, filters={'attributes.process_label': HARVEST}, tag='harvest')
    query.append(
        orm.Dict, with_outgoing='harvest', edge_filters={'label': 'parameters'}, project=['attributes'],
        filters={'attributes.potential_family': parameters['potential_family']},
    )  # fmt: skip
    query.append(
        FramesData, with_incoming='harvest', edge_filters={'label': 'labelled'}, project=['id', 'attributes.formulas']
    )
    found = [
        pk for content, pk, known in query.iterall()
        if formulas & set(known) and is_same_method(content, parameters, frames.elements)
    ]  # fmt: skip
    return load_labels(found)


def find_jobs(parameters: orm.Dict, elements: Iterable[str], keys: Collection[str]) -> dict[str, int]:
    """Return the processes that do the same work by the same method: ended well, or under way in the daemon.

    :param parameters: as `VaspLabelOptions`.
    :param elements: that occur in the frames.
    :param keys: what is to be done, as `job_key` says it.
    :return: pk by key; one that has ended comes before one that is under way.
    """
    query = orm.QueryBuilder()
    query.append(orm.CalcFunctionNode, filters={'attributes.process_label': PREPARE}, tag='prepare')
    query.append(
        orm.Dict, with_outgoing='prepare', edge_filters={'label': 'parameters'}, project=['attributes'],
        filters={'attributes.potential_family': parameters['potential_family']},
    )  # fmt: skip
    query.append(
        orm.StructureData, with_incoming='prepare', filters={f'extras.{JOB_KEY}': {'in': list(keys)}},
        project=[f'extras.{JOB_KEY}'], tag='structure',
    )  # fmt: skip
    query.append(
        orm.WorkChainNode, with_incoming='structure',
        filters={'process_type': VaspLabelWorkChain.build_process_type(), 'or': [
            {'attributes.exit_status': 0},
            {'attributes.process_state': {'in': UNDER_WAY}, 'attributes': {'has_key': CHECKPOINT}},
        ]},
        project=['id', 'attributes.process_state'],
    )  # fmt: skip
    found: dict[str, int] = {}
    rows = [row for row in query.iterall() if is_same_method(row[0], parameters, elements)]
    for _, key, pk, _ in sorted(rows, key=lambda row: (row[3] != 'finished', row[2])):
        found.setdefault(key, pk)
    return found


def is_same_method(content: dict[str, Any], parameters: orm.Dict, elements: Iterable[str]) -> bool:
    """Return whether labels made with some parameters are those that others would give."""
    elements = tuple(elements)
    if VaspLabelOptions.explain(content, 'parameters') is not None:
        return False
    method = VaspLabelOptions.from_node(parameters).method(elements)
    return VaspLabelOptions.from_node(content).method(elements) == method
