"""Options that all properties of crystals have in common."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from ase import Atoms
from pydantic import Field

from aiida_seimlip.options.ase import CalculatorOptions, RelaxOptions
from aiida_seimlip.options.base import Options
from aiida_seimlip.options.crystal.phases import CrystalNames
from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.science.structures.supercells import StructureError, smallest_supercell

Ions = Literal['clamped', 'relaxed']
"""Whether the atoms keep their fractional coordinates in a deformed cell, or relax in it."""


class MinimumOptions(Options):
    """How each model finds its own minimum of a crystal, positions and cell."""

    fmax: float = Field(
        default=0.002, gt=0,
        description='Largest force at convergence in eV/Å; stresses count as forces on the cell, shared by the atoms.',
    )  # fmt: skip
    max_steps: int = Field(default=500, ge=1, description='Steps of each relaxation at most.')
    optimizer: Literal['BFGS', 'BFGSLineSearch', 'FIRE', 'LBFGS'] = Field(
        default='BFGS', description='Name of the optimiser in `ase.optimize`.'
    )

    keep_symmetry: bool = Field(
        default=False,
        description='Keep the space group, so that a crystal stays what it is where the model would let it become '
        'another; the computer of the job needs spglib.',
    )

    def task(self, *, cell: Literal['fixed', 'normal', 'full'], keep_start: bool = False) -> dict[str, Any]:
        """Return the parameters of a job that relaxes, without its calculator; what has not converged is kept.

        :param cell: whether the cell stays, or relaxes along the normal of its first two vectors only, or freely, which
            alone keeps a symmetry.
        :param keep_start: whether the labels of the frame as it was are kept, too.
        """
        relax = RelaxOptions(
            cell=cell, fmax=self.fmax, max_steps=self.max_steps, optimizer=self.optimizer, accept_unconverged=True,
            keep_symmetry=self.keep_symmetry and cell == 'full', keep_start=keep_start,
        )  # fmt: skip
        return {'task': 'relax', 'relax': relax.to_dict()}


class PropertyOptions(Options):
    """Which crystals are looked at, from which geometry, and with which model the others are compared."""

    crystals: CrystalNames = Field(
        default=[],
        description='Phases of the package, besides the input `structures`: '
        f'{", ".join(f"`{name}`" for name in CRYSTALS)}.',
    )
    reference: str | None = Field(
        default=None, description='Name of the model that the others are compared with; none: no deviations.'
    )
    max_atoms: int = Field(default=2000, ge=1, description='Larger supercells are refused.')
    minimum: MinimumOptions | None = Field(
        default_factory=MinimumOptions,
        description='How each model relaxes the crystals first; none: all models begin from the geometry given.',
    )
    processes: int = Field(default=1, ge=1, description='Frames evaluated side by side, each in its own process.')
    seconds_per_frame: float | None = Field(default=3600.0, gt=0, description='Time limit of each frame in s.')

    def geometry_of(self, name: str) -> Atoms:
        """Return the cell of a phase of the package that models relax: a primitive one.

        :param name: a key of `CRYSTALS`.
        """
        return CRYSTALS[name].primitive()

    @property
    def ions_of_frames(self) -> list[Ions]:
        """What becomes of the atoms in the frames that the property needs: a job of each model for each."""
        return ['clamped']

    @property
    def supercell_lengths(self) -> list[float]:
        """Smallest distances of opposite faces of the supercells that are made, in Å; none where none are made."""
        return []

    def supercell_of(self, atoms: Atoms, length: float) -> np.ndarray:
        """Return the matrix of a supercell whose opposite faces are at least so far apart.

        :param atoms: the crystal.
        :param length: smallest distance in Å.
        :raises StructureError: if it holds more than `max_atoms`.
        """
        matrix = smallest_supercell(atoms, length)
        n_atoms = len(atoms) * round(float(np.linalg.det(matrix)))
        if n_atoms > self.max_atoms:
            raise StructureError(
                f'A supercell of {length:g} Å holds {n_atoms} atoms, and `max_atoms` allows {self.max_atoms}.'
            )
        return matrix

    @property
    def max_steps_of_ions(self) -> int:
        """Steps at most of the relaxation of the atoms in a frame."""
        return (self.minimum or MinimumOptions()).max_steps

    def check_sizes(self, atoms: Atoms) -> None:
        """Refuse crystals of which the property would make supercells that are too large.

        :param atoms: the crystal.
        :raises StructureError: if it would.
        """
        for length in self.supercell_lengths:
            self.supercell_of(atoms, length)

    def sizes_of_frames(self, atoms: Atoms) -> list[int]:
        """Return the number of atoms of each frame that the property needs of a crystal, for each of `ions_of_frames`.

        :param atoms: the crystal.
        """
        raise NotImplementedError

    def relaxation(self, calculator: CalculatorOptions) -> dict[str, Any]:
        """Return the parameters of the job that finds the minima of a model, as `AseOptions`.

        :param calculator: the model.
        :raises ValueError: if the crystals are not relaxed.
        """
        if self.minimum is None:
            raise ValueError('the crystals are not relaxed')
        return self._job(calculator, self.minimum.task(cell='full'))

    def evaluation(self, calculator: CalculatorOptions, ions: Ions, *, keep_start: bool = False) -> dict[str, Any]:
        """Return the parameters of the job that evaluates frames with a model, as `AseOptions`.

        :param calculator: the model.
        :param ions: what becomes of the atoms.
        :param keep_start: whether a relaxation keeps the labels with clamped atoms, too.
        """
        if ions == 'clamped':
            return self._job(calculator, {'task': 'single_point'})
        return self._job(calculator, (self.minimum or MinimumOptions()).task(cell='fixed', keep_start=keep_start))

    def _job(self, calculator: CalculatorOptions, task: dict[str, Any]) -> dict[str, Any]:
        shared = {'processes': self.processes, 'seconds_per_frame': self.seconds_per_frame}
        return {'calculator': calculator.to_dict(), **task, **shared}
