"""Options of `SurfaceWorkChain`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Self

from ase import Atoms
from pydantic import Field, model_validator

from aiida_seimlip.options.crystal.property import Ions, PropertyOptions
from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.science.structures.cuts import LatticePlanes, as_miller, cut_crystal
from aiida_seimlip.science.structures.miller import Miller, distinct_miller_indices
from aiida_seimlip.science.structures.slabs import FLATNESS, Slab, layered_slabs

Indices = Annotated[list[int], Field(min_length=3, max_length=3)]


@dataclass(frozen=True, eq=False)
class PlannedSurface:
    """A surface of a crystal.

    :param slabs: of one termination, from thin to thick.
    """

    slabs: tuple[Slab, ...]

    @property
    def name(self) -> tuple[Miller, int, str, str]:
        """By what the same surface of another model is found: the indices, the number and the faces."""
        slab = self.slabs[0]
        return slab.miller, slab.termination, slab.bottom, slab.top


class SurfaceOptions(PropertyOptions):
    """Which surfaces, and how thick the slabs are."""

    miller: list[Indices] = Field(
        default=[],
        description='Miller indices of the surfaces, in the conventional cells of the phases of the package and in the '
        'cells of other crystals as they are given; none: all distinct ones up to `max_index`.',
    )
    max_index: int = Field(default=1, ge=1, le=5, description='Largest index, where `miller` names none.')
    thicknesses: list[float] = Field(
        default=[12.0, 18.0, 24.0], min_length=2,
        description='Smallest thicknesses of the slabs in Å; each slab has one lattice plane more than the one before '
        'at least.',
    )  # fmt: skip
    vacuum: float = Field(default=15.0, gt=0, description='Between the outermost atoms of a slab and its image in Å.')
    max_terminations: int = Field(
        default=2, ge=1,
        description='Most terminations of each surface: those without a dipole moment come first, symmetric ones '
        'before others, then those where the crystal is cut at wider gaps.',
    )  # fmt: skip
    polar: bool = Field(
        default=False, description='Whether polar terminations are computed as well, whose energies have no limit.'
    )
    ions: list[Ions] = Field(
        default=['clamped', 'relaxed'], min_length=1,
        description='What the atoms do: stay where they are in the crystal, or relax in the cell of the slab.',
    )  # fmt: skip
    symprec: float = Field(
        default=0.05, gt=0, description='Atoms as near in Å to where symmetry demands them count as being there.'
    )
    flatness: float = Field(
        default=FLATNESS, gt=0,
        description='Bonded units whose centres are as near in height in Å are of one plane, which is not cut.',
    )  # fmt: skip

    @property
    def ions_of_frames(self) -> list[Ions]:
        """What becomes of the atoms in the slabs."""
        return self.ions

    @model_validator(mode='after')
    def _names_are_distinct(self) -> Self:
        if len(set(self.ions)) < len(self.ions) or len({tuple(index) for index in self.miller}) < len(self.miller):
            raise ValueError('`ions` or `miller` names the same twice')
        if any(not any(index) for index in self.miller):
            raise ValueError('`miller` holds 0, 0, 0, which is no plane')
        if any(thickness <= 0 for thickness in self.thicknesses) or sorted(self.thicknesses) != self.thicknesses:
            raise ValueError('`thicknesses` are positive, and rise')
        return self

    def geometry_of(self, name: str) -> Atoms:
        """Return the conventional cell of a phase of the package, which Miller indices refer to."""
        return CRYSTALS[name].conventional()

    def plan(self, atoms: Atoms) -> list[PlannedSurface]:
        """Return the surfaces of a crystal, those of one plane after those of the other.

        :param atoms: the crystal, in the cell that Miller indices refer to.
        :raises StructureError: if it is no crystal, or a slab is too large.
        """
        return [surface for index in self.planes_of(atoms) for surface in self._surfaces(atoms, index)]

    def planes_of(self, atoms: Atoms) -> list[Miller]:
        """Return the Miller indices of all planes that are looked at.

        :param atoms: the crystal.
        :raises StructureError: if it is no crystal.
        """
        if not self.miller:
            return distinct_miller_indices(atoms, self.max_index, symprec=self.symprec)
        return [(h, k, m) for h, k, m in (as_miller(index).tolist() for index in self.miller)]

    def _surfaces(self, atoms: Atoms, miller: Miller) -> Iterator[PlannedSurface]:
        """Yield the terminations of a surface."""
        planes = cut_crystal(atoms, miller, symprec=self.symprec, flatness=self.flatness)
        by_thickness = [
            layered_slabs(planes, number, vacuum=self.vacuum, max_atoms=self.max_atoms)
            for number in self._numbers_of_layers(planes)
        ]
        wanted = [slabs for slabs in zip(*by_thickness, strict=True) if self.polar or not slabs[0].is_polar]
        yield from map(PlannedSurface, wanted[: self.max_terminations])

    def _numbers_of_layers(self, planes: LatticePlanes) -> list[int]:
        numbers: list[int] = []
        for thickness in self.thicknesses:
            enough = ceil(thickness / planes.spacing - 1e-6)
            numbers.append(max(enough, numbers[-1] + 1) if numbers else enough)
        return numbers

    def check_sizes(self, atoms: Atoms) -> None:
        """Refuse crystals of which slabs would be too large."""
        self.plan(atoms)

    def sizes_of_frames(self, atoms: Atoms) -> list[int]:
        """Return the number of atoms of each slab of a crystal."""
        return [len(slab.atoms) for surface in self.plan(atoms) for slab in surface.slabs]
