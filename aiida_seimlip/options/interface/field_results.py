"""What `FieldWorkChain` finds: the models of its output `field`.

Errors are standard errors of means over blocks of time of all replicas. Numbers that are not known are ``None``.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aiida_seimlip.options.records import Record

RunOutcome = Literal['completed', 'broke', 'crashed', 'out_of_walltime', 'failed']
Vector = tuple[float, float, float]

LOCAL_FIELD = (
    'The field is that at the ions: local, the same in metal, salt and vacuum, screened by nothing. A field that is '
    'applied from outside is smaller in a salt, by its permittivity, and zero in a metal.'
)
FIXED_CHARGES = (
    'The charges are fixed: they do not respond to the field, and act on nothing else. There is no Coulomb energy but '
    'that which the potential has learned.'
)


class ChargeRecord(Record):
    """The charges of the atoms with one label."""

    label: str
    n_atoms: int
    charge: float = Field(description='Mean in e, which the field acts on.')
    lowest: float = Field(description='In e.')
    highest: float = Field(description='In e.')
    before: float | None = Field(default=None, description='Mean of charge equilibration, before the cell was neutral.')
    scatter_atoms: float | None = Field(
        default=None, description='Standard deviation between the atoms in e, by charge equilibration.'
    )
    scatter_frames: float | None = Field(
        default=None, description='Standard deviation of an atom from frame to frame in e, by charge equilibration.'
    )


class FieldRunRecord(Record):
    """One run in one field, or without."""

    key: str = Field(description='Name of the run in the outputs `tracks` and `trajectories`, such as `E1_r0`.')
    seed: int = Field(description='Of the initial velocities.')
    outcome: RunOutcome
    phase: Literal['equilibration', 'production'] = 'production'
    message: str | None = None
    uuid: str | None = Field(default=None, description='UUID of the process of the production, or else of the last.')
    n_steps: int = 0
    n_steps_asked: int = 0
    n_jobs: int = 0
    mean_temperature: float | None = Field(default=None, description='In K.')
    mean_temperature_still: float | None = Field(default=None, description='Against the centre of mass, in K.')
    n_graded: int | None = Field(default=None, description='Frames whose grade was evaluated.')
    share_above_threshold: float | None = Field(default=None, description='Share of them above the grade threshold.')
    highest_grade: float | None = None


class PartRecord(Record):
    """A part of the cell, such as its metal, in one field."""

    name: str
    n_atoms: int
    charge: float = Field(description='Sum in e.')
    force: Vector = Field(description='Of the field on the part as a whole, q E, in eV/Å.')
    temperature: float | None = Field(default=None, description='Mean of all kinetic energy in K.')
    temperature_still: float | None = Field(default=None, description='Against its own centre of mass, in K.')
    drift: Vector | None = Field(default=None, description='Mean velocity of its centre of mass in Å/ps.')


class DriftRecord(Record):
    """The drift of the atoms with one label in one field."""

    label: str
    n_atoms: int
    charge: float = Field(description='Mean in e.')
    is_mobile: bool = Field(description='Whether it was asked for; if so, all others are the framework.')
    velocity: float | None = Field(default=None, description='Along the field in Å/ps, relative to the framework.')
    velocity_error: float | None = Field(default=None, description='In Å/ps.')
    velocity_axes: Vector | None = Field(default=None, description='Along x, y and z in Å/ps.')
    control: float | None = Field(default=None, description='The same without a field in Å/ps: zero within its error.')
    control_error: float | None = Field(default=None, description='In Å/ps.')
    mobility: float | None = Field(
        default=None, description='Of mobile ions in cm²/(V s), with the sign of the charge.'
    )
    mobility_error: float | None = Field(default=None, description='In cm²/(V s).')
    D: float | None = Field(default=None, description='Diffusivity along the field, without a field, in m²/s.')
    D_std: float | None = Field(default=None, description='In m²/s.')
    is_diffusive: bool | None = Field(default=None, description='Whether these ions diffuse without a field.')
    expected_mobility: float | None = Field(default=None, description='By Einstein’s relation, qD/kT, in cm²/(V s).')
    einstein_ratio: float | None = Field(default=None, description='Mobility over that one.')
    einstein_ratio_error: float | None = None
    nonlinearity: float | None = Field(
        default=None, description='How much faster than linear response hops over a barrier are in this field.'
    )
    doubts: list[str] = Field(default_factory=list)


class HopRecord(Record):
    """Hops of mobile ions from site to site in one field, of all runs together."""

    n_hops: int | None = Field(default=None, description='None if ions could not be assigned to sites.')
    n_along: int | None = Field(default=None, description='Hops along the field; without one, along the first.')
    n_against: int | None = Field(default=None, description='Hops against it.')
    chains_by_length: dict[str, int] = Field(
        default_factory=dict, description='Chains by the number of ions that push one another on; 1: one hops alone.'
    )
    n_rings: int | None = Field(default=None, description='Rings of ions that change places.')
    share_in_chains: float | None = Field(default=None, description='Share of hops in chains of two or more.')
    net_displacement: float | None = Field(default=None, description='Of all hops along the field in Å.')
    net_displacement_in_chains: float | None = Field(default=None, description='Of those in chains in Å.')
    replacements: dict[str, int] = Field(
        default_factory=dict, description='How often an ion of the first label took the site of one of the second.'
    )
    share_at_sites: float | None = Field(default=None, description='Share of all positions that are near a site.')
    doubts: list[str] = Field(default_factory=list)


class FieldPoint(Record):
    """All runs in one field, or without."""

    number: int = Field(description='0: without a field.')
    field: Vector = Field(description='In V/Å.')
    strength: float = Field(description='In V/Å.')
    runs: list[FieldRunRecord] = Field(default_factory=list)
    parts: list[PartRecord] = Field(default_factory=list)
    drifts: list[DriftRecord] = Field(default_factory=list)
    current_density: float | None = Field(default=None, description='Of all atoms, along the field, in A/m².')
    current_density_error: float | None = Field(default=None, description='In A/m².')
    conductivity: float | None = Field(default=None, description='Current density over field in S/m.')
    conductivity_error: float | None = Field(default=None, description='In S/m.')
    duration_ps: float | None = Field(default=None, description='Of all tracks together.')
    hops: HopRecord | None = Field(default=None, description='Of the mobile ions; none if they were not followed.')
    doubts: list[str] = Field(default_factory=list)

    @property
    def key(self) -> str:
        """Name of the field in the other outputs."""
        return f'E{self.number}'


class FieldResults(Record):
    """The output `field` of `FieldWorkChain`."""

    statement: str = Field(default=LOCAL_FIELD, description='What the field is.')
    charges_statement: str = Field(default=FIXED_CHARGES, description='What the charges are.')
    temperature: float = Field(description='That was asked for, in K.')
    ensemble: str
    seed: int
    mobile: list[str]
    engine: str = ''
    potential_uuid: str | None = None
    charges_source: str = Field(description='Where the charges come from.')
    charges: list[ChargeRecord] = Field(default_factory=list)
    net_charge: float = Field(description='Sum of all charges in e.')
    volume: float = Field(description='Of the cell in Å³.')
    threshold: float | None = Field(default=None, description='Grade above which a frame is out of domain.')
    max_share_above: float | None = None
    points: list[FieldPoint] = Field(default_factory=list, description='Without a field, then each of the fields.')
    warnings: list[str] = Field(default_factory=list)
    message: str | None = Field(default=None, description='Why the work ended without success.')
