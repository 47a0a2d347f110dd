"""What the properties of crystals find: the content of the output `properties`.

Numbers have their units in their names, or in the description where they have none.
"""

from __future__ import annotations

from pydantic import Field

from aiida_seimlip.options.crystal.defect import Kind
from aiida_seimlip.options.crystal.equation_of_state import Form
from aiida_seimlip.options.crystal.property import Ions
from aiida_seimlip.options.expected import ExpectedForceError
from aiida_seimlip.options.records import Record


class ModelRecord(Record):
    """What one model makes of one crystal; a subclass adds the property, with units in the names."""

    failure: str | None = Field(default=None, description='Why there is no value, or not all of them.')
    energy_per_atom_ev: float | None = Field(default=None, description='At the minimum; none if it failed.')
    volume_per_atom_angstrom3: float | None = Field(default=None, description='At the minimum.')
    highest_grade: float | None = Field(
        default=None, description='Extrapolation grade on the frames used; none of models that know none.'
    )
    expected_force_error: ExpectedForceError | None = Field(
        default=None, description='At the highest grade; none where no grade is known.'
    )
    doubts: list[str] = Field(default_factory=list, description='What to distrust, in sentences.')


class CrystalRecord(Record):
    """A crystal; a subclass adds what the ``models`` make of it."""

    name: str
    formula: str
    space_group: int | None = Field(default=None, description='Number, of the geometry given; none if unknown.')


class PropertyComparison(Record):
    """A property of several crystals by several models; a subclass names its ``crystals``."""

    reference: str | None = Field(default=None, description='Name of the model that the others are compared with.')
    methods: dict[str, str] = Field(default_factory=dict, description='Who is behind the name of a model.')
    problems: dict[str, str] = Field(default_factory=dict, description='Models that did not run, and why.')


class LatticeRecord(ModelRecord):
    """A crystal at the minimum of a model."""

    cellpar: list[float] | None = Field(
        default=None,
        description='a, b, c in Å and α, β, γ in degrees of the conventional cell, of other crystals than those of the '
        'package of the cell given; none if it failed.',
    )
    energy_per_formula_ev: float | None = Field(default=None, description='Of a formula unit.')
    n_steps: int | None = Field(default=None, description='Steps of the relaxation.')
    is_converged: bool = Field(default=False, description='Whether the forces fell below the limit.')
    space_group: int | None = Field(default=None, description='Number of the space group at the end; none if unknown.')
    keeps_symmetry: bool | None = Field(default=None, description='Whether it is that of the phase still.')


class LatticeDeviation(Record):
    """How far a lattice is from another one."""

    a: float = Field(description='In %, as b, c and the volume; positive where it is longer.')
    b: float
    c: float
    beta: float = Field(description='In degrees.')
    volume: float

    @property
    def largest_axis(self) -> float:
        """Largest deviation of a length in %, without its sign."""
        return max(abs(self.a), abs(self.b), abs(self.c))


class LatticeCrystal(CrystalRecord):
    """A crystal."""

    source: str = Field(default='', description='Of the structure, if it is one of the package.')
    learned_by: dict[str, bool] = Field(
        default_factory=dict,
        description='Whether a model has seen it in its training, as far as that is known.',
    )
    experiment: list[float] | None = Field(default=None, description='As `cellpar` of a model.')
    models: dict[str, LatticeRecord] = Field(default_factory=dict, description='By the name of the model.')
    deviations: dict[str, dict[str, LatticeDeviation]] = Field(
        default_factory=dict,
        description='Of each model, by what it is compared with: the reference, `experiment`.',
    )


class LatticeComparison(PropertyComparison):
    """The lattices of crystals at the minima of several models."""

    crystals: list[LatticeCrystal] = Field(default_factory=list)


class FitRecord(Record):
    """An equation of state, with standard errors; none where they are not known."""

    volume_per_atom_angstrom3: float
    volume_per_atom_error_angstrom3: float | None = None
    energy_per_atom_ev: float
    bulk_modulus_gpa: float
    bulk_modulus_error_gpa: float | None = None
    derivative: float = Field(description='Of the bulk modulus with respect to the pressure.')
    derivative_error: float | None = None
    residual_mev_per_atom: float = Field(description='Root of the mean squared deviation of the energies.')


class EquationOfStateRecord(ModelRecord):
    """The equation of state of a crystal by a model."""

    volumes_per_atom_angstrom3: list[float] = Field(default_factory=list)
    energies_per_atom_ev: list[float] = Field(default_factory=list)
    fits: dict[Form, FitRecord] = Field(default_factory=dict, description='By their form.')


class EquationOfStateDeviation(Record):
    """How far a model is from the reference."""

    volume_percent: float
    bulk_modulus_percent: float


class EquationOfStateCrystal(CrystalRecord):
    """A crystal."""

    models: dict[str, EquationOfStateRecord] = Field(default_factory=dict, description='By the name of the model.')
    deviations: dict[str, dict[Form, EquationOfStateDeviation]] = Field(
        default_factory=dict, description='Of each model from the reference.'
    )


class EquationOfStateComparison(PropertyComparison):
    """The equations of state of crystals by several models."""

    crystals: list[EquationOfStateCrystal] = Field(default_factory=list)


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
    sum_rule_violation_ev_per_angstrom2: float | None = Field(
        default=None, description='Of the force constants before symmetrisation, in eV/Å².'
    )
    residual_force_ev_per_angstrom: float | None = Field(
        default=None, description='Largest force in the supercell without displacements in eV/Å; it is subtracted.'
    )
    supercell_energy_difference_ev_per_atom: float | None = Field(
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


class DefectEntry(Record):
    """A point defect in a supercell."""

    kind: Kind
    site: int = Field(description='Number of the distinct site; of a Frenkel pair, that which the atom leaves.')
    multiplicity: int = Field(description='Number of equivalent sites in the cell of the crystal.')
    n_atoms: int = Field(description='Of the perfect supercell.')
    formation_energy_ev: float | None = Field(default=None, description='None if it failed.')
    largest_force_ev_per_angstrom: float | None = Field(default=None, description='At the end of the relaxation.')
    grade: float | None = Field(default=None, description='At the end; none of models that know no grades.')
    failure: str | None = None


class DefectRecord(ModelRecord):
    """The point defects of a crystal by a model."""

    chemical_potential_ev: float | None = Field(default=None, description='None if it is not known or not needed.')
    defects: list[DefectEntry] = Field(default_factory=list)


class DefectDeviation(Record):
    """How far a formation energy is from that of the reference."""

    kind: Kind
    site: int
    n_atoms: int
    difference_ev: float


class DefectCrystal(CrystalRecord):
    """A crystal."""

    models: dict[str, DefectRecord] = Field(default_factory=dict, description='By the name of the model.')
    deviations: dict[str, list[DefectDeviation]] = Field(
        default_factory=dict, description='Of each model from the reference, of the defects that both have.'
    )


class DefectComparison(PropertyComparison):
    """The formation energies of neutral point defects by several models."""

    symbol: str = Field(description='Element that is missing, or too many.')
    crystals: list[DefectCrystal] = Field(default_factory=list)
