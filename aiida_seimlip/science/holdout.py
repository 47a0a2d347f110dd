"""Which frames are held out for validation."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

SCALE = 2.0**64


def held_out(hashes: Sequence[str], fraction: float, seed: int) -> np.ndarray:
    """Choose the frames that are held out: each by itself, whatever others there are.

    So a frame stays on its side when a set grows, and a model that goes on from an earlier one has not learned from
    what it is validated by; equal frames are on the same side. The number of frames held out scatters about the
    fraction as that of a binomial distribution. From a set of two frames or more, one is held out at least, and one is
    left.

    :param hashes: content hash of each frame.
    :param fraction: part that is held out on average.
    :param seed: another one holds out other frames.
    :return: whether each frame is held out; shape (n_frames,).
    """
    digests = [hashlib.sha256(f'{seed} {value}'.encode()).digest()[:8] for value in hashes]
    ranks = np.array([int.from_bytes(digest, 'big') for digest in digests], dtype=float) / SCALE
    chosen = ranks < fraction
    if chosen.size and not chosen.any():
        chosen = ranks == ranks.min()
    if chosen.size > 1 and chosen.all():
        chosen = ranks != ranks.max()
    return chosen
