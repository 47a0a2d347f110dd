"""Which frames of a run are worth keeping: those that are physically sane, and not more than can be used."""

from __future__ import annotations

import numpy as np

from aiida_seimlip.science.frames import Frames

SMALLEST_VOLUME = 2.0
"""Smallest volume per atom in Å³; diamond under the pressure of the Earth's core has 3."""

FARTHEST = 1e5
"""Largest coordinate in Å; beyond, an atom has been shot away."""


def is_sane(frames: Frames, shortest_distance: float) -> np.ndarray:
    """Return whether each frame is a configuration that a reference program can make sense of; shape (n_frames,).

    :param frames: periodic or not.
    :param shortest_distance: two atoms must not be nearer than this, in Å.
    """
    if not len(frames):
        return np.zeros(0, dtype=bool)
    farthest = np.maximum.reduceat(np.abs(frames.positions).max(axis=1), frames.ptr[:-1])
    sane = farthest < FARTHEST
    sane &= ~frames.pbc.all(axis=1) | (frames.volumes > SMALLEST_VOLUME * frames.sizes)
    if shortest_distance > 0:
        sane[sane] &= np.isinf(frames[sane].shortest_distances(shortest_distance))
    return sane


def is_whole(frames: Frames, numbers: np.ndarray) -> np.ndarray:
    """Return whether each frame holds all atoms, of which a run that crashes loses some; shape (n_frames,).

    :param frames: in any order of their atoms.
    :param numbers: atomic numbers of the start; shape (n_atoms,).
    """
    expected = np.sort(numbers)
    parts = np.split(frames.numbers, frames.ptr[1:-1]) if len(frames) else []
    return np.array([np.array_equal(np.sort(part), expected) for part in parts], dtype=bool)


def thin(grades: np.ndarray, limit: int, keep: tuple[int, ...] = ()) -> np.ndarray:
    """Choose some frames evenly in the order of their grades, the highest among them.

    :param grades: extrapolation grades; unknown ones (NaN) count as the lowest. Shape (n_frames,).
    :param limit: number of frames to choose, at most.
    :param keep: indices of frames to choose in any case.
    :return: indices of the chosen frames in ascending order; shape (min(limit, n_frames),).
    """
    n_frames = len(grades)
    if n_frames <= limit:
        return np.arange(n_frames)
    first = sorted({index % n_frames for index in keep})[:limit]
    order = np.argsort(np.nan_to_num(grades, nan=-np.inf), kind='stable')[::-1]
    rest = order[~np.isin(order, first)]
    count = limit - len(first)
    places = np.rint(np.linspace(0, len(rest) - 1, count)).astype(int) if count > 1 else np.arange(count)
    return np.sort(np.concatenate([np.array(first, dtype=int), rest[places]]))
