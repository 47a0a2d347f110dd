"""Options of `FieldWorkChain`: the field, what it acts on, and the molecular dynamics in it."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from aiida_seimlip.options.base import Options, check_elements
from aiida_seimlip.options.transport.diffusivity import AnalysisOptions, DomainOptions, ParityLimits
from aiida_seimlip.science.charges.parameters import REAXFF_LI_C_O, QeqError, QeqParameters
from aiida_seimlip.science.structures.labels import LabelRule

LEAST_FRAMES = 50
"""A track of fewer frames says nothing."""

LARGEST_FIELD = 1.0
"""In V/Å: ten times the field at which most insulators break down."""

Vector = tuple[float, float, float]


class LabelOptions(Options):
    """Which atoms have a label: those of an element, of which all conditions hold that are given."""

    element: str = Field(description='Chemical symbol.')
    axis: Literal['x', 'y', 'z'] = Field(default='z', description='Cartesian axis of `low` and `high`.')
    low: float | None = Field(default=None, description='Lowest coordinate in Å, of atoms wrapped into the cell.')
    high: float | None = Field(default=None, description='Highest coordinate in Å.')
    away_from: list[str] = Field(
        default_factory=list, description='Elements of which no atom is within `cutoff` in the start.'
    )
    cutoff: float = Field(default=3.0, gt=0, description='In Å.')
    indices: list[int] | None = Field(default=None, description='Of the atoms, from 0; none: all.')

    @model_validator(mode='after')
    def _has_a_condition(self) -> Self:
        check_elements([self.element, *self.away_from])
        if self.low is None and self.high is None and not self.away_from and self.indices is None:
            raise ValueError('one of `low`, `high`, `away_from` and `indices` must say which atoms are meant')
        return self

    def to_rule(self) -> LabelRule:
        """Return the rule."""
        return LabelRule(
            self.element, self.axis, self.low, self.high, tuple(self.away_from), self.cutoff,
            None if self.indices is None else tuple(self.indices),
        )  # fmt: skip


class QeqOptions(Options):
    """Charges by charge equilibration with the full Coulomb sum, found before the dynamics; they stay as they are."""

    parameters: dict[str, Any] = Field(
        default_factory=REAXFF_LI_C_O.to_dict,
        description='`source`, and for each of the `elements` `chi_ev`, `eta_ev` (twice that of ReaxFF files) and '
        '`gamma_per_angstrom`; `kernel`, `reaxff` or `gaussian`.',
    )
    n_frames: int = Field(
        default=10, ge=1, description='Frames of the equilibrations that the charges are averaged over, all together.'
    )
    average: Literal['label', 'atom'] = Field(
        default='label', description='One charge for all atoms of a label, or one for each atom.'
    )
    is_slab: bool = Field(default=False, description='Whether the cell is a slab with vacuum along its third vector.')

    @field_validator('parameters')
    @classmethod
    def _are_parameters(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            return QeqParameters.from_dict(value).to_dict()
        except QeqError as exception:
            raise ValueError(str(exception)) from exception


class FieldDynamicsSettings(Options):
    """The molecular dynamics, the same with and without a field; lengths are numbers of steps."""

    ensemble: str = Field(default='nvt', description='Constant volume, `nvt` or `nve`.')
    timestep: float = Field(default=0.5, gt=0, description='In fs.')
    equilibration_steps: int = Field(default=20_000, ge=0, description='Steps without a field before; 0 for none.')
    production_steps: int = Field(ge=1, description='Steps of each run with and without a field.')
    track_every: int = Field(default=200, ge=1, description='Steps between the positions that are kept of all atoms.')
    dump_every: int = Field(default=5000, ge=1, description='Steps between whole frames with forces.')
    thermo_every: int = Field(default=100, ge=1, description='Steps between rows of the thermodynamic output.')
    thermostat_damping: float = Field(default=100.0, gt=0, description='Of the thermostat in fs.')

    @field_validator('ensemble')
    @classmethod
    def _cell_stays(cls, value: str) -> str:
        if value not in ('nvt', 'nve'):
            raise ValueError(
                'the cell must stay (`nvt` or `nve`): in a field, a barostat does not know of the work along it. Relax '
                'the cell without a field first'
            )
        return value

    @model_validator(mode='after')
    def _lengths_fit(self) -> Self:
        if self.production_steps % self.track_every:
            raise ValueError(
                f'`production_steps` ({self.production_steps}) must be a multiple of `track_every` ({self.track_every})'
            )
        if self.production_steps // self.track_every < LEAST_FRAMES:
            raise ValueError(
                f'{self.production_steps} steps with `track_every` {self.track_every} make a track of '
                f'{self.production_steps // self.track_every} frames, but at least {LEAST_FRAMES} are needed'
            )
        if self.dump_every > self.production_steps:
            raise ValueError(f'`dump_every` must not be above `production_steps` ({self.production_steps})')
        return self


class HopOptions(Options):
    """What is a hop of a mobile ion: from one place where such an ion was at the begin to another."""

    until: float = Field(default=0.5, gt=0, description='Time in ps at the begin of a run that places are means of.')
    radius: float = Field(default=0.9, gt=0, description='An ion that comes so near to a place in Å has arrived.')
    min_stay: float = Field(default=0.1, ge=0, description='A visit of a place counts if it takes so long, in ps.')
    window: float = Field(
        default=0.5,
        ge=0,
        description='Time in ps within which one hop ends where another began, for both to be a chain.',
    )
    least_share: float = Field(
        default=0.7, ge=0, le=1, description='Hops are doubtful if a lower share of all positions is near a place.'
    )


class FieldOptions(Options):
    """The field, the charges that it acts on, and how long."""

    seed: int = Field(ge=0, description='All random numbers are derived from it.')
    fields: list[Vector] = Field(
        min_length=1,
        description='Fields at the ions in V/Å, along the Cartesian axes of the structure: local, not screened by '
        'anything, the same in metal and salt. Runs without a field are made in any case.',
    )
    temperature: float = Field(gt=0, description='In K.')
    replicas: int = Field(default=3, ge=1, description='Runs in each field, with velocities of their own.')
    mobile: list[str] = Field(
        default=['Li'], min_length=1, description='Labels or chemical symbols of the ions whose hops are followed.'
    )
    labels: dict[str, LabelOptions] = Field(
        default_factory=dict, description='Labels of atoms that are something else than others of their element.'
    )
    charges: dict[str, float] | None = Field(
        default=None, description='Fixed charges in e by label or chemical symbol; neutral together.'
    )
    qeq: QeqOptions | None = Field(default=None, description='Find the charges by charge equilibration instead.')
    dynamics: FieldDynamicsSettings
    max_concurrent: int | None = Field(default=None, ge=1, description='Runs under way at once; None for no limit.')
    check_parity: bool = Field(
        default=True,
        description='First compare the program with another evaluation of the potential: our own of an MTP, that of '
        'the input `evaluation` of other families.',
    )
    parity: ParityLimits = Field(default_factory=ParityLimits)
    domain: DomainOptions = Field(default_factory=DomainOptions)
    analysis: AnalysisOptions = Field(
        default_factory=AnalysisOptions, description='Of the diffusion without a field, which the mobility is beside.'
    )
    skip: float = Field(
        default=0.1, ge=0, lt=0.9, description='Share of each run in a field that is left out at its begin.'
    )
    hop_length: float | None = Field(
        default=None, gt=0, description='Length of a hop along the field in Å, to tell whether the field is weak.'
    )
    hops: HopOptions | None = Field(
        default_factory=HopOptions, description='Follow hops and knock-off chains of the mobile ions; none: do not.'
    )
    parts: dict[str, list[str]] = Field(
        default_factory=dict,
        description='Parts of the cell, such as `metal` and `salt`, by the labels in each; what is in none is `rest`. '
        'Without any, each of `labels` is one.',
    )

    @field_validator('fields')
    @classmethod
    def _are_fields(cls, value: list[Vector]) -> list[Vector]:
        for vector in value:
            strength = sum(component**2 for component in vector) ** 0.5
            if not 0.0 < strength <= LARGEST_FIELD:
                raise ValueError(f'each must have a strength above 0 and up to {LARGEST_FIELD:g} V/Å, not {strength:g}')
        if len(set(value)) < len(value):
            raise ValueError('each must be named once; `replicas` repeats runs')
        return value

    @model_validator(mode='after')
    def _charges_have_one_source(self) -> Self:
        if self.charges is not None and self.qeq is not None:
            raise ValueError('give either `charges` or `qeq`')
        return self

    def rules(self) -> dict[str, LabelRule]:
        """Return the rules by label."""
        return {label: options.to_rule() for label, options in self.labels.items()}
