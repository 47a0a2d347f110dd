"""What models side by side, and two that examine each other, are going to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from aiida_seimlip.functions.models.cross_examination import examined_indices
from aiida_seimlip.options.comparison.compare import CompareOptions
from aiida_seimlip.options.dynamics import DynamicsOptions
from aiida_seimlip.options.models.cross_examination import CrossExaminationOptions
from aiida_seimlip.science.cost import frames_bytes
from aiida_seimlip.workflows.estimate.comparison import plan_evaluation
from aiida_seimlip.workflows.estimate.crystal import plan_atlas
from aiida_seimlip.workflows.estimate.plan import LABELLED, Plan, Work, sizes_of
from aiida_seimlip.workflows.estimate.transport import run_bytes

PARTS = {'errors': plan_evaluation, 'crystals': plan_atlas}


def plan_comparison(inputs: Mapping[str, Any]) -> Plan:
    """Return what all parts of a comparison do at most.

    :param inputs: of `ComparisonWorkChain`.
    """
    works: list[Work] = []
    notes: list[str] = []
    is_limit = False
    for name, planner in PARTS.items():
        if inputs.get(name):
            plan = planner({**inputs[name], 'models': inputs['models']})
            works += [replace(work, name=f'{name}: {work.name}') for work in plan.works]
            notes += plan.notes
            is_limit |= plan.is_limit
    works += [*_paths(inputs), *_runs(inputs)]
    return Plan(tuple(works), is_limit=is_limit, notes=tuple(dict.fromkeys(notes)))


def _paths(inputs: Mapping[str, Any]) -> Iterator[Work]:
    """Yield the evaluations of the images of all paths."""
    sets = [sizes_of(node) for node in (inputs.get('paths') or {}).values()]
    sizes = [size for images in sets for size in images]
    for name in inputs['models'] if sizes else ():
        n_bytes = sum(frames_bytes(1, size, LABELLED) for size in sizes)
        yield Work(
            f'paths: evaluate with {name}', name, len(sets), len(sizes), atom_steps=sum(sizes), unit='frames',
            n_bytes=n_bytes,
        )  # fmt: skip


def _runs(inputs: Mapping[str, Any]) -> Iterator[Work]:
    """Yield the dynamics of each model."""
    short = CompareOptions.from_node(inputs['options']).dynamics
    if short is None:
        return
    (size,) = sizes_of(inputs['start'])
    options = DynamicsOptions(**short.run(1))
    for name, settings in inputs['dynamics'].items():
        potential = inputs['models'][name].get('potential')
        is_mtp = potential is not None and potential.family == 'mtp' and settings['engine'].value != 'ase'
        model = {'level': potential.level, 'with_grades': False} if is_mtp else {}
        yield Work(
            f'dynamics with {name}', name, short.repeats, short.n_steps,
            atom_steps=short.repeats * short.n_steps * size,
            n_bytes=short.repeats * run_bytes(options, size, 0), **model,
        )  # fmt: skip


def plan_cross_examination(inputs: Mapping[str, Any]) -> Plan:
    """Return what a cross-examination does.

    :param inputs: of `CrossExaminationWorkChain`.
    """
    settings = CrossExaminationOptions.from_node(inputs['options'])
    every = sizes_of(inputs['frames'])
    sizes = [every[index] for index in examined_indices(settings, len(every))]
    n_bytes = sum(frames_bytes(1, size, LABELLED) for size in sizes)
    works = []
    for name, model in inputs['models'].items():
        n_members = len(model['potential'].members) if 'potential' in model else 1
        work = Work(
            f'evaluate with {name}', name, n_members, len(sizes), atom_steps=n_members * sum(sizes), unit='frames',
            n_bytes=n_members * n_bytes,
        )  # fmt: skip
        works.append(work)
    note = 'Grades and disagreements take some seconds in the process of the workflow.'
    return Plan(tuple(works), notes=(note,))
