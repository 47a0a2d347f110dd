"""Which frames are worth a label, which are worth learning from, and why the others are not."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Sequence
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
    return _judge(len(candidates), reasons)


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


def rank(
    frames: Frames, groups: Sequence[Hashable], *, n_frames: int | None = None, n_per_group: int | None = None
) -> Verdict:
    """Order frames by their grade, the highest first, and keep as many as the budget allows.

    Frames of equal grade keep their order; those of unknown grade come last.

    :param frames: with grades, as far as they are known.
    :param groups: what each frame came from, such as an exploration; as many as frames.
    :param n_frames: kept at most; None for no limit.
    :param n_per_group: kept at most of each group; None for no limit.
    """
    limit, limit_per_group = (NO_LIMIT if value is None else value for value in (n_frames, n_per_group))
    grades = np.full(len(frames), -np.inf) if frames.grades is None else np.nan_to_num(frames.grades, nan=-np.inf)
    kept: list[int] = []
    taken: dict[Hashable, int] = {}
    over = np.zeros((2, len(frames)), dtype=bool)
    for index in np.argsort(-grades, kind='stable'):
        group = groups[index]
        if taken.get(group, 0) >= limit_per_group:
            over[0, index] = True
        elif len(kept) >= limit:
            over[1, index] = True
        else:
            kept.append(int(index))
            taken[group] = taken.get(group, 0) + 1
    reasons = {
        f'more than {limit_per_group} of one exploration': over[0],
        f'more than {limit} of one iteration': over[1],
    }
    return Verdict(np.array(kept, dtype=int), _judge(len(frames), reasons).drops)


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
