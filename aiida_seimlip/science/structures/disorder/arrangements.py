"""Arrangements of atoms on the sites of a disordered crystal, and which of them symmetry makes the same."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols
from ase.geometry import get_distances
from scipy.spatial import cKDTree

from aiida_seimlip.science.structures.disorder.crystal import DisorderedCrystal
from aiida_seimlip.science.structures.occupancy import is_whole
from aiida_seimlip.science.structures.supercells import StructureError

EMPTY = 0
"""What is on an empty site; elements have their atomic numbers."""

BRANCHES = 20
"""So many partial arrangements are looked at for each that is wanted, before an enumeration is given up."""

SAME_PLACE = 0.02
"""Fractional coordinates that differ by less are those of the same site."""


class Arrangements:
    """Which arrangements of atoms on disordered sites are possible, and which are the same.

    An arrangement is an array of what is on each disordered site: an atomic number, or `EMPTY`.

    :param crystal: the disordered crystal.
    :param counts: for each orbit how many atoms of each element are on its sites.
    :param min_distance: sites that are nearer in Å are not both occupied.
    """

    def __init__(
        self, crystal: DisorderedCrystal, counts: Mapping[int, Mapping[str, int]], min_distance: float
    ) -> None:
        self.crystal = crystal
        self.places = crystal.disordered
        self.groups = crystal.orbits[self.places]
        self.counts = {
            group: {atomic_numbers[symbol]: count for symbol, count in numbers.items() if count}
            for group, numbers in counts.items()
        }
        positions = crystal.positions[self.places]
        _, distances = get_distances(positions, cell=crystal.cell, pbc=True)
        self.clashes = (distances < min_distance) & ~np.eye(len(positions), dtype=bool)
        self.clashing_before = [np.flatnonzero(row[:place]).tolist() for place, row in enumerate(self.clashes)]
        self.whole = [index for index, site in enumerate(crystal.sites) if is_whole(site)]

    @property
    def totals(self) -> dict[str, int]:
        """Number of atoms of each element in an ordered cell."""
        total = Counter(main_element(self.crystal.sites[index]) for index in self.whole)
        for numbers in self.counts.values():
            for number, count in numbers.items():
                total[chemical_symbols[number]] += count
        return dict(total)

    # -- enumeration --------------------------------------------------------------------------------------------------

    @property
    def n_arrangements(self) -> int:
        """Number of arrangements if none clashed."""
        total = 1
        for group, numbers in self.counts.items():
            left = int(np.sum(self.groups == group))
            for count in numbers.values():
                total *= math.comb(left, count)
                left -= count
        return total

    def enumerate(self, limit: int) -> np.ndarray | None:
        """Return all arrangements: for each disordered site what is there; shape (n, n_disordered).

        :param limit: None is returned if there are more.
        :raises StructureError: if there is none.
        """
        if self.n_arrangements > limit and not self.clashes.any():
            return None
        left = {group: dict(numbers) for group, numbers in self.counts.items()}
        empty = {group: int(np.sum(self.groups == group)) - sum(left[group].values()) for group in left}
        for group, count in empty.items():
            if count:
                left[group][EMPTY] = count
        found: list[list[int]] = []
        budget = [BRANCHES * max(limit, 5000)]
        for state in self._extend([EMPTY] * len(self.places), 0, left, budget):
            found.append(state)
            if len(found) > limit:
                return None
        if budget[0] <= 0:
            return None
        if not found:
            raise StructureError(
                'No arrangement has the stated occupancies without atoms on sites that are too near for both '
                '(`--min-distance`).'
            )
        return np.array(found, dtype=np.int16)

    def _extend(
        self, state: list[int], place: int, left: dict[int, dict[int, int]], budget: list[int]
    ) -> Iterator[list[int]]:
        """Yield all complete arrangements that begin with a partial one."""
        if place == len(state):
            yield state.copy()
            return
        budget[0] -= 1
        if budget[0] <= 0:
            return
        numbers = left[int(self.groups[place])]
        for number in list(numbers):
            if not numbers[number]:
                continue
            if number != EMPTY and any(state[other] != EMPTY for other in self.clashing_before[place]):
                continue
            numbers[number] -= 1
            state[place] = number
            yield from self._extend(state, place + 1, left, budget)
            numbers[number] += 1

    # -- symmetry -----------------------------------------------------------------------------------------------------

    def distinct(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return one of each set of arrangements that are the same by symmetry, and how many of them were given.

        :param states: shape (n, n_disordered).
        """
        random = np.random.default_rng(0).integers(1, 2**63, size=(len(self.places), 120), dtype=np.uint64)
        keys = np.full(len(states), np.iinfo(np.uint64).max, dtype=np.uint64)
        for permutation in self._permutations():
            moved = states[:, permutation]
            keys = np.minimum(keys, random[np.arange(len(self.places)), moved].sum(axis=1, dtype=np.uint64))
        _, first, counts = np.unique(keys, return_index=True, return_counts=True)
        rows = np.argsort(first)
        return states[first[rows]], counts[rows]

    def _permutations(self) -> Iterator[np.ndarray]:
        """Yield where each operation of the average crystal takes the disordered sites from."""
        rotations, translations, _ = self.crystal.symmetry()
        fractional = np.linalg.solve(self.crystal.cell.T, self.crystal.positions[self.places].T).T % 1.0 % 1.0
        tree = cKDTree(fractional, boxsize=1.0)
        for rotation, translation in zip(rotations, translations, strict=True):
            moved = (fractional @ rotation.T + translation) % 1.0 % 1.0
            distances, permutation = tree.query(moved)
            if distances.max() < SAME_PLACE and len(set(permutation.tolist())) == len(permutation):
                yield permutation

    def atoms(self, state: np.ndarray) -> Atoms:
        """Return an arrangement as atoms, each element together."""
        numbers = np.zeros(len(self.crystal.sites), dtype=int)
        for index in self.whole:
            numbers[index] = atomic_numbers[main_element(self.crystal.sites[index])]
        numbers[self.places] = state
        kept = np.flatnonzero(numbers != EMPTY)
        kept = kept[np.argsort(numbers[kept], kind='stable')]
        return Atoms(numbers[kept], self.crystal.positions[kept], cell=self.crystal.cell, pbc=True)


def main_element(site: Mapping[str, float]) -> str:
    """Return the element that is most on a site.

    :param site: occupancies by element.
    """
    return max(site, key=lambda symbol: site[symbol])
