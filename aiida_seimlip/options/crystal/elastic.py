"""Options of `ElasticWorkChain`."""

from __future__ import annotations

from typing import Self

from ase import Atoms
from pydantic import Field, model_validator

from aiida_seimlip.options.crystal.property import Ions, PropertyOptions
from aiida_seimlip.science.analysis.elasticity import strain_states


class ElasticOptions(PropertyOptions):
    """How crystals are strained, and what their ions do."""

    magnitudes: list[float] = Field(
        default=[0.005, 0.01], min_length=1,
        description='Sizes of the strain of each component, taken with both signs; engineering shears. Two or more let '
        'the fit tell curvature from noise.',
    )  # fmt: skip
    ions: list[Ions] = Field(
        default=['clamped', 'relaxed'], min_length=1, description='What the atoms do in the strained cells.'
    )
    symmetrise: bool = Field(default=True, description='Average the tensor over the point group of the crystal.')
    symprec: float = Field(
        default=0.05, gt=0, description='Atoms as near in Å to where symmetry demands them count as being there.'
    )

    @property
    def ions_of_frames(self) -> list[Ions]:
        """What becomes of the atoms in the frames."""
        return self.ions

    def sizes_of_frames(self, atoms: Atoms) -> list[int]:
        """Return the number of atoms of each strained cell of a crystal."""
        return [len(atoms)] * len(strain_states(self.magnitudes))

    @model_validator(mode='after')
    def _magnitudes_are_small_and_distinct(self) -> Self:
        if any(not 0.0 < size <= 0.1 for size in self.magnitudes) or len(set(self.magnitudes)) < len(self.magnitudes):
            raise ValueError('`magnitudes` are different numbers above 0, of 0.1 at most')
        if len(set(self.ions)) < len(self.ions):
            raise ValueError('`ions` names the same twice')
        return self
