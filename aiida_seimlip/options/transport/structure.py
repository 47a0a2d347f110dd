"""Options of the analysis of structure: radial distributions and counts of molecular units."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from aiida_seimlip.options.base import Options
from aiida_seimlip.science.analysis.bonds import TOLERANCE
from aiida_seimlip.science.analysis.rdf import BIN_WIDTH, CUTOFF, N_BLOCKS
from aiida_seimlip.science.analysis.units import KNOWN_UNITS


class RdfOptions(Options):
    """Which radial distributions are computed, and how finely."""

    kinds: Literal['element', 'role'] = Field(
        default='role', description='Tell atoms apart by element, or oxygen by its bonds as well (`O_carbonate`, ...).'
    )
    pairs: tuple[tuple[str, str], ...] | None = Field(
        default=None, description='(Centre, neighbour) of each pair; every two kinds once by default.'
    )
    cutoff: float = Field(default=CUTOFF, gt=0, description='Largest distance in Å.')
    bin_width: float = Field(default=BIN_WIDTH, gt=0, description='In Å.')
    n_blocks: int = Field(
        default=N_BLOCKS, ge=2, description='Standard errors come from so many consecutive parts of the trajectory.'
    )
    every: int = Field(default=1, ge=1, description='One of so many frames is used.')
    tolerance: float = Field(
        default=TOLERANCE, gt=0, description='Bonds are shorter than this times the sum of the covalent radii.'
    )


class UnitOptions(Options):
    """Which molecular units are counted."""

    units: tuple[str, ...] = Field(default=tuple(KNOWN_UNITS), description='Names of the units.')
    every: int = Field(default=1, ge=1, description='One of so many frames is used.')
    tolerance: float = Field(
        default=TOLERANCE, gt=0, description='Bonds are shorter than this times the sum of the covalent radii.'
    )

    @field_validator('units')
    @classmethod
    def _units_are_known(cls, units: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [unit for unit in units if unit not in KNOWN_UNITS]
        if unknown or not units:
            raise ValueError(f'units are known by the names {", ".join(KNOWN_UNITS)}')
        return units
