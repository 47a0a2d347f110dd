"""Choose the frames of a first training set by D-optimality, before there is a potential.

Derivatives by the parameters do not exist without coefficients, so these are made up from a seed: radial functions as
at the begin of a training, and linear coefficients from a normal distribution. The equations are those of a grade, in
as many dimensions as the potential has parameters. The linear coefficients alone would be few dimensions (35 for six
elements at level 12) that tell pairs of elements apart only by accident.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.filtering import order_in_turns
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import chunks, local_basis
from aiida_seimlip.science.mtp.grade import WEIGHTS, Mode, Selector
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.mtp.training.start import MIN_DIST_FACTOR, initial_guess

ATOMS_PER_BATCH = 2048
"""Atoms whose equations are offered to the active set at once: it takes 16 bytes per atom and parameter."""

SAME = 1e-7
"""Derivatives are the same if they differ by less than this part of the largest one of all frames."""


@dataclass(frozen=True, eq=False)
class Choice:
    """Which of some candidates are worth a label.

    :param chosen: their indices, in the order of the candidates; shape (n_chosen,).
    :param places: number of places that each candidate holds in the active set of all; shape (n_candidates,).
    """

    chosen: np.ndarray
    places: np.ndarray


def made_up(potential: MomentTensorPotential, frames: Frames, seed: int) -> MomentTensorPotential:
    """Give an untrained potential coefficients by which its parameters can be told apart.

    :param potential: its sizes and its cut-off are used.
    :param frames: the radial functions begin at their shortest distance, as they would in a training.
    :param seed: of all coefficients.
    """
    shortest = min(float(frames[chunk].shortest_distances(potential.max_dist).min()) for chunk in chunks(frames))
    min_dist = MIN_DIST_FACTOR * shortest if np.isfinite(shortest) else potential.min_dist
    guess = initial_guess(potential.replace(min_dist=min_dist), seed)
    linear = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,))).normal(size=potential.n_moments)
    return guess.replace(moment_coeffs=linear)


def choose(
    potential: MomentTensorPotential,
    candidates: Frames,
    groups: Sequence[Hashable],
    n_frames: int,
    *,
    known: Frames | None = None,
    n_per_group: dict[Hashable, int] | None = None,
    mode: Mode = 'nbh',
) -> Choice:
    """Choose the candidates that span the largest volume together.

    All compete for the places in an active set (MaxVol), beside the frames that are known already. Those that win none
    teach nothing that the others do not, and are not chosen; nor are those that repeat another one, which would share
    its places by chance. Where more win than may be chosen, those come first
    that hold the most places; before that, each group gets its minimum, by places, then in order.

    :param potential: with coefficients, see `made_up`.
    :param candidates: configurations of its species.
    :param groups: what each candidate was made of, such as the name of a start; as many as candidates.
    :param n_frames: number of frames that are chosen at most.
    :param known: configurations that have a label; they are not chosen.
    :param n_per_group: for each group the number that is chosen at least; not more than it has. 0 for those left out.
    :param mode: whether the equations are those of neighbourhoods or of whole configurations.
    """
    new = np.flatnonzero(~find_repeats(potential, candidates, known))
    places = np.zeros(len(candidates), dtype=int)
    places[new] = count_places(
        potential, candidates[new], known, groups=[groups[int(index)] for index in new], mode=mode
    )
    order = np.argsort(-places, kind='stable')
    first: list[int] = []
    left = dict(n_per_group or {})
    for index in order:
        if left.get(groups[index], 0) > 0 and len(first) < n_frames:
            left[groups[index]] -= 1
            first.append(int(index))
    rest = [int(index) for index in order if places[index] and int(index) not in set(first)]
    return Choice(np.array(sorted([*first, *rest[: n_frames - len(first)]]), dtype=int), places)


def find_repeats(potential: MomentTensorPotential, candidates: Frames, known: Frames | None = None) -> np.ndarray:
    """Find the candidates that the potential cannot tell from a known frame or an earlier candidate.

    Such are copies that are turned, moved, mirrored or numbered differently: the derivatives of their energies per atom
    by all parameters are the same.

    :param potential: with coefficients.
    :param candidates: configurations of its species.
    :param known: configurations that have a label.
    :return: shape (n_candidates,).
    """
    n_known = 0 if known is None else len(known)
    everything = candidates if known is None else Frames.concatenate([known, candidates])
    means = np.empty((len(everything), potential.n_parameters))
    for chunk in chunks(everything, ATOMS_PER_BATCH):
        part = everything[chunk]
        means[chunk] = np.add.reduceat(local_basis(potential, part), part.ptr[:-1]) / part.sizes[:, None]
    scale = np.abs(means).max(axis=0, initial=0.0)
    means /= np.where(scale > 0.0, scale, 1.0)
    repeats = np.zeros(len(everything), dtype=bool)
    order = np.argsort(means.sum(axis=1), kind='stable')
    sums = means.sum(axis=1)[order]
    for place, index in enumerate(order):
        close = order[np.searchsorted(sums, sums[place] - SAME * means.shape[1]) : place]
        same = [other for other in close if np.abs(means[other] - means[index]).max() < SAME]
        repeats[[max(index, other) for other in same]] = True
    return repeats[n_known:]


def count_places(
    potential: MomentTensorPotential,
    candidates: Frames,
    known: Frames | None = None,
    *,
    groups: Sequence[Hashable] = (),
    mode: Mode = 'nbh',
) -> np.ndarray:
    """Count the equations of each candidate in the active set of all; shape (n_candidates,).

    The known frames are offered first and once more at the end, as in a selection; the candidates in batches, one of
    each group after the other, so that none of them is there before the others.

    :param potential: with coefficients.
    :param candidates: configurations of its species.
    :param known: configurations that have a label.
    :param groups: of each candidate; none: all are alike.
    :param mode: whether the equations are those of neighbourhoods or of whole configurations.
    """
    selector = Selector(potential, WEIGHTS[mode])
    _offer(selector, known)
    order = order_in_turns(groups or [0] * len(candidates))
    begin = selector.n_offered
    _offer(selector, candidates[order])
    end = selector.n_offered
    _offer(selector, known)
    winners = selector.owners[(selector.owners >= begin) & (selector.owners < end)] - begin
    places = np.zeros(len(candidates), dtype=int)
    np.add.at(places, order[winners], 1)
    return places


def _offer(selector: Selector, frames: Frames | None) -> None:
    if frames is not None:
        for chunk in chunks(frames, ATOMS_PER_BATCH):
            selector.offer(frames[chunk])
