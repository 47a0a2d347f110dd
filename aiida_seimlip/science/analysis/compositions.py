"""What the compositions of frames can tell of the energies of single atoms.

The energies of frames fix one number for each independent composition. Where there are fewer of these than elements,
some elements are tied to each other: constants can be shifted between them without any frame noticing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.frames import Frames

TOLERANCE = 1e-9
"""Elements of a null space that are smaller than this are zero."""


@dataclass(frozen=True)
class Tied:
    """How far compositions tell elements apart.

    :param n_independent: number of independent compositions.
    :param tied: groups of elements that are known together only; empty if there are as many compositions as elements.
    """

    n_independent: int
    tied: tuple[tuple[str, ...], ...]


def count_elements(frames: Frames, species: Sequence[str]) -> np.ndarray:
    """Count the atoms of each element in each frame; shape (n_frames, n_species).

    :param frames: configurations of these elements.
    :param species: chemical symbols.
    """
    counts = np.zeros((len(frames), len(species)), dtype=int)
    np.add.at(counts, (frames.frame_of_atom, frames.types(species)), 1)
    return counts


def find_tied(frames: Frames, species: Sequence[str]) -> Tied:
    """Find the elements whose energies the compositions of frames do not tell apart.

    Two elements belong to one group if a shift that no composition notices concerns both.

    :param frames: configurations of these elements.
    :param species: chemical symbols.
    """
    counts = np.unique(count_elements(frames, species), axis=0).astype(float)
    ratios = counts / counts.sum(axis=1, keepdims=True)
    _, values, vectors = np.linalg.svd(ratios, full_matrices=True)
    n_independent = int((values > TOLERANCE).sum())
    projector = vectors[n_independent:].T @ vectors[n_independent:]
    touched = np.abs(projector) > TOLERANCE
    groups: list[tuple[str, ...]] = []
    left = [index for index in range(len(species)) if touched[index, index]]
    while left:
        group, pending = [left[0]], [left[0]]
        while pending:
            one = pending.pop()
            new = [other for other in left if other not in group and touched[one, other]]
            group += new
            pending += new
        groups.append(tuple(species[index] for index in sorted(group)))
        left = [index for index in left if index not in group]
    return Tied(n_independent, tuple(groups))
