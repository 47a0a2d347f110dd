"""Calcfunction that writes the history of a campaign, and the function behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.functions.campaign.filters import describe_origin
from aiida_seimlip.functions.campaign.survival import follow_starts, warn_about_quarantine
from aiida_seimlip.functions.campaign.warnings import explain_unfilled, warn_about_run
from aiida_seimlip.functions.evaluation import read_errors
from aiida_seimlip.functions.frames import list_failed, list_late
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.campaign.history import (
    CampaignHistory,
    DropRecord,
    ExplorationRecord,
    HeldOutRecord,
    IterationRecord,
    Outcome,
    Stage,
)  # fmt: skip
from aiida_seimlip.options.records import DetailedErrorsRecord, ErrorsRecord

Nodes = Mapping[str, Any]
ITERATION = 'iteration_'
"""How the names of the iterations begin."""


@calcfunction
def assemble_history(options: orm.Dict, species: orm.List, **nodes: Any) -> orm.Dict:
    """Write the history of a campaign.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param species: chemical symbols in type order.
    :param nodes: what the campaign has made, as `build_history` takes it.
    """
    return orm.Dict(build_history(options, species, nodes).model_dump(mode='json'))


def build_history(options: orm.Dict, species: orm.List, nodes: Nodes) -> CampaignHistory:
    """Gather the history of a campaign from its nodes, as far as there are any.

    Besides the nodes it reads when the jobs began and ended that made them.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param species: chemical symbols in type order.
    :param nodes: ``starts`` (by name), ``initial`` (labelled frames that were there before), and
        ``iteration_000``, ``iteration_001``, ... and
        ``held_out``, each a mapping with some of: ``plan``, ``results`` (by exploration), ``failed`` (parameters of the
        explorations that gave none), ``filter``, ``selected``, ``rank``, ``failures`` (of each batch of frames to
        label) and ``sent`` (those batches of which some frames have no label), ``late`` (frames whose labels are still
        out), ``vetting``, ``accepted``, ``check_errors``, ``errors`` and ``potential``, with `also_train` also
        ``also_potential`` and ``also_errors``; ``training_errors``: of the last potential; ``also_errors``: of that of
        `also_train` on the held-out frames, and ``also_failure``: why there is none; ``message``: why the campaign
        ended; ``review``: what was found about the inputs, as `review_beginning` returns it.
    """
    iterations: list[IterationRecord] = []
    n_training = sum(node.n_frames for node in nodes.get('initial', {}).values())
    for key in sorted(key for key, found in nodes.items() if key.startswith(ITERATION) and found):
        iterations.append(record_iteration(key, nodes[key], n_training))
        n_training = iterations[-1].n_training
    settings = ActiveLearningOptions.from_node(options)
    held_out = record_held_out(nodes['held_out']) if 'held_out' in nodes else None
    named = {run.start: None for record in iterations for run in record.explorations}
    formulas = (
        {name: next(iter(node.formulas)) for name, node in nodes['starts'].items()} if 'starts' in nodes else named
    )
    starts = follow_starts(settings, formulas, iterations)
    last_runs = [run for record in (*iterations[-1:], held_out) if record is not None for run in record.explorations]
    return CampaignHistory(
        species=species.get_list(),
        seed=settings.seed,
        converged=has_converged(settings, iterations) and not any(start.quarantined for start in starts.values()),
        iterations=iterations,
        held_out=held_out,
        training_errors=_detailed(nodes.get('training_errors')),
        also_errors=_detailed(nodes.get('also_errors')),
        starts=starts,
        late=still_out(iterations),
        continues=settings.continues,
        warnings=list(dict.fromkeys([*_warnings(nodes, last_runs), *warn_about_quarantine(starts)])),
        message=nodes['message'].value if 'message' in nodes else None,
    )


def has_converged(settings: ActiveLearningOptions, iterations: Sequence[IterationRecord]) -> bool:
    """Return whether the last potential survived all explorations, and is as accurate as asked.

    :param settings: of the campaign.
    :param iterations: in order.
    """
    if not iterations or not (iterations[-1].is_survived and iterations[-1].is_at_full_length):
        return False
    errors = iterations[-1].check_errors
    return settings.accuracy is None or (errors is not None and not settings.accuracy.find_misses(errors))


def still_out(iterations: Iterable[IterationRecord]) -> list[str]:
    """Return the origins of the frames whose labels are out after the last of some iterations.

    Those that are late join the next labelling, so that the last one tells.

    :param iterations: in order.
    """
    labelled = [record for record in iterations if record.n_labelled or record.n_failed or record.n_late]
    return list(labelled[-1].late) if labelled else []


def record_iteration(key: str, found: Nodes, n_before: int) -> IterationRecord:
    """Gather what is known about one iteration.

    :param key: ``iteration_000``, ``iteration_001``, ...
    :param found: what the iteration has made so far, as `build_history` takes it.
    :param n_before: labelled frames that there were before.
    """
    explorations = _explorations(found)
    failures, late = _reasons(found, list_failed), _reasons(found, list_late)
    vetting = _content(found.get('vetting'))
    n_labelled = found['accepted'].n_frames if 'accepted' in found else 0
    grades = [record.highest_grade for record in explorations if record.highest_grade is not None]
    reports = [_content(found.get(name)) for name in ('filter', 'rank', 'vetting')]
    return IterationRecord(
        iteration=int(key.removeprefix(ITERATION)),
        n_training=n_before + n_labelled,
        n_explorations=len(explorations),
        n_survivors=sum(record.survived for record in explorations),
        n_postponed=len(_planned(found)) - len(explorations),
        highest_grade=max(grades, default=None),
        explorations=explorations,
        n_candidates=sum(record.n_candidates for record in explorations),
        n_selected=found['selected'].n_frames if 'selected' in found else 0,
        n_spot_checks=_content(found.get('rank')).get('n_spot_checks', 0),
        is_barren=_is_barren(found),
        dropped=[DropRecord(**drop) for report in reports for drop in report.get('dropped', [])],
        n_labelled=n_labelled,
        n_failed=len(failures),
        failures=failures,
        n_late=len(late),
        late=list(late),
        late_uuid=found['late'].uuid if 'late' in found else None,
        train_errors=read_errors(found['errors']) if 'errors' in found else None,
        check_errors=_detailed(found.get('check_errors')),
        validation_errors=ErrorsRecord(**vetting['errors']) if vetting.get('errors') else None,
        potential_uuid=found['potential'].uuid if 'potential' in found else None,
        also_uuid=found['also_potential'].uuid if 'also_potential' in found else None,
        also_train_errors=read_errors(found['also_errors']) if 'also_errors' in found else None,
        training_uuid=found['accepted'].uuid if 'accepted' in found else None,
        seconds=_seconds(found),
    )


def record_held_out(found: Nodes) -> HeldOutRecord:
    """Gather what is known about the held-out frames.

    :param found: as in `record_iteration`.
    """
    return HeldOutRecord(
        n_frames=found['accepted'].n_frames if 'accepted' in found else 0,
        n_failed=len(_reasons(found, list_failed)),
        errors=_detailed(found.get('errors')),
        explorations=_explorations(found),
        frames_uuid=found['accepted'].uuid if 'accepted' in found else None,
        seconds=_seconds(found),
    )


def _detailed(errors: orm.Dict | None) -> DetailedErrorsRecord | None:
    return None if errors is None else DetailedErrorsRecord(**errors.get_dict())


def _is_barren(found: Nodes) -> bool:
    """Return whether there were candidates to choose from, and none was chosen."""
    if 'selected' in found:
        return not found['selected'].n_frames
    return 'filter' in found and not found['filter']['n_kept']


def _planned(found: Nodes) -> list[dict[str, Any]]:
    return list(_content(found.get('plan')).get('explorations', []))


def _explorations(found: Nodes) -> list[ExplorationRecord]:
    """Return the explorations that were run; one that gave no results has failed."""
    records = []
    for planned in _planned(found):
        key = planned['key']
        node = found.get('results', {}).get(key)
        if node is None and key not in found.get('failed', {}):
            continue
        results = _content(node)
        outcome: Any = results.get('outcome')
        records.append(
            ExplorationRecord(
                **{name: planned[name] for name in (
                    'start', 'condition', 'temperature', 'ensemble', 'pressure', 'seed', 'n_steps_asked',
                )},
                length=planned.get('length', 1.0),  # older plans have none
                outcome=outcome if outcome in get_args(Outcome) else 'failed',
                n_steps=results.get('n_steps') or 0,
                highest_grade=results.get('highest_grade'),
                n_candidates=results.get('n_candidates') or 0,
                n_jobs=results.get('n_jobs', 1),
                tries=results.get('tries', []),
                cell=results.get('cell'),
                uuid=None if node is None or node.creator is None else node.creator.uuid,
                message=results.get('message'),
            )
        )  # fmt: skip
    return records


def _reasons(found: Nodes, choose: Callable[[Mapping[str, str]], list[int]]) -> dict[str, str]:
    """Return the reasons of frames without a label, by their origin.

    :param choose: which of the indices count.
    """
    reasons: dict[str, str] = {}
    for key, node in found.get('failures', {}).items():
        content = node.get_dict()
        if content:
            frames = found['sent'][key].get_frames(trace=True)
            reasons |= {describe_origin(frames, index): content[str(index)] for index in choose(content)}
    return reasons


def _warnings(nodes: Nodes, runs: Iterable[ExplorationRecord]) -> Iterator[str]:
    """Yield what is to be known of the beginning, of the last potential and of the last explorations."""
    yield from _content(nodes.get('review')).get('warnings', [])
    made = [nodes[key] for key in sorted(nodes) if key.startswith(ITERATION)]
    potentials = [found['potential'] for found in made if 'potential' in found]
    unfilled = explain_unfilled(potentials[-1]) if potentials else None
    yield from [] if unfilled is None else [unfilled]
    if 'also_failure' in nodes:
        yield nodes['also_failure'].value
    for run in runs:
        yield from warn_about_run(run.start, run.condition, None if run.cell is None else run.cell.model_dump())


def _content(node: orm.Dict | None) -> dict[str, Any]:
    return {} if node is None else node.get_dict()


def _is_made_by_job(node: orm.Data) -> bool:
    return isinstance(node.creator, orm.CalcJobNode)


def _seconds(found: Nodes) -> dict[Stage, float]:
    """Return the wall time of the jobs of each stage in s: jobs that ran side by side count once."""
    made_by: dict[Stage, list[orm.Data]] = {
        'explore': list(found.get('results', {}).values()),
        'select': [found['selected']] if 'selected' in found and _is_made_by_job(found['selected']) else [],
        'label': list(found.get('failures', {}).values()),
        'train': [found['potential']] if 'potential' in found else [],
    }
    return {stage: union_seconds(_intervals(nodes)) for stage, nodes in made_by.items() if nodes}


def union_seconds(intervals: Iterable[tuple[float, float]]) -> float:
    """Return the length of the union of intervals.

    :param intervals: pairs of begin and end in s.
    """
    total, reached = 0.0, -np.inf
    for begin, end in sorted(intervals):
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total


def _intervals(nodes: Iterable[orm.Data]) -> Iterator[tuple[float, float]]:
    for job in {job.uuid: job for node in nodes for job in _jobs(node)}.values():
        yield job.ctime.timestamp(), job.mtime.timestamp()


def _jobs(node: orm.Data) -> list[orm.CalcJobNode]:
    """Return the jobs that made a node, be it by way of a calcfunction that joined their results."""
    creator = node.creator
    if isinstance(creator, orm.CalcJobNode):
        return [creator]
    if creator is None:
        return []
    parents = [
        entry.node.creator for entry in creator.base.links.get_incoming().all() if isinstance(entry.node, orm.Data)
    ]
    return [parent for parent in parents if isinstance(parent, orm.CalcJobNode)]
