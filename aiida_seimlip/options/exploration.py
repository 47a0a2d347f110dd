"""Conditions of an exploration, in words that every exploration engine understands."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from aiida_seimlip.options.base import Options


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
