"""Calculators of which everything is known, for the scripts that run on remote computers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.neighborlist import neighbor_list


class Broken(EMT):
    """Like EMT, for a while.

    :param calls: number of evaluations that succeed.
    """

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.left = calls

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        """Evaluate, or give up."""
        if not self.left:
            raise RuntimeError('The calculator gives up.')
        self.left -= 1
        super().calculate(*args, **kwargs)


class Ring(Calculator):
    """Atoms in a ring, each held at 2 Å from the next by a quartic spring; it knows no stress."""

    implemented_properties = ['energy', 'free_energy', 'forces']

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ('energy',),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Evaluate: each spring has the energy 0.15 (d² - 4)² eV."""
        super().calculate(atoms, properties, system_changes)
        bonds = np.roll(self.atoms.positions, -1, axis=0) - self.atoms.positions
        excess = (bonds**2).sum(axis=1) - 4.0
        pull = 0.6 * excess[:, np.newaxis] * bonds
        energy = 0.15 * float((excess**2).sum())
        self.results = {'energy': energy, 'free_energy': energy, 'forces': pull - np.roll(pull, 1, axis=0)}


class IdealGas(Calculator):
    """Atoms that do not know of each other."""

    implemented_properties = ['energy', 'free_energy', 'forces', 'stress']

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ('energy',),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Evaluate: nothing."""
        super().calculate(atoms, properties, system_changes)
        self.results = {
            'energy': 0.0, 'free_energy': 0.0, 'forces': np.zeros((len(self.atoms), 3)), 'stress': np.zeros(6),
        }  # fmt: skip


class Pairs(Calculator):
    """Lennard and Jones' pairs, let down smoothly to nothing at 6 Å; without a memory, such as neighbour lists."""

    implemented_properties = ['energy', 'free_energy', 'forces', 'stress']

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ('energy',),
        system_changes: Sequence[str] = all_changes,
    ) -> None:
        """Evaluate, with a depth of 0.4 eV at 2.55 Å."""
        super().calculate(atoms, properties, system_changes)
        first, vectors = neighbor_list('iD', self.atoms, 6.0)
        squares = (vectors**2).sum(axis=1)
        power, window = (2.27**2 / squares) ** 3, 1.0 - squares / 36.0
        pair = 1.6 * (power**2 - power)
        slope = 1.6 * (6.0 * power - 12.0 * power**2) / squares * window**2 - pair * 4.0 * window / 36.0
        pull = slope[:, np.newaxis] * vectors
        forces = np.stack([np.bincount(first, pull[:, axis], len(self.atoms)) for axis in range(3)], axis=1)
        energy = 0.5 * float((pair * window**2).sum())
        self.results = {'energy': energy, 'free_energy': energy, 'forces': forces}
        if self.atoms.cell.rank == 3:
            stress = 0.5 * pull.T @ vectors / self.atoms.get_volume()
            self.results['stress'] = stress.ravel()[[0, 4, 8, 5, 2, 1]]


class Committee(EMT):
    """Members whose forces are those of EMT times a factor each; the mean of the factors is 1.

    :param factors: of the members.
    :param calls: number of evaluations after which forces are no numbers any more, None: they always are.
    """

    implemented_properties = [*EMT.implemented_properties, 'forces_comm']

    def __init__(self, factors: Sequence[float], calls: int | None = None) -> None:
        super().__init__()
        self.factors, self.left = np.array(factors), calls

    def calculate(self, *args: Any, **kwargs: Any) -> None:
        """Evaluate the members."""
        super().calculate(*args, **kwargs)
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                self.results['forces'] = np.full_like(self.results['forces'], np.nan)
        self.results['forces_comm'] = self.factors[:, None, None] * self.results['forces']
