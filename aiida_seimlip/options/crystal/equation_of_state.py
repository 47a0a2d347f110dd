"""Options of `EquationOfStateWorkChain`."""

from __future__ import annotations

from typing import Literal, Self

from ase import Atoms
from pydantic import Field, model_validator

from aiida_seimlip.options.crystal.property import Ions, PropertyOptions

Form = Literal['birch_murnaghan', 'vinet']
"""Names of the forms in `science.analysis.equation_of_state`."""


class EquationOfStateOptions(PropertyOptions):
    """By how much crystals are scaled, and which forms are fitted."""

    extent: float = Field(
        default=0.06,
        gt=0,
        lt=0.5,
        description='Volumes from 1 − extent to 1 + extent, in parts of that of the minimum.',
    )
    n_points: int = Field(default=7, ge=5, description='Volumes, in equal steps.')
    ions: Ions = Field(default='relaxed', description='What the atoms do in the scaled cells, which keep their shape.')
    forms: list[Form] = Field(
        default=['birch_murnaghan', 'vinet'], min_length=1, description='Forms that are fitted, by name.'
    )
    symprec: float = Field(
        default=0.05, gt=0, description='Atoms as near in Å to where symmetry demands them count as being there.'
    )

    @property
    def ions_of_frames(self) -> list[Ions]:
        """What becomes of the atoms in the frames."""
        return [self.ions]

    def sizes_of_frames(self, atoms: Atoms) -> list[int]:
        """Return the number of atoms of each scaled cell of a crystal."""
        return [len(atoms)] * self.n_points

    @model_validator(mode='after')
    def _forms_are_distinct(self) -> Self:
        if len(set(self.forms)) < len(self.forms):
            raise ValueError('`forms` names the same twice')
        return self
