"""Which atoms are bonded to which, the molecular units that they form, and the role of each atom in its unit."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ase.data import atomic_numbers, chemical_symbols, covalent_radii
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.vesin_alone import NeighborList

IONS = frozenset('Li Na K Rb Cs Be Mg Ca Sr Ba'.split())
"""Elements that are ions of their own, never part of a bonded unit."""

TOLERANCE = 1.25
"""Bonds are at most this times the sum of the covalent radii: C-O 1.78, C-C 1.90, C-H 1.34, P-F 2.05 Å.

Molecules that vibrate at a thousand kelvin stay whole with it (a bond of 1.43 Å with 25 eV/Å² would have to stretch by
six standard deviations), and the shortest distance without a bond, that over an angle (C…O 2.3 Å), is far above.
"""

_CARBON, _HYDROGEN, _OXYGEN = (atomic_numbers[symbol] for symbol in ('C', 'H', 'O'))
_OXYGEN_ROLES = ('oxide', 'carbonate', 'carbonyl', 'ether', 'hydroxyl', 'hydroxide', 'water', 'other')


@dataclass(frozen=True, eq=False)
class AtomKinds:
    """A division of the atoms of some frames into kinds.

    :param names: of the kinds, such as ``Li`` or ``O_carbonate``.
    :param codes: index into `names` for each atom of all frames; shape (n_atoms,).
    """

    names: tuple[str, ...]
    codes: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """Name of the kind of each atom; shape (n_atoms,)."""
        return np.array(self.names, dtype=object)[self.codes]

    def select(self, atoms: np.ndarray) -> AtomKinds:
        """Return the kinds of some atoms.

        :param atoms: indices, a slice or a mask.
        """
        return AtomKinds(self.names, self.codes[atoms])


@dataclass(frozen=True, eq=False)
class BondGraph:
    """Bonds in many frames; atoms are counted through all frames.

    :param numbers: atomic numbers of all frames; shape (n_atoms,).
    :param first: one end of each bond; shape (n_bonds,).
    :param second: the other end.
    :param lengths: in Å; shape (n_bonds,).
    """

    numbers: np.ndarray
    first: np.ndarray
    second: np.ndarray
    lengths: np.ndarray

    @cached_property
    def units(self) -> np.ndarray:
        """Index of the connected unit of each atom, no frame sharing any with another; shape (n_atoms,)."""
        size = self.numbers.size
        graph = coo_matrix((np.ones(self.first.size, dtype=bool), (self.first, self.second)), shape=(size, size))
        return connected_components(graph, directed=False)[1]

    @cached_property
    def directed(self) -> tuple[np.ndarray, np.ndarray]:
        """Each bond in both directions: atoms, and what each is bonded to; shapes (2 n_bonds,)."""
        return np.concatenate([self.first, self.second]), np.concatenate([self.second, self.first])

    @cached_property
    def elements(self) -> np.ndarray:
        """Atomic numbers that occur, in ascending order; shape (n_elements,)."""
        return np.unique(self.numbers)

    @cached_property
    def neighbours(self) -> np.ndarray:
        """Number of bonds of each atom to each of the `elements`; shape (n_atoms, n_elements)."""
        kinds = np.searchsorted(self.elements, self.numbers)
        centres, others = self.directed
        cells = centres * self.elements.size + kinds[others]
        counts = np.bincount(cells, minlength=self.numbers.size * self.elements.size)
        return counts.reshape(self.numbers.size, self.elements.size)

    def bonds_to(self, number: int) -> np.ndarray:
        """Return the number of bonds of each atom to one element; shape (n_atoms,).

        :param number: atomic number.
        """
        column = np.flatnonzero(self.elements == number)
        return self.neighbours[:, column[0]] if column.size else np.zeros(self.numbers.size, dtype=int)


def find_bonds(frames: Frames, *, tolerance: float = TOLERANCE) -> BondGraph:
    """Find the bonds in every frame, through periodic boundaries.

    Two atoms are bonded if they are closer than `tolerance` times the sum of their covalent radii (B. Cordero et al.,
    Dalton Trans. 2832 (2008), as tabulated in ASE). Alkali and alkaline-earth metals (`IONS`) have no bonds.

    :param frames: configurations.
    :param tolerance: factor on the sum of the radii.
    """
    radii = tolerance * covalent_radii[frames.numbers]
    can_bond = ~np.isin(frames.numbers, [atomic_numbers[symbol] for symbol in IONS])
    finder = NeighborList(cutoff=2.0 * float(radii[can_bond].max(initial=0.1)), full_list=False)
    found: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for index, (start, stop) in enumerate(itertools.pairwise(frames.ptr)):
        atoms = start + np.flatnonzero(can_bond[start:stop])
        if not atoms.size:
            continue
        i, j, distances = finder.compute(
            points=frames.positions[atoms], box=frames.cells[index], periodic=frames.pbc[index], quantities='ijd',
            copy=False,
        )  # fmt: skip
        first, second = atoms[i], atoms[j]
        near = distances < radii[first] + radii[second]
        found.append((first[near], second[near], distances[near]))
    if not found:
        nothing = np.empty(0, dtype=np.int64)
        return BondGraph(frames.numbers, nothing, nothing, np.empty(0))
    first, second, lengths = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return BondGraph(frames.numbers, first, second, lengths)


def element_kinds(frames: Frames) -> AtomKinds:
    """Tell the atoms of some frames apart by their element.

    :param frames: configurations.
    """
    elements, codes = np.unique(frames.numbers, return_inverse=True)
    return AtomKinds(tuple(chemical_symbols[number] for number in elements), codes)


def role_kinds(frames: Frames, *, tolerance: float = TOLERANCE) -> AtomKinds:
    """Tell atoms apart by their element, and oxygen by its bonds in each frame as well.

    ============= ====================================================================================
    O_carbonate   in CO3, whose three oxygens have no other bond
    O_carbonyl    with one bond, to any other carbon: C=O and C-O⁻ of esters, EDC, CO2, CO, carboxylates
    O_ether       between two carbons, also that of esters
    O_hydroxyl    between carbon and hydrogen
    O_hydroxide   with one bond, to hydrogen
    O_water       between two hydrogens
    O_oxide       without a bond
    O_other       with other bonds (O-O, P-O, ...)
    ============= ====================================================================================

    :param frames: configurations.
    :param tolerance: factor on the sum of the covalent radii.
    :return: the kinds that occur, by atomic number, oxygens in the order of the table.
    """
    graph = find_bonds(frames, tolerance=tolerance)
    by_element = element_kinds(frames)
    names = [*by_element.names, *(f'O_{role}' for role in _OXYGEN_ROLES)]
    codes = by_element.codes.copy()
    oxygen = frames.numbers == _OXYGEN
    codes[oxygen] = len(by_element.names) + _oxygen_roles(graph)[oxygen]
    order = [name for element in by_element.names for name in _subdivide(element)]
    occurring = [name for name in order if np.any(codes == names.index(name))]
    table = np.full(len(names), -1)
    table[[names.index(name) for name in occurring]] = np.arange(len(occurring))
    return AtomKinds(tuple(occurring), table[codes])


def _subdivide(element: str) -> Sequence[str]:
    return [f'O_{role}' for role in _OXYGEN_ROLES] if element == 'O' else [element]


def _oxygen_roles(graph: BondGraph) -> np.ndarray:
    """Return the index into `_OXYGEN_ROLES` for each atom, as if it were an oxygen; shape (n_atoms,)."""
    carbons, hydrogens = graph.bonds_to(_CARBON), graph.bonds_to(_HYDROGEN)
    degree = graph.neighbours.sum(axis=1)
    ends = carbonate_ends(graph)
    rules = {
        'oxide': degree == 0,
        'carbonate': ends,
        'carbonyl': (degree == 1) & (carbons == 1) & ~ends,
        'ether': (degree == 2) & (carbons == 2),
        'hydroxyl': (degree == 2) & (carbons == 1) & (hydrogens == 1),
        'hydroxide': (degree == 1) & (hydrogens == 1),
        'water': (degree == 2) & (hydrogens == 2),
    }
    codes = [_OXYGEN_ROLES.index(role) for role in rules]
    return np.select(list(rules.values()), codes, default=_OXYGEN_ROLES.index('other'))


def carbonate_ends(graph: BondGraph) -> np.ndarray:
    """Return whether each atom is an oxygen of an intact carbonate ion; shape (n_atoms,).

    :param graph: the bonds.
    """
    degree = graph.neighbours.sum(axis=1)
    is_end = (graph.numbers == _OXYGEN) & (degree == 1)
    centres, others = graph.directed
    ends_of = np.bincount(centres[is_end[others]], minlength=graph.numbers.size)
    is_carbonate = (graph.numbers == _CARBON) & (degree == 3) & (ends_of == 3)
    result = np.zeros(graph.numbers.size, dtype=bool)
    result[others[is_carbonate[centres]]] = True
    return result
