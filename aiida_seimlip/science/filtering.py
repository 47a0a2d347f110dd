"""Which frames are worth a label, which are worth learning from, and why the others are not."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from aiida_seimlip.science.frames import Frames

NO_LIMIT = np.iinfo(np.int64).max


@dataclass(frozen=True, eq=False)
class Drop:
    """Frames that were left out for one reason.

    :param reason: in words.
    :param indices: of the frames in the set that was looked at; shape (n_dropped,).
    """

    reason: str
    indices: np.ndarray


@dataclass(frozen=True, eq=False)
class Verdict:
    """What became of the frames of a set: each is either kept or dropped for exactly one reason.

    :param kept: indices of the kept frames, in their order of preference; shape (n_kept,).
    :param drops: the others; reasons that no frame had are absent.
    """

    kept: np.ndarray
    drops: list[Drop] = field(default_factory=list)

    @property
    def n_dropped(self) -> int:
        """Number of dropped frames."""
        return sum(drop.indices.size for drop in self.drops)


def filter_candidates(
    candidates: Frames,
    *,
    known: Collection[str] = (),
    under_way: Collection[str] = (),
    quarantined: Collection[str] = (),
    formulas: Collection[str] | None = None,
    max_grade: float = np.inf,
    min_distance: float = 0.0,
    sources: Sequence[Hashable] = (),
    max_per_source: int | None = None,
) -> Verdict:
    """Leave out candidates that are not worth a label.

    :param candidates: with grades, as far as they are known.
    :param known: content hashes of frames that have a label already.
    :param under_way: content hashes of frames that are being labelled.
    :param quarantined: content hashes of frames that could not be labelled before.
    :param formulas: chemical formulas (Hill order) of the systems under study; a periodic frame of another formula, or
        one that is not periodic at all, is a fragment. None: fragments are not looked for.
    :param max_grade: a higher grade is absurd; an unknown one is not.
    :param min_distance: a shorter distance in Å is absurd.
    :param sources: the run that each candidate comes from, whose frames are in the order of time; as many as
        candidates. Only needed with `max_per_source`.
    :param max_per_source: number of frames that are kept of each run, evenly spaced in time, its last one among them.
    """
    hashes = candidates.hashes()
    first = {value: index for index, value in reversed(list(enumerate(hashes)))}
    reasons: dict[str, np.ndarray] = {
        'labelled before': np.array([value in known for value in hashes], dtype=bool),
        'being labelled': np.array([value in under_way for value in hashes], dtype=bool),
        'could not be labelled before': np.array([value in quarantined for value in hashes], dtype=bool),
        'twice among the candidates': np.array([first[value] != i for i, value in enumerate(hashes)], dtype=bool),
    }
    if formulas is not None:
        foreign = np.array([formula not in formulas for formula in candidates.formulas], dtype=bool)
        reasons['a fragment, not all atoms of its start'] = foreign | ~candidates.pbc.any(axis=1)
    if candidates.grades is not None:
        reasons[f'grade above {max_grade:g}'] = np.nan_to_num(candidates.grades, nan=0.0, posinf=np.inf) > max_grade
    if min_distance > 0.0:
        reasons[f'shortest distance below {min_distance:g} Å'] = candidates.shortest_distances(min_distance) < np.inf
    if max_per_source is not None:
        usable = _judge(len(candidates), reasons).kept
        reasons[f'one of more than {max_per_source} of one run, which are much alike'] = ~thin(
            sources, usable, max_per_source
        )
    return _judge(len(candidates), reasons)


def thin(sources: Sequence[Hashable], usable: np.ndarray, n: int) -> np.ndarray:
    """Return which frames are left if of each run at most `n` usable ones are kept, evenly spaced, the last included.

    :param sources: the run that each frame comes from; as many as frames.
    :param usable: indices of the frames to choose among, in the order of time in each run.
    :param n: number of frames of each run; at least 1.
    :return: mask; shape (n_frames,).
    """
    members: dict[Hashable, list[int]] = {}
    for index in map(int, usable):
        members.setdefault(sources[index], []).append(index)
    left = np.zeros(len(sources), dtype=bool)
    for found in members.values():
        share = min(n, len(found))
        places = len(found) - 1 - np.floor(np.arange(share) * len(found) / share).astype(int)
        left[np.asarray(found)[places]] = True
    return left


def filter_labels(labelled: Frames, *, max_force: float | None = None) -> Verdict:
    """Leave out labelled frames that are not worth learning from.

    :param labelled: frames that the reference program labelled.
    :param max_force: largest norm of a force on an atom in eV/Å; None: any.
    """
    reasons = {
        'energy or forces missing or not finite': ~labelled.is_evaluated,
        'predicted by a potential, which is no label': labelled.is_predicted,
    }
    if max_force is not None and labelled.forces is not None and len(labelled):
        norms = np.nan_to_num(np.linalg.norm(labelled.forces, axis=1), nan=np.inf)
        largest = np.maximum.reduceat(norms, labelled.ptr[:-1])
        reasons[f'force above {max_force:g} eV/Å'] = largest > max_force
    return _judge(len(labelled), reasons)


@dataclass(frozen=True)
class Budget:
    """How many frames of a group are kept.

    :param groups: what each frame belongs to; as many as frames.
    :param limit: number that is kept of each group; one number for all groups, or one for each.
    :param reason: why the others are dropped, in words.
    """

    groups: Sequence[Hashable]
    limit: int | Mapping[Hashable, int]
    reason: str

    def limit_of(self, group: Hashable) -> int:
        """Return how many frames of a group are kept at most."""
        return self.limit.get(group, NO_LIMIT) if isinstance(self.limit, Mapping) else self.limit

    def reason_of(self, group: Hashable) -> str:
        """Return why a frame of a group is dropped."""
        return self.reason.format(limit=self.limit_of(group), group=group)


def rank(
    frames: Frames, *, n_frames: int | None = None, budgets: Sequence[Budget] = (),
    turns: Sequence[Hashable] | None = None,
) -> Verdict:  # fmt: skip
    """Order frames by their grade, the highest first, and keep as many as the budgets allow.

    Frames of equal grade keep their order; those of unknown grade come last. With `turns`, the best frame of each group
    comes before the second best of any, however high its grade: a group with many frames does not crowd out the others.
    A frame that a budget drops takes no turn.

    :param frames: with grades, as far as they are known.
    :param n_frames: kept at most; None for no limit.
    :param budgets: limits for groups of frames; the first that a frame exceeds gives the reason.
    :param turns: the group that takes a turn with each frame; as many as frames. None: the grades alone decide.
    """
    limit = NO_LIMIT if n_frames is None else n_frames
    grades = np.full(len(frames), -np.inf) if frames.grades is None else np.nan_to_num(frames.grades, nan=-np.inf)
    taken: list[dict[Hashable, int]] = [{} for _ in budgets]
    reasons: dict[str, list[int]] = {}
    allowed: list[int] = []
    late: list[int] = []
    for index in map(int, np.argsort(-grades, kind='stable')):
        over = [b for b, counts in zip(budgets, taken, strict=True) if _is_full(b, counts, index)]
        if over:
            reasons.setdefault(over[0].reason_of(over[0].groups[index]), []).append(index)
        elif turns is None and len(allowed) >= limit:
            late.append(index)
        else:
            allowed.append(index)
            for budget, counts in zip(budgets, taken, strict=True):
                counts[budget.groups[index]] = counts.get(budget.groups[index], 0) + 1
    if turns is not None:
        order = order_in_turns([turns[index] for index in allowed])
        allowed, late = [allowed[place] for place in order[:limit]], [allowed[place] for place in order[limit:]]
    if late:
        reasons[f'more than {limit} of one iteration'] = late
    return Verdict(np.array(allowed, dtype=int), [Drop(reason, np.sort(found)) for reason, found in reasons.items()])


def _is_full(budget: Budget, taken: Mapping[Hashable, int], index: int) -> bool:
    group = budget.groups[index]
    return taken.get(group, 0) >= budget.limit_of(group)


def order_in_turns(groups: Sequence[Hashable]) -> np.ndarray:
    """Return the order in which each group gives one of its members after the other.

    :param groups: of each item; the first members of all groups come first, in their order, then the second ones.
    """
    seen: dict[Hashable, int] = {}
    turns = np.empty(len(groups), dtype=int)
    for index, group in enumerate(groups):
        turns[index] = seen[group] = seen.get(group, -1) + 1
    return np.argsort(turns, kind='stable')


def spread(sizes: Sequence[int], n: int) -> list[np.ndarray]:
    """Choose `n` items from several sequences: as many from each, and evenly spaced within it.

    A sequence that is too short gives all it has, and the others make up for it.

    :param sizes: lengths of the sequences.
    :param n: number of items wanted; fewer are chosen if there are not so many.
    :return: indices for each sequence.
    """
    shares = np.zeros(len(sizes), dtype=int)
    for _ in range(min(n, sum(sizes))):
        room = shares < np.asarray(sizes)
        shares[np.argmin(np.where(room, shares, NO_LIMIT))] += 1
    return [
        np.floor((np.arange(share) + 0.5) * size / share).astype(int) if share else np.empty(0, dtype=int)
        for share, size in zip(shares, sizes, strict=True)
    ]


def _judge(n_frames: int, reasons: dict[str, np.ndarray]) -> Verdict:
    """Give each frame the first reason that holds for it.

    :param n_frames: number of frames.
    :param reasons: masks of shape (n_frames,).
    """
    left = np.ones(n_frames, dtype=bool)
    drops = []
    for reason, mask in reasons.items():
        indices = np.flatnonzero(mask & left)
        if indices.size:
            drops.append(Drop(reason, indices))
            left[indices] = False
    return Verdict(np.flatnonzero(left), drops)
