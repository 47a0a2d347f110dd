"""How ions migrate: pairs of structures between which a barrier lies, with the atoms of both in the same order.

First the distinct hops of a crystal are found (`hops`), then the end points of one are made in a supercell
(`end_points`). In the final structure the atoms that hop are where the hop takes them, without being wrapped into the
cell, and all others are where they were: straight interpolation follows the hop.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from ase import Atoms
from ase.geometry import find_mic

from aiida_seimlip.science.structures.defects import as_tuple, find_atom, refuse_contact, wrap
from aiida_seimlip.science.structures.hops import Hop
from aiida_seimlip.science.structures.supercells import StructureError, as_matrix, describe, supercell

SAME = 1e-3
"""Displacements below this in Å are none."""

MIN_ROOM = 1.2
"""An atom that hops has at least this distance in Å from all others at both ends."""


class EndPointsError(StructureError):
    """Two structures are not the ends of one path; the message says why."""


@dataclass(frozen=True)
class Moved:
    """An atom that differs between the end points.

    :param index: of the atom, in both structures.
    :param symbol: its element.
    :param start: Cartesian coordinates in Å in the initial structure.
    :param end: the same in the final structure, not wrapped into the cell.
    :param role: what the atom is: ``lattice`` atom or ``interstitial`` at the start.
    """

    index: int
    symbol: str
    start: tuple[float, float, float]
    end: tuple[float, float, float]
    role: Literal['lattice', 'interstitial']

    @property
    def length(self) -> float:
        """Length of the displacement in Å."""
        return float(np.linalg.norm(np.subtract(self.end, self.start)))

    def to_dict(self) -> dict[str, Any]:
        """Return the displacement in plain types."""
        return {
            'index': self.index, 'symbol': self.symbol, 'start': list(self.start), 'end': list(self.end),
            'length': self.length, 'role': self.role,
        }  # fmt: skip


@dataclass(frozen=True, eq=False)
class EndPoints:
    """The two ends of a path, with the same atoms in the same order.

    :param mechanism: ``vacancy``, ``interstitial_direct``, ``interstitial_knock_off``, ``frenkel_pair_generation``, or
        ``given`` where the structures were.
    :param initial: before the hop.
    :param final: after it; atoms are not wrapped into the cell.
    :param moved: the atoms that differ, and how.
    :param removed: atoms of the perfect supercell that are missing at both ends: index there, symbol and position in Å.
    :param matrix: of the supercell; shape (3, 3).
    :param multiplicity: number of equivalent hops in the cell of the crystal; None where the structures were given.
    :param clearance: how near in Å an atom that stays comes to the straight lines; None where structures were given.
    :param angle: of the hop in degrees (see `Hop`).
    """

    mechanism: str
    initial: Atoms
    final: Atoms
    moved: tuple[Moved, ...]
    removed: tuple[tuple[int, str, tuple[float, float, float]], ...] = ()
    matrix: np.ndarray | None = None
    multiplicity: int | None = None
    clearance: float | None = None
    angle: float | None = None

    @property
    def length(self) -> float:
        """Largest displacement of an atom in Å."""
        return max((atom.length for atom in self.moved), default=0.0)

    def to_dict(self) -> dict[str, Any]:
        """Return what was done to which atom, in plain types."""
        return {
            'mechanism': self.mechanism,
            'length': self.length,
            'moved': [atom.to_dict() for atom in self.moved],
            'removed': [
                {'index': index, 'symbol': symbol, 'position': list(position)}
                for index, symbol, position in self.removed
            ],
            'supercell': None if self.matrix is None else describe(self.initial, self.matrix),
            'formula': self.initial.get_chemical_formula(),
            'multiplicity': self.multiplicity,
            'clearance': self.clearance,
            'angle': self.angle,
        }  # fmt: skip


def end_points(atoms: Atoms, hop: Hop, matrix: np.ndarray | Sequence[Any] = (1, 1, 1)) -> EndPoints:
    """Return the end points of a hop in a supercell.

    Interstitials come last; the order of all other atoms is that of the supercell.

    :param atoms: the perfect crystal that the hop was found in.
    :param hop: the hop.
    :param matrix: of the supercell.
    :raises EndPointsError: if the supercell is so small that a hop has a shorter image, or that an atom would be needed
        twice.
    :raises StructureError: if atoms come too near to each other.
    """
    perfect = supercell(atoms, matrix)
    vectors = [(leg.end - leg.start) @ atoms.cell.array for leg in hop.legs]
    _refuse_short_images(perfect, hop, vectors)
    gone = [find_atom(perfect, place @ atoms.cell.array) for place in hop.removed]
    lattice = [
        None if leg.is_interstitial else find_atom(perfect, leg.start @ atoms.cell.array) for leg in hop.legs
    ]  # fmt: skip
    used = [index for index in [*gone, *lattice] if index is not None]
    if len(set(used)) < len(used):
        raise EndPointsError(f'The supercell of {len(perfect)} atoms is too small: the hop ends at its own image.')
    initial, indices = perfect.copy(), []
    for leg, index in zip(hop.legs, lattice, strict=True):
        if index is None:
            initial += Atoms(hop.symbol, positions=[wrap(perfect, leg.start @ atoms.cell.array)])
        indices.append(len(initial) - 1 if index is None else index)
    del initial[gone]
    indices = [index - sum(other < index for other in gone) for index in indices]
    final = initial.copy()
    moved = []
    for leg, index, vector in zip(hop.legs, indices, vectors, strict=True):
        final.positions[index] += vector
        ends = (as_tuple(initial.positions[index]), as_tuple(final.positions[index]))
        moved.append(Moved(index, hop.symbol, *ends, 'interstitial' if leg.is_interstitial else 'lattice'))
    for image, index in itertools.product((initial, final), indices):
        refuse_contact(image, index, MIN_ROOM)
    removed = tuple((index, perfect.symbols[index], as_tuple(perfect.positions[index])) for index in gone)
    return EndPoints(
        hop.mechanism, initial, final, tuple(moved), removed, as_matrix(matrix), hop.multiplicity, hop.clearance,
        hop.angle,
    )  # fmt: skip


def match(initial: Atoms, final: Atoms, *, tolerance: float = SAME) -> EndPoints:
    """Return two structures as the ends of a path, each atom of the second in the image nearest to the first.

    :param initial: before the hop.
    :param final: after it.
    :param tolerance: atoms that differ by less in Å count as not moved.
    :raises EndPointsError: if they do not have the same atoms in the same order and the same cell, or are the same.
    """
    if sorted(initial.numbers) != sorted(final.numbers):
        raise EndPointsError(
            f'The end points do not consist of the same atoms: {initial.get_chemical_formula()} and '
            f'{final.get_chemical_formula()}.'
        )
    if not np.array_equal(initial.numbers, final.numbers):
        first = int(np.flatnonzero(initial.numbers != final.numbers)[0])
        raise EndPointsError(
            f'The atoms of the end points are not in the same order: atom {first} is {initial.symbols[first]} in the '
            f'first and {final.symbols[first]} in the second.'
        )
    if not np.array_equal(initial.pbc, final.pbc) or not np.allclose(initial.cell, final.cell, rtol=0.0, atol=1e-4):
        raise EndPointsError('The end points do not have the same cell.')
    vectors, lengths = find_mic(final.positions - initial.positions, initial.cell, initial.pbc)
    if not (lengths > tolerance).any():
        raise EndPointsError(f'The end points are the same: no atom moves by more than {tolerance:g} Å.')
    image = final.copy()
    image.positions = initial.positions + vectors
    moved = tuple(
        Moved(int(index), initial.symbols[index], as_tuple(initial.positions[index]), as_tuple(image.positions[index]),
              'lattice')
        for index in np.flatnonzero(lengths > tolerance)
    )  # fmt: skip
    return EndPoints('given', initial, image, moved)


def _refuse_short_images(perfect: Atoms, hop: Hop, vectors: Sequence[np.ndarray]) -> None:
    """Refuse a hop that is not the shortest way between its ends in a supercell."""
    _, lengths = find_mic(np.array(vectors), perfect.cell)
    for vector, shortest in zip(vectors, lengths, strict=True):
        length = float(np.linalg.norm(vector))
        if shortest < length - 0.01:
            raise EndPointsError(
                f'The supercell of {len(perfect)} atoms is too small for the {hop.mechanism} hop of {length:.2f} Å: '
                f'between images of its ends are only {shortest:.2f} Å.'
            )
