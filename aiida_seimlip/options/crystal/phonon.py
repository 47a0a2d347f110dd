"""Options of `PhononWorkChain`."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from ase import Atoms
from pydantic import Field, field_validator

from aiida_seimlip.options.crystal.property import PropertyOptions
from aiida_seimlip.science.analysis.phonons import Displacements, displaced


class PhononOptions(PropertyOptions):
    """How atoms are displaced, and what is computed from the force constants."""

    min_lengths: list[float] = Field(
        default=[10.0], min_length=1,
        description='Opposite faces of the supercell are at least so far apart, in Å. The last one counts; the others '
        'show how the frequencies converge.',
    )  # fmt: skip
    distance: float = Field(default=0.01, gt=0, le=0.2, description='Length of each displacement in Å.')
    mesh: float = Field(
        default=60.0, gt=0, description='Of q points, as the length of a crystal in Å whose modes at Γ they would be.'
    )
    path_points: int = Field(default=51, ge=2, description='On the longest line of the path through the zone.')
    temperatures: list[float] = Field(
        default=[0.0, 100.0, 200.0, 300.0, 400.0, 600.0, 800.0, 1000.0], description='In K, of thermal properties.'
    )
    tolerance: float = Field(
        default=0.1, ge=0, description='A mode counts as imaginary below minus this frequency in THz.'
    )
    symprec: float = Field(
        default=0.01, gt=0, description='Atoms as near in Å to where symmetry demands them count as being there.'
    )

    @field_validator('min_lengths')
    @classmethod
    def _lengths_grow(cls, value: list[float]) -> list[float]:
        if value[0] <= 0 or any(second <= first for first, second in pairwise(value)):
            raise ValueError('lengths are positive, and each is longer than the one before')
        return value

    @field_validator('temperatures')
    @classmethod
    def _are_not_negative(cls, value: list[float]) -> list[float]:
        if min(value, default=0.0) < 0:
            raise ValueError('temperatures are in K, which are not negative')
        return value

    def displacements(self, atoms: Atoms) -> list[Displacements]:
        """Return the displacements in each supercell of a crystal, the smallest first; equal ones count once.

        :param atoms: the crystal.
        """
        matrices: list[np.ndarray] = []
        for length in self.min_lengths:
            matrix = self.supercell_of(atoms, length)
            if not any(np.array_equal(matrix, other) for other in matrices):
                matrices.append(matrix)
        return [displaced(atoms, matrix, self.distance, symprec=self.symprec) for matrix in matrices]

    @property
    def supercell_lengths(self) -> list[float]:
        """Smallest distances of opposite faces of the supercells, in Å."""
        return self.min_lengths

    def sizes_of_frames(self, atoms: Atoms) -> list[int]:
        """Return the number of atoms of each supercell of a crystal, those without displacements included."""
        return [len(cells.supercell) for cells in self.displacements(atoms) for _ in range(len(cells) + 1)]
