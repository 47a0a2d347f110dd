"""Neutral point defects: an atom less, an atom more, or an atom beside its place.

A defect is made of atoms alone: no charge is given to it, and whole atoms come and go. So a structure with a vacancy or
an interstitial is as neutral as the perfect one, and a Frenkel pair has its composition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.geometry import find_mic

from aiida_seimlip.science.structures.sites import choose, empty_sites, occupied_sites
from aiida_seimlip.science.structures.supercells import (
    StructureError,
    as_matrix,
    composition_change,
    describe,
    supercell,
)
from aiida_seimlip.science.structures.symmetry import SYMPREC, Symmetry

MIN_ROOM = 1.2
"""An interstitial has at least this distance in Å from all atoms, unless told otherwise."""


@dataclass(frozen=True)
class Change:
    """What was done to one atom.

    :param action: an atom was removed, added, or moved from its place.
    :param symbol: its element.
    :param index: of the atom in the structure that was made; of a removed one, in the perfect supercell.
    :param position: where it was removed from, added, or moved to; Cartesian coordinates in Å.
    :param site: number of that distinct site (of the atoms, or of the empty places); None where the place was given
        rather than found.
    :param multiplicity: number of equivalent sites in the cell that the supercell was made of.
    :param origin: where it was moved from, in Å.
    :param origin_site: number of the distinct site that it was moved from.
    :param origin_multiplicity: number of sites equivalent to that.
    """

    action: Literal['removed', 'added', 'moved']
    symbol: str
    index: int
    position: tuple[float, float, float]
    site: int | None = None
    multiplicity: int | None = None
    origin: tuple[float, float, float] | None = None
    origin_site: int | None = None
    origin_multiplicity: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the change in plain types."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}


@dataclass(frozen=True, eq=False)
class Defect:
    """A structure with a defect, and how it was made.

    :param kind: ``vacancy``, ``interstitial`` or ``frenkel_pair``.
    :param atoms: the structure.
    :param perfect: the same supercell without the defect.
    :param matrix: of the supercell; shape (3, 3).
    :param changes: what was done to which atoms.
    :param space_group: of the perfect crystal.
    """

    kind: str
    atoms: Atoms
    perfect: Atoms
    matrix: np.ndarray
    changes: tuple[Change, ...]
    space_group: str

    def to_dict(self) -> dict[str, Any]:
        """Return how the structure was made, in plain types."""
        return {
            'kind': self.kind,
            'changes': [change.to_dict() for change in self.changes],
            'supercell': describe(self.perfect, self.matrix),
            'formula': self.atoms.get_chemical_formula(),
            'composition_change': composition_change(self.perfect, self.atoms),
            'space_group': self.space_group,
        }


def vacancy(
    atoms: Atoms,
    symbol: str,
    *,
    site: int = 0,
    matrix: np.ndarray | Sequence[Any] = (1, 1, 1),
    symprec: float = SYMPREC,
) -> Defect:
    """Remove one atom.

    :param atoms: the perfect crystal.
    :param symbol: element of the atom.
    :param site: number of the distinct site (see `occupied_sites`).
    :param matrix: of the supercell to make of the crystal first.
    :param symprec: how far in Å an atom may be from the place that symmetry demands.
    :raises StructureError: if there is no such element or site.
    """
    chosen = choose(occupied_sites(atoms, symbol, symprec=symprec), site, f'distinct site of {symbol}')
    perfect = supercell(atoms, matrix)
    index = find_atom(perfect, chosen.position)
    result = perfect.copy()
    del result[index]
    change = Change('removed', symbol, index, as_tuple(perfect.positions[index]), site, chosen.multiplicity)
    return Defect('vacancy', result, perfect, as_matrix(matrix), (change,), Symmetry.of(atoms, symprec).symbol)


def interstitial(
    atoms: Atoms,
    symbol: str,
    *,
    site: int = 0,
    position: Sequence[float] | None = None,
    matrix: np.ndarray | Sequence[Any] = (1, 1, 1),
    min_room: float = MIN_ROOM,
    symprec: float = SYMPREC,
) -> Defect:
    """Add one atom, as the last one.

    :param atoms: the perfect crystal.
    :param symbol: element of the atom.
    :param site: number of the distinct empty site (see `empty_sites`); without effect if a position is given.
    :param position: fractional coordinates in the cell of the crystal, instead of a site that is looked for.
    :param matrix: of the supercell to make of the crystal first.
    :param min_room: smallest distance to an atom in Å.
    :param symprec: how far in Å an atom may be from the place that symmetry demands.
    :raises StructureError: if there is no such site, or an atom is in the way.
    """
    perfect = supercell(atoms, matrix)
    multiplicity, number = None, None
    if position is None:
        chosen = choose(empty_sites(atoms, symbol, symprec=symprec, min_room=min_room), site, 'empty site')
        place, multiplicity, number = chosen.position, chosen.multiplicity, site
    else:
        place = np.asarray(position, dtype=float) @ atoms.cell.array
    place = wrap(perfect, place)
    result = perfect + Atoms(symbol, positions=[place])
    refuse_contact(result, len(perfect), min_room)
    change = Change('added', symbol, len(perfect), as_tuple(place), number, multiplicity)
    return Defect('interstitial', result, perfect, as_matrix(matrix), (change,), Symmetry.of(atoms, symprec).symbol)


def frenkel_pair(
    atoms: Atoms,
    symbol: str,
    *,
    vacancy_site: int = 0,
    interstitial_site: int = 0,
    separation: float = 4.0,
    matrix: np.ndarray | Sequence[Any] = (1, 1, 1),
    min_room: float = MIN_ROOM,
    symprec: float = SYMPREC,
) -> Defect:
    """Move one atom from its place to an empty site.

    :param atoms: the perfect crystal.
    :param symbol: element of the atom.
    :param vacancy_site: number of the distinct site that it leaves.
    :param interstitial_site: number of the distinct empty site that it goes to.
    :param separation: of all equivalent empty sites, the one is taken whose distance in Å from the vacancy, in the
        supercell and through periodic boundaries, is nearest to this.
    :param matrix: of the supercell to make of the crystal first.
    :param min_room: smallest distance in Å from the interstitial to an atom.
    :param symprec: how far in Å an atom may be from the place that symmetry demands.
    :raises StructureError: if there is no such element or site, or an atom is in the way.
    """
    left = choose(occupied_sites(atoms, symbol, symprec=symprec), vacancy_site, f'distinct site of {symbol}')
    empty = choose(
        empty_sites(atoms, symbol, symprec=symprec, min_room=min_room), interstitial_site, 'empty site'
    )  # fmt: skip
    perfect = supercell(atoms, matrix)
    index = find_atom(perfect, left.position)
    ghosts = supercell(Atoms('X' * empty.multiplicity, scaled_positions=empty.equivalents, cell=atoms.cell, pbc=True),
                       matrix)  # fmt: skip
    vectors, lengths = find_mic(ghosts.positions - perfect.positions[index], perfect.cell)
    order = np.lexsort((*np.round(vectors.T, 3), np.round(np.abs(lengths - separation), 3)))
    vector = vectors[order[0]]
    result = perfect.copy()
    result.positions[index] = wrap(perfect, perfect.positions[index] + vector)
    refuse_contact(result, index, min_room)
    change = Change(
        'moved', symbol, index, as_tuple(result.positions[index]), interstitial_site, empty.multiplicity,
        as_tuple(perfect.positions[index]), vacancy_site, left.multiplicity,
    )  # fmt: skip
    return Defect('frenkel_pair', result, perfect, as_matrix(matrix), (change,), Symmetry.of(atoms, symprec).symbol)


def find_atom(atoms: Atoms, position: np.ndarray, tolerance: float = 0.1) -> int:
    """Return the index of the atom that is at a place, up to whole cell vectors.

    :param atoms: the crystal.
    :param position: Cartesian coordinates in Å.
    :param tolerance: largest distance in Å.
    :raises StructureError: if no atom is there.
    """
    _, lengths = find_mic(atoms.positions - position, atoms.cell)
    if lengths.min() > tolerance:
        raise StructureError(f'No atom is at {np.round(position, 3).tolist()} Å; the nearest is {lengths.min():.2f} Å '
                             'away.')  # fmt: skip
    return int(lengths.argmin())


def refuse_contact(atoms: Atoms, index: int, min_room: float) -> None:
    """Refuse a structure in which an atom is too near to another.

    :param atoms: the structure.
    :param index: of the atom.
    :param min_room: smallest distance to another atom in Å.
    :raises StructureError: if one is nearer.
    """
    others = np.delete(np.arange(len(atoms)), index)
    if not len(others):
        return
    distances = atoms.get_distances(index, others, mic=True)
    if distances.min() < min_room:
        nearest = int(others[distances.argmin()])
        raise StructureError(
            f'The {atoms.symbols[index]} at {np.round(atoms.positions[index], 3).tolist()} Å would be '
            f'{distances.min():.2f} Å from atom {nearest} ({atoms.symbols[nearest]}), nearer than {min_room:g} Å.'
        )


def wrap(atoms: Atoms, position: np.ndarray) -> np.ndarray:
    """Return the image of a place that is inside the cell; shape (3,)."""
    return (atoms.cell.scaled_positions(position[None])[0] % 1.0) @ atoms.cell.array


def as_tuple(vector: np.ndarray) -> tuple[float, float, float]:
    """Return the three components of a vector."""
    return float(vector[0]), float(vector[1]), float(vector[2])
