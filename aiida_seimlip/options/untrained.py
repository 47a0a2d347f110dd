"""Options of a moment tensor potential without coefficients."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from aiida_seimlip.options.base import Options


class UntrainedOptions(Options):
    """The moment tensor potential to begin with."""

    level: int = Field(default=16, ge=6, le=28, multiple_of=2, description='Level: an even number from 6 to 28.')
    min_dist: float = Field(default=1.0, gt=0, description='Shortest distance in Å; the training resets it.')
    max_dist: float = Field(default=5.0, gt=0, description='Cut-off in Å.')
    radial_basis_size: int = Field(default=8, ge=2, description='Chebyshev polynomials of each radial function.')

    @model_validator(mode='after')
    def _distances_in_order(self) -> Self:
        if self.min_dist >= self.max_dist:
            raise ValueError(f'`min_dist` ({self.min_dist} Å) must be below `max_dist` ({self.max_dist} Å)')
        return self
