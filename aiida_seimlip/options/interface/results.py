"""What the properties of surfaces and interfaces are: the content of the output `properties`."""

from __future__ import annotations

from pydantic import Field

from aiida_seimlip.options.crystal.property import Ions
from aiida_seimlip.options.crystal.results import CrystalRecord, ModelRecord, PropertyComparison
from aiida_seimlip.options.records import Record


class SurfaceEnergyRecord(Record):
    """The surface energy of a termination: the mean of both faces of the slab."""

    energies_ev: list[float | None] = Field(description='Of each slab; none if it failed.')
    surface_energy_j_per_m2: float | None = Field(
        default=None, description='From the line through the energies of all slabs; none if there are not two.'
    )
    surface_energy_mev_per_angstrom2: float | None = Field(default=None, description='The same.')
    error_j_per_m2: float | None = Field(default=None, description='Standard error of the line; none with two slabs.')
    unit_energy_ev: float | None = Field(default=None, description='Of a formula unit of the crystal, by the line.')
    by_slab_j_per_m2: list[float | None] = Field(
        default_factory=list, description='From each slab and the energy of the crystal at its minimum.'
    )
    difference_j_per_m2: float | None = Field(
        default=None, description='Of the line from the value of the thickest slab.'
    )
    change_j_per_m2: float | None = Field(
        default=None, description='Of the value of the thickest slab from that of the one before.'
    )
    largest_force_ev_per_angstrom: float | None = Field(default=None, description='In any of the slabs.')
    broken_units: list[str] = Field(
        default_factory=list, description='Bonded units of the slabs that are not whole at the end, by their formula.'
    )
    grade: float | None = Field(default=None, description='The highest of all slabs; none of models that know none.')
    failure: str | None = Field(default=None, description='Why there is no value, or not of all slabs.')


class SurfaceEntry(Record):
    """A termination of a surface."""

    miller: list[int]
    termination: int = Field(description='Number of the pair of faces among those of this plane.')
    bottom: str = Field(description='Composition of the outermost plane below.')
    top: str = Field(description='Composition of the outermost plane above.')
    is_symmetric: bool = Field(description='Whether both faces are equal; if not, the energy is the mean of two.')
    is_polar: bool | None = Field(description='Whether the dipole moment grows with the thickness; none if unknown.')
    cuts_bonds: bool = Field(description='Whether the crystal is a network whose bonds are cut.')
    area_angstrom2: float = Field(description='Of one face of the slabs.')
    thicknesses_angstrom: list[float] = Field(description='Of the slabs, each cut in the middle between two planes.')
    n_formula_units: list[int] = Field(description='Of the slabs.')
    energies: dict[Ions, SurfaceEnergyRecord] = Field(default_factory=dict, description='By what the atoms do.')


class SurfaceRecord(ModelRecord):
    """The surfaces of a crystal by a model."""

    cellpar: list[float] | None = Field(
        default=None, description='a, b, c in Å and α, β, γ in degrees of the cell that Miller indices refer to.'
    )
    surfaces: list[SurfaceEntry] = Field(default_factory=list)


class SurfaceDeviation(Record):
    """How far a surface energy is from that of the reference."""

    miller: list[int]
    termination: int
    ions: Ions
    difference_j_per_m2: float
    difference_percent: float


class SurfaceCrystal(CrystalRecord):
    """A crystal."""

    models: dict[str, SurfaceRecord] = Field(default_factory=dict, description='By the name of the model.')
    deviations: dict[str, list[SurfaceDeviation]] = Field(
        default_factory=dict, description='Of each model from the reference, of the surfaces that both have.'
    )


class SurfaceComparison(PropertyComparison):
    """The surface energies of crystals by several models."""

    crystals: list[SurfaceCrystal] = Field(default_factory=list)
