"""Options of `DefectWorkChain`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from ase import Atoms
from pydantic import Field, model_validator

from aiida_seimlip.options.base import check_elements
from aiida_seimlip.options.crystal.property import Ions, PropertyOptions
from aiida_seimlip.science.structures.defects import frenkel_pair, interstitial, vacancy
from aiida_seimlip.science.structures.sites import empty_sites, occupied_sites
from aiida_seimlip.science.structures.supercells import supercell

Kind = Literal['vacancy', 'interstitial', 'frenkel_pair']


@dataclass(frozen=True, eq=False)
class PlannedDefect:
    """A supercell with or without a defect.

    :param atoms: the supercell.
    :param kind: of the defect, None for the perfect supercell, which is the first one of its size.
    :param site: number of the distinct site, of a Frenkel pair that which the atom leaves.
    :param multiplicity: number of equivalent sites in the cell of the crystal.
    :param n_perfect: atoms of the perfect supercell.
    """

    atoms: Atoms
    kind: Kind | None
    site: int
    multiplicity: int
    n_perfect: int


class DefectOptions(PropertyOptions):
    """Which neutral point defects, of which element, and where its atoms come from."""

    symbol: str = Field(default='Li', description='Element that is missing, or too many.')
    kinds: list[Kind] = Field(default=['vacancy', 'interstitial', 'frenkel_pair'], min_length=1)
    reservoir: str | None = Field(
        default=None,
        description='Name of a crystal of this element alone, among the crystals: its energy per atom at the minimum '
        'of each model is the chemical potential.',
    )
    chemical_potential: float | None = Field(
        default=None, description='Of the element in eV, instead of a `reservoir`, for all models.'
    )
    heights: list[float] = Field(
        default=[10.0], min_length=1,
        description='Opposite faces of the supercell are at least so far apart, in Å; several show how the energies '
        'depend on its size.',
    )  # fmt: skip
    separation: float = Field(default=4.0, gt=0, description='Of a Frenkel pair, as near as there are sites, in Å.')
    min_room: float = Field(default=1.2, gt=0, description='Smallest distance of an interstitial to an atom in Å.')
    symprec: float = Field(
        default=0.05, gt=0, description='Atoms as near in Å to where symmetry demands them count as being there.'
    )

    @property
    def ions_of_frames(self) -> list[Ions]:
        """What becomes of the atoms: they relax, in the cell of the perfect crystal."""
        return ['relaxed']

    @model_validator(mode='after')
    def _energies_are_known(self) -> Self:
        check_elements([self.symbol])
        changes = [kind for kind in self.kinds if kind != 'frenkel_pair']
        if changes and (self.reservoir is None) == (self.chemical_potential is None):
            raise ValueError(f'a {changes[0]} needs either `reservoir` or `chemical_potential`')
        if len(set(self.kinds)) < len(self.kinds) or any(height <= 0 for height in self.heights):
            raise ValueError('`kinds` names each once, and `heights` are positive')
        return self

    def plan(self, atoms: Atoms) -> list[PlannedDefect]:
        """Return the supercells of a crystal: for each size the perfect one, then those with a defect.

        :param atoms: the crystal.
        :raises StructureError: if the crystal has none of the element, or no empty site.
        """
        planned: list[PlannedDefect] = []
        for height in self.heights:
            matrix = self.supercell_of(atoms, height)
            perfect = supercell(atoms, matrix)
            if any(len(perfect) == other.n_perfect for other in planned):
                continue
            planned.append(PlannedDefect(perfect, None, 0, 1, len(perfect)))
            planned += [
                PlannedDefect(one, kind, site, multiplicity, len(perfect))
                for one, kind, site, multiplicity in self._defects(atoms, matrix)
            ]
        return planned

    def _defects(self, atoms: Atoms, matrix: np.ndarray) -> Iterator[tuple[Atoms, Kind, int, int]]:
        """Yield each supercell with a defect, its kind, site and multiplicity."""
        known: dict[str, Any] = {'matrix': matrix, 'symprec': self.symprec}
        room: dict[str, Any] = {'min_room': self.min_room}
        occupied = occupied_sites(atoms, self.symbol, symprec=self.symprec)
        if 'vacancy' in self.kinds:
            for number, site in enumerate(occupied):
                yield vacancy(atoms, self.symbol, site=number, **known).atoms, 'vacancy', number, site.multiplicity
        if 'interstitial' in self.kinds:
            for number, site in enumerate(empty_sites(atoms, self.symbol, symprec=self.symprec, **room)):
                made = interstitial(atoms, self.symbol, site=number, **known, **room)
                yield made.atoms, 'interstitial', number, site.multiplicity
        if 'frenkel_pair' in self.kinds:
            for number, site in enumerate(occupied):
                made = frenkel_pair(
                    atoms, self.symbol, vacancy_site=number, separation=self.separation, **known, **room
                )  # fmt: skip
                yield made.atoms, 'frenkel_pair', number, site.multiplicity

    @property
    def supercell_lengths(self) -> list[float]:
        """Smallest distances of opposite faces of the supercells, in Å."""
        return self.heights

    def sizes_of_frames(self, atoms: Atoms) -> list[int]:
        """Return the number of atoms of each supercell of a crystal."""
        return [len(defect.atoms) for defect in self.plan(atoms)]
