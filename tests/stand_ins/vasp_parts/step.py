"""What a calculation of one configuration gives; without ASE, so that a refusal is quick."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

KBAR = 0.1 / 160.21766208
"""One kbar in eV/Å³."""


@dataclass
class Step:
    """One ionic step.

    :ivar cell: (3, 3) in Å. :ivar scaled: (N, 3), fractional, in the cell. :ivar positions: (N, 3) in Å, unwrapped.
    :ivar energy: what the forces are the gradient of, in eV. :ivar entropy: the term T·S of the smearing, ≤ 0, in eV.
    :ivar forces: (N, 3) in eV/Å. :ivar stress: (3, 3) in kbar with the sign of VASP, which is that of the pressure.
    :ivar kinetic: energy of the ions in eV. :ivar temperature: in K. :ivar velocities: (N, 3) in Å/fs.
    """

    cell: np.ndarray
    scaled: np.ndarray
    positions: np.ndarray
    energy: float
    entropy: float
    forces: np.ndarray
    stress: np.ndarray
    kinetic: float = 0.0
    temperature: float = 0.0
    velocities: np.ndarray | None = None

    @property
    def without_entropy(self) -> float:
        """Energy without entropy in eV."""
        return self.energy - self.entropy

    @property
    def extrapolated(self) -> float:
        """Energy extrapolated to no smearing in eV."""
        return self.energy - self.entropy / 2
