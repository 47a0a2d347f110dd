"""Matrices laid out for products with six rows at a time: in panels of as many columns as registers hold for these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from aiida_seimlip.science.mtp.kernel.lanes import WIDE, workspace


class Panels(NamedTuple):
    """Matrices, one after the other.

    :param data: numbers of all of them.
    :param starts: where the numbers of each begin; int64.
    :param depths: number of rows of each; int64.
    :param counts: number of panels of each; int64.
    """

    data: np.ndarray
    starts: np.ndarray
    depths: np.ndarray
    counts: np.ndarray


def make_panels(matrices: Sequence[np.ndarray]) -> Panels:
    """Lay out matrices, columns of zeros filling the last panel of each."""
    depths = np.array([len(matrix) for matrix in matrices], dtype=np.int64)
    counts = np.array([-(-matrix.shape[1] // WIDE) for matrix in matrices], dtype=np.int64)
    sizes = depths * counts * WIDE
    starts = np.cumsum(sizes) - sizes
    data = workspace.py_func(int(sizes.sum()))
    for matrix, start, size, count in zip(matrices, starts, sizes, counts, strict=True):
        padded = np.zeros((len(matrix), count * WIDE))
        padded[:, : matrix.shape[1]] = matrix
        data[start : start + size] = padded.reshape(len(matrix), count, WIDE).swapaxes(0, 1).ravel()
    return Panels(data, starts, depths, counts)
