"""Options of slabs."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.structure.defects import SYMPREC
from aiida_seimlip.science.structures.slabs import FLATNESS

Indices = Annotated[list[int], Field(min_length=3, max_length=3)]
Repetitions = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=2)]


class SlabOptions(Options):
    """A slab of a crystal along a lattice plane."""

    miller: Indices = Field(description='Miller indices of the surface, in the cell of the crystal that is given.')
    termination: int = Field(default=0, ge=0, description='Number of the pair of faces, from 0.')
    thickness: float = Field(default=15.0, gt=0, description='Smallest thickness in Å.')
    vacuum: float = Field(default=15.0, ge=0, description='Between the outermost atoms and the next image in Å.')
    repeat: Repetitions = Field(default=[1, 1], description='Repetitions along the two vectors of the surface.')
    stoichiometric: bool = Field(
        default=True,
        description='Only whole numbers of lattice planes; otherwise slabs of other numbers follow, both faces of '
        'which are equal.',
    )
    flatness: float = Field(
        default=FLATNESS, gt=0,
        description='Bonded units whose centres are as near in height in Å are of one plane, which is not cut.',
    )  # fmt: skip
    symprec: float = Field(default=0.01, gt=0, description=SYMPREC)

    @property
    def keywords(self) -> dict[str, Any]:
        """The arguments of `make_slabs` beside the crystal."""
        return {name: getattr(self, name) for name in type(self).model_fields if name not in ('termination', 'repeat')}
