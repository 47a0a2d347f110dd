"""Molecular units in each frame of a trajectory, so that their decomposition is seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from ase.formula import Formula

from aiida_seimlip.science.analysis.bonds import IONS, TOLERANCE, BondGraph, find_bonds
from aiida_seimlip.science.frames import Frames

KNOWN_UNITS: Mapping[str, Mapping[tuple[str, str], int]] = {
    'CO3': {('C', 'O3'): 1, ('O', 'C'): 3},
    'PF6': {('P', 'F6'): 1, ('F', 'P'): 6},
    'EDC': {('C', 'O3'): 2, ('C', 'CH2O'): 2, ('O', 'C'): 4, ('O', 'C2'): 2, ('H', 'C'): 4},
}
"""For each unit the kinds of its atoms (element, and formula of what it is bonded to) and how many there are of each.

EDC is the anion of lithium ethylene dicarbonate, ⁻O2C-O-CH2-CH2-O-CO2⁻.
"""

ATOMS_PER_PART = 200_000
"""Frames are looked at in parts of about this number of atoms."""


class UnknownUnitError(ValueError):
    """A unit is asked for that is not among `KNOWN_UNITS`; the message names it."""


@dataclass(frozen=True, eq=False)
class UnitCounts:
    """Number of molecular units in each frame.

    :param intact: for each known unit the number of intact ones; shape (n_frames,) each.
    :param others: for each formula (Hill order) the number of units that are none of the known ones: fragments,
        products, atoms without a bond. Ions such as Li, which never have bonds, are left out; shape (n_frames,) each.
    """

    intact: dict[str, np.ndarray]
    others: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def n_frames(self) -> int:
        """Number of frames."""
        return len(next(iter(self.intact.values()), ()))

    def lost(self, unit: str) -> np.ndarray:
        """Return how many units fewer than in the first frame there are in each frame; shape (n_frames,).

        :param unit: name of a known unit.
        """
        counts = self.intact[unit]
        return counts[:1] - counts

    def share_of_frames_with_loss(self, unit: str) -> float:
        """Return the share of frames that have fewer of a unit than the first; 0 without frames.

        :param unit: name of a known unit.
        """
        return float(np.mean(self.lost(unit) > 0)) if self.n_frames else 0.0

    @property
    def has_decomposed(self) -> bool:
        """Whether some unit is rarer in the last frame than in the first."""
        return any(counts[-1] < counts[0] for counts in self.intact.values() if counts.size)


def count_units(
    frames: Frames, *, units: Sequence[str] = tuple(KNOWN_UNITS), tolerance: float = TOLERANCE
) -> UnitCounts:
    """Count the intact units of each kind, and all other units by formula, in every frame.

    A unit is a connected component of the graph of bonds. It counts as intact if each of its atoms has the bonds that
    it has in the known unit; a component of the same formula but other bonds is listed under `others`.

    :param frames: configurations.
    :param units: names of the units that are looked for, from `KNOWN_UNITS`.
    :param tolerance: two atoms are bonded if closer than this times the sum of their covalent radii. A bond that is
        stretched beyond in one frame only counts as broken in that frame.
    :raises UnknownUnitError: if a unit is not known.
    """
    unknown = [unit for unit in units if unit not in KNOWN_UNITS]
    if unknown:
        raise UnknownUnitError(f'Unit `{unknown[0]}` is not among the known ones: {", ".join(KNOWN_UNITS)}.')
    found: dict[str, np.ndarray] = {unit: np.zeros(len(frames), dtype=np.int64) for unit in units}
    others: dict[str, np.ndarray] = {}
    for start, part in _parts(frames):
        graph = find_bonds(part, tolerance=tolerance)
        rows = slice(start, start + len(part))
        first_atoms = np.unique(graph.units, return_index=True)[1]
        frame_of_unit = part.frame_of_atom[first_atoms]
        is_known = np.zeros(first_atoms.size, dtype=bool)
        for unit in units:
            matches = _matches(graph, KNOWN_UNITS[unit])
            is_known |= matches
            found[unit][rows] = np.bincount(frame_of_unit[matches], minlength=len(part))
        is_ion = np.isin(part.numbers[first_atoms], [atomic_numbers[symbol] for symbol in IONS])
        for formula, chosen in _by_formula(graph, ~is_known & ~is_ion).items():
            counts = others.setdefault(formula, np.zeros(len(frames), dtype=np.int64))
            counts[rows] = np.bincount(frame_of_unit[chosen], minlength=len(part))
    return UnitCounts(found, dict(sorted(others.items())))


def _parts(frames: Frames) -> list[tuple[int, Frames]]:
    """Cut frames into parts, each with the index of its first frame."""
    per_part = max(1, ATOMS_PER_PART // max(1, int(frames.sizes.max(initial=1))))
    return [(start, frames[start : start + per_part]) for start in range(0, len(frames), per_part)]


def _matches(graph: BondGraph, pattern: Mapping[tuple[str, str], int]) -> np.ndarray:
    """Return whether each unit of a graph has exactly the atoms of a pattern; shape (n_units,)."""
    n_units = int(graph.units.max(initial=-1)) + 1
    result = np.bincount(graph.units, minlength=n_units) == sum(pattern.values())
    for (element, partners), number in pattern.items():
        wanted = {atomic_numbers[symbol]: count for symbol, count in Formula(partners).count().items()}
        fits = graph.numbers == atomic_numbers[element]
        for other in {*graph.elements.tolist(), *wanted}:
            fits &= graph.bonds_to(other) == wanted.get(other, 0)
        result &= np.bincount(graph.units[fits], minlength=n_units) == number
    return result


def _by_formula(graph: BondGraph, chosen: np.ndarray) -> dict[str, np.ndarray]:
    """Return for each formula which of the chosen units have it, as indices of units."""
    n_units, n_elements = chosen.size, graph.elements.size
    kinds = np.searchsorted(graph.elements, graph.numbers)
    composition = np.bincount(graph.units * n_elements + kinds, minlength=n_units * n_elements)
    composition = composition.reshape(n_units, n_elements)[chosen]
    compositions, inverse = np.unique(composition, axis=0, return_inverse=True)
    indices = np.flatnonzero(chosen)
    return {_formula(graph.elements, row): indices[inverse == number] for number, row in enumerate(compositions)}


def _formula(elements: np.ndarray, counts: np.ndarray) -> str:
    """Return a formula in Hill order."""
    occurring = zip(elements[counts > 0], counts[counts > 0], strict=True)
    return str(Formula.from_dict({chemical_symbols[number]: int(count) for number, count in occurring}).format('hill'))
