"""Neighbourhoods of atoms as points in a space, by the basis of a moment tensor potential that was never trained.

The descriptor of a neighbourhood holds the derivatives of its energy by all parameters of a moment tensor potential
with made-up coefficients (`choice.made_up`): those by the linear coefficients are the scalar contractions of moments
themselves (A. V. Shapeev, Multiscale Model. Simul. 14, 1153 (2016)), those by the radial coefficients tell apart which
elements are how far. They do not change when the crystal is turned, mirrored or numbered differently, they are smooth,
and they need nothing but this package. In the same space MaxVol chooses the frames of a bootstrap.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.farthest_points import Cloud
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.choice import made_up
from aiida_seimlip.science.mtp.evaluate import chunks, local_basis
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

ATOMS_PER_CHUNK = 4096

NEGLIGIBLE = 1e-6
"""A component that varies by less than this part of its size does not vary."""


@dataclass(frozen=True, eq=False)
class DescriptorSpace:
    """A space in which distances are in standard deviations of a set of neighbourhoods, for each element.

    :param potential: with made-up coefficients.
    :param factors: for each atomic number what each component is multiplied by, 0 for those that do not vary; shape
        (n_parameters,).
    """

    potential: MomentTensorPotential
    factors: dict[int, np.ndarray]

    @classmethod
    def build(cls, untrained: MomentTensorPotential, known: Frames, others: Frames, seed: int) -> DescriptorSpace:
        """Make a space for some frames.

        Each component is divided by its standard deviation over the known neighbourhoods of an element, or over all
        where it does not vary among these, and by the root of the number of components that vary at all: a distance is
        the root of the mean of their squares.

        :param untrained: a moment tensor potential, whose sizes and cut-off are used.
        :param known: frames that give the scale; they may be none.
        :param others: further frames that are going to be looked at.
        :param seed: of the coefficients that are made up.
        """
        everything = Frames.concatenate([known, others])
        potential = made_up(untrained, everything, seed)
        rows, n_known = _describe(potential, everything), int(known.sizes.sum())
        factors = {}
        for number in np.unique(everything.numbers):
            own = everything.numbers == number
            factors[int(number)] = _find_factors(rows[own], rows[:n_known][own[:n_known]])
        return cls(potential, factors)

    def place(self, frames: Frames) -> Cloud:
        """Return the neighbourhoods of frames as points.

        :param frames: of the elements that the space was made for.
        """
        rows = _describe(self.potential, frames)
        width = max((np.count_nonzero(factors) for factors in self.factors.values()), default=0)
        points = np.zeros((len(rows), width))
        for number in np.unique(frames.numbers):
            own, factors = frames.numbers == number, self.factors[int(number)]
            columns = np.flatnonzero(factors)
            points[own, : len(columns)] = rows[np.ix_(own, columns)] * factors[columns]
        return Cloud(points, frames.numbers, np.repeat(np.arange(len(frames)), frames.sizes), len(frames))


def _describe(potential: MomentTensorPotential, frames: Frames) -> np.ndarray:
    """Return the derivatives of all site energies by all parameters; shape (n_atoms, n_parameters)."""
    parts = [local_basis(potential, frames[chunk]) for chunk in chunks(frames, ATOMS_PER_CHUNK)]
    return np.concatenate(parts) if parts else np.zeros((0, potential.n_parameters))


def _find_factors(rows: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return what the components of the descriptors of one element are multiplied by; shape (n_parameters,).

    :param rows: descriptors of all neighbourhoods; shape (n_atoms, n_parameters).
    :param known: those that give the scale, none or more of them.
    """
    size = np.sqrt((rows**2).mean(axis=0))
    narrow = known.std(axis=0) if len(known) else np.zeros_like(size)
    scale = np.where(narrow > NEGLIGIBLE * size, narrow, rows.std(axis=0))
    varies = scale > NEGLIGIBLE * size
    factors = np.zeros_like(scale)
    factors[varies] = 1.0 / (scale[varies] * np.sqrt(np.count_nonzero(varies)))
    return factors
