"""Options of `PhononWorkChain`, and what it finds."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from ase import Atoms
from pydantic import Field, field_validator

from aiida_seimlip.options.crystal.comparison import CrystalRecord, ModelRecord, PropertyComparison
from aiida_seimlip.options.crystal.property import PropertyOptions
from aiida_seimlip.options.records import Record
from aiida_seimlip.science.analysis.phonons import Displacements, displaced, smallest_supercell


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
            matrix = smallest_supercell(atoms, length)
            if not any(np.array_equal(matrix, other) for other in matrices):
                matrices.append(matrix)
        return [displaced(atoms, matrix, self.distance, symprec=self.symprec) for matrix in matrices]

    def sizes_of_frames(self, atoms: Atoms) -> list[int]:
        """Return the number of atoms of each supercell of a crystal, those without displacements included."""
        return [len(cells.supercell) for cells in self.displacements(atoms) for _ in range(len(cells) + 1)]


class ImaginaryRecord(Record):
    """A point of the Brillouin zone at which the crystal is unstable."""

    q_point: list[float] = Field(description='In fractional coordinates of the primitive cell.')
    label: str | None = Field(default=None, description='Of the point of high symmetry that it is; none if it is none.')
    n_branches: int
    lowest_frequency_thz: float = Field(description='Negative.')


class ConvergenceRecord(Record):
    """How far a smaller supercell is from the largest."""

    n_atoms: int = Field(description='Of the smaller supercell.')
    rms_thz: float = Field(description='Root mean square difference of the frequencies from those of the largest.')


class ThermalRecord(Record):
    """Thermodynamics of the real modes, at constant volume."""

    temperatures_k: list[float]
    free_energies_ev_per_atom: list[float] = Field(description='Of the vibrations, with their energy at 0 K.')
    entropies_ev_per_k_per_atom: list[float]
    heat_capacities_ev_per_k_per_atom: list[float]
    zero_point_energy_ev_per_atom: float
    imaginary_share: float = Field(description='Of all modes: those that are left out.')


class PhononRecord(ModelRecord):
    """The phonons of a crystal by a model."""

    supercell: list[list[int]] | None = Field(default=None, description='Its vectors in those of the crystal, in rows.')
    n_atoms: int | None = Field(default=None, description='Of the supercell.')
    n_displacements: int | None = None
    lowest_frequency_thz: float | None = Field(default=None, description='On the mesh; imaginary ones are negative.')
    highest_frequency_thz: float | None = None
    imaginary: list[ImaginaryRecord] = Field(
        default_factory=list, description='Points of the mesh and the path with imaginary modes, the worst first.'
    )
    n_imaginary_points: int = Field(default=0, description='How many there are; `imaginary` names some of them.')
    sum_rule_violation: float | None = Field(
        default=None, description='Of the force constants before symmetrisation, in eV/Å².'
    )
    residual_force: float | None = Field(
        default=None, description='Largest force in the supercell without displacements in eV/Å; it is subtracted.'
    )
    supercell_energy_difference: float | None = Field(
        default=None,
        description='Energy of an atom of the supercell less that of the crystal in eV; 0 of size-consistent models.',
    )
    convergence: list[ConvergenceRecord] = Field(default_factory=list)
    thermal: ThermalRecord | None = None


class PhononDeviation(Record):
    """How far a model is from the reference."""

    rms_thz: float | None = Field(
        default=None,
        description='Root mean square difference of the frequencies on a mesh; none where primitive cells differ.',
    )
    highest_frequency_percent: float
    zero_point_energy_percent: float


class PhononCrystal(CrystalRecord):
    """A crystal."""

    models: dict[str, PhononRecord] = Field(default_factory=dict, description='By the name of the model.')
    deviations: dict[str, PhononDeviation] = Field(
        default_factory=dict, description='Of each model from the reference.'
    )
    ticks: list[tuple[float, str]] = Field(
        default_factory=list, description='Distances and labels of the points of high symmetry, of the first model.'
    )


class PhononComparison(PropertyComparison):
    """The phonons of crystals by several models."""

    crystals: list[PhononCrystal] = Field(default_factory=list)
