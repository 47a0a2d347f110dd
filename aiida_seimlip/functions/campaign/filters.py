"""Calcfunctions that leave out frames, each with a record of what was dropped and why.

The records are lists of `DropRecord`, in the output ``report``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.evaluation import match_predictions, predict_errors, record_errors
from aiida_seimlip.functions.frames import list_failed
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.campaign.history import DropRecord, Stage
from aiida_seimlip.science import filtering
from aiida_seimlip.science.filtering import Budget, Verdict
from aiida_seimlip.science.frames import Frames


@calcfunction
def filter_candidates(options: orm.Dict, **groups: Any) -> dict[str, orm.Data]:
    """Join the candidates of all explorations and leave out those that are not worth a label.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param groups: ``candidates`` (by exploration), ``starts``, ``training`` (what is labelled already) and, if there
        are, ``late`` (sets of frames whose labels are still out) and ``failed``: sets of frames that were sent to be
        labelled, each with the `failures` among them.
    :return: ``report`` (`n_candidates`, `n_kept`, `dropped`) and, if any is left, ``candidates``.
    """
    settings = ActiveLearningOptions.from_node(options)
    filters = settings.filters
    frames, sources = _join(groups.get('candidates', {}))
    verdict = filtering.filter_candidates(
        frames,
        known=_hashes_of(groups.get('training', {})),
        under_way=_hashes_of(groups.get('late', {})),
        quarantined=set(list_quarantined(groups.get('failed', {}).values())),
        formulas={formula for node in groups['starts'].values() for formula in node.formulas},
        max_grade=filters.max_grade,
        min_distance=filters.min_distance,
        sources=sources,
        max_per_source=settings.selection.max_candidates_per_exploration,
    )
    report = {'n_candidates': len(frames), 'n_kept': verdict.kept.size, 'dropped': record(verdict, frames, 'select')}
    outputs: dict[str, orm.Data] = {'report': orm.Dict(report)}
    if verdict.kept.size:
        outputs['candidates'] = FramesData(frames[verdict.kept])
    return outputs


@calcfunction
def rank_selected(options: orm.Dict, selected: FramesData, n_labels: orm.Int, **groups: Any) -> dict[str, orm.Data]:
    """Put the selected frames in the order of their grades, or in turns, and keep as many as the budgets allow.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param selected: with grades and origins.
    :param n_labels: frames that are labelled or being labelled already, which count for the budget of labels.
    :param groups: what the options need: ``explorations`` (`plan`) and ``candidates`` (by exploration) to tell the
        starts, ``labels`` (sets of frames that are labelled or being labelled) to count those of each formula, and
        ``survivors`` (trajectories, by exploration) to draw spot checks from, which come before the selected frames.
    :return: ``report`` (`n_selected`, `n_kept`, `n_spot_checks`, `dropped`) and, if any is left, ``frames``.
    """
    settings = ActiveLearningOptions.from_node(options)
    frames = selected.get_frames(trace=True)
    limits = [settings.selection.max_frames] if settings.selection.max_frames is not None else []
    if settings.max_labels is not None:
        limits.append(max(0, settings.max_labels - n_labels.value))
    limit = min(limits, default=None)
    checks = draw_spot_checks(groups, settings.selection.spot_checks_per_exploration)[:limit]
    starts = _find_starts(frames, groups) if needs_starts(settings) else []
    turns = {'grade': None, 'start': starts, 'formula': frames.formulas}[settings.selection.share]
    budgets = _budgets(settings, frames, starts, groups)
    left = None if limit is None else limit - len(checks)
    verdict = filtering.rank(frames, n_frames=left, budgets=budgets, turns=turns)
    report = {
        'n_selected': len(frames), 'n_kept': verdict.kept.size, 'n_spot_checks': len(checks),
        'dropped': record(verdict, frames, 'select'),
    }  # fmt: skip
    outputs: dict[str, orm.Data] = {'report': orm.Dict(report)}
    if verdict.kept.size or len(checks):
        outputs['frames'] = FramesData(Frames.concatenate([checks, frames[verdict.kept]]))
    return outputs


def draw_spot_checks(groups: Mapping[str, Any], n_frames: int) -> Frames:
    """Return frames of explorations that came to their end, evenly spaced in time, without those that have a label.

    :param groups: ``survivors`` and ``labels``, as in `rank_selected`; without survivors there are no frames.
    :param n_frames: of each exploration, the last one included.
    """
    frames, sources = _join(groups.get('survivors', {}))
    known = _hashes_of(groups.get('labels', {}))
    usable = [index for index, value in enumerate(frames.hashes()) if value not in known]
    return frames[filtering.thin(sources, np.array(usable, dtype=int), n_frames)]


def needs_starts(settings: ActiveLearningOptions) -> bool:
    """Return whether the ranking has to know the starts of the frames."""
    return settings.selection.share == 'start' or settings.selection.max_frames_per_start is not None


def _budgets(
    settings: ActiveLearningOptions, frames: Frames, starts: Sequence[str], groups: Mapping[str, Any]
) -> list[Budget]:
    """Return the limits of groups of frames that the options ask for."""
    selection, budgets = settings.selection, []
    if settings.max_labels_per_formula is not None:
        counts: Counter[str] = Counter()
        for node in groups.get('labels', {}).values():
            counts.update(node.formulas)
        most = settings.max_labels_per_formula
        left: dict[Hashable, int] = {formula: max(0, most - counts[formula]) for formula in frames.formulas}
        budgets.append(Budget(frames.formulas, left, f'more than {most} labels of {{group}}'))
    if selection.max_frames_per_exploration is not None:
        origins = [] if frames.origin_uuids is None else frames.origin_uuids.tolist()
        budgets.append(Budget(origins, selection.max_frames_per_exploration, 'more than {limit} of one exploration'))
    if selection.max_frames_per_start is not None:
        budgets.append(Budget(starts, selection.max_frames_per_start, 'more than {limit} of the start {group}'))
    if selection.max_frames_per_formula is not None:
        reason = 'more than {limit} of {group} in one iteration'
        budgets.append(Budget(frames.formulas, selection.max_frames_per_formula, reason))
    return budgets


def _find_starts(frames: Frames, groups: Mapping[str, Any]) -> list[str]:
    """Return the start of the exploration that each frame comes from, empty where that is unknown.

    The frames are known by their content: their origins name other nodes where some results were taken over from the
    cache, as those of an interrupted campaign are.
    """
    planned = {entry['key']: entry['start'] for entry in groups['explorations']['plan']['explorations']}
    by_hash = {value: planned[key] for key, node in sorted(groups['candidates'].items()) for value in node.hashes}
    return [by_hash.get(value, '') for value in frames.hashes()]


@calcfunction
def vet_labels(options: orm.Dict, **groups: Any) -> dict[str, orm.Data]:
    """Leave out labelled frames that are not worth learning from, and judge the present potential by the others.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param groups: ``labelled`` (frames, in any number of nodes) and, if there is one, ``potential`` with ``present``:
        the potential that has not learned from these frames yet; ``predictions``: what it says of frames that
        explorations with it have met, for a potential that cannot be evaluated here.
    :return: ``report`` (`n_labelled`, `n_kept`, `dropped`, `errors`) and, if any is left, ``accepted``; if all frames
        of a single node are accepted, they are not stored again.
    """
    filters = ActiveLearningOptions.from_node(options).filters
    nodes = [node for _, node in sorted(groups['labelled'].items())]
    frames = Frames.concatenate(node.get_frames(trace=True) for node in nodes)
    verdict = filtering.filter_labels(frames, max_force=filters.max_force)
    accepted = frames[verdict.kept]
    potential = groups.get('potential', {}).get('present')
    errors = None if potential is None or not len(accepted) else predict_errors(potential, accepted)
    pair = match_predictions(accepted, list(groups.get('predictions', {}).values())) if len(accepted) else None
    if errors is None and pair is not None:
        errors = record_errors(*pair)
    report = {
        'n_labelled': len(frames), 'n_kept': len(accepted), 'dropped': record(verdict, frames, 'label'),
        'errors': None if errors is None else errors.model_dump(mode='json'),
    }  # fmt: skip
    outputs: dict[str, orm.Data] = {'report': orm.Dict(report)}
    if len(accepted) and (len(nodes) > 1 or verdict.n_dropped):
        outputs['accepted'] = FramesData(accepted)
    return outputs


@calcfunction
def draw_checks(options: orm.Dict, **groups: Any) -> dict[str, FramesData]:
    """Draw frames of explorations that all came to their end, to judge by whether the potential is accurate enough.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param groups: ``survivors`` (trajectories, by exploration) and ``labels``: frames that have one are left out; with
        ``plan`` (`present`), as many frames are drawn of these as there would be of all planned explorations.
    :return: ``frames``, if there are any.
    """
    settings = ActiveLearningOptions.from_node(options).accuracy
    if settings is None:
        raise ValueError('The options ask for no accuracy.')
    n_planned = len(groups['plan']['present']['explorations']) if 'plan' in groups else 0
    n_times = max(1, n_planned // max(1, len(groups['survivors'])))
    frames = draw_spot_checks(groups, n_times * settings.frames_per_exploration)
    return {'frames': FramesData(frames)} if len(frames) else {}


@calcfunction
def pick_checks(labelled: FramesData, **survivors: FramesData) -> dict[str, FramesData]:
    """Return the spot checks among labelled frames.

    :param labelled: frames with their origins.
    :param survivors: trajectories of the explorations that came to their end, by exploration.
    :return: ``frames``, if there are any.
    """
    known = {value for node in survivors.values() for value in node.hashes}
    frames = labelled.get_frames(trace=True)
    chosen = [index for index, value in enumerate(frames.hashes()) if value in known]
    return {'frames': FramesData(frames[chosen])} if chosen else {}


@calcfunction
def draw_held_out(options: orm.Dict, **groups: Any) -> dict[str, orm.Data]:
    """Draw frames evenly from trajectories, as many of each composition, and at least one.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param groups: ``trajectories``, ``parameters`` (of each, under the same name) and ``training``: frames that were
        learned from are left out.
    :return: ``frames``, if there are any.
    """
    settings = ActiveLearningOptions.from_node(options).held_out
    if settings is None:
        raise ValueError('The options ask for no held-out frames.')
    known = _hashes_of(groups['training'])
    pools: dict[str, list[Frames]] = {}
    for name, node in sorted(groups['trajectories'].items()):
        frames = _fresh(node)
        steps = np.arange(len(frames)) if frames.origin_steps is None else frames.origin_steps
        late = steps >= settings.discard * groups['parameters'][name]['n_steps']
        pool = frames[late & np.array([value not in known for value in frames.hashes()], dtype=bool)]
        if len(pool):
            pools.setdefault(pool.formulas[0], []).append(pool)
    drawn = [frames for frames in draw_frames(list(pools.values()), settings.n_frames) if len(frames)]
    return {'frames': FramesData(Frames.concatenate(drawn))} if drawn else {}


def draw_frames(pools: Sequence[Sequence[Frames]], n_frames: int) -> Iterator[Frames]:
    """Yield frames drawn evenly from trajectories.

    :param pools: the trajectories of each composition.
    :param n_frames: number of frames, to be divided evenly among the compositions; each gets one at least.
    """
    sizes = [sum(map(len, pool)) for pool in pools]
    for pool, share in zip(pools, filtering.spread(sizes, max(n_frames, len(pools))), strict=True):
        for frames, indices in zip(pool, filtering.spread([len(one) for one in pool], share.size), strict=True):
            yield frames[indices]


def record(verdict: Verdict, frames: Frames, stage: Stage) -> list[dict[str, Any]]:
    """Return what was dropped as plain data.

    :param verdict: on the frames.
    :param frames: with their origins.
    :param stage: in which they were dropped.
    """
    return [
        DropRecord(
            stage=stage, reason=drop.reason, count=drop.indices.size,
            frames=[describe_origin(frames, index) for index in drop.indices],
        ).model_dump(mode='json')
        for drop in verdict.drops
    ]  # fmt: skip


def describe_origin(frames: Frames, index: int) -> str:
    """Return where a frame came from, as ``<node UUID>:<index>``."""
    if frames.origin_uuids is None or frames.origin_indices is None:
        return f'unknown:{index}'
    return f'{frames.origin_uuids[index]}:{frames.origin_indices[index]}'


def _fresh(node: FramesData) -> Frames:
    """Return frames that a program has just made: this node is their origin, and they have no labels."""
    frames = node.get_frames().without_labels()
    n_frames = len(frames)
    return frames.replace(
        velocities=None, origin_uuids=np.full(n_frames, node.uuid), origin_indices=np.arange(n_frames)
    )


def _join(nodes: Mapping[str, FramesData]) -> tuple[Frames, list[str]]:
    """Return the frames that programs have just made, in the order of the names, and the name of each."""
    sets = {name: _fresh(node) for name, node in sorted(nodes.items())}
    return Frames.concatenate(sets.values()), [name for name, found in sets.items() for _ in range(len(found))]


def _hashes_of(nodes: Mapping[str, FramesData]) -> set[str]:
    return {value for node in nodes.values() for value in node.hashes}


def list_quarantined(sets: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    """Yield the content hashes of frames that could not be labelled.

    :param sets: ``frames`` that were sent to be labelled, each with the ``failures`` among them.
    """
    for entry in sets:
        hashes = entry['frames'].hashes
        yield from (hashes[index] for index in list_failed(entry['failures'].get_dict()))
