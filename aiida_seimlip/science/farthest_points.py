"""Choose frames whose neighbourhoods are far from those that are known, and from each other.

Farthest-point sampling, T. F. Gonzalez, Theor. Comput. Sci. 38, 293 (1985), of sets of points instead of points: the
*novelty* of a frame is the largest distance of one of its neighbourhoods to the nearest known one of the same kind, the
directed Hausdorff distance. A frame is as new as the newest of its neighbourhoods, however many others it repeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ROWS = 2048
"""Points whose distances to all known ones are held at once."""


@dataclass(frozen=True, eq=False)
class Cloud:
    """The neighbourhoods of some frames as points in a space of descriptors.

    :param points: shape (n_points, n_dimensions).
    :param kinds: of each point, such as the atomic number: distances between different kinds are infinite. Shape
        (n_points,).
    :param frames: index of the frame of each point, in ascending order; shape (n_points,).
    :param n_frames: number of frames, each of which has a point at least.
    """

    points: np.ndarray
    kinds: np.ndarray
    frames: np.ndarray
    n_frames: int

    def of(self, frame: int) -> np.ndarray:
        """Return whether each point belongs to a frame; shape (n_points,)."""
        mask: np.ndarray = self.frames == frame
        return mask


@dataclass(frozen=True, eq=False)
class Chosen:
    """The frames that were chosen.

    :param indices: in the order in which they were chosen; shape (n_chosen,).
    :param novelties: of each at the moment when it was chosen; shape (n_chosen,).
    :param initial: novelty of each candidate before the first choice; shape (n_frames,).
    """

    indices: np.ndarray
    novelties: np.ndarray
    initial: np.ndarray


def choose_farthest(
    candidates: Cloud,
    known: Cloud,
    n_frames: int,
    *,
    grades: Sequence[float] | np.ndarray | None = None,
    grade_weight: float = 0.0,
    least: float = 0.0,
) -> Chosen:
    """Choose frames one after the other: the one with the highest score, until enough are chosen or none is new.

    The score is g^w d^(1-w) with the grade g, the novelty d against all that is known or chosen by now, and the weight
    w. Of several the first is chosen. A frame that has no grade counts as the lowest one.

    :param candidates: frames to choose from.
    :param known: frames whose neighbourhoods are known; they may be none.
    :param n_frames: number of frames to choose at most.
    :param grades: of the candidates, not negative, NaN where unknown; shape (n_frames,).
    :param grade_weight: w, from 0 (novelty alone) to 1 (grades alone, among frames that are new).
    :param least: a frame of no higher novelty is known, and not chosen.
    """
    distances = nearest_distances(candidates, known.points, known.kinds)
    novelty = initial = _largest(distances, candidates)
    weights = _weights(grades, candidates.n_frames) ** grade_weight
    indices: list[int] = []
    novelties: list[float] = []
    left = np.ones(candidates.n_frames, dtype=bool)
    while len(indices) < n_frames and np.any(left & (novelty > least)):
        usable = left & (novelty > least)
        finite = np.where(np.isinf(novelty), _beyond(novelty), novelty)
        score = np.where(usable, weights * finite ** (1.0 - grade_weight), -np.inf)
        best = int(np.argmax(score))
        indices.append(best)
        novelties.append(float(novelty[best]))
        left[best] = False
        own = candidates.of(best)
        distances = np.minimum(distances, nearest_distances(candidates, candidates.points[own], candidates.kinds[own]))
        novelty = _largest(distances, candidates)
    return Chosen(np.array(indices, dtype=int), np.array(novelties), initial)


def nearest_distances(cloud: Cloud, points: np.ndarray, kinds: np.ndarray) -> np.ndarray:
    """Return the distance of each point of a cloud to the nearest of others of its kind; shape (n_points,).

    :param points: the others; shape (n_others, n_dimensions).
    :param kinds: of the others; shape (n_others,).
    :return: infinite where there is none of its kind.
    """
    found = np.full(len(cloud.points), np.inf)
    for kind in np.unique(cloud.kinds):
        rows, others = np.flatnonzero(cloud.kinds == kind), points[kinds == kind]
        if not len(others):
            continue
        squares = (others**2).sum(axis=1)
        for begin in range(0, len(rows), ROWS):
            part = rows[begin : begin + ROWS]
            mine = cloud.points[part]
            near = np.argmin(squares - 2.0 * mine @ others.T, axis=1)  # without what all of them have in common
            found[part] = np.linalg.norm(mine - others[near], axis=1)
    return found


def _largest(distances: np.ndarray, cloud: Cloud) -> np.ndarray:
    """Return the largest distance of a point of each frame; shape (n_frames,)."""
    novelty = np.zeros(cloud.n_frames)
    np.maximum.at(novelty, cloud.frames, distances)
    return novelty


def _beyond(novelty: np.ndarray) -> float:
    """Return a number above all finite ones, which stands in for infinity."""
    finite = novelty[np.isfinite(novelty)]
    return 10.0 * float(finite.max(initial=1.0))


def _weights(grades: Sequence[float] | np.ndarray | None, n_frames: int) -> np.ndarray:
    """Return the grades without gaps; ones where there are none at all."""
    if grades is None or not np.isfinite(grades).any():
        return np.ones(n_frames)
    values = np.asarray(grades, dtype=float)
    return np.where(np.isfinite(values), values, values[np.isfinite(values)].min())
