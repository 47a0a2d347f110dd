"""Coherent interfaces of two crystals: layers of whole units, strained to a common cell and laid on each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Literal

import numpy as np
from ase import Atoms
from ase.build.supercells import lattice_points_in_supercell
from ase.cell import Cell
from ase.data import covalent_radii
from ase.neighborlist import neighbor_list

from aiida_seimlip.science.structures.cuts import cut_crystal
from aiida_seimlip.science.structures.lattice_match import LatticeMatch, match_lattices, reduce_vectors
from aiida_seimlip.science.structures.slabs import FLATNESS, Slab, layered_slabs
from aiida_seimlip.science.structures.supercells import StructureError
from aiida_seimlip.science.structures.symmetry import SYMPREC

Side = Literal['lower', 'upper']
"""Which of two interfaces: that of the film on the substrate, or that of the substrate's next image on the film."""
SIDES: tuple[Side, Side] = ('lower', 'upper')


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer of a crystal between two lattice planes, as it is in the crystal.

    :param atoms: the lowest at height 0; the first two cell vectors lie in the plane, a along x, and the third leads to
        the same layer on top of this one, so that the periodic structure is the crystal.
    :param slab: the layer in vacuum, and what is known of its faces.
    """

    atoms: Atoms
    slab: Slab

    @property
    def face(self) -> np.ndarray:
        """Vectors of the smallest cell of the plane, in rows in Å; shape (2, 2)."""
        return np.array(self.atoms.cell.array[:2, :2])


def cut_layer(
    crystal: Atoms,
    miller: Sequence[int],
    *,
    thickness: float,
    termination: int = 0,
    symprec: float = SYMPREC,
    flatness: float = FLATNESS,
) -> Layer:
    """Cut a layer of whole lattice planes out of a crystal; bonded units stay whole.

    :param crystal: in the cell that the Miller indices refer to.
    :param miller: indices of the plane; shape (3,).
    :param thickness: smallest one in Å.
    :param termination: number of the pair of faces, as of `make_slabs`.
    :param symprec: atoms as near in Å to where symmetry demands them count as being there.
    :param flatness: units whose centres are as near in height, in Å, are of one plane.
    :raises StructureError: if there is no such plane or termination.
    """
    planes = cut_crystal(crystal, miller, symprec=symprec, flatness=flatness)
    n_layers = max(ceil(thickness / planes.spacing - 1e-6), 1)
    slabs = layered_slabs(planes, n_layers, vacuum=1.0)
    if termination >= len(slabs):
        known = ', '.join(slab.label for slab in slabs)
        raise StructureError(f'The plane {planes.miller} has no termination {termination}; there are: {known}.')
    slab = slabs[termination]
    cell = planes.atoms.cell.array.copy()
    stack = n_layers * cell[2]
    cell[2] = planes.normal
    _, rotation = Cell(cell).standard_form()
    atoms = slab.atoms.copy()
    atoms.positions[:, 2] -= atoms.positions[:, 2].min()
    atoms.cell[2] = rotation @ stack
    return Layer(atoms, slab)


@dataclass(frozen=True, eq=False)
class CoherentInterface:
    """Two layers strained to a common cell, out of which interfaces are built.

    :param film: that lies on the substrate.
    :param substrate: below.
    :param match: the common cell.
    """

    film: Layer
    substrate: Layer
    match: LatticeMatch

    @cached_property
    def bulks(self) -> tuple[Atoms, Atoms]:
        """Film and substrate as periodic crystals, strained as in the interface, in its cell.

        The strain is in the plane; heights are those of the crystals without strain.
        """
        parts = ((self.film, self.match.film_matrix), (self.substrate, self.match.substrate_matrix))
        film, substrate = (strained_layer(layer.atoms, matrix, self.match.vectors) for layer, matrix in parts)
        return film, substrate

    @property
    def n_atoms(self) -> int:
        """Number of atoms of both layers."""
        return sum(len(atoms) for atoms in self.bulks)

    @cached_property
    def registry(self) -> np.ndarray:
        """Vectors of the smallest cell of shifts that are not equivalent, in rows in Å; shape (2, 2).

        To move the film by a lattice vector of either layer changes nothing.
        """
        match = self.match
        size = match.n_film * match.n_substrate
        inverses = [np.linalg.inv(matrix) for matrix in (match.film_matrix, match.substrate_matrix)]
        basis = lattice_basis(np.rint(size * np.vstack(inverses)).astype(int))
        vectors = basis @ self.bulks[0].cell.array[:2, :2] / size
        return np.asarray(reduce_vectors(vectors) @ vectors)

    def shifts(self, spacing: float) -> np.ndarray:
        """Return shifts of the film in a grid over the cell `registry`; shape (n, 2) in Å.

        :param spacing: largest distance of neighbours along its vectors in Å.
        """
        counts = np.ceil(np.linalg.norm(self.registry, axis=1) / spacing - 1e-6).astype(int)
        first, second = (np.arange(count) / count for count in counts)
        return np.array([[x, y] for x in first for y in second]) @ self.registry

    def slabs(self, vacuum: float) -> tuple[Atoms, Atoms]:
        """Return film and substrate with vacuum, strained as in the interface.

        :param vacuum: between the outermost atoms of a slab and its image in Å.
        """
        film, substrate = (_with_height(atoms, np.ptp(atoms.positions[:, 2]) + vacuum) for atoms in self.bulks)
        return film, substrate

    def in_vacuum(self, shift: np.ndarray, gap: float, vacuum: float, side: Side = 'lower') -> Atoms:
        """Return one interface, with vacuum above; atoms of the lower layer come first.

        A shift of zero continues the lower layer as it would go on in its own crystal.

        :param shift: of the upper layer in the plane in Å; shape (2,).
        :param gap: difference in height of the outermost atoms on both sides in Å.
        :param vacuum: between the outermost atoms and the next image in Å.
        :param side: ``lower`` for the film on the substrate, ``upper`` for the substrate on the film.
        """
        film, substrate = self.bulks
        below, above = (substrate, film) if side == 'lower' else (film, substrate)
        made = _laid_on(below, above, shift, gap)
        return _with_height(made, np.ptp(made.positions[:, 2]) + vacuum)

    def sandwich(self, shifts: tuple[np.ndarray, np.ndarray], gaps: tuple[float, float]) -> Atoms:
        """Return both interfaces in a periodic cell without vacuum; atoms of the substrate come first.

        :param shifts: of the film on the substrate, and of the next image of the substrate on the film, in the plane in
            Å; shape (2,) each.
        :param gaps: differences in height of the outermost atoms at these interfaces in Å.
        """
        film, substrate = self.bulks
        made = _laid_on(substrate, film, shifts[0], gaps[0])
        plane = made.cell.array[:2, :2]
        along = film.cell.array[2, :2] + substrate.cell.array[2, :2] + shifts[0] + shifts[1]
        along -= np.rint(np.linalg.solve(plane.T, along)) @ plane
        made.cell[2] = [*along, np.ptp(made.positions[:, 2]) + gaps[1]]
        return made

    def closest_contact(self, atoms: Atoms, n_below: int) -> float:
        """Return the shortest distance across interfaces in parts of the sum of the covalent radii, at most 1.

        :param atoms: an interface.
        :param n_below: number of atoms of the layer that comes first.
        """
        first, second, distances = neighbor_list('ijd', atoms, covalent_radii[atoms.numbers])
        across = (first < n_below) != (second < n_below)
        reach = covalent_radii[atoms.numbers[first]] + covalent_radii[atoms.numbers[second]]
        return float((distances / reach)[across].min(initial=1.0))


def make_interfaces(
    film: Layer, substrate: Layer, *, max_area: float, max_strain: float, max_atoms: int, film_share: float = 1.0
) -> list[CoherentInterface]:
    """Return the interfaces of two layers, the smallest cell first; each larger one is strained less.

    :param film: that is turned about the normal.
    :param substrate: that it lies on, with its upper face.
    :param max_area: of the cell in Å².
    :param max_strain: largest principal strain that makes one lattice the other.
    :param max_atoms: of both layers; larger ones are left out.
    :param film_share: of the strain that the film takes; the substrate takes what is left.
    :raises StructureError: if there is none.
    """
    matches = match_lattices(
        film.face, substrate.face, max_area=max_area, max_strain=max_strain, film_share=film_share
    )  # fmt: skip
    names = f'{film.slab.miller} on {substrate.slab.miller}'
    if not matches:
        raise StructureError(
            f'The lattices of {names} do not match within {max_area:g} Å² and a strain of {100 * max_strain:g} %.'
        )
    made = [CoherentInterface(film, substrate, match) for match in matches]
    sizes = [
        match.n_film * len(film.atoms) + match.n_substrate * len(substrate.atoms) for match in matches
    ]  # fmt: skip
    kept = [interface for interface, size in zip(made, sizes, strict=True) if size <= max_atoms]
    if not kept:
        raise StructureError(f'The smallest cell of {names} holds {min(sizes)} atoms, {max_atoms} are allowed.')
    return kept


def strained_layer(atoms: Atoms, matrix: np.ndarray, vectors: np.ndarray) -> Atoms:
    """Return a layer in a larger cell in the plane, strained to given vectors; heights stay.

    :param atoms: whose first two cell vectors lie in the plane.
    :param matrix: of integers, that makes the larger cell; shape (2, 2).
    :param vectors: of the strained cell in rows in Å; shape (2, 2).
    """
    whole = np.eye(3, dtype=int)
    whole[:2, :2] = matrix
    points = np.rint(lattice_points_in_supercell(whole) @ whole).astype(int)
    change = np.eye(3)
    change[:2, :2] = np.linalg.solve(matrix @ atoms.cell.array[:2, :2], vectors)
    moved = (atoms.positions[None] + (points @ atoms.cell.array)[:, None]).reshape(-1, 3)
    cell = np.array([[*vectors[0], 0.0], [*vectors[1], 0.0], atoms.cell.array[2] @ change])
    return Atoms(np.tile(atoms.numbers, len(points)), positions=moved @ change, cell=cell, pbc=True)


def lattice_basis(vectors: np.ndarray) -> np.ndarray:
    """Return two vectors that make the same lattice as several, as short as can be.

    :param vectors: of integers in rows, not all along one line; shape (n, 2).
    :return: shape (2, 2).
    """
    rows = [np.array(row) for row in vectors if row.any()]
    while sum(bool(row[0]) for row in rows) > 1:
        rows = list(_without_one(rows))
    (first,) = (row for row in rows if row[0])
    second = np.array([0, np.gcd.reduce([row[1] for row in rows if not row[0]])])
    first[1] %= second[1]
    return np.array([first * np.sign(first[0]), second])


def _without_one(rows: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Yield vectors of the same lattice with smaller first components (Euclid)."""
    smallest = min((row for row in rows if row[0]), key=lambda row: abs(row[0]))
    yield smallest
    for row in rows:
        if row is not smallest:
            left = row - (row[0] // smallest[0]) * smallest
            if left.any():
                yield left


def _laid_on(below: Atoms, above: Atoms, shift: np.ndarray, gap: float) -> Atoms:
    """Return a layer on another one; see `CoherentInterface.in_vacuum`."""
    made = below.copy()
    moved = above.copy()
    height = float(below.positions[:, 2].max()) - float(above.positions[:, 2].min()) + gap
    moved.positions += [*(below.cell.array[2, :2] + shift), height]
    made.extend(moved)
    return made


def _with_height(atoms: Atoms, height: float) -> Atoms:
    """Return a layer in the middle of a cell of some height, whose third vector is along the normal."""
    made = atoms.copy()
    made.cell[2] = [0.0, 0.0, height]
    made.positions[:, 2] += 0.5 * (height - made.positions[:, 2].min() - made.positions[:, 2].max())
    return made
