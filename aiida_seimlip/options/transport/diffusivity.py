"""Options of `DiffusivityWorkChain`: everything that is not the business of one program."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from aiida_seimlip.options.base import Options, check_elements
from aiida_seimlip.options.transport.structure import RdfOptions, UnitOptions

LEAST_FRAMES = 50
"""A track of fewer frames says nothing."""

Ensemble = Literal['nve', 'nvt', 'npt_iso', 'npt_tri']


class TransportEngines(Options):
    """The program that runs the dynamics: the last part of its entry point ``seimlip.dynamics.<engine>``."""

    dynamics: str = 'lammps'


class DynamicsSettings(Options):
    """The molecular dynamics, the same at all temperatures; lengths are numbers of steps."""

    ensemble: Ensemble = Field(
        default='nvt', description='Constant volume (nve, nvt), isotropic (npt_iso) or free (npt_tri) cell.'
    )
    pressure: float = Field(default=1.0, description='In bar; without effect at constant volume.')
    timestep: float = Field(default=0.5, gt=0, description='In fs.')
    equilibration_steps: int = Field(default=20_000, ge=0, description='Steps before the production; 0 for none.')
    production_steps: int = Field(ge=1, description='Steps that the diffusion coefficient is taken from.')
    track_every: int = Field(default=200, ge=1, description='Steps between the positions kept of the mobile ions.')
    dump_every: int = Field(
        default=5000, ge=1,
        description='Steps between whole frames, which grades, RDFs and bonded units are taken from.',
    )  # fmt: skip
    thermo_every: int = Field(
        default=100, ge=1, description='Steps between rows of the output that temperature and pressure are averaged of.'
    )
    thermostat_damping: float = Field(default=100.0, gt=0, description='Of the thermostat in fs.')
    barostat_damping: float = Field(default=500.0, gt=0, description='Of the barostat in fs.')

    @model_validator(mode='after')
    def _lengths_fit(self) -> Self:
        for name in ('track_every', 'dump_every'):
            if getattr(self, name) > self.production_steps:
                raise ValueError(f'`{name}` must not be above `production_steps` ({self.production_steps})')
        if self.production_steps % self.track_every:
            raise ValueError(
                f'`production_steps` ({self.production_steps}) must be a multiple of `track_every` '
                f'({self.track_every}), so that the track ends with the run'
            )
        if self.production_steps // self.track_every < LEAST_FRAMES:
            raise ValueError(
                f'{self.production_steps} steps with `track_every` {self.track_every} make a track of '
                f'{self.production_steps // self.track_every} frames, but at least {LEAST_FRAMES} are needed'
            )
        return self


class DomainOptions(Options):
    """How far the potential may extrapolate during production; only potentials that know their grade are asked."""

    threshold: float = Field(default=10.0, gt=1, description='Frames above this grade are out of domain.')
    max_share: float = Field(
        default=0.01, ge=0, le=1, description='Share of the frames of a run that may be; above, the work fails.'
    )
    max_frames: int = Field(
        default=500, ge=1, description='Frames of a run whose grade is evaluated; more are thinned out evenly.'
    )


class ParityLimits(Options):
    """How far the program may be from our own evaluation of the potential, at the start, before anything is run."""

    energy: float = Field(default=1e-5, gt=0, description='Difference of the energy in eV per atom.')
    forces: float = Field(default=1e-3, gt=0, description='Largest difference of a force component in eV/Å.')
    stress: float = Field(default=0.01, gt=0, description='Largest difference of a stress component in GPa.')


class AnalysisOptions(Options):
    """How the tracks are read, and what it takes to call a motion diffusion."""

    fit_window: tuple[float, float] = Field(
        default=(0.05, 0.3),
        description='Earliest start and end of the line through the MSD, as shares of the length of the track.',
    )
    hop_distance: float = Field(
        default=2.0, gt=0, description='Displacement in Å that counts as a hop; more than half the way between sites.'
    )
    smoothing: float = Field(
        default=0.5, gt=0, description='Time in ps that positions are averaged over, to tell hops from vibrations.'
    )
    min_hops: int = Field(
        default=50, ge=0, description='With fewer hops of all ions there is no diffusion coefficient.'
    )
    slope_tolerance: float = Field(
        default=0.15, gt=0, description='How far the power of time that the MSD grows with may be from 1.'
    )
    n_lags: int = Field(default=25, ge=5, description='Number of lags at which the MSD is kept.')

    @field_validator('fit_window')
    @classmethod
    def _window_is_a_window(cls, value: tuple[float, float]) -> tuple[float, float]:
        return check_window(value)


def check_window(value: tuple[float, float]) -> tuple[float, float]:
    """Return a window of lags, as shares of the length of a track.

    :raises ValueError: if it is none.
    """
    if not 0.0 <= value[0] < value[1] <= 0.5:
        raise ValueError('the shares must rise, from 0 to at most 0.5')
    return value


class DiffusivityOptions(Options):
    """At which temperatures, how long, and how the diffusion is found."""

    seed: int = Field(ge=0, description='All random numbers are derived from it.')
    mobile: list[str] = Field(
        default=['Li'], min_length=1, max_length=1, description='Chemical symbol of the mobile ions, of one kind.'
    )
    temperatures: list[float] = Field(min_length=1, description='In K.')
    replicas: int = Field(default=1, ge=1, description='Runs at each temperature, with velocities of their own.')
    dynamics: DynamicsSettings
    max_concurrent: int | None = Field(default=None, ge=1, description='Runs under way at once; None for no limit.')
    check_parity: bool = Field(
        default=True,
        description='First compare the program with another evaluation of the potential: our own of an MTP, that of '
        'the input `evaluation` of other families.',
    )
    parity: ParityLimits = Field(default_factory=ParityLimits)
    domain: DomainOptions = Field(default_factory=DomainOptions)
    analysis: AnalysisOptions = Field(default_factory=AnalysisOptions)
    rdf: RdfOptions | None = Field(
        default_factory=lambda: RdfOptions(cutoff=8.0),
        description='RDFs from the whole frames; unless `pairs` are named, each mobile species with all others. None: '
        'no RDFs.',
    )
    units: UnitOptions | None = Field(
        default_factory=UnitOptions, description='Count the bonded units that stay intact; None: do not.'
    )
    extrapolate_to: float | None = Field(
        default=300.0, gt=0, description='Temperature in K that the Arrhenius fit is asked for; None for no such one.'
    )

    @field_validator('mobile')
    @classmethod
    def _are_elements(cls, value: list[str]) -> list[str]:
        check_elements(value)
        return value

    @field_validator('temperatures')
    @classmethod
    def _are_distinct(cls, value: list[float]) -> list[float]:
        if any(temperature <= 0 for temperature in value):
            raise ValueError('all must be above 0')
        if len({round(temperature, 6) for temperature in value}) < len(value):
            raise ValueError('each must be named once; `replicas` repeats runs')
        return sorted(value)
