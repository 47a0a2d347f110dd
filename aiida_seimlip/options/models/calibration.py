"""Options of `CalibrationWorkChain`."""

from __future__ import annotations

from pydantic import Field, field_validator

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.expected import MEDIAN, NEARLY_ALL
from aiida_seimlip.science.analysis.conformal import LEVELS


class CalibrationOptions(Options):
    """Which quantiles of the errors of forces are calibrated, and how finely."""

    seed: int = Field(default=0, ge=0, description='The splits of the frames are drawn with it.')
    levels: list[float] = Field(
        default=list(LEVELS), description='Of the quantiles, rising; reports quote the median and that of 95 %.'
    )
    max_bins: int = Field(default=12, ge=1, description='Bins of the grade; bins that hold too little are joined.')
    max_atoms: int = Field(
        default=200_000, ge=1, description='Atoms that are evaluated at most; of more, frames are drawn evenly.'
    )

    @field_validator('levels')
    @classmethod
    def _levels_rise(cls, value: list[float]) -> list[float]:
        """Refuse levels that are none, or lack those that reports quote."""
        if sorted(set(value)) != value or not value or not 0 < value[0] <= value[-1] < 1:
            raise ValueError('they must rise between 0 and 1')
        missing = [level for level in (MEDIAN, NEARLY_ALL) if level not in value]
        if missing:
            raise ValueError(f'{", ".join(map(str, missing))} must be among them')
        return value
