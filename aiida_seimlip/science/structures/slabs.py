"""Slabs of a crystal along a lattice plane, whose bonded units stay whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Any

import numpy as np
from ase import Atoms
from ase.cell import Cell
from ase.data import chemical_symbols

from aiida_seimlip.science.structures.cuts import SMALL, LatticePlanes, cut_crystal
from aiida_seimlip.science.structures.nominal_charges import find_nominal_charges
from aiida_seimlip.science.structures.supercells import StructureError
from aiida_seimlip.science.structures.symmetry import SYMPREC

FLATNESS = 0.1
"""Units whose centres are as near in height, in Å, are of one plane."""

POLAR = 1e-3
"""Slabs with a higher dipole moment per volume, in e/Å², are polar."""


@dataclass(frozen=True, eq=False)
class Slab:
    """A slab with vacuum, its first two cell vectors in the surface, the third perpendicular to it.

    :param atoms: the slab in the middle of its cell; a lies along x, c along z.
    :param miller: indices of the surface, without a common divisor.
    :param termination: number of the pair of faces, from 0: whole numbers of lattice planes come first, among them
        those without a dipole moment, symmetric ones before others, then those where the crystal is cut at wider gaps.
    :param bottom: composition of the outermost plane below, such as ``Li`` or ``CO3``.
    :param top: composition of the outermost plane above.
    :param area: of one face in Å².
    :param thickness: distance of the two cuts in Å, each in the middle between two planes: the volume of a
        stoichiometric slab in the crystal, divided by the area.
    :param n_layers: number of lattice planes, each a primitive cell of the crystal; not a whole number if the slab is
        not stoichiometric.
    :param n_formula_units: number of formula units; of a slab that is not stoichiometric those it would have with its
        missing units.
    :param missing: what it lacks to be stoichiometric, by the formula of the unit.
    :param is_symmetric: whether a symmetry operation of the crystal maps one face to the other.
    :param gap: distance in height of the centres of units on both sides of a cut in Å, the mean of both cuts.
    :param dipole_per_area: along c, in e/Å, of the charges in the unrelaxed slab; None if they are not known, or do not
        make the slab neutral.
    :param cuts_bonds: whether bonds are cut, which is so only in a network that no plane can pass by.
    """

    atoms: Atoms
    miller: tuple[int, int, int]
    termination: int
    bottom: str
    top: str
    area: float
    thickness: float
    n_layers: float
    n_formula_units: int
    missing: Mapping[str, int]
    is_symmetric: bool
    gap: float
    dipole_per_area: float | None
    cuts_bonds: bool

    def to_dict(self) -> dict[str, Any]:
        """Return all that is known of the slab but its atoms, in plain types."""
        known = {name: value for name, value in vars(self).items() if name != 'atoms'}
        derived = {name: getattr(self, name) for name in ('is_stoichiometric', 'is_polar')}
        return {**known, 'miller': list(self.miller), 'missing': dict(self.missing), **derived}

    @property
    def label(self) -> str:
        """What the faces are called: the number of the termination and the composition of the outermost planes."""
        return f'{self.termination} {self.bottom}/{self.top}'

    @property
    def is_stoichiometric(self) -> bool:
        """Whether the slab has the composition of the crystal."""
        return not self.missing

    @property
    def is_polar(self) -> bool | None:
        """Whether the dipole moment grows with the thickness (`POLAR`); None if it is not known.

        Such a surface, of type 3 of P. W. Tasker, J. Phys. C: Solid State Phys. 12, 4977 (1979), has no surface energy
        unless its charges are compensated.
        """
        return None if self.dipole_per_area is None else abs(self.dipole_per_area) / self.thickness > POLAR


def make_slabs(
    crystal: Atoms,
    miller: Sequence[int],
    *,
    thickness: float,
    vacuum: float = 15.0,
    charges: Mapping[str, float] | None = None,
    stoichiometric: bool = True,
    max_atoms: int | None = None,
    symprec: float = SYMPREC,
    flatness: float = FLATNESS,
) -> list[Slab]:
    """Return the distinct slabs of a crystal along a lattice plane, each in the smallest cell of the surface.

    Bonded units (see `find_whole_units`) are never cut: all atoms of a unit are where its centre is. A cut is possible
    between any two planes of centres; those that symmetry makes equal are made once.

    :param crystal: in the cell that the Miller indices refer to.
    :param miller: indices of the surface; shape (3,).
    :param thickness: smallest one in Å.
    :param vacuum: empty space between the outermost atoms and the next image in Å.
    :param charges: of the elements in e; by default their nominal oxidation states, where they can be told.
    :param stoichiometric: whether only whole numbers of lattice planes are taken, which have the composition of the
        crystal. Otherwise slabs of other numbers follow, both faces of which are equal.
    :param max_atoms: larger slabs are refused.
    :param symprec: atoms as near in Å to where symmetry demands them count as being there.
    :param flatness: units whose centres are as near in height, in Å, are of one plane.
    :raises StructureError: if there is no such plane, or a slab is too large.
    """
    if not (thickness > 0.0 and np.isfinite(thickness) and vacuum >= 0.0 and np.isfinite(vacuum)):
        raise StructureError(f'The thickness {thickness} Å is not positive, or the vacuum {vacuum} Å is negative.')
    planes = cut_crystal(crystal, miller, symprec=symprec, flatness=flatness)
    n_layers = ceil(thickness / planes.spacing - 1e-6)
    return layered_slabs(
        planes, n_layers, vacuum=vacuum, charges=charges, stoichiometric=stoichiometric, max_atoms=max_atoms
    )


def layered_slabs(
    planes: LatticePlanes,
    n_layers: int,
    *,
    vacuum: float,
    charges: Mapping[str, float] | None = None,
    stoichiometric: bool = True,
    max_atoms: int | None = None,
) -> list[Slab]:
    """Return the distinct slabs of a number of lattice planes.

    :param planes: of the crystal, from `cut_crystal`.
    :param n_layers: number of lattice planes, at least; see `make_slabs` for all others.
    :raises StructureError: if a slab is too large.
    """
    if max_atoms is not None and n_layers * len(planes.atoms) > max_atoms:
        raise StructureError(
            f'A slab ({" ".join(str(index) for index in planes.miller)}) of {n_layers * planes.spacing:.1f} Å holds '
            f'{n_layers * len(planes.atoms)} atoms, and `max_atoms` allows {max_atoms}.'
        )
    known = find_nominal_charges(planes.atoms) if charges is None else charges
    made = [_slab(planes, *ends, vacuum, known) for ends in _pairs_of_cuts(planes, n_layers, stoichiometric)]
    made.sort(key=_rank)
    return [replace(slab, termination=number) for number, slab in enumerate(made)]


def _pairs_of_cuts(planes: LatticePlanes, n_layers: int, stoichiometric: bool) -> Iterator[tuple[int, int]]:
    """Yield the lower cut and the number of planes of each slab."""
    n_cuts = len(planes.cuts)
    faces = {cut: (planes.describe(cut), planes.describe(cut - 1), cut) for cut in range(n_cuts)}
    for first in sorted(set(planes.equal)):
        yield (
            min((cut for cut in range(n_cuts) if planes.equal[cut] == first), key=faces.__getitem__),
            n_layers * n_cuts,
        )
    seen: set[tuple[int, int]] = set()
    for lower, upper in () if stoichiometric else np.argwhere(planes.flipped).tolist():
        more = (upper - lower) % n_cuts
        if more and (planes.upright[lower], more) not in seen:
            seen.add((planes.upright[lower], more))
            yield lower, n_layers * n_cuts + more


def _slab(planes: LatticePlanes, lower: int, n_planes: int, vacuum: float, charges: Mapping[str, float] | None) -> Slab:
    """Return a slab.

    :param planes: of the crystal.
    :param lower: number of the cut below.
    :param n_planes: of units.
    """
    n_cuts, spacing = len(planes.cuts), planes.spacing
    numbers, positions, found = _stacked_units(planes, lower, n_planes)
    upper = (lower + n_planes) % n_cuts
    bounds = [planes.cuts[lower], planes.cuts[upper] + (lower + n_planes) // n_cuts]
    n_units = max(ceil(found[name] * planes.n_formula_units / number) for name, number in planes.counts.items())
    full = {name: n_units * number // planes.n_formula_units for name, number in planes.counts.items()}
    return Slab(
        atoms=_in_vacuum(planes, numbers, positions, vacuum),
        miller=planes.miller,
        termination=0,
        bottom=planes.describe(lower),
        top=planes.describe(lower + n_planes - 1),
        area=planes.area,
        thickness=float(bounds[1] - bounds[0]) * spacing,
        n_layers=float(bounds[1] - bounds[0]),
        n_formula_units=n_units,
        missing={name: number - found[name] for name, number in full.items() if number > found[name]},
        is_symmetric=bool(planes.flipped[lower, upper]),
        gap=0.5 * float(planes.gaps[lower] + planes.gaps[upper]),
        dipole_per_area=_dipole(numbers, positions @ planes.normal - np.mean(bounds) * spacing, charges, planes.area),
        cuts_bonds=planes.n_broken > 0,
    )  # fmt: skip


def _stacked_units(planes: LatticePlanes, lower: int, n_planes: int) -> tuple[np.ndarray, np.ndarray, Counter[str]]:
    """Return atomic numbers, positions in Å and the number of units of each formula of a stack of planes."""
    cell = planes.atoms.cell.array
    members, centres, n_cuts = planes.units.members, planes.units.centres, len(planes.cuts)
    basis = np.array([cell[0], cell[1], planes.normal])
    numbers, positions, found = [], [], Counter[str]()
    for plane in range(lower, lower + n_planes):
        for unit in planes.planes[plane % n_cuts]:
            place = planes.lifted_centres[unit] + (plane // n_cuts) * cell[2]
            place -= np.floor(np.linalg.solve(basis.T, place)[:2] + 1e-6) @ basis[:2]
            numbers.append(planes.atoms.numbers[members[unit]])
            positions.append(planes.units.positions[members[unit]] - centres[unit] + place)
            found[planes.formulas[unit]] += 1
    return np.concatenate(numbers), np.concatenate(positions), found


def _in_vacuum(planes: LatticePlanes, numbers: np.ndarray, positions: np.ndarray, vacuum: float) -> Atoms:
    """Return a slab in the middle of a cell whose third vector is perpendicular to the others."""
    heights = positions @ planes.normal
    cell = planes.atoms.cell.array.copy()
    cell[2] = planes.normal * (np.ptp(heights) + vacuum)
    standard, rotation = Cell(cell).standard_form()
    made = Atoms(numbers, positions=positions @ rotation.T, cell=standard, pbc=True)
    made.positions[:, 2] += 0.5 * (standard[2, 2] - made.positions[:, 2].min() - made.positions[:, 2].max())
    return made


def _dipole(numbers: np.ndarray, heights: np.ndarray, charges: Mapping[str, float] | None, area: float) -> float | None:
    """Return the dipole moment per area in e/Å, None if charges are not known or not neutral.

    :param heights: of the atoms in Å.
    """
    symbols = [chemical_symbols[number] for number in numbers]
    if charges is None or not set(symbols) <= set(charges):
        return None
    values = np.array([charges[symbol] for symbol in symbols])
    return float(values @ heights) / area if abs(values.sum()) < 1e-6 * len(values) else None


def _rank(slab: Slab) -> tuple[Any, ...]:
    """Return by what slabs are ordered."""
    has_parts = abs(slab.n_layers - round(slab.n_layers)) > SMALL
    is_worse = (has_parts, not slab.is_stoichiometric, bool(slab.is_polar), not slab.is_symmetric)
    return *is_worse, -round(slab.gap, 1), slab.bottom, slab.top
