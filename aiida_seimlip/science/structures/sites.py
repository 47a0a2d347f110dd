"""Symmetry-distinct sites of a crystal: those of its atoms, and the empty ones between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.geometry import get_distances

from aiida_seimlip.science.structures.supercells import StructureError, needs_structures
from aiida_seimlip.science.structures.symmetry import SYMPREC, Symmetry

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

ONE_VOID = 0.6
"""Empty sites that are nearer in Å belong to one void, of which the place with most room stands."""

CLUSTERING = 0.5
"""Vertices of the tessellation that are nearer in Å are taken together, as pymatgen-analysis-defects does."""


@dataclass(frozen=True, eq=False)
class Site:
    """One of the distinct sites of a crystal.

    :param symbol: element that is there, or is to go there.
    :param index: of the atom that is there; None if the site is empty.
    :param fractional: coordinates; shape (3,).
    :param position: Cartesian coordinates in Å; shape (3,).
    :param equivalents: fractional coordinates of all equivalent sites in the cell, this one first;
        shape (multiplicity, 3).
    :param room: distance to the nearest (other) atom in Å.
    :param nearest: element of that atom.
    """

    symbol: str
    index: int | None
    fractional: np.ndarray
    position: np.ndarray
    equivalents: np.ndarray
    room: float
    nearest: str

    @property
    def multiplicity(self) -> int:
        """Number of equivalent sites in the cell."""
        return len(self.equivalents)

    def to_dict(self) -> dict[str, Any]:
        """Return the site in plain types, without the list of its equivalents."""
        return {
            'symbol': self.symbol, 'index': self.index, 'fractional': self.fractional.tolist(),
            'position': self.position.tolist(), 'multiplicity': self.multiplicity, 'room': self.room,
            'nearest': self.nearest,
        }  # fmt: skip


def occupied_sites(atoms: Atoms, symbol: str, *, symprec: float = SYMPREC) -> list[Site]:
    """Return the distinct sites of an element, by pymatgen-analysis-defects' ``VacancyGenerator``.

    :param atoms: the perfect crystal.
    :param symbol: the element.
    :param symprec: how far in Å an atom may be from the place that symmetry demands.
    :raises StructureError: if the element is not there, or the structure is no crystal.
    """
    with needs_structures():
        from pymatgen.analysis.defects.generators import VacancyGenerator

    if symbol not in atoms.symbols:
        present = ', '.join(sorted(set(atoms.symbols)))
        raise StructureError(f'There is no {symbol} in the structure, which consists of {present}.')
    symmetry = Symmetry.of(atoms, symprec)
    found = VacancyGenerator(symprec=symprec).generate(to_pymatgen(symmetry.atoms), rm_species=[symbol], oxi_state=0)
    sites = []
    for vacancy in found:
        members = [_index_at(symmetry, site.frac_coords) for site in vacancy.equivalent_sites]
        index = min(members)
        others = [index, *sorted(set(members) - {index})]
        sites.append(_site(atoms, symbol, index, atoms.get_scaled_positions()[others]))
    return sorted(sites, key=lambda site: site.index if site.index is not None else -1)


def empty_sites(atoms: Atoms, symbol: str, *, symprec: float = SYMPREC, min_room: float = 0.9) -> list[Site]:
    """Return distinct places for an interstitial, those with most room first.

    They are the clustered vertices of the Voronoi tessellation of all atoms, from the parts that
    pymatgen-analysis-defects' ``VoronoiInterstitialGenerator`` consists of. That one groups sites by matching whole
    structures, which calls sites the same that merely look alike, and takes most of its time; here the space group
    tells them apart, and they are moved to the symmetric place nearby. They are candidates made by geometry alone: an
    interstitial is free to relax to another.

    :param atoms: the perfect crystal.
    :param symbol: element of the interstitial.
    :param symprec: how far in Å an atom may be from the place that symmetry demands.
    :param min_room: smallest distance to an atom in Å.
    :raises StructureError: if the structure is no crystal, or has no such place.
    """
    symmetry = Symmetry.of(atoms, symprec)
    candidates = [symmetry.symmetrize(point, ONE_VOID / 2.0) for point in _voronoi_sites(symmetry, min_room)]
    sites = sorted(
        (_site(atoms, symbol, None, np.array([point % 1.0])) for point in candidates),
        key=lambda site: (-round(site.room, 3), *np.round(site.fractional, 3)),
    )
    kept: list[Site] = []
    for site in sites:
        if site.room < min_room:
            continue
        known = np.concatenate([other.equivalents for other in kept]) if kept else np.empty((0, 3))
        if len(known) and symmetry.distances(known, site.fractional).min() < ONE_VOID:
            continue
        kept.append(_site(atoms, symbol, None, symmetry.orbit(site.fractional)))
    if not kept:
        raise StructureError(f'No place in the structure is {min_room} Å away from all atoms.')
    return kept


def room_at(atoms: Atoms, position: np.ndarray) -> tuple[float, int]:
    """Return the distance in Å from a place to the nearest atom that is not there, and the index of that atom.

    :param atoms: the crystal.
    :param position: Cartesian coordinates in Å; shape (3,). An atom that is there itself is passed over, but not its
        periodic images.
    """
    _, lengths = get_distances(position[None], atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    distances = lengths[0]
    own = int(distances.argmin())
    if distances[own] < 1e-3:
        distances[own] = _shortest_vector(atoms)
    nearest = int(distances.argmin())
    return float(distances[nearest]), nearest


def to_pymatgen(atoms: Atoms) -> Structure:
    """Return a structure of pymatgen, which its functions are free to change."""
    with needs_structures():
        from pymatgen.core.structure import Structure

    return Structure(atoms.cell.array, list(atoms.symbols), atoms.positions, coords_are_cartesian=True)


def choose(sites: list[Site], number: int, what: str) -> Site:
    """Return one of the distinct sites.

    :param sites: all of them.
    :param number: of the site, from 0.
    :param what: how to call it in the message.
    :raises StructureError: if there is no such site.
    """
    if not 0 <= number < len(sites):
        raise StructureError(
            f'There is no {what} {number}: the structure has {len(sites)}, numbered from 0 to {len(sites) - 1}.'
        )
    return sites[number]


def _site(atoms: Atoms, symbol: str, index: int | None, equivalents: np.ndarray) -> Site:
    position = atoms.positions[index] if index is not None else equivalents[0] @ atoms.cell.array
    room, nearest = room_at(atoms, position)
    return Site(symbol, index, equivalents[0], np.array(position), equivalents, room, atoms.symbols[nearest])


def _voronoi_sites(symmetry: Symmetry, min_room: float) -> list[np.ndarray]:
    """Return the clustered vertices of the Voronoi tessellation, in fractional coordinates of the crystal."""
    with needs_structures():
        from pymatgen.analysis.defects.utils import TopographyAnalyzer, cluster_nodes, remove_collisions

    primitive = to_pymatgen(symmetry.atoms).get_primitive_structure(0.01)
    framework = [element.symbol for element in primitive.elements]
    nodes = TopographyAnalyzer(primitive, framework, [], check_volume=False).vnodes
    free = remove_collisions(np.array([node.frac_coords for node in nodes]), structure=primitive, min_dist=min_room)
    if not len(free):
        return []
    clustered = cluster_nodes(free, lattice=primitive.lattice, tol=CLUSTERING)
    return list(symmetry.atoms.cell.scaled_positions(clustered @ primitive.lattice.matrix))


def _index_at(symmetry: Symmetry, fractional: np.ndarray) -> int:
    return int(symmetry.distances(symmetry.fractional, fractional).argmin())


def _shortest_vector(atoms: Atoms) -> float:
    """Return the length of the shortest vector of the lattice in Å."""
    from ase.geometry import minkowski_reduce

    reduced, _ = minkowski_reduce(atoms.cell.array)
    return float(np.linalg.norm(reduced, axis=1).min())
