"""Options of `InterfaceWorkChain`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from ase import Atoms
from pydantic import Field, model_validator

from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.crystal.property import Ions, MinimumOptions, PropertyOptions
from aiida_seimlip.options.interface.interface_dynamics import InterfaceDynamicsOptions
from aiida_seimlip.options.interface.surface import Indices
from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.science.structures.interfaces import SIDES, CoherentInterface, Side, cut_layer, make_interfaces
from aiida_seimlip.science.structures.slabs import FLATNESS
from aiida_seimlip.science.structures.supercells import StructureError

Stage = Literal['scan', 'cells', 'slabs', 'dynamics']
"""Jobs: single points of rigid layers, relaxations of what has no vacuum and of what has, dynamics of interfaces."""


@dataclass(frozen=True, eq=False)
class ScanPoint:
    """An interface of rigid layers.

    :param number: of the interface.
    :param side: which of its two interfaces it is.
    :param shift: of the upper layer in Å; shape (2,).
    :param gap: between the outermost atoms in Å.
    :param atoms: with vacuum.
    """

    number: int
    side: Side
    shift: np.ndarray
    gap: float
    atoms: Atoms


class InterfaceOptions(PropertyOptions):
    """Which faces of which crystals lie on each other, how lattices are matched, and what is scanned and relaxed."""

    film: str = Field(description='Name of the crystal above: a phase of the package, or one of `structures`.')
    substrate: str = Field(description='Name of the crystal below; it may be the same.')
    film_miller: list[Indices] = Field(
        default=[[0, 0, 1]], min_length=1,
        description='Miller indices of the faces of the film, in the conventional cells of the phases of the package '
        'and in the cells of other crystals as they are given; each is laid on each of the substrate.',
    )  # fmt: skip
    substrate_miller: list[Indices] = Field(
        default=[[0, 0, 1]], min_length=1, description='Miller indices of the faces of the substrate.'
    )
    film_thickness: float = Field(default=12.0, gt=0, description='Smallest thickness of the film in Å.')
    substrate_thickness: float = Field(default=12.0, gt=0, description='Smallest thickness of the substrate in Å.')
    film_termination: int = Field(
        default=0, ge=0, description='Number of the pair of faces of the film; the best one is the first.'
    )
    substrate_termination: int = Field(default=0, ge=0, description='The same of the substrate.')
    film_share: float = Field(
        default=1.0, ge=0, le=1,
        description='Share of the strain that the film takes; by default all, as for a soft metal.',
    )  # fmt: skip
    max_area: float = Field(default=150.0, gt=0, description='Largest area of the common cell in Å².')
    max_strain: float = Field(
        default=0.05, gt=0, lt=0.5, description='Largest principal strain between the two lattices.'
    )
    n_matches: int = Field(
        default=1, ge=1,
        description='Most common cells of each pair of faces: the smallest, then larger ones that are strained less.',
    )  # fmt: skip
    max_atoms: int = Field(default=600, ge=1, description='Larger interfaces are left out.')
    has_vacuum: bool = Field(
        default=False,
        description='Whether there is one interface and vacuum above it; else two and no vacuum, and the height of the '
        'cell relaxes.',
    )  # fmt: skip
    vacuum: float = Field(default=15.0, gt=0, description='Above slabs, in Å.')
    scan_model: str | None = Field(
        default=None,
        description='Name of the model that scans registry and gap; none: the first that is a potential, or else the '
        'first of all.',
    )  # fmt: skip
    shift_spacing: float = Field(
        default=0.8, gt=0, description='Largest distance in Å of shifts in the plane, which cover all that differ.'
    )
    gaps: list[float] = Field(
        default=[1.2, 1.6, 2.0, 2.4, 2.8, 3.2, 3.6], min_length=1,
        description='Differences in height of the outermost atoms on both sides in Å, which rise.',
    )  # fmt: skip
    min_contact: float = Field(
        default=0.7, gt=0, le=1,
        description='Interfaces in which atoms of both sides are nearer, in parts of the sum of their covalent radii, '
        'are not evaluated.',
    )  # fmt: skip
    n_relaxed: int = Field(default=1, ge=1, description='How many of the best shifts of each interface are relaxed.')
    relaxation_of_ions: MinimumOptions = Field(
        default=MinimumOptions(fmax=0.01, max_steps=500),
        description='How interfaces, strained crystals and slabs relax.',
    )
    dynamics: InterfaceDynamicsOptions | None = Field(
        default=None,
        description='Molecular dynamics of the best relaxed interface of each pair of faces by each model; none: none.',
    )
    symprec: float = Field(
        default=0.05, gt=0, description='Atoms as near in Å to where symmetry demands them count as being there.'
    )
    flatness: float = Field(
        default=FLATNESS, gt=0,
        description='Bonded units whose centres are as near in height in Å are of one plane, which is not cut.',
    )  # fmt: skip

    @model_validator(mode='before')
    @classmethod
    def _phases_are_crystals(cls, content: Any) -> Any:
        """Count film and substrate among the crystals where they are phases of the package."""
        if not isinstance(content, Mapping):
            return content
        known = list(content.get('crystals') or [])
        sides = [content.get(side) for side in ('film', 'substrate')]
        return {**content, 'crystals': list(dict.fromkeys([*known, *(name for name in sides if name in CRYSTALS)]))}

    @model_validator(mode='after')
    def _lists_are_sound(self) -> Self:
        others = set(self.crystals) - {self.film, self.substrate}
        if others:
            raise ValueError(f'`crystals` names `{min(others)}`, which is neither `film` nor `substrate`')
        if any(gap <= 0 for gap in self.gaps) or sorted(set(self.gaps)) != self.gaps:
            raise ValueError('`gaps` are positive, and rise')
        if any(not any(index) for index in (*self.film_miller, *self.substrate_miller)):
            raise ValueError('`film_miller` or `substrate_miller` holds 0, 0, 0, which is no plane')
        return self

    @property
    def ions_of_frames(self) -> list[Ions]:
        """Nothing is evaluated for each crystal on its own."""
        return []

    @property
    def pairs(self) -> list[tuple[list[int], list[int]]]:
        """Miller indices of film and substrate of each pair of faces."""
        return list(itertools.product(self.film_miller, self.substrate_miller))

    def geometry_of(self, name: str) -> Atoms:
        """Return the conventional cell of a phase of the package, which Miller indices refer to."""
        return CRYSTALS[name].conventional()

    def check_sizes(self, atoms: Atoms) -> None:
        """Accept every crystal: sizes are those of pairs."""

    def sizes_of_frames(self, atoms: Atoms) -> list[int]:
        """Return nothing: no frames are made of one crystal."""
        return []

    def plan(self, film: Atoms, substrate: Atoms) -> tuple[list[CoherentInterface], list[str]]:
        """Return the interfaces of two crystals, and why pairs of faces have none.

        :param film: in the cell that Miller indices refer to.
        :param substrate: the same.
        """
        made: list[CoherentInterface] = []
        reasons = []
        for above, below in self.pairs:
            try:
                made += self._interfaces(film, substrate, above, below)
            except StructureError as exception:
                reasons.append(str(exception))
        return made, reasons

    def _interfaces(
        self, film: Atoms, substrate: Atoms, above: list[int], below: list[int]
    ) -> list[CoherentInterface]:  # fmt: skip
        """Return the interfaces of a pair of faces."""
        shared = {'symprec': self.symprec, 'flatness': self.flatness}
        return make_interfaces(
            cut_layer(film, above, thickness=self.film_thickness, termination=self.film_termination, **shared),
            cut_layer(
                substrate, below, thickness=self.substrate_thickness, termination=self.substrate_termination, **shared
            ),
            max_area=self.max_area, max_strain=self.max_strain, max_atoms=self.max_atoms, film_share=self.film_share,
        )[: self.n_matches]  # fmt: skip

    def sides(self) -> tuple[Side, ...]:
        """Return which interfaces there are."""
        return SIDES[:1] if self.has_vacuum else SIDES

    def scan(self, interfaces: list[CoherentInterface]) -> Iterator[ScanPoint]:
        """Yield all interfaces of rigid layers whose atoms are not too near.

        :param interfaces: of `plan`.
        """
        for number, interface in enumerate(interfaces):
            for side, shift, gap in itertools.product(
                self.sides(), interface.shifts(self.shift_spacing), self.gaps
            ):  # fmt: skip
                atoms = interface.in_vacuum(shift, gap, self.vacuum, side)
                n_below = len(interface.bulks[1 if side == 'lower' else 0])
                if interface.closest_contact(atoms, n_below) >= self.min_contact:
                    yield ScanPoint(number, side, shift, gap, atoms)

    def job(self, calculator: CalculatorOptions, stage: Stage) -> dict[str, Any]:
        """Return the parameters of a job, as `AseOptions`.

        :param calculator: the model.
        :param stage: which job.
        """
        if stage == 'scan':
            return self._job(calculator, {'task': 'single_point'})
        if stage == 'dynamics' and self.dynamics is not None:
            return self._job(calculator, {'task': 'md', 'md': self.dynamics.to_md().to_dict()})
        task = self.relaxation_of_ions.task(cell='normal' if stage == 'cells' else 'fixed')
        return self._job(calculator, task)
