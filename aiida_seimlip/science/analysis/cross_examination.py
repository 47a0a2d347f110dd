"""Where two models disagree by more than their errors allow, and which frames show it best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.analysis.committee_scale import force_deviations
from aiida_seimlip.science.analysis.errors import require_same
from aiida_seimlip.science.frames import Frames

SAME_PLACE = 1e-4
"""Å; programs write positions with so many digits at least."""


@dataclass(frozen=True, eq=False)
class Disagreement:
    """How far the forces of two models are apart on each atom, and how far they may be.

    :param norms: ``|F₁ − F₂|`` in eV/Å; shape (n_atoms,).
    :param allowed: what the errors of both allow, in eV/Å; shape (n_atoms,).
    :param ptr: frame ``i`` holds the atoms ``ptr[i]:ptr[i + 1]``; shape (n_frames + 1,).
    """

    norms: np.ndarray
    allowed: np.ndarray
    ptr: np.ndarray

    @property
    def ratios(self) -> np.ndarray:
        """Disagreement over what is allowed; above 1 it is not explained; shape (n_atoms,)."""
        return np.divide(self.norms, self.allowed)

    @property
    def worst_atoms(self) -> np.ndarray:
        """Index of the atom with the largest ratio in each frame; shape (n_frames,)."""
        ratios = self.ratios
        ends = zip(self.ptr[:-1], self.ptr[1:], strict=True)
        return np.array([start + int(np.argmax(ratios[start:stop])) for start, stop in ends], dtype=int)

    @property
    def largest_ratios(self) -> np.ndarray:
        """Largest ratio in each frame; shape (n_frames,)."""
        return self.ratios[self.worst_atoms]


def find_disagreement(one: Frames, other: Frames, allowed: np.ndarray | float) -> Disagreement:
    """Compare the forces that two models give the atoms of the same frames.

    :param one: frames with the forces of the first model.
    :param other: the same frames, in the same order, with those of the second.
    :param allowed: disagreement in eV/Å that is explained, of all atoms or of each; shape (n_atoms,).
    :raises ValueError: if the frames are not the same, a force is missing, or nothing at all is allowed.
    """
    require_same(one, other)
    if not np.allclose(one.positions, other.positions, rtol=0.0, atol=SAME_PLACE):
        raise ValueError('The frames of the second model are not those of the first: atoms are elsewhere.')
    first, second = one.forces, other.forces
    if first is None or second is None or not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise ValueError('A model gives no forces to some of the atoms.')
    limits = np.broadcast_to(np.asarray(allowed, dtype=float), one.numbers.shape)
    if not (limits > 0).all():
        raise ValueError('What is allowed must be above 0 for every atom.')
    norms = np.linalg.norm(first - second, axis=1)
    return Disagreement(norms, limits, one.ptr)


def combine_errors(*errors: np.ndarray) -> np.ndarray:
    """Return how far apart models may be whose errors are independent: the root of the sum of their squares.

    It is exact for errors whose components are normal: if q₁ and q₂ are quantiles of one level of the lengths of two
    such errors, √(q₁² + q₂²) is that of their difference. Models that learned from the same frames share a part of
    their errors, and are then closer to each other than that.

    :param errors: quantiles of the length of the error of the force on each atom in eV/Å; shape (n_atoms,) each.
    """
    return np.sqrt(np.sum(np.square(errors), axis=0))


def norm_quantile(level: float) -> float:
    """Return a quantile of the length of a vector with normal components, over the root of its mean square.

    That length follows the χ distribution with three degrees of freedom: 1.61 at a level of 95 %.

    :param level: between 0 and 1.
    """
    from scipy.stats import chi2

    return float(np.sqrt(chi2.ppf(level, 3) / 3.0))


def committee_deviations(members: Sequence[Frames]) -> np.ndarray:
    """Return how far the forces of the members of a committee are apart on each atom in eV/Å; shape (n_atoms,).

    See `force_deviations`.

    :param members: the same frames with the forces of each member.
    :raises ValueError: if there are fewer than two, or a force is missing.
    """
    forces = [frames.forces for frames in members]
    if len(forces) < 2 or any(values is None for values in forces):
        raise ValueError('The deviation of a committee takes the forces of two members at least.')
    return force_deviations(np.array(forces))


def mean_forces(members: Sequence[Frames]) -> Frames:
    """Return frames with the mean of the forces of the members of a committee, and no other labels.

    :param members: the same frames with the forces of each member.
    :raises ValueError: if there is none, or a force is missing.
    """
    forces = [frames.forces for frames in members]
    if not forces or any(values is None for values in forces):
        raise ValueError('The mean of a committee takes the forces of one member at least.')
    return members[0].without_labels().replace(forces=np.mean(np.array(forces), axis=0))


def choose_frames(
    values: np.ndarray,
    limit: float,
    *,
    hashes: Sequence[str],
    max_frames: int,
    origins: Sequence[str] = (),
    steps: np.ndarray | None = None,
    min_steps: int = 0,
) -> tuple[list[int], int]:
    """Return the indices of the frames with the largest values above a limit, the largest first.

    :param values: of each frame; shape (n_frames,).
    :param limit: frames with lower values are left out.
    :param hashes: content hash of each frame: copies are left out.
    :param max_frames: no more than so many are taken.
    :param origins: node that each frame is from, where it is known: steps are compared among frames of one node.
    :param steps: MD step of each frame, below 0 where it is not known; shape (n_frames,).
    :param min_steps: frames closer than this to a taken one of the same origin are left out.
    :return: the indices, and how many above the limit were left out as copies or neighbours of those taken.
    """
    taken: list[int] = []
    seen: set[str] = set()
    n_alike = 0
    for index in np.argsort(-values, kind='stable'):
        if not values[index] > limit or len(taken) == max_frames:
            break
        near = steps is not None and any(
            min(steps[index], steps[known]) >= 0
            and abs(int(steps[index]) - int(steps[known])) < min_steps
            and (not origins or origins[index] == origins[known])
            for known in taken
        )
        if near or hashes[index] in seen:
            n_alike += 1
            continue
        taken.append(int(index))
        seen.add(hashes[index])
    return taken, n_alike
