"""Calculators of which everything is known, for the scripts that run on remote computers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT


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
