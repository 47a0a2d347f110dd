"""The bonded units of a crystal, each in one piece: molecules and molecular ions, and atoms that are neither."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols, covalent_radii
from ase.formula import Formula
from ase.neighborlist import neighbor_list
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, connected_components

from aiida_seimlip.science.analysis.bonds import TOLERANCE

NON_METALS = frozenset('H He B C N O F Ne Si P S Cl Ar Ge As Se Br Kr Te I Xe'.split())
"""Elements whose atoms form bonded units with each other; metals do not."""


@dataclass(frozen=True, eq=False)
class WholeUnits:
    """The bonded units of a crystal.

    :param owners: number of the unit of each atom; shape (n_atoms,).
    :param positions: of the atoms, those of a unit in one piece, in Å; shape (n_atoms, 3).
    :param translations: for each unit the lattice vectors, in numbers of cell vectors, by which it is bonded to its own
        images: none of a molecule, some of a chain, a sheet or a network; each of shape (n, 3).
    """

    owners: np.ndarray
    positions: np.ndarray
    translations: tuple[np.ndarray, ...]

    @property
    def members(self) -> list[np.ndarray]:
        """Indices of the atoms of each unit."""
        return [np.flatnonzero(self.owners == number) for number in range(len(self.translations))]

    @property
    def centres(self) -> np.ndarray:
        """Mean position of the atoms of each unit in Å; shape (n_units, 3)."""
        return np.array([self.positions[atoms].mean(axis=0) for atoms in self.members])


def find_whole_units(atoms: Atoms, *, tolerance: float = TOLERANCE) -> WholeUnits:
    """Find the bonded units of a crystal, and put each in one piece.

    Non-metals (`NON_METALS`) are bonded where they are closer than `tolerance` times the sum of their covalent radii
    (B. Cordero et al., Dalton Trans. 2832 (2008), as tabulated in ASE). An atom without a bond is a unit of its own.

    :param atoms: the crystal.
    :param tolerance: factor on the sum of the radii.
    """
    can_bond = np.isin(atoms.numbers, [atomic_numbers[symbol] for symbol in NON_METALS])
    first, second, shifts = neighbor_list('ijS', atoms, tolerance * covalent_radii[atoms.numbers] * can_bond)
    bonded = can_bond[first] & can_bond[second]
    first, second, shifts = first[bonded], second[bonded], shifts[bonded]
    size = len(atoms)
    graph = coo_matrix((np.ones(first.size, dtype=bool), (first, second)), shape=(size, size)).tocsr()
    n_units, owners = connected_components(graph, directed=False)
    images = np.zeros((size, 3), dtype=int)
    step = {(int(i), int(j)): shift for i, j, shift in zip(first, second, shifts, strict=True)}
    for number in range(n_units):
        start = int(np.flatnonzero(owners == number)[0])
        order, before = breadth_first_order(graph, start, directed=False)
        for atom in order[1:]:
            images[atom] = images[before[atom]] + step[int(before[atom]), int(atom)]
    loops = images[first] + shifts - images[second]
    translations = tuple(
        np.unique(loops[(owners[first] == number) & loops.any(axis=1)], axis=0) for number in range(n_units)
    )
    return WholeUnits(owners, atoms.positions + images @ atoms.cell.array, translations)


def break_networks(units: WholeUnits, atoms: Atoms, normal: np.ndarray) -> tuple[WholeUnits, int]:
    """Take units apart into atoms that no plane can pass by: those that are bonded to their images across it.

    :param units: of a crystal.
    :param atoms: the crystal.
    :param normal: Miller indices of the plane in the cell of the crystal; shape (3,).
    :return: the units, and how many were taken apart.
    """
    broken = [number for number, loops in enumerate(units.translations) if (loops @ normal).any()]
    if not broken:
        return units, 0
    counter = itertools.count()
    owners, positions = np.empty(len(atoms), dtype=int), units.positions.copy()
    translations: list[np.ndarray] = []
    for number, members in enumerate(units.members):
        if number in broken:
            owners[members] = [next(counter) for _ in members]
            positions[members] = atoms.positions[members]
            translations += [np.empty((0, 3), dtype=int) for _ in members]
        else:
            owners[members] = next(counter)
            translations.append(units.translations[number])
    return WholeUnits(owners, positions, tuple(translations)), len(broken)


def find_broken_units(before: Atoms, after: Atoms, *, tolerance: float = TOLERANCE) -> list[str]:
    """Return the formulas of bonded units that do not consist of the same atoms any more, without repetition.

    :param before: the structure.
    :param after: the same atoms in the same order, moved.
    :param tolerance: factor on the sum of the radii.
    """
    old, new = (find_whole_units(atoms, tolerance=tolerance) for atoms in (before, after))
    kept = {tuple(members) for members in new.members}
    return sorted({formula_of(before.numbers[unit]) for unit in old.members if tuple(unit) not in kept})


def formula_of(numbers: np.ndarray) -> str:
    """Return the formula of some atoms, such as ``CO3``, ``PF6`` or ``C4H4O6``.

    :param numbers: atomic numbers.
    """
    formula = Formula.from_list([chemical_symbols[number] for number in numbers])
    return str(formula.format('hill' if 'C' in formula else 'periodic'))
