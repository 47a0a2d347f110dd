"""What the embedded LAMMPS asks a potential for at every step, and the moment tensor potential that answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from aiida_seimlip.embedded.lammps_library import thread_count
from aiida_seimlip.embedded.verlet import VerletList
from aiida_seimlip.science.mtp.evaluate import Evaluator
from aiida_seimlip.science.mtp.grade import Grader
from aiida_seimlip.science.mtp.potential import MomentTensorPotential


@dataclass(frozen=True, eq=False)
class Answer:
    """What a potential says of a configuration.

    :param site_energies: in eV; shape (n_atoms,).
    :param forces: in eV/Å; shape (n_atoms, 3).
    :param virial: derivative of the energy by the strain in eV, Voigt's order (xx, yy, zz, yz, xz, xy); shape (6,).
    :param grade: highest extrapolation grade; None if it was not asked for.
    :param atom_grades: that of each atom, None where there is none; shape (n_atoms,).
    """

    site_energies: np.ndarray
    forces: np.ndarray
    virial: np.ndarray
    grade: float | None = None
    atom_grades: np.ndarray | None = None


class Model(Protocol):
    """A potential of any family."""

    @property
    def name(self) -> str:
        """What it is called in messages, such as ``MTP potential``."""

    @property
    def species(self) -> Sequence[str]:
        """Chemical symbols in type order."""

    @property
    def cutoff(self) -> float:
        """Cut-off in Å."""

    def compute(self, types: np.ndarray, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> Answer:
        """Evaluate a configuration.

        :param types: type number of each atom from 0; shape (n_atoms,).
        :param positions: relative to the origin of the cell, in Å; shape (n_atoms, 3).
        :param cell: cell vectors in rows, in Å; shape (3, 3).
        :param pbc: periodicity along each cell vector; shape (3,).
        """

    def forget(self) -> None:
        """Expect other atoms, or atoms in another order, at the next call."""


class MtpModel:
    """A moment tensor potential.

    :param potential: trained.
    :param with_grades: whether answers come with grades, for which the potential needs an active set.
    :raises ValueError: if the potential is not trained, or lacks what grades need.
    """

    name = 'MTP potential'

    def __init__(self, potential: MomentTensorPotential, *, with_grades: bool):
        self.species = potential.species
        self._evaluator = Evaluator(potential, threads=thread_count())
        self._grader = Grader(potential, self._evaluator) if with_grades else None
        self._verlet = VerletList(potential.max_dist)

    @property
    def cutoff(self) -> float:
        """Cut-off in Å."""
        return self._evaluator.cutoff

    def compute(self, types: np.ndarray, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray) -> Answer:
        """Evaluate a configuration; see `Model`."""
        pairs = self._verlet.images(positions, cell, pbc)
        result = self._evaluator.compute(types, pairs, positions=positions, with_local=self._grader is not None)
        grade, atoms = None, None
        if self._grader is not None and result.local is not None:
            grade, atoms = self._grader.grade(types, result.local)
        return Answer(result.site_energies, result.forces, result.virials[0], grade, atoms)

    def forget(self) -> None:
        """Make a new list of neighbours at the next call."""
        self._verlet.forget()
