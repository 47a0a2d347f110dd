"""Find frames again that a program has read and written with fewer digits, left out in part, or reordered."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from aiida_seimlip.science.frames import Frames

TOLERANCE = 2e-5
"""Largest difference of a coordinate in Å: some times what is lost where a program writes 5 or 6 decimals."""


def match_frames(found: Frames, among: Frames, tolerance: float = TOLERANCE) -> np.ndarray:
    """Find for each frame the one it is a copy of.

    A copy has the same elements and positions, atom by atom, and the same cell vectors where it is periodic. Where
    there are several equal frames to choose from, each is taken once, in order, before one is taken again.

    :param found: the copies, in any order.
    :param among: the originals.
    :param tolerance: largest difference of a coordinate or of a component of a cell vector, in Å.
    :return: the index among the originals of each copy, -1 where there is none; shape (n_found,).
    """
    result = np.full(len(found), -1)
    if not len(found) or not len(among):
        return result
    tree = cKDTree(_fingerprints(among))
    nearby = tree.query_ball_point(_fingerprints(found), r=2.0 * tolerance)
    times_taken = np.zeros(len(among), dtype=int)
    for index, candidates in enumerate(nearby):
        equal = [candidate for candidate in sorted(candidates) if _equal(found, index, among, candidate, tolerance)]
        if equal:
            result[index] = min(equal, key=times_taken.__getitem__)
            times_taken[result[index]] += 1
    return result


def _fingerprints(frames: Frames) -> np.ndarray:
    """Return a mean position of the atoms of each frame, each atom with a weight of its own; shape (n_frames, 3).

    The weights lie between 0 and 1 and average over the atoms, so that a frame whose coordinates differ by less than a
    tolerance has a fingerprint within that tolerance times √3.
    """
    order = np.arange(frames.numbers.size) - np.repeat(frames.ptr[:-1], frames.sizes)
    weights = np.modf((order + 1) * 0.6180339887498949)[0]
    return np.add.reduceat(weights[:, None] * frames.positions, frames.ptr[:-1], axis=0) / frames.sizes[:, None]


def _equal(one: Frames, i: int, two: Frames, j: int, tolerance: float) -> bool:
    """Check whether frame `i` of one set is frame `j` of another."""
    a, b = slice(one.ptr[i], one.ptr[i + 1]), slice(two.ptr[j], two.ptr[j + 1])
    return bool(
        np.array_equal(one.numbers[a], two.numbers[b])
        and np.array_equal(one.pbc[i], two.pbc[j])
        and np.allclose(one.positions[a], two.positions[b], rtol=0.0, atol=tolerance)
        and np.allclose(one.cells[i][one.pbc[i]], two.cells[j][two.pbc[j]], rtol=0.0, atol=tolerance)
    )
