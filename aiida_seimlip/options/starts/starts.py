"""Options of `StartsWorkChain`: what a start must be to be used."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from aiida_seimlip.options.base import Options
from aiida_seimlip.science.analysis.bonds import TOLERANCE

Answer = Literal['report', 'drop']
"""What is done about a start that is not as it should be: say so in the table, or leave it out as well."""


class StartsEngines(Options):
    """Which program condenses the packed cells."""

    condensation: str | None = Field(
        default='ase', description='Engine of the socket `condensation`; none: the packed cells are the starts.'
    )


class StartsOptions(Options):
    """What a start must be to be used, and how many may be lost."""

    min_distance: float = Field(
        default=0.9, ge=0, description='Starts with a shorter distance between two atoms, in Å, are left out.'
    )
    min_density: float = Field(default=0.4, ge=0, description='Starts that are thinner, in g/cm³, are left out.')
    max_density: float = Field(default=4.0, gt=0, description='Starts that are denser, in g/cm³, are left out.')
    max_force: float | None = Field(
        default=1.0, gt=0, description='Largest norm of a force, in eV/Å, of a start that counts as relaxed.'
    )
    max_pressure: float | None = Field(
        default=2.0, gt=0, description='Largest pressure or tension, in GPa, of a start that counts as relaxed.'
    )
    residuals: Answer = Field(default='report', description='What is done about starts that are not relaxed.')
    broken_units: Answer = Field(
        default='report', description='What is done about starts with units that have lost bonds: beside free lithium '
        'they react, which is chemistry.',
    )  # fmt: skip
    new_bonds: Answer = Field(
        default='drop',
        description='What is done about starts with bonds between units that had none; of packed cells that nothing '
        'condensed they are reported, as molecules are packed as near as that.',
    )
    duplicates: Answer = Field(
        default='drop', description='What is done about starts that are the same structure as one before them.'
    )
    bond_tolerance: float = Field(
        default=TOLERANCE, gt=0, description='Bonds are shorter than this times the sum of the covalent radii.'
    )
    max_dropped: float = Field(
        default=0.2, ge=0, le=1, description='Share of the starts that may be left out, for whatever reason.'
    )
    min_starts: int = Field(default=1, ge=1, description='Fewest starts that are of use.')

    @model_validator(mode='after')
    def _densities_are_a_range(self) -> Self:
        if self.min_density >= self.max_density:
            raise ValueError('`min_density` must be below `max_density`')
        return self
