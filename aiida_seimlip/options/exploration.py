"""Conditions of an exploration, in words that every exploration engine understands."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from aiida_seimlip.options.base import Options
from aiida_seimlip.science.formats.lammps_input import MAX_SEED


class ExplorationConditions(Options):
    """One molecular dynamics run: its ensemble, its length and when it stops itself."""

    ensemble: Literal['nve', 'nvt', 'npt_iso', 'npt_tri'] = Field(
        default='nvt', description='Constant volume (nve, nvt), isotropic (npt_iso) or free (npt_tri) cell.'
    )
    temperature: float = Field(gt=0, description='In K.')
    temperature_end: float | None = Field(
        default=None, gt=0, description='Temperature in K at the end, to which it rises or falls at a constant rate.'
    )
    pressure: float | None = Field(default=None, description='In bar; needed where the volume is free, only there.')
    timestep: float = Field(default=0.5, gt=0, description='In fs.')
    n_steps: int = Field(ge=1, description='Length of the run in steps.')
    thermostat_damping: float = Field(default=100.0, gt=0, description='Of the Nosé–Hoover thermostat in fs.')
    barostat_damping: float = Field(default=500.0, gt=0, description='Of the Nosé–Hoover barostat in fs.')
    dump_every: int = Field(default=100, ge=1, description='A frame is kept every so many steps.')
    thermo_every: int = Field(default=100, ge=1, description='Energies are kept every so many steps.')

    @model_validator(mode='after')
    def _pressure_belongs_to_npt(self) -> Self:
        if self.is_npt and self.pressure is None:
            raise ValueError(f'the ensemble `{self.ensemble}` needs a `pressure`')
        if not self.is_npt and self.pressure is not None:
            raise ValueError(f'`pressure` has no effect in the ensemble `{self.ensemble}`')
        return self

    @property
    def is_npt(self) -> bool:
        """Whether the volume is free."""
        return self.ensemble.startswith('npt')

    @property
    def highest_temperature(self) -> float:
        """Highest temperature of the run in K."""
        return max(self.temperature, self.temperature_end or 0.0)

    @property
    def label(self) -> str:
        """Name of the conditions, such as ``nvt-300K`` or ``npt_tri-600K-100000bar``."""
        ramp = '' if self.temperature_end is None else f'-to-{self.temperature_end:g}K'
        pressure = '' if self.pressure is None else f'-{self.pressure:.15g}bar'
        return f'{self.ensemble}-{self.temperature:g}K{ramp}{pressure}'


class ExplorationRunOptions(ExplorationConditions):
    """Conditions of a run, and what is done where the potential does not know what it meets, by any engine."""

    seed: int | None = Field(
        default=None, ge=1, le=MAX_SEED, description='Of the initial velocities; needed if they are created.'
    )
    velocities: Literal['create', 'keep'] = Field(
        default='create', description='Draw velocities at `temperature`, or go on with those of the structure.'
    )
    n_steps: int = Field(ge=0, description='Length of the run in steps; 0 evaluates the start only.')
    first_step: int = Field(default=0, ge=0, description='Number of the first step, where a run is continued.')
    threshold_save: float = Field(default=2.0, ge=0, description='Frames above this grade become candidates.')
    threshold_break: float = Field(default=10.0, gt=0, description='The run ends itself above this grade.')
    n_repeats: int = Field(
        default=0, ge=0,
        description='How often a run that broke is repeated from its start with other velocities, for more candidates, '
        'as long as all these runs have taken fewer than `n_steps` together. How it ended is what the first run says.',
    )  # fmt: skip
    max_candidates: int = Field(
        default=500, ge=1,
        description='Candidates kept of those that were saved; more are thinned out evenly in the order of their '
        'grades, the frame that broke the run and that of the highest grade excepted.',
    )  # fmt: skip
    crash_retries: int = Field(
        default=2, ge=0, description='How often a run that crashes is tried again from its start, more cautiously.'
    )
    crash_timestep_factor: float = Field(
        default=0.5, gt=0, lt=1, description='Factor of the time step at each new try; the time to run stays the same.'
    )
    crash_temperature_factor: float = Field(
        default=0.8, gt=0, le=1,
        description='Factor of the temperature at each new try but the first; to survive there is not to survive.',
    )  # fmt: skip
    n_salvaged: int = Field(
        default=5, ge=0, description='Last sane frames of the trajectory that become candidates after a crash.'
    )
    salvage_distance: float = Field(
        default=0.6, ge=0, description='A frame of a crashed run is sane if no distance is below this, in Å.'
    )

    @model_validator(mode='after')
    def _velocities_have_a_seed(self) -> Self:
        if self.velocities == 'create' and self.seed is None:
            raise ValueError('`seed` is missing, which `velocities: create` needs')
        return self

    @classmethod
    def shared_by(cls, parameters: Any) -> ExplorationRunOptions:
        """Return what every engine knows of the parameters of a run.

        :param parameters: a `Dict` node with the options of an engine of this socket.
        """
        known = {name: value for name, value in parameters.get_dict().items() if name in cls.model_fields}
        return cls.model_validate(known)
