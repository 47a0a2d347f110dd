"""The distinct ways in which an atom can leave its place in a crystal.

Where the atoms hop is a matter of geometry and symmetry alone; which hop is the easy one, a barrier will tell.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from aiida_seimlip.science.structures.sites import Site, choose, empty_sites, occupied_sites, to_pymatgen
from aiida_seimlip.science.structures.supercells import StructureError, needs_structures
from aiida_seimlip.science.structures.symmetry import SYMPREC, Symmetry

FAR = 4.0
"""Atoms beyond this distance in Å from the straight line of a hop do not count as near it."""


@dataclass(frozen=True, eq=False)
class Leg:
    """The displacement of one atom.

    :param start: fractional coordinates in the cell of the crystal; shape (3,).
    :param end: the same, in the image that the atom goes to.
    :param is_interstitial: whether the atom is one that the perfect crystal has not.
    """

    start: np.ndarray
    end: np.ndarray
    is_interstitial: bool = False


@dataclass(frozen=True, eq=False)
class Hop:
    """A hop in a perfect crystal, of which many are equivalent.

    :param mechanism: ``vacancy``, ``interstitial_direct``, ``interstitial_knock_off`` or ``frenkel_pair_generation``.
    :param symbol: element of the atoms that hop.
    :param legs: what each of them does.
    :param removed: fractional coordinates of atoms that are missing at both ends; shape (n_removed, 3).
    :param lengths: of the legs in Å.
    :param multiplicity: number of equivalent hops in the cell, those in the other direction not counted where they are
        of the same kind.
    :param clearance: how near in Å an atom that stays comes to the straight lines; infinite where none is near.
    :param angle: in degrees: of a knock-off, between its legs (180 is straight on); of a Frenkel pair, to the direction
        asked for.
    """

    mechanism: str
    symbol: str
    legs: tuple[Leg, ...]
    removed: np.ndarray
    lengths: tuple[float, ...]
    multiplicity: int
    clearance: float
    angle: float | None = None

    @property
    def length(self) -> float:
        """Largest displacement of an atom in Å."""
        return max(self.lengths)


def vacancy(atoms: Atoms, symbol: str, *, max_length: float = 4.0, symprec: float = SYMPREC) -> list[Hop]:
    """Return the distinct hops of an atom to an empty lattice site, shortest first.

    They are found by pymatgen-analysis-diffusion's ``DistinctPathFinder``.

    :param atoms: the perfect crystal.
    :param symbol: element of the atom.
    :param max_length: longest hop in Å.
    :param symprec: how far in Å an atom may be from the place that symmetry demands.
    :raises StructureError: if the element is not there, or no site is near enough.
    """
    with needs_structures():
        from pymatgen.analysis.diffusion.neb.pathfinder import DistinctPathFinder

    occupied_sites(atoms, symbol, symprec=symprec)
    finder = _Finder(atoms, symbol, symprec)
    structure = to_pymatgen(finder.symmetry.atoms)
    paths = DistinctPathFinder(structure, symbol, max_path_length=max_length, symprec=symprec).get_paths()
    ends = (finder.on_atoms(np.array([path.isite.frac_coords, path.esite.frac_coords])) for path in paths)
    hops = [finder.hop('vacancy', [Leg(start, end)], removed=end[None]) for start, end in ends]
    return _sorted(hops, f'No other {symbol} site is within {max_length:g} Å.')


def interstitial_direct(
    atoms: Atoms,
    symbol: str,
    *,
    site: int = 0,
    to_site: int | None = None,
    max_length: float = 4.0,
    min_room: float = 1.2,
    symprec: float = SYMPREC,
) -> list[Hop]:
    """Return the distinct hops of an interstitial from one empty site to another, shortest first.

    :param atoms: the perfect crystal.
    :param symbol: element of the interstitial.
    :param site: number of the distinct empty site that it leaves (see `empty_sites`).
    :param to_site: number of the site that it goes to; by default an equivalent one.
    :param max_length: longest hop in Å.
    :param min_room: smallest distance of an empty site to an atom in Å.
    :param symprec: how far in Å an atom may be from the place that symmetry demands.
    :raises StructureError: if there is no such site, or none is near enough.
    """
    finder = _Finder(atoms, symbol, symprec)
    start, ends = finder.empty_pair(site, to_site, min_room)
    hops = [
        finder.hop('interstitial_direct', [Leg(start.fractional, end, is_interstitial=True)])
        for end in finder.distinct([start.fractional], finder.around(start.fractional, ends.equivalents, max_length))
    ]
    return _sorted(hops, f'No other such empty site is within {max_length:g} Å.')


def interstitial_knock_off(
    atoms: Atoms,
    symbol: str,
    *,
    site: int = 0,
    to_site: int | None = None,
    max_length: float = 3.0,
    min_angle: float = 90.0,
    min_room: float = 1.2,
    symprec: float = SYMPREC,
) -> list[Hop]:
    """Return the distinct ways in which an interstitial takes the place of an atom and sends it to an empty site.

    :param atoms: the perfect crystal.
    :param symbol: element of both atoms.
    :param site: number of the distinct empty site that the interstitial leaves (see `empty_sites`).
    :param to_site: number of the site that the lattice atom goes to; by default an equivalent one.
    :param max_length: longest displacement of either atom in Å.
    :param min_angle: smallest angle between the two displacements in degrees; 180 is straight on.
    :param min_room: smallest distance of an empty site to an atom in Å.
    :param symprec: how far in Å an atom may be from the place that symmetry demands.
    :return: shortest first.
    :raises StructureError: if there is no such element or site, or nothing is near enough.
    """
    occupied_sites(atoms, symbol, symprec=symprec)
    finder = _Finder(atoms, symbol, symprec)
    start, ends = finder.empty_pair(site, to_site, min_room)
    lattice = finder.symmetry.fractional[atoms.symbols == symbol]
    known: list[np.ndarray] = []
    hops = []
    for place in finder.around(start.fractional, lattice, max_length):
        for end in finder.around(place, ends.equivalents, max_length):
            angle = finder.angle(start.fractional - place, end - place)
            path = np.array([start.fractional, place, end])
            if angle < min_angle - 1e-6 or finder.symmetry.are_equivalent(path, known):
                continue
            known.append(path)
            (actual,) = finder.on_atoms(place[None])
            legs = [Leg(start.fractional, actual, is_interstitial=True), Leg(actual, end)]
            hops.append(finder.hop('interstitial_knock_off', legs, angle=angle))
    return _sorted(hops, f'No {symbol} is within {max_length:g} Å of two such empty sites at {min_angle:g}° or more.')


def frenkel_pair_generation(
    atoms: Atoms,
    symbol: str,
    *,
    direction: Sequence[float] = (0, 1, 0),
    max_angle: float = 30.0,
    site: int | None = None,
    min_length: float = 2.0,
    max_length: float = 5.0,
    min_room: float = 1.2,
    symprec: float = SYMPREC,
) -> list[Hop]:
    """Return the distinct ways in which an atom leaves its place for an empty site along a direction, shortest first.

    :param atoms: the perfect crystal.
    :param symbol: element of the atom.
    :param direction: in multiples of the cell vectors, such as [010]; the opposite direction counts as well.
    :param max_angle: largest angle to the direction in degrees.
    :param site: number of the distinct empty site (see `empty_sites`); by default any.
    :param min_length: shortest displacement in Å: the nearest empty sites are those from which the atom falls back.
    :param max_length: longest displacement in Å.
    :param min_room: smallest distance of an empty site to an atom in Å.
    :param symprec: how far in Å an atom may be from the place that symmetry demands.
    :raises StructureError: if there is no such element or site, or none in that direction.
    """
    left = occupied_sites(atoms, symbol, symprec=symprec)
    finder = _Finder(atoms, symbol, symprec)
    empty = empty_sites(atoms, symbol, symprec=symprec, min_room=min_room)
    chosen = empty if site is None else [choose(empty, site, 'empty site')]
    axis = np.asarray(direction, dtype=float)
    if axis.shape != (3,) or not np.any(axis):
        raise StructureError(f'The direction {list(direction)} is not three numbers, one of them not zero.')
    ideal, hops, angles = finder.symmetry.fractional, [], [90.0]
    for start in (ideal[place.index] for place in left if place.index is not None):
        ends = [end for place in chosen for end in finder.around(start, place.equivalents, max_length)]
        tilts = [finder.angle(end - start, axis) for end in ends]
        tilts = [min(tilt, 180.0 - tilt) for tilt in tilts]
        far = [index for index in np.argsort(tilts, kind='stable') if finder.norm(ends[index] - start) >= min_length]
        angles += [tilts[index] for index in far]
        along = [ends[index] for index in far if tilts[index] <= max_angle]
        for end in finder.distinct([start], along, reversible=False):
            (actual,) = finder.on_atoms(start[None])
            tilt = finder.angle(end - start, axis)
            hop = finder.hop(
                'frenkel_pair_generation', [Leg(actual, end)], angle=min(tilt, 180.0 - tilt), reversible=False
            )
            hops.append(hop)
    return _sorted(
        hops,
        f'No empty site is {min_length:g} to {max_length:g} Å from a {symbol} within {max_angle:g}° of '
        f'{list(direction)}; the nearest direction is {min(angles):.0f}° away.',
    )


class _Finder:
    """What the mechanisms have in common: a crystal, its symmetry, and the atoms as they really are.

    Distances and angles are those of the symmetric crystal, legs end where the atoms really are.
    """

    def __init__(self, atoms: Atoms, symbol: str, symprec: float) -> None:
        self.atoms, self.symbol, self.symprec = atoms, symbol, symprec
        self.symmetry = Symmetry.of(atoms, symprec)
        self.actual = atoms.cell.scaled_positions(atoms.positions)

    def norm(self, vector: np.ndarray) -> float:
        """Return the length in Å of a vector in fractional coordinates."""
        return float(np.linalg.norm(vector @ self.symmetry.cell))

    def angle(self, one: np.ndarray, other: np.ndarray) -> float:
        """Return the angle in degrees between vectors in fractional coordinates."""
        first, second = one @ self.symmetry.cell, other @ self.symmetry.cell
        cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
        return float(np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0))))

    def empty_pair(self, site: int, to_site: int | None, min_room: float) -> tuple[Site, Site]:
        """Return the empty sites with two numbers, the second by default that of the first."""
        sites = empty_sites(self.atoms, self.symbol, symprec=self.symprec, min_room=min_room)
        numbers = (site, site if to_site is None else to_site)
        return choose(sites, numbers[0], 'empty site'), choose(sites, numbers[1], 'empty site')

    def around(
        self, centre: np.ndarray, points: np.ndarray, reach: float, *, with_centre: bool = False
    ) -> list[np.ndarray]:
        """Return all images of points within a distance in Å of a centre, nearest first.

        :param with_centre: whether a point at the centre counts, too.
        """
        heights = 1.0 / np.linalg.norm(np.linalg.inv(self.symmetry.cell), axis=0)
        ranges = [np.arange(-n, n + 1) for n in np.ceil(reach / heights).astype(int) + 1]
        shifts = np.array(list(itertools.product(*ranges)))
        wrapped = points - np.floor(points - centre)
        images = (wrapped[:, None, :] + shifts).reshape(-1, 3)
        lengths = np.linalg.norm((images - centre) @ self.symmetry.cell, axis=1)
        order = np.lexsort((*np.round(images.T, 4), np.round(lengths, 4)))
        nearest = -1.0 if with_centre else 1e-2
        return [images[index] for index in order if nearest < lengths[index] <= reach + 1e-3]

    def distinct(
        self, begin: list[np.ndarray], ends: Sequence[np.ndarray], *, reversible: bool = True
    ) -> Iterator[np.ndarray]:
        """Yield those ends that make a path which is not equivalent to an earlier one."""
        known: list[np.ndarray] = []
        for end in ends:
            path = np.array([*begin, end])
            if not self.symmetry.are_equivalent(path, known, reversible=reversible):
                known.append(path)
                yield end

    def on_atoms(self, places: np.ndarray) -> np.ndarray:
        """Return where the atoms really are that belong to places of the symmetric crystal; shape (n_places, 3)."""
        ideal = self.symmetry.fractional
        indices = [int(self.symmetry.distances(ideal, place).argmin()) for place in places]
        return self.actual[indices] + np.rint(places - ideal[indices])

    def hop(
        self,
        mechanism: str,
        legs: Sequence[Leg],
        *,
        removed: np.ndarray | None = None,
        angle: float | None = None,
        reversible: bool = True,
    ) -> Hop:
        """Return a hop with what can be said about it."""
        gone = np.empty((0, 3)) if removed is None else removed
        path = np.array([legs[0].start, *(leg.end for leg in legs)])
        lengths = tuple(float(np.linalg.norm((leg.end - leg.start) @ self.atoms.cell.array)) for leg in legs)
        return Hop(
            mechanism, self.symbol, tuple(legs), gone, lengths, self.symmetry.count(path, reversible=reversible),
            self._clearance(legs, gone), angle,
        )  # fmt: skip

    def _clearance(self, legs: Sequence[Leg], removed: np.ndarray) -> float:
        """Return how near atoms that stay come to the straight lines of the legs, in Å."""
        busy = np.concatenate([removed, *(leg.start[None] for leg in legs if not leg.is_interstitial)])
        is_busy = [bool(len(busy)) and self.symmetry.distances(busy, place).min() < 0.1 for place in self.actual]
        staying = self.actual[~np.array(is_busy)]
        nearest = np.inf
        for leg in legs:
            vector = (leg.end - leg.start) @ self.symmetry.cell
            middle = 0.5 * (leg.start + leg.end)
            reach = 0.5 * float(np.linalg.norm(vector)) + FAR
            near = self.around(middle, staying, reach, with_centre=True) if len(staying) else []
            for offset in ((place - leg.start) @ self.symmetry.cell for place in near):
                along = np.clip(offset @ vector / (vector @ vector), 0.0, 1.0)
                nearest = min(nearest, float(np.linalg.norm(offset - along * vector)))
        return nearest


def _sorted(hops: list[Hop], nothing: str) -> list[Hop]:
    """Return hops with the shortest first.

    :raises StructureError: if there is none, with the sentence given.
    """
    if not hops:
        raise StructureError(nothing)
    return sorted(hops, key=lambda hop: (round(hop.length, 3), -round(hop.angle or 0.0, 1)))
