"""Crystals whose sites are occupied in part or by several elements, as statistics of what is where."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import make_supercell

from aiida_seimlip.science.structures.occupancy import formula, is_whole
from aiida_seimlip.science.structures.supercells import StructureError, needs_structures

SAME_SITE = 0.1
"""Sites that are as near in Å are one that several elements share, refined apart."""

DIGITS = 5e-4
"""Occupancies are stated to three decimals: half of the last is how sure they are."""

MAX_CELLS = 64
"""Cells of so many are looked at to find one that meets the occupancies."""


@dataclass(frozen=True, eq=False)
class DisorderedCrystal:
    """A crystal with several possibilities on some of its sites.

    :param cell: cell vectors in rows, in Å; shape (3, 3).
    :param positions: of the sites in Å; shape (n_sites, 3).
    :param sites: for each site the occupancies by element; what is missing to 1 is empty.
    :param orbits: number of the set of equivalent sites that each belongs to; shape (n_sites,).
    """

    cell: np.ndarray
    positions: np.ndarray
    sites: Sequence[Mapping[str, float]]
    orbits: np.ndarray

    @classmethod
    def of(
        cls, cell: np.ndarray, positions: np.ndarray, sites: Sequence[Mapping[str, float]], symprec: float = 0.01
    ) -> DisorderedCrystal:
        """Put sites together that are one, and find out which are equivalent.

        :param cell: cell vectors in rows, in Å; shape (3, 3).
        :param positions: of the sites in Å; shape (n_sites, 3).
        :param sites: for each site the occupancies by element.
        :param symprec: how far in Å a site may be from the place that symmetry demands.
        :raises StructureError: if a site holds more than one atom, or the space group is not found.
        """
        positions, sites = _merge(np.asarray(cell, dtype=float), np.asarray(positions, dtype=float), sites)
        for index, site in enumerate(sites):
            if sum(site.values()) > 1.0 + 10 * DIGITS:
                text = ', '.join(f'{symbol} {value:.4g}' for symbol, value in site.items())
                raise StructureError(f'Site {index} would hold more than one atom ({text}).')
        crystal = cls(np.asarray(cell, dtype=float), positions, sites, np.zeros(len(sites), dtype=int))
        _, _, orbits = crystal.symmetry(symprec)
        return cls(crystal.cell, positions, sites, orbits)

    @property
    def formula(self) -> str:
        """Chemical formula of the cell, as far as whole numbers go."""
        return formula(self.sites)

    @cached_property
    def disordered(self) -> np.ndarray:
        """Indices of the sites that do not hold one whole atom; shape (n_disordered,)."""
        return np.array([index for index, site in enumerate(self.sites) if not is_whole(site)], dtype=int)

    @cached_property
    def kinds(self) -> np.ndarray:
        """Number of the kind of each site: the same where the occupancies are; shape (n_sites,)."""
        known: dict[tuple[tuple[str, float], ...], int] = {}
        keys = [tuple(sorted((symbol, round(value, 3)) for symbol, value in site.items())) for site in self.sites]
        return np.array([known.setdefault(key, len(known)) for key in keys])

    def supercell(self, matrix: np.ndarray) -> DisorderedCrystal:
        """Return whole copies of the cell; equivalent sites stay equivalent.

        :param matrix: of the new vectors in terms of the old ones, in rows; shape (3, 3).
        """
        plain = Atoms(numbers=np.ones(len(self.sites)), positions=self.positions, cell=self.cell, pbc=True)
        plain.set_tags(np.arange(len(self.sites)))
        large = make_supercell(plain, matrix, wrap=True)
        tags = large.get_tags()
        sites = [self.sites[tag] for tag in tags]
        return DisorderedCrystal(large.cell.array, large.positions, sites, self.orbits[tags])

    def symmetry(self, symprec: float = 0.01) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the operations that leave the crystal as it is on average, and which sites they make equivalent.

        :param symprec: how far in Å a site may be from the place that symmetry demands.
        :return: rotations, translations (of fractional coordinates), and for each site the first that is equivalent.
        :raises StructureError: if they are not found.
        """
        fractional = np.linalg.solve(self.cell.T, self.positions.T).T
        with needs_structures():
            import spglib
        dataset = None
        try:
            content: Any = (self.cell, fractional, self.kinds + 1)
            dataset = spglib.get_symmetry_dataset(content, symprec=symprec)
        except Exception as exception:  # spglib raises errors of its own in some versions, and returns None in others
            raise StructureError(f'The space group is not found with symprec {symprec} Å: {exception}') from exception
        if dataset is None:
            raise StructureError(f'The space group is not found with symprec {symprec} Å: choose another.')
        return dataset.rotations, dataset.translations, np.asarray(dataset.equivalent_atoms)

    # -- numbers of atoms ---------------------------------------------------------------------------------------------

    def counts(self, *, rounded: bool = False) -> dict[int, dict[str, int]]:
        """Return how many atoms of each element are on the disordered sites of each orbit.

        :param rounded: take the nearest whole numbers where the occupancies ask for others.
        :raises StructureError: if the occupancies do not make whole numbers; with the smallest cell where they do.
        """
        return {orbit: self._counts_of(orbit, rounded) for orbit in sorted(set(self.orbits[self.disordered].tolist()))}

    def _counts_of(self, orbit: int, rounded: bool) -> dict[str, int]:
        site, size = self.sites[int(np.argmax(self.orbits == orbit))], int(np.sum(self.orbits == orbit))
        wrong = [symbol for symbol, value in site.items() if not is_count(value, size)]
        if wrong and not rounded:
            symbol = wrong[0]
            raise StructureError(
                f'{site[symbol]:g} of the {size} {symbol} site(s) like the one at '
                f'{self._place(int(np.argmax(self.orbits == orbit)))} are {site[symbol] * size:.3g} atoms, which is no '
                f'whole number: {self._how_to_fit()}; or take the nearest whole numbers (`--round`).'
            )
        return _apportion(site, size)

    def _place(self, index: int) -> str:
        fractional = np.linalg.solve(self.cell.T, self.positions[index]) % 1.0
        return ' '.join(f'{value:.3f}' for value in fractional)

    def _how_to_fit(self) -> str:
        n_cells = self.smallest_multiple()
        if n_cells is None:
            return f'no cell of up to {MAX_CELLS} such cells meets all occupancies'
        repeat = ' '.join(map(str, best_repeat(self.cell, n_cells)))
        return f'the smallest cell that meets all occupancies is {n_cells} times as large (`--repeat {repeat}`)'

    def smallest_multiple(self) -> int | None:
        """Return by how much the cell must be larger for all occupancies to make whole numbers of atoms.

        :return: None if no number of cells up to `MAX_CELLS` does.
        """
        sizes = {orbit: int(np.sum(self.orbits == orbit)) for orbit in set(self.orbits[self.disordered].tolist())}
        sites = {orbit: self.sites[int(np.argmax(self.orbits == orbit))] for orbit in sizes}
        for n_cells in range(1, MAX_CELLS + 1):
            if all(is_count(value, n_cells * sizes[orbit]) for orbit in sizes for value in sites[orbit].values()):
                return n_cells
        return None


