"""What has become of packed molecules in a cell that was condensed: units that broke, bonds that are new, copies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms
from scipy.ndimage import gaussian_filter1d
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from aiida_seimlip.science.analysis.bonds import TOLERANCE, BondGraph, find_bonds
from aiida_seimlip.science.analysis.rdf import radial_distribution
from aiida_seimlip.science.frames import Frames

CUTOFF, BIN_WIDTH, SMOOTHING = 6.0, 0.05, 0.3
"""Of the distances that a fingerprint counts, and the standard deviation that smooths them, in Å."""

SAME = 0.05
"""Fingerprints that differ by less, in parts of their length, are those of one structure.

Two packings of one composition differ by 0.10 to 0.35, a structure and its copy rattled by 0.01 Å by 0.01 to 0.03.
"""


SAME_LENGTH = 1e-3
"""In Å: a bond that is longer by more without the images of the cell is one to an image."""


class NotTheSameAtomsError(ValueError):
    """Two configurations are not of the same atoms in the same order."""


@dataclass
class UnitFate:
    """What became of the bonded units of one formula.

    :param n_packed: how many there were.
    :param n_whole: how many have the bonds that they had, and no others among their atoms.
    :param pieces: how many there are of each piece of the others, by formula (Hill order).
    """

    n_packed: int = 0
    n_whole: int = 0
    pieces: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, eq=False)
class BondChanges:
    """How bonds have changed.

    :param units: by the formula of what was packed (Hill order); ions without bonds, such as Li, are left out.
    :param new_bonds: both elements and the length in Å of bonds between units that had none.
    """

    units: dict[str, UnitFate]
    new_bonds: tuple[tuple[str, str, float], ...]


def compare_bonds(
    before: Frames, after: Frames, *, molecules: np.ndarray | None = None, tolerance: float = TOLERANCE
) -> BondChanges:
    """Find out which units have kept their bonds, and which are bonded to others now.

    :param before: one configuration, such as a packed one: its bonds say what the units are.
    :param after: the same atoms in the same order.
    :param molecules: number of the molecule that each atom of `before` belongs to, if that is known: atoms of two of
        them, or of one and its image, may be as near there as those of a bond, as in dense packings. Each must be whole
        in `before`; shape (n_atoms,).
    :param tolerance: bonds are shorter than this times the sum of the covalent radii.
    :raises NotTheSameAtomsError: if the atoms are others.
    """
    if not np.array_equal(before.numbers, after.numbers):
        raise NotTheSameAtomsError('The atoms are not those that were packed, in their order.')
    old, new = find_bonds(before, tolerance=tolerance), find_bonds(after, tolerance=tolerance)
    own = np.ones(old.first.size, dtype=bool)
    if molecules is not None:
        straight = np.linalg.norm(before.positions[old.first] - before.positions[old.second], axis=1)
        own = (molecules[old.first] == molecules[old.second]) & (straight < old.lengths + SAME_LENGTH)
    unit = _components(old, own)
    inside = unit[new.first] == unit[new.second]
    pieces = _components(new, inside)
    kept, present = _bonds_by_unit(old, unit, own), _bonds_by_unit(new, unit, inside)
    fates: dict[str, UnitFate] = {}
    for number in np.unique(unit):
        atoms = np.flatnonzero(unit == number)
        if atoms.size < 2:
            continue
        fate = fates.setdefault(_formula(before.numbers[atoms]), UnitFate())
        fate.n_packed += 1
        if kept.get(number) == present.get(number):
            fate.n_whole += 1
        else:
            fate.pieces.update(
                _formula(before.numbers[atoms[pieces[atoms] == piece]]) for piece in np.unique(pieces[atoms])
            )
    symbols = Atoms(after.numbers).get_chemical_symbols()
    found = {
        (*sorted((symbols[i], symbols[j])), round(float(length), 3))
        for i, j, length in zip(new.first[~inside], new.second[~inside], new.lengths[~inside], strict=True)
    }
    return BondChanges(fates, tuple(sorted(found)))


def fingerprint(frame: Frames) -> np.ndarray:
    """Return what does not change when atoms are renamed, or the cell is turned, shifted or described by other vectors.

    It is the smoothed number of neighbours at each distance, for each pair of elements.

    :param frame: one configuration, periodic in all directions.
    :return: a vector; those of other elements have other lengths.
    """
    found = radial_distribution(frame, cutoff=CUTOFF, bin_width=BIN_WIDTH)
    weights = {symbol: np.count_nonzero(frame.numbers == number) / frame.numbers.size
               for symbol, number in zip(frame.elements, np.unique(frame.numbers), strict=True)}  # fmt: skip
    parts = [
        np.sqrt(weights[pair.pair[0]])
        * gaussian_filter1d(np.diff(pair.coordination, prepend=0.0), SMOOTHING / BIN_WIDTH)
        for pair in found.pairs
    ]
    return np.concatenate(parts)


def find_duplicates(frames: Frames, *, same: float = SAME) -> dict[int, int]:
    """Return the index of each frame that is the same structure as one before it, and the index of that one.

    :param frames: periodic in all directions.
    :param same: fingerprints that differ by less, in parts of their length, are those of one structure.
    """
    kinds = frames.formulas
    prints: list[np.ndarray] = []
    found: dict[int, int] = {}
    for index in range(len(frames)):
        prints.append(fingerprint(frames[index]))
        earlier = (other for other in range(index) if other not in found and kinds[other] == kinds[index])
        twin = next((other for other in earlier if difference(prints[other], prints[index]) < same), None)
        if twin is not None:
            found[index] = twin
    return found


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return by how much two fingerprints differ, in parts of their length.

    :param one: of a structure.
    :param other: of another one of the same elements.
    """
    return float(np.linalg.norm(one - other) / max(np.linalg.norm(one), np.linalg.norm(other)))


def _components(graph: BondGraph, chosen: np.ndarray) -> np.ndarray:
    """Return the number of the piece of each atom, by some of the bonds alone."""
    size = graph.numbers.size
    ends = (graph.first[chosen], graph.second[chosen])
    network = coo_matrix((np.ones(ends[0].size, dtype=bool), ends), shape=(size, size))
    labels: np.ndarray = connected_components(network, directed=False)[1]
    return labels


def _bonds_by_unit(graph: BondGraph, unit: np.ndarray, chosen: np.ndarray) -> dict[int, frozenset[tuple[int, int]]]:
    """Return the bonds inside each unit, by its number."""
    pairs: dict[int, set[tuple[int, int]]] = {}
    for i, j in zip(graph.first[chosen].tolist(), graph.second[chosen].tolist(), strict=True):
        pairs.setdefault(int(unit[i]), set()).add((min(i, j), max(i, j)))
    return {number: frozenset(bonds) for number, bonds in pairs.items()}


def _formula(numbers: Sequence[int] | np.ndarray) -> str:
    return str(Atoms(numbers).get_chemical_formula())
