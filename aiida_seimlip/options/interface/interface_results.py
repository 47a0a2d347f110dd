"""What `InterfaceWorkChain` finds: the content of its outputs `properties`, `plan` and `dynamics`."""

from __future__ import annotations

from pydantic import Field

from aiida_seimlip.options.crystal.results import ModelRecord, PropertyComparison
from aiida_seimlip.options.records import Record
from aiida_seimlip.science.analysis.order import Lattice
from aiida_seimlip.science.structures.interfaces import Side


class ShiftRecord(Record):
    """The best interface of rigid layers at a shift."""

    shift_angstrom: list[float] = Field(description='Of the upper layer along x and y.')
    gap_angstrom: float = Field(description='Difference in height of the outermost atoms, at the lowest energy.')
    adhesion_j_per_m2: float = Field(
        description='Energy of the widest gap at which anything was evaluated less that of this one; no work of '
        'adhesion, as nothing has relaxed.'
    )
    is_at_edge: bool = Field(description='Whether it is the narrowest or widest of several gaps.')


class ScanRecord(Record):
    """The scan of registry and gap of one interface with rigid layers."""

    side: Side = Field(description='`lower`: the film on the substrate; `upper`: the substrate on the film.')
    n_points: int = Field(description='Shifts times gaps.')
    n_too_near: int = Field(description='Of them not evaluated, because atoms of both sides are too near.')
    n_failed: int = Field(default=0, description='Of them that the model could not evaluate.')
    shifts: list[ShiftRecord] = Field(default_factory=list, description='The best first.')
    highest_grade: float | None = Field(default=None, description='At the shifts that are relaxed.')


class CandidateRecord(Record):
    """A structure that is relaxed."""

    shifts_angstrom: list[list[float]] = Field(description='Of the lower and, if there is one, the upper interface.')
    gaps_angstrom: list[float] = Field(description='Of the same interfaces before the relaxation.')


class PlannedInterface(Record):
    """An interface that was built."""

    name: str
    film_miller: list[int]
    substrate_miller: list[int]
    film_faces: str = Field(description='Number of the termination, and composition of the lower and upper plane.')
    substrate_faces: str = Field(description='The same of the substrate.')
    area_angstrom2: float = Field(description='Of the common cell.')
    n_film_cells: int = Field(description='Smallest cells of the face in the common cell.')
    n_substrate_cells: int
    angle_degrees: float = Field(description='By which the film was turned about the normal.')
    misfit_percent: float = Field(description='Largest principal strain that makes one lattice the other.')
    film_strain_percent: list[float] = Field(description='xx, yy and xy of the film, the stretch less one.')
    substrate_strain_percent: list[float]
    n_film_atoms: int
    n_substrate_atoms: int
    film_thickness_angstrom: float
    substrate_thickness_angstrom: float
    registry_angstrom: list[list[float]] = Field(description='Vectors of the cell of shifts that are not equivalent.')
    scans: list[ScanRecord] = Field(default_factory=list)
    candidates: list[CandidateRecord] = Field(default_factory=list)
    failure: str | None = Field(default=None, description='Why nothing was relaxed.')
    doubts: list[str] = Field(default_factory=list)


class InterfacePlan(Record):
    """Which structures were built, and how they were chosen."""

    built_with: str = Field(description='Model whose minima the layers were cut from; the same for all models.')
    scanned_with: str = Field(description='Model that scanned registry and gap.')
    interfaces: list[PlannedInterface] = Field(default_factory=list)
    without_match: list[str] = Field(default_factory=list, description='Why pairs of faces have no interface.')


class LayerRecord(Record):
    """A strained layer by a model."""

    strain_energy_mev_per_atom: float | None = Field(
        default=None,
        description='Of the crystal strained in the plane, its height and atoms relaxed, above its own minimum.',
    )
    strain_energy_j_per_m2: float | None = Field(default=None, description='The same times the atoms, by the area.')
    surface_energy_j_per_m2: float | None = Field(
        default=None, description='Of the strained layer in vacuum, the mean of both faces.'
    )
    shear_stress_gpa: float | None = Field(
        default=None, description='Largest of xz and yz in the strained crystal, which its height does not relieve.'
    )


class RelaxedInterface(Record):
    """An interface that a model has relaxed."""

    energy_ev: float | None = None
    interface_energy_j_per_m2: float | None = Field(
        default=None, description='Mean of both interfaces, less the crystals strained as they are in it.'
    )
    interface_energy_mev_per_angstrom2: float | None = None
    work_of_adhesion_j_per_m2: float | None = Field(
        default=None, description='To part it into relaxed slabs of the same strain.'
    )
    work_of_adhesion_mev_per_angstrom2: float | None = None
    height_change_angstrom: float | None = Field(
        default=None, description='Of the cell in the relaxation; 0 with vacuum.'
    )
    largest_force_ev_per_angstrom: float | None = None
    broken_units: list[str] = Field(default_factory=list, description='Bonded units that are not whole at the end.')
    grade: float | None = Field(default=None, description='At the end; none of models that know no grades.')
    failure: str | None = None


class InterfaceRecord(ModelRecord):
    """An interface by a model."""

    film: LayerRecord = Field(default_factory=LayerRecord)
    substrate: LayerRecord = Field(default_factory=LayerRecord)
    candidates: list[RelaxedInterface] = Field(default_factory=list, description='As those of the plan.')
    best: int | None = Field(default=None, description='Number of the candidate of lowest energy.')


class InterfaceDeviation(Record):
    """How far a model is from the reference, each at its own best candidate."""

    interface_energy_j_per_m2: float | None = None
    work_of_adhesion_j_per_m2: float | None = None
    same_candidate: bool


class InterfaceEntry(PlannedInterface):
    """An interface, and what the models make of it."""

    models: dict[str, InterfaceRecord] = Field(default_factory=dict, description='By the name of the model.')
    deviations: dict[str, InterfaceDeviation] = Field(
        default_factory=dict, description='Of each model from the reference.'
    )


class InterfaceComparison(PropertyComparison):
    """The interfaces of two crystals by several models."""

    film: str
    substrate: str
    built_with: str
    scanned_with: str
    has_vacuum: bool
    interfaces: list[InterfaceEntry] = Field(default_factory=list)
    without_match: list[str] = Field(default_factory=list, description='Why pairs of faces have no interface.')


class TextureRecord(Record):
    """Which lattice a metal is in, and which of its planes lies along the interface."""

    lattice: Lattice = Field(description='Of more atoms than any other; `other` if no lattice has its share.')
    share: float = Field(description='Of the atoms of the metal.')
    face: str | None = Field(default=None, description='Indices of the plane, such as `110`; none if it has none.')
    face_share: float | None = Field(default=None, description='Of the atoms in the lattice.')
    angle_degrees: float | None = Field(default=None, description='Between the normals of the plane and the interface.')


class InterfaceDynamicsRecord(Record):
    """The dynamics of an interface by a model."""

    interface: str
    model: str
    failure: str | None = None
    metal: str | None = Field(default=None, description='The side that is an element, whose order is looked at.')
    times_ps: list[float] = Field(default_factory=list, description='Of the samples; 0 is the relaxed interface.')
    shares: dict[Lattice, list[float]] = Field(default_factory=dict, description='Of the atoms of the metal, by time.')
    begin: TextureRecord | None = None
    end: TextureRecord | None = Field(default=None, description='Over the last quarter of the samples.')
    sentence: str = Field(default='', description='What became of the metal.')


class InterfaceDynamicsComparison(Record):
    """The dynamics of interfaces by several models."""

    runs: list[InterfaceDynamicsRecord] = Field(default_factory=list)
