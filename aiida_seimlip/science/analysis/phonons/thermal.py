"""Thermodynamics of the harmonic oscillators that the phonons are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import units

from aiida_seimlip.science.analysis.phonons.displacements import PhononError
from aiida_seimlip.science.analysis.phonons.mesh import Mesh

THZ_TO_EV = 1e12 * units._hplanck / units._e
"""Multiply a frequency in THz by this to get its quantum in eV (0.00413567)."""


@dataclass(frozen=True, eq=False)
class ThermalProperties:
    """Thermodynamics of the real modes of a mesh, at constant volume.

    The three acoustic modes at Γ are no oscillators and are left out. So are the imaginary modes, for which the
    harmonic crystal has no free energy: where there are any, the values are those of the modes that are left.

    :param temperatures: in K; shape (n,).
    :param free_energies: of the vibrations, with their energy at 0 K, in eV per atom; shape (n,).
    :param entropies: in eV/K per atom; shape (n,).
    :param heat_capacities: at constant volume in eV/K per atom; shape (n,).
    :param zero_point_energy: in eV per atom.
    :param imaginary_share: of all modes that are not acoustic ones at Γ: those that are left out because their
        frequency is not positive.
    """

    temperatures: np.ndarray
    free_energies: np.ndarray
    entropies: np.ndarray
    heat_capacities: np.ndarray
    zero_point_energy: float
    imaginary_share: float


def sum_oscillators(mesh: Mesh, temperatures: Sequence[float] | np.ndarray) -> ThermalProperties:
    """Sum over the oscillators of a mesh (M. T. Dove, Introduction to Lattice Dynamics, Cambridge, 1993).

    The acoustic modes at Γ are missing in the sums but counted in the number of atoms: with n points and N atoms, the
    heat capacity at high temperature is 3k per atom less its share 1/(nN).

    :param mesh: of the phonons.
    :param temperatures: in K, zero included; shape (n,).
    :raises PhononError: if a temperature is negative or not a number, or the mesh has no modes but acoustic ones at Γ.
    """
    temperatures = np.atleast_1d(np.asarray(temperatures, dtype=float))
    if not np.all(np.isfinite(temperatures)) or np.any(temperatures < 0.0):
        raise PhononError('A temperature is negative or not a number.')
    n_atoms = mesh.frequencies.shape[1] // 3
    weights = np.broadcast_to(mesh.weights[:, None], mesh.frequencies.shape)
    is_mode = ~mesh.is_acoustic
    if not is_mode.any():
        raise PhononError('The mesh has no modes but the acoustic ones at Γ.')
    is_real = is_mode & (mesh.frequencies > 0.0)
    shares = weights[is_real] / (mesh.weights.sum() * n_atoms)
    quanta = THZ_TO_EV * mesh.frequencies[is_real]
    sums = np.array([_oscillators(quanta, temperature) @ shares for temperature in temperatures])
    sums = sums.reshape(-1, 3)
    return ThermalProperties(
        temperatures=temperatures,
        free_energies=sums[:, 0],
        entropies=sums[:, 1],
        heat_capacities=sums[:, 2],
        zero_point_energy=float(0.5 * quanta @ shares),
        imaginary_share=1.0 - float(weights[is_real].sum() / weights[is_mode].sum()),
    )


def _oscillators(quanta: np.ndarray, temperature: float) -> np.ndarray:
    """Return free energy (eV), entropy and heat capacity (eV/K) of oscillators; shape (3, n).

    :param quanta: energies hν in eV; shape (n,).
    :param temperature: in K.
    """
    if temperature == 0.0:
        return np.array([0.5 * quanta, np.zeros_like(quanta), np.zeros_like(quanta)])
    x = quanta / (units.kB * temperature)
    boltzmann, empty = np.exp(-x), -np.expm1(-x)
    free_energy = 0.5 * quanta + units.kB * temperature * np.log(empty)
    entropy = units.kB * (x * boltzmann / empty - np.log(empty))
    heat_capacity = units.kB * x**2 * boltzmann / empty**2
    return np.array([free_energy, entropy, heat_capacity])
