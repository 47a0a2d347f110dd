"""Options of `ElasticWorkChain`, and what it finds."""

from __future__ import annotations

from typing import Self

from ase import Atoms
from pydantic import Field, model_validator

from aiida_seimlip.options.crystal.comparison import CrystalRecord, ModelRecord, PropertyComparison
from aiida_seimlip.options.crystal.property import Ions, PropertyOptions
from aiida_seimlip.options.records import Record
from aiida_seimlip.science.analysis.elasticity import strain_states


class ElasticOptions(PropertyOptions):
    """How crystals are strained, and what their ions do."""

    magnitudes: list[float] = Field(
        default=[0.005, 0.01], min_length=1,
        description='Sizes of the strain of each component, taken with both signs; engineering shears. Two or more let '
        'the fit tell curvature from noise.',
    )  # fmt: skip
    ions: list[Ions] = Field(
        default=['clamped', 'relaxed'], min_length=1, description='What the atoms do in the strained cells.'
    )
    symmetrise: bool = Field(default=True, description='Average the tensor over the point group of the crystal.')
    symprec: float = Field(
        default=0.05, gt=0, description='Atoms as near in Å to where symmetry demands them count as being there.'
    )

    @property
    def ions_of_frames(self) -> list[Ions]:
        """What becomes of the atoms in the frames."""
        return self.ions

    def sizes_of_frames(self, atoms: Atoms) -> list[int]:
        """Return the number of atoms of each strained cell of a crystal."""
        return [len(atoms)] * len(strain_states(self.magnitudes))

    @model_validator(mode='after')
    def _magnitudes_are_small_and_distinct(self) -> Self:
        if any(not 0.0 < size <= 0.1 for size in self.magnitudes) or len(set(self.magnitudes)) < len(self.magnitudes):
            raise ValueError('`magnitudes` are different numbers above 0, of 0.1 at most')
        if len(set(self.ions)) < len(self.ions):
            raise ValueError('`ions` names the same twice')
        return self


class ModuliRecord(Record):
    """Means over all orientations of the grains of a polycrystal, or their standard errors."""

    bulk_voigt_gpa: float
    bulk_reuss_gpa: float
    bulk_hill_gpa: float
    shear_voigt_gpa: float
    shear_reuss_gpa: float
    shear_hill_gpa: float
    young_gpa: float
    poisson: float
    anisotropy: float = Field(description='Universal index; 0 of an isotropic crystal.')


class StiffnessRecord(Record):
    """The stiffness tensor, in Voigt order xx, yy, zz, yz, xz, xy, in the axes of the crystal as it was given."""

    matrix_gpa: list[list[float]]
    errors_gpa: list[list[float | None]] = Field(description='Standard errors; none where they are not known.')
    residual_gpa: float | None = Field(description='Root mean square of what the fit leaves of the stresses.')
    asymmetry_gpa: float = Field(description='Largest difference of C_ij and C_ji before the mean was taken.')
    symmetry_violation_gpa: float | None = Field(
        default=None, description='Largest change by the average over the point group; none if there was none.'
    )
    stress_gpa: list[float] = Field(description='Of the unstrained cell.')
    eigenvalues_gpa: list[float]
    is_stable: bool = Field(description='Whether all eigenvalues are positive (Born).')
    moduli: ModuliRecord | None = Field(default=None, description='None of a crystal that is not stable.')
    moduli_errors: ModuliRecord | None = Field(default=None, description='None where errors are not known.')


class ElasticRecord(ModelRecord):
    """The elasticity of a crystal by a model."""

    stiffness: dict[Ions, StiffnessRecord] = Field(default_factory=dict, description='By what the ions do.')


class ElasticDeviation(Record):
    """How far a model is from the reference."""

    bulk_hill_percent: float | None = Field(default=None, description='None where a crystal is not stable.')
    shear_hill_percent: float | None = Field(default=None, description='None where a crystal is not stable.')
    rms_gpa: float = Field(description='Root mean square difference of all 36 elements of the matrix.')


class ElasticCrystal(CrystalRecord):
    """A crystal."""

    models: dict[str, ElasticRecord] = Field(default_factory=dict, description='By the name of the model.')
    deviations: dict[str, dict[Ions, ElasticDeviation]] = Field(
        default_factory=dict, description='Of each model from the reference.'
    )


class ElasticComparison(PropertyComparison):
    """The elasticity of crystals by several models."""

    crystals: list[ElasticCrystal] = Field(default_factory=list)
