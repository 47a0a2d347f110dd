"""Where a crystal can be cut along a lattice plane: between the planes of its whole units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from math import gcd
from typing import Any

import numpy as np
from ase import Atoms
from ase.build.general_surface import ext_gcd
from ase.geometry.minkowski_reduction import minkowski_reduce

from aiida_seimlip.science.structures.supercells import StructureError, needs_structures
from aiida_seimlip.science.structures.whole_units import WholeUnits, break_networks, find_whole_units, formula_of

SMALL = 1e-3
"""Products of lattice vectors and Miller indices that differ by less are the same."""


@dataclass(frozen=True, eq=False)
class LatticePlanes:
    """A primitive cell of a crystal with two vectors in a lattice plane, and the planes of its units.

    :param miller: indices of the plane in the cell of the crystal, without a common divisor.
    :param atoms: the primitive cell: its first two vectors lie in the plane, the third leads to the next lattice plane.
    :param units: whole units.
    :param n_broken: how many units had to be taken apart, because they are networks across the plane.
    :param planes: numbers of the units in each plane, from below.
    :param cuts: heights of the middles between the plane before and each plane, in parts of `spacing`.
    :param gaps: empty heights between the centres of the two planes at each cut, in Å.
    :param equal: for each cut the first one that symmetry makes it equal to, be it turned over.
    :param upright: for each cut the first one that symmetry makes it equal to without turning it over.
    :param flipped: whether an operation that turns the crystal over maps a cut (row) to another (column); shape
        (n_cuts, n_cuts).
    """

    miller: tuple[int, int, int]
    atoms: Atoms
    units: WholeUnits
    n_broken: int
    planes: tuple[tuple[int, ...], ...]
    cuts: np.ndarray
    gaps: np.ndarray
    equal: tuple[int, ...]
    upright: tuple[int, ...]
    flipped: np.ndarray

    @property
    def normal(self) -> np.ndarray:
        """Unit vector perpendicular to the planes; shape (3,)."""
        return _normal(self.atoms.cell.array)

    @property
    def area(self) -> float:
        """Area of the smallest cell of the plane in Å²."""
        return float(np.linalg.norm(np.cross(*self.atoms.cell.array[:2])))

    @property
    def spacing(self) -> float:
        """Distance of lattice planes in Å."""
        return float(self.atoms.get_volume()) / self.area

    @cached_property
    def formulas(self) -> list[str]:
        """Formula of each unit, such as ``Li`` or ``CO3``."""
        return [formula_of(self.atoms.numbers[members]) for members in self.units.members]

    @cached_property
    def counts(self) -> Counter[str]:
        """Number of units of each formula in the primitive cell."""
        return Counter(self.formulas)

    @property
    def n_formula_units(self) -> int:
        """Number of formula units in the primitive cell."""
        return reduce(gcd, self.counts.values())

    @cached_property
    def lifted_centres(self) -> np.ndarray:
        """Centres of the units in Å, moved by lattice vectors to between the first cut and the next; (n_units, 3)."""
        centres = self.units.centres
        lifts = -np.floor(centres @ self.normal / self.spacing - self.cuts[0])
        return centres + lifts[:, None] * self.atoms.cell.array[2]

    def describe(self, plane: int) -> str:
        """Return the composition of a plane, such as ``Li2+CO3``.

        :param plane: its number, counted on through the lattice planes.
        """
        found = Counter(self.formulas[unit] for unit in self.planes[plane % len(self.planes)])
        divisor = reduce(gcd, found.values())
        return '+'.join(_times(name, number // divisor) for name, number in sorted(found.items()))


def cut_crystal(crystal: Atoms, miller: Sequence[int], *, symprec: float, flatness: float) -> LatticePlanes:
    """Find the planes of a crystal along a lattice plane, and where it can be cut.

    :param crystal: in the cell that the Miller indices refer to.
    :param miller: indices of the plane; shape (3,).
    :param symprec: atoms as near in Å to where symmetry demands them count as being there.
    :param flatness: units whose centres are as near in height, in Å, are of one plane.
    :raises StructureError: if there is no such plane, no crystal or no symmetry.
    """
    indices = as_miller(miller)
    primitive, operations = _primitive_cell(crystal, indices, symprec)
    cell = primitive.cell.array
    area = float(np.linalg.norm(np.cross(*cell[:2])))
    units, n_broken = break_networks(find_whole_units(primitive), primitive, np.array([0, 0, 1]))
    spacing = float(primitive.get_volume()) / area
    heights = units.centres @ _normal(cell) / spacing
    planes, cuts, gaps = _stack(heights, flatness / spacing)
    kept, flipped = (_maps(cuts, operations, sign, 0.5 * flatness / spacing) for sign in (1, -1))
    equal, upright = (tuple(int(first) for first in same.argmax(axis=1)) for same in (kept | flipped, kept))
    whole = (int(indices[0]), int(indices[1]), int(indices[2]))
    return LatticePlanes(whole, primitive, units, n_broken, planes, cuts, gaps * spacing, equal, upright, flipped)


def as_miller(miller: Sequence[int]) -> np.ndarray:
    """Return Miller indices without a common divisor; shape (3,).

    :param miller: three integers, not all zero.
    :raises StructureError: if they are not.
    """
    values = np.asarray(miller)
    whole = np.rint(values.astype(float)).astype(int) if values.shape == (3,) else np.zeros(3, dtype=int)
    if not whole.any() or not np.array_equal(whole, values):
        raise StructureError(f'The Miller indices {tuple(miller)} are not three whole numbers, one of them not zero.')
    return whole // int(np.gcd.reduce(whole))


def _primitive_cell(crystal: Atoms, indices: np.ndarray, symprec: float) -> tuple[Atoms, np.ndarray]:
    """Return a primitive cell along a lattice plane, and what symmetry makes of heights.

    :return: the cell, and for each operation that keeps the plane the sign and the shift that it gives to heights in
        parts of the spacing; shape (n_operations, 2).
    """
    with needs_structures():
        import spglib
    if not crystal.pbc.all() or crystal.cell.rank < 3 or not len(crystal):
        raise StructureError('The structure is not a crystal: it has no atoms, no cell or no periodicity.')
    fault = f'No symmetry is found with symprec {symprec} Å: choose another.'
    given: Any = (crystal.cell.array, crystal.get_scaled_positions(), crystal.numbers)
    try:
        found = spglib.standardize_cell(given, to_primitive=True, no_idealize=True, symprec=symprec)
        if found is None:
            raise StructureError(fault)
        lattice, scaled = (np.asarray(values, dtype=float) for values in found[:2])
        vectors = _plane_basis(lattice, np.linalg.inv(crystal.cell.array) @ indices)
        primitive = Atoms(numbers=found[2], positions=scaled @ lattice, cell=vectors, pbc=True)
        given = (vectors, primitive.get_scaled_positions(), primitive.numbers)
        dataset = spglib.get_symmetry_dataset(given, symprec=symprec)
    except spglib.SpglibError as exception:
        raise StructureError(fault) from exception
    if dataset is None:
        raise StructureError(fault)
    rows, shifts = dataset.rotations[:, 2], dataset.translations[:, 2]
    keeps = (rows[:, :2] == 0).all(axis=1)
    return primitive, np.column_stack([rows[keeps, 2], shifts[keeps]])


def _plane_basis(lattice: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """Return vectors of a lattice, the first two in a plane and as short as can be, the third to the next plane.

    :param lattice: vectors in rows in Å; shape (3, 3).
    :param normal: of the plane in 1/Å, to which a lattice vector has a whole or fractional product.
    :return: right-handed, the third vector on the side of the normal; shape (3, 3).
    """
    products = lattice @ normal
    products /= np.abs(products[np.abs(products) > SMALL]).min()
    scale = next(n for n in range(1, 1000) if np.abs(n * products - np.rint(n * products)).max() < SMALL * n)
    h, k, m = (int(value) for value in as_miller(np.rint(scale * products).astype(int).tolist()))
    if h == k == 0:
        basis = np.diag([1, 1, m])
    else:
        p, q = ext_gcd(h, k)
        g = p * h + q * k
        r, s = ext_gcd(g, m)
        one = r * g + s * m
        basis = np.array([[k // g, -h // g, 0], [-m * p, -m * q, g], [one * r * p, one * r * q, one * s]])
    vectors: np.ndarray = minkowski_reduce(basis @ lattice, pbc=[True, True, False])[0]
    if np.linalg.det(vectors) < 0.0:
        vectors[[0, 1]] = vectors[[1, 0]]
    return vectors


def _stack(heights: np.ndarray, flatness: float) -> tuple[tuple[tuple[int, ...], ...], np.ndarray, np.ndarray]:
    """Return the units of each plane, the heights of the cuts below the planes, and the gaps there.

    :param heights: of the units in parts of the spacing; shape (n_units,).
    :param flatness: heights that are nearer are those of one plane.
    """
    inside = heights - np.floor(heights)
    order = np.argsort(inside)
    before = np.roll(inside[order], 1)
    before[0] -= 1.0
    gaps = inside[order] - before
    begins = np.flatnonzero(gaps > flatness)
    if not begins.size:  # as many heights as there is room for: one plane, cut at the widest gap
        begins = np.array([int(gaps.argmax())])
    cuts = inside[order][begins] - 0.5 * gaps[begins]
    pieces = np.split(np.roll(order, -begins[0]), (begins - begins[0])[1:])
    return tuple(tuple(int(unit) for unit in piece) for piece in pieces), cuts, gaps[begins]


def _maps(cuts: np.ndarray, operations: np.ndarray, sign: int, tolerance: float) -> np.ndarray:
    """Return which cut symmetry maps to which, with operations that keep or turn over the heights.

    :param cuts: heights in parts of the spacing; shape (n_cuts,).
    :param operations: sign and shift of each; shape (n_operations, 2).
    :param sign: 1 of those that keep, -1 of those that turn over.
    :param tolerance: of heights.
    :return: shape (n_cuts, n_cuts).
    """
    shifts = operations[operations[:, 0] == sign, 1]
    away = sign * cuts[:, None, None] + shifts - cuts[None, :, None]
    return np.any(np.abs(away - np.rint(away)) < tolerance, axis=2)


def _normal(cell: np.ndarray) -> np.ndarray:
    normal = np.cross(cell[0], cell[1])
    return normal / np.linalg.norm(normal)


def _times(name: str, number: int) -> str:
    if number == 1:
        return name
    is_atom = name.isalpha() and sum(letter.isupper() for letter in name) == 1
    return f'{name}{number}' if is_atom else f'({name}){number}'
