"""What to make of a crystal: supercells, point defects, and the end points of hops."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from aiida_seimlip.options.base import Options

if TYPE_CHECKING:
    import numpy as np
    from ase import Atoms

Row = Annotated[list[int], Field(min_length=3, max_length=3)]
Vector = Annotated[list[float], Field(min_length=3, max_length=3)]
Mechanism = Literal['vacancy', 'interstitial_direct', 'interstitial_knock_off', 'frenkel_pair_generation']

SITE = 'Number of the distinct empty site, from 0; those with most room come first.'
MIN_ROOM = 'Smallest distance in Å from an interstitial to an atom.'
SYMPREC = 'How far in Å an atom may be from the place that symmetry demands, for sites to count as the same.'

KNOWN_BY: dict[str, frozenset[str]] = {
    'vacancy': frozenset({'max_length'}),
    'interstitial_direct': frozenset({'site', 'to_site', 'max_length', 'min_room'}),
    'interstitial_knock_off': frozenset({'site', 'to_site', 'max_length', 'min_angle', 'min_room'}),
    'frenkel_pair_generation': frozenset({'site', 'direction', 'max_angle', 'min_length', 'max_length', 'min_room'}),
}
"""Which of the optional settings mean something to a mechanism."""


class SupercellOptions(Options):
    """A supercell, by its matrix or by its smallest edge; the cell as it is if neither is given."""

    matrix: Row | Annotated[list[Row], Field(min_length=3, max_length=3)] | None = Field(
        default=None, description='Repetitions along the three vectors, or the 3 × 3 matrix of the new vectors in rows.'
    )
    smallest_edge: float | None = Field(
        default=None, gt=0, description='Every edge becomes at least so long, in Å, by whole repetitions.'
    )

    @model_validator(mode='after')
    def _one_way(self) -> Self:
        if self.matrix is not None and self.smallest_edge is not None:
            raise ValueError('give either `matrix` or `smallest_edge`')
        return self

    def matrix_for(self, atoms: Atoms) -> np.ndarray:
        """Return the matrix for a crystal; shape (3, 3).

        :param atoms: the crystal.
        :raises StructureError: if it makes no cell.
        """
        from aiida_seimlip.science.structures.supercells import as_matrix, matrix_for_edge

        if self.smallest_edge is not None:
            return matrix_for_edge(atoms, self.smallest_edge)
        return as_matrix([1, 1, 1] if self.matrix is None else self.matrix)


class DefectOptions(Options):
    """What all defects have in common."""

    symbol: str = Field(default='Li', description='Element of the atom that comes, goes or moves.')
    supercell: SupercellOptions = Field(
        default=SupercellOptions(), description='Of the crystal, made before the defect.'
    )
    symprec: float = Field(default=0.01, gt=0, description=SYMPREC)

    def keywords(self, atoms: Atoms) -> dict[str, Any]:
        """Return the arguments of the function that makes the defect.

        :param atoms: the crystal.
        :raises StructureError: if the supercell makes no cell.
        """
        given = {name: getattr(self, name) for name in type(self).model_fields if name != 'supercell'}
        return {**given, 'matrix': self.supercell.matrix_for(atoms)}


class VacancyOptions(DefectOptions):
    """One atom less."""

    site: int = Field(default=0, ge=0, description='Number of the distinct site of the element, from 0.')


class InterstitialOptions(DefectOptions):
    """One atom more."""

    site: int = Field(default=0, ge=0, description=f'{SITE} Without effect if `position` is given.')
    position: Vector | None = Field(
        default=None, description='Fractional coordinates in the cell of the crystal, instead of a site.'
    )
    min_room: float = Field(default=1.2, ge=0, description=MIN_ROOM)


class FrenkelPairOptions(DefectOptions):
    """An atom moved from its place to an empty site."""

    vacancy_site: int = Field(default=0, ge=0, description='Number of the distinct site that the atom leaves, from 0.')
    interstitial_site: int = Field(default=0, ge=0, description=SITE)
    separation: float = Field(
        default=4.0, gt=0, description='Distance of the two in Å; the pair that comes nearest to it is taken.'
    )
    min_room: float = Field(default=1.2, ge=0, description=MIN_ROOM)


class HopOptions(DefectOptions):
    """A hop, of which the two end points are made.

    What is not given is as the function of the mechanism in `science.structures.hops` has it.
    """

    mechanism: Mechanism = Field(description='How the atoms migrate.')
    number: int = Field(default=0, ge=0, description='Of the distinct hops, from 0; the shortest come first.')
    site: int | None = Field(default=None, ge=0, description=SITE)
    to_site: int | None = Field(default=None, ge=0, description='Empty site of the end; by default one equivalent.')
    max_length: float | None = Field(default=None, gt=0, description='Longest displacement of an atom in Å.')
    min_length: float | None = Field(default=None, ge=0, description='Shortest displacement in Å, of a Frenkel pair.')
    min_angle: float | None = Field(
        default=None, ge=0, le=180, description='Of a knock-off, in degrees; 180 is straight on.'
    )
    direction: Vector | None = Field(
        default=None,
        description='In which a Frenkel pair forms, in multiples of the cell vectors; by default [0, 1, 0].',
    )
    max_angle: float | None = Field(
        default=None, ge=0, le=90, description='Between the displacement and the direction, in degrees.'
    )
    min_room: float | None = Field(default=None, ge=0, description=MIN_ROOM)

    @model_validator(mode='after')
    def _no_idle_setting(self) -> Self:
        optional = frozenset().union(*KNOWN_BY.values())
        for name in sorted(optional - KNOWN_BY[self.mechanism]):
            if getattr(self, name) is not None:
                raise ValueError(f'`{name}` has no effect on the mechanism `{self.mechanism}`')
        return self

    def finder_keywords(self) -> dict[str, Any]:
        """Return the arguments of the function that finds the hops, beside the crystal."""
        names = KNOWN_BY[self.mechanism]
        given = {name: getattr(self, name) for name in names if getattr(self, name) is not None}
        return {'symbol': self.symbol, 'symprec': self.symprec, **given}
