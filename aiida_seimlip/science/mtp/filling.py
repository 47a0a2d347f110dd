"""How many rows of an active set there is something for."""

from __future__ import annotations

import numpy as np

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

TOLERATED = 0.1
"""Share of the rows that may be unfilled, beside those that always are."""


def n_unfilled(potential: MomentTensorPotential) -> int:
    """Return the number of rows of the active set that no frame fills.

    :raises ValueError: if the potential has no active set.
    """
    if potential.active_set is None:
        raise ValueError('The potential has no active set.')
    return int(np.sum(potential.active_set.origins[:, 0] < 0))


def n_tolerated(potential: MomentTensorPotential) -> int:
    """Return the number of rows that may be unfilled without doing harm.

    Scaling a radial function up, and the coefficients of the moments down, changes nothing: such directions among the
    parameters have no equation in any frame, so that about as many rows stay unfilled however much there is to learn.

    :param potential: with or without an active set.
    """
    return potential.radial_funcs_count + 1 + int(TOLERATED * potential.n_parameters)


def count_neighbourhoods(frames: Frames) -> dict[int, int]:
    """Return the number of different neighbourhoods of each element that frames can hold, by atomic number.

    A cell of two atoms of one element is its own mirror image: its two neighbourhoods are the same to a potential.

    :param frames: no two of which are the same.
    """
    counts: dict[int, int] = {}
    for frame in range(len(frames)):
        numbers = frames.numbers[frames.ptr[frame] : frames.ptr[frame + 1]]
        if len(numbers) == 2 and numbers[0] == numbers[1]:
            numbers = numbers[:1]
        for number, count in zip(*np.unique(numbers, return_counts=True), strict=True):
            counts[int(number)] = counts.get(int(number), 0) + int(count)
    return counts


def most_rows(potential: MomentTensorPotential, counts: dict[int, int]) -> int:
    """Return an upper limit of the rows that neighbourhoods can fill.

    Those of one element share its radial coefficients and its shift of the energy, so that no more rows than these can
    tell them from those of others; the coefficients of the moments are common to all.

    :param potential: with or without an active set.
    :param counts: number of different neighbourhoods of each element.
    """
    n_own = potential.n_species * potential.radial_funcs_count * potential.radial_basis_size + 1
    apart = sum(min(count, n_own) for count in counts.values()) + potential.n_moments
    return min(sum(counts.values()), apart, potential.n_parameters)
