"""What is known about a molecule or an ion that cells are packed from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols, covalent_radii
from scipy.sparse.csgraph import breadth_first_order, connected_components, minimum_spanning_tree

from aiida_seimlip.science.structures.sanity import explain_geometry

BOND = 1.25
"""Atoms up to this times the sum of their covalent radii apart belong to one molecule."""

IONIC = 1.6
"""The same where one of two is an alkali metal: Li-O 1.6 to 2.2 Å in molecules, Li-F to 2.0 Å."""

ALKALI = frozenset({3, 11, 19, 37, 55})

VOLUME_OF_UNIT = 6.2
"""In Å³, see `estimate_volume`."""

_LAST_OF_PERIOD = (2, 10, 18, 36, 54, 86)
_UNITS_OF_PERIOD = (1.0, 2.0, 4.0, 5.0, 7.5, 9.0)


class MoleculeError(ValueError):
    """A molecule cannot be used; the message is a sentence."""


@dataclass(frozen=True, eq=False)
class Molecule:
    """A molecule, an ion or an atom that cells are packed from.

    :param name: by which recipes call it.
    :param atoms: its geometry; not periodic.
    :param charge: formal charge in e.
    :param volume: that it takes up in a condensed cell in Å³.
    :param source: where geometry and volume come from, in words.
    """

    name: str
    atoms: Atoms
    charge: int
    volume: float
    source: str

    @classmethod
    def of(cls, name: str, atoms: Atoms, *, charge: int = 0, volume: float | None = None, source: str) -> Molecule:
        """Make a molecule of any geometry: its atoms are plain and centred, whatever cell they came in.

        :param name: by which recipes call it.
        :param atoms: one molecule; through the boundaries of a periodic cell, it is made whole.
        :param charge: formal charge in e.
        :param volume: in Å³; estimated if not given (see `estimate_volume`).
        :param source: where the geometry comes from.
        :raises MoleculeError: if it cannot be meant as it stands, or its atoms do not hang together.
        """
        fault = explain_geometry(atoms)
        if fault is not None:
            raise MoleculeError(f'The molecule `{name}` cannot be packed: {fault}.')
        positions, n_pieces = _made_whole(atoms)
        if n_pieces > 1:
            raise MoleculeError(
                f'The molecule `{name}` ({atoms.get_chemical_formula()}) is in {n_pieces} pieces that do not touch '
                'each other: give each of them a name of its own.'
            )
        if volume is None:
            volume = estimate_volume(atoms.numbers)
            source = f'{source}; volume: estimated from its elements'
        plain = Atoms(numbers=atoms.numbers, positions=positions - positions.mean(axis=0))
        return cls(name, plain, charge, volume, source)

    @property
    def formula(self) -> str:
        """Chemical formula in Hill order."""
        return str(self.atoms.get_chemical_formula())

    @property
    def mass(self) -> float:
        """In u."""
        return float(self.atoms.get_masses().sum())

    @property
    def length(self) -> float:
        """Longest distance between two of its atoms in Å."""
        return float(self.atoms.get_all_distances().max())


def estimate_volume(numbers: Iterable[int]) -> float:
    """Estimate what a molecule takes up in a condensed cell in Å³.

    Each element counts by its period (H 1, Li to F 2, Na to Cl 4, ...), as G. S. Girolami found for molar volumes of
    liquids (J. Chem. Educ. 71, 962 (1994)), with 6.2 Å³ instead of his 8.3 Å³ for a unit, as salts are denser: 174 Å³
    for Li2EDC, 74 Å³ for Li2CO3, 112 Å³ for LiPF6 and 99 Å³ for EC, where 160, 65, 110 and 111 Å³ are built in.

    :param numbers: atomic numbers.
    """
    periods = np.searchsorted(_LAST_OF_PERIOD, np.asarray(list(numbers)))
    return VOLUME_OF_UNIT * float(np.array(_UNITS_OF_PERIOD)[np.minimum(periods, len(_UNITS_OF_PERIOD) - 1)].sum())


def _made_whole(atoms: Atoms) -> tuple[np.ndarray, int]:
    """Return the positions of a molecule with all atoms in one image of the cell, and the number of its pieces.

    From atom to atom it goes along the tree of the shortest contacts, so that no image of the molecule is taken for it.
    """
    vectors = atoms.get_all_distances(mic=bool(atoms.pbc.any()), vector=True)
    radii = covalent_radii[atoms.numbers]
    contacts = np.linalg.norm(vectors, axis=2) / (radii[:, None] + radii[None])
    is_alkali = np.isin(atoms.numbers, list(ALKALI))
    contacts[contacts > np.where(is_alkali[:, None] != is_alkali[None], IONIC, BOND)] = 0.0  # no contact
    n_pieces, _ = connected_components(contacts, directed=False)
    order, before = breadth_first_order(minimum_spanning_tree(contacts), 0, directed=False)
    positions = atoms.positions.copy()
    for atom in order[1:]:
        positions[atom] = positions[before[atom]] + vectors[before[atom], atom]
    return positions, int(n_pieces)


def symbols_of(molecules: Iterable[Molecule]) -> tuple[str, ...]:
    """Return the chemical symbols that occur, in order of atomic number."""
    numbers = {int(number) for molecule in molecules for number in molecule.atoms.numbers}
    return tuple(chemical_symbols[number] for number in sorted(numbers))
