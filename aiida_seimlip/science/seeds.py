"""Seeds derived from one seed, so that nothing random is hidden and no two runs share their random numbers."""

from __future__ import annotations

import numpy as np

LARGEST_SEED = 900_000_000
"""LAMMPS' Marsaglia generator takes seeds from 1 to 900 million."""


def derive_seed(seed: int, *path: int) -> int:
    """Derive a seed for one purpose: the same on every platform, and independent for different paths.

    :param seed: the seed of everything, from 0.
    :param path: what the seed is for, such as iteration, start and condition; each from 0.
    :return: from 1 to `LARGEST_SEED`.
    :raises ValueError: if a number is negative.
    """
    state = np.random.SeedSequence(seed, spawn_key=path).generate_state(1, dtype=np.uint64)[0]
    return 1 + int(state % np.uint64(LARGEST_SEED))
