"""What a distillation is going to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiida_seimlip.options.campaign.distillation import DistillationEngines, DistillationOptions
from aiida_seimlip.science.cost import frames_bytes
from aiida_seimlip.workflows.estimate.campaign import plan_campaign
from aiida_seimlip.workflows.estimate.plan import LABELLED, Plan, Work, sizes_of


def plan_distillation(inputs: Mapping[str, Any]) -> Plan:
    """Return what a distillation does at most: a campaign in each round, and one at the end.

    :param inputs: of `DistillationWorkChain`.
    """
    options = DistillationOptions.from_node(inputs['options'])
    sizes = [size for node in inputs['structures'].values() for size in sizes_of(node)]
    campaign = plan_campaign(inputs['campaign'], sizes)
    n_campaigns = options.max_rounds + 1
    works = [_repeated(work, n_campaigns) for work in campaign.works]
    n_labels = options.max_rounds * options.labels_per_round
    if options.max_labels is not None:
        given = sum(node.n_frames for node in inputs.get('initial_reference', {}).values())
        n_labels = min(n_labels, max(0, options.max_labels - given))
    n_bytes = frames_bytes(n_labels, max(sizes), LABELLED)
    works.append(
        Work(
            'label by the reference', 'reference', None, n_labels, atom_steps=n_labels * max(sizes), unit='frames',
            n_bytes=n_bytes,
        )
    )  # fmt: skip
    if DistillationEngines.from_node(inputs.get('engines')).tuning is not None:
        works.append(Work('train the teacher', 'tuning', options.max_rounds))
    notes = (
        f'The work is that of {n_campaigns} campaigns, of which all but the first begin where the last one ended.',
        *campaign.notes,
    )
    return Plan(tuple(works), is_limit=True, notes=notes)


def _repeated(work: Work, times: int) -> Work:
    """Return the work of several campaigns; labels in them are the teacher's."""
    is_label = work.socket == 'reference'
    counted = work.steps if not is_label or work.steps is None else times * work.steps
    return replace(
        work, socket='teacher' if is_label else work.socket,
        n_jobs=None if work.n_jobs is None else times * work.n_jobs, steps=counted,
        atom_steps=None if work.atom_steps is None else times * work.atom_steps, n_bytes=times * work.n_bytes,
    )  # fmt: skip
