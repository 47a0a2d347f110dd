"""Options of `ConductivityWorkChain`."""

from __future__ import annotations

from typing import Self

from pydantic import Field, field_validator, model_validator

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.transport.diffusivity import check_window
from aiida_seimlip.options.transport.results import Carriers


class ConductivityOptions(Options):
    """What carries the charge, and which conductivities are computed."""

    seed: int = Field(default=0, ge=0, description='All random numbers of the analysis are derived from it.')
    charge: float = Field(default=1.0, description='Of a mobile ion in elementary charges.')
    carriers: Carriers = Field(
        default='all_mobile',
        description='What counts as a carrier: every mobile ion, as fits a diffusion coefficient averaged over all of '
        'them; or the `defects` in the cell, as in work that assigns the whole diffusion to them.',
    )
    n_defects: int | None = Field(
        default=None, ge=1, description='Charge carriers in the cell, where they are `defects`.'
    )
    collective: bool = Field(
        default=True, description='Also the collective conductivity and the Haven ratio, from the same tracks.'
    )

    collective_window: tuple[float, float] = Field(
        default=(0.02, 0.1),
        description='Earliest start and end of the line through the collective MSD, as shares of the length of the '
        'track: there is a single path to average over.',
    )

    @field_validator('collective_window')
    @classmethod
    def _window_is_a_window(cls, value: tuple[float, float]) -> tuple[float, float]:
        return check_window(value)

    @model_validator(mode='after')
    def _charge_is_one(self) -> Self:
        if self.charge == 0:
            raise ValueError('`charge` must not be 0: neutral particles conduct nothing')
        if (self.carriers == 'defects') != (self.n_defects is not None):
            raise ValueError('`n_defects` must be given where `carriers` is `defects`, and only there')
        return self
