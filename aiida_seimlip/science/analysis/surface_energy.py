"""Surface energies from the energies of slabs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase.units import J, m

J_PER_M2 = float(J / m**2)
"""1 J/m² in eV/Å²."""


@dataclass(frozen=True)
class SurfaceEnergy:
    """The surface energy of a slab with two faces: the mean of both.

    :param fitted: from the slope and the intercept of the energies of all slabs, in eV/Å².
    :param error: standard error of `fitted` in eV/Å²; None of two slabs, through which a line always passes.
    :param unit_energy: energy of a formula unit of the crystal by the fit in eV.
    :param by_slab: from each slab and the energy of the crystal, in eV/Å²; empty if that is not given.
    """

    fitted: float
    error: float | None
    unit_energy: float
    by_slab: tuple[float, ...]

    @property
    def difference(self) -> float | None:
        """By how much `fitted` is above the last of `by_slab` in eV/Å²; None if there is none."""
        return self.fitted - self.by_slab[-1] if self.by_slab else None

    @property
    def change(self) -> float | None:
        """How far the last of `by_slab` is above the one before in eV/Å²; None if there is none."""
        return self.by_slab[-1] - self.by_slab[-2] if len(self.by_slab) > 1 else None


def fit_surface_energy(
    n_units: Sequence[float], energies: Sequence[float], area: float, unit_energy: float | None = None
) -> SurfaceEnergy:
    """Return the surface energy γ of slabs that differ in their thickness alone.

    The energy of a slab of n formula units is n e + 2 A γ. The line through the energies of all slabs gives e and γ;
    with an e that was computed otherwise γ of thick slabs diverges, as any error of e is multiplied by n (V. Fiorentini
    and M. Methfessel, J. Phys.: Condens. Matter 8, 6525 (1996)).

    :param n_units: number of formula units of each slab.
    :param energies: of the slabs in eV.
    :param area: of one face in Å².
    :param unit_energy: energy of a formula unit of the crystal in eV, if it is known.
    :raises ValueError: if there are not two slabs of different thickness at least.
    """
    n, e = np.asarray(n_units, dtype=float), np.asarray(energies, dtype=float)
    if n.shape != e.shape or np.unique(n).size < 2:
        raise ValueError('A surface energy needs two slabs of different thickness at least.')
    order = np.argsort(n)
    n, e = n[order], e[order]
    away = n - n.mean()
    slope = float(away @ (e - e.mean()) / (away @ away))
    intercept = float(e.mean()) - slope * float(n.mean())
    error = None
    if n.size > 2:
        variance = float(((e - intercept - slope * n) ** 2).sum()) / (n.size - 2)
        error = float(np.sqrt(variance * (1.0 / n.size + n.mean() ** 2 / (away @ away)))) / (2.0 * area)
    by_slab = () if unit_energy is None else tuple(float(value) for value in (e - n * unit_energy) / (2.0 * area))
    return SurfaceEnergy(intercept / (2.0 * area), error, slope, by_slab)
