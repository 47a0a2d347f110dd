"""Hops of ions from site to site, told apart from their vibrations."""

from __future__ import annotations

import numpy as np

LEAST_BLOCK = 5
"""Positions are averaged over at least this number of frames, where there are enough."""

LEAST_BLOCKS = 50
"""Averages are over fewer frames where there were fewer blocks than this."""


def block_length(n_frames: int, interval: float, smoothing: float) -> int:
    """Return over how many frames positions are averaged so that vibrations fade.

    :param n_frames: number of frames.
    :param interval: time between frames in ps.
    :param smoothing: time in ps to average over at least.
    """
    wanted = max(LEAST_BLOCK, round(smoothing / interval))
    return max(1, min(wanted, n_frames // LEAST_BLOCKS))


def block_means(positions: np.ndarray, length: int) -> np.ndarray:
    """Average positions over blocks of frames that follow one another; frames left over at the end are dropped.

    :param positions: in Å; shape (n_frames, n_ions, 3).
    :param length: frames in a block.
    :return: in Å; shape (n_frames // length, n_ions, 3).
    """
    n_blocks = len(positions) // length
    blocks = positions[: n_blocks * length].reshape(n_blocks, length, *positions.shape[1:])
    return blocks.mean(axis=1, dtype=float)


def count_hops(smoothed: np.ndarray, distance: float) -> np.ndarray:
    """Count the hops of each ion.

    An ion rests where it is first seen. It has hopped when its smoothed position is further than `distance` from where
    it rests; from then on it rests there.

    :param smoothed: positions averaged over vibrations, in Å; shape (n_blocks, n_ions, 3).
    :param distance: in Å; between half and the whole of the distance of neighbouring sites, so that a block in which an
        ion is under way does not count twice.
    :return: number of hops of each ion; shape (n_ions,).
    """
    rests = smoothed[0].copy()
    counts = np.zeros(smoothed.shape[1], dtype=int)
    for positions in smoothed[1:]:
        hopped = np.sum((positions - rests) ** 2, axis=1) > distance**2
        rests[hopped] = positions[hopped]
        counts += hopped
    return counts