def is_count(occupancy: float, n_sites: int) -> bool:
    """Return whether an occupancy makes a whole number of atoms, as closely as it is stated.

    :param occupancy: stated to three decimals.
    :param n_sites: number of equivalent sites.
    """
    count = occupancy * n_sites
    return abs(count - round(count)) <= min(DIGITS * n_sites, 0.25) + 1e-6


def best_repeat(cell: np.ndarray, n_cells: int) -> tuple[int, int, int]:
    """Return the repetitions along the three vectors that make the most compact supercell of so many cells.

    :param cell: cell vectors in rows, in Å; shape (3, 3).
    :param n_cells: product of the repetitions.
    """
    lengths = np.linalg.norm(cell, axis=1)
    choices = [
        (a, b, n_cells // (a * b))
        for a in range(1, n_cells + 1)
        for b in range(1, n_cells + 1)
        if n_cells % a == 0 and (n_cells // a) % b == 0
    ]

    def key(choice: tuple[int, int, int]) -> tuple[float, float, tuple[int, ...]]:
        edges = lengths * choice
        return round(edges.max(), 6), round(edges.sum(), 6), tuple(-number for number in choice)

    return min(choices, key=key)


def _apportion(site: Mapping[str, float], size: int) -> dict[str, int]:
    """Return whole numbers nearest to what the occupancies ask for, of no more atoms than there are sites."""
    counts = {symbol: math.floor(value * size + 0.5 + 1e-9) for symbol, value in site.items()}
    while sum(counts.values()) > size:
        over = max(counts, key=lambda symbol: counts[symbol] - site[symbol] * size)
        counts[over] -= 1
    return counts


def _merge(
    cell: np.ndarray, positions: np.ndarray, sites: Sequence[Mapping[str, float]]
) -> tuple[np.ndarray, list[dict[str, float]]]:
    """Put sites together that are as near as `SAME_SITE`; each keeps the place of the first."""
    from ase.geometry import get_distances

    _, distances = get_distances(positions, cell=cell, pbc=True)
    kept: list[int] = []
    merged: list[dict[str, float]] = []
    for index, site in enumerate(sites):
        near = [place for place, other in enumerate(kept) if distances[index, other] < SAME_SITE]
        if near and not (is_whole(site) and is_whole(merged[near[0]])):
            for symbol, value in site.items():
                merged[near[0]][symbol] = merged[near[0]].get(symbol, 0.0) + value
        else:
            kept.append(index)
            merged.append({symbol: value for symbol, value in site.items() if value > 0.0})
    return positions[kept], merged
