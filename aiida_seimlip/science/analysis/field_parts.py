"""What a field does to parts of a structure: charges, forces, drifts and temperatures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import units
from ase.data import atomic_masses

from aiida_seimlip.science.analysis.field_velocities import FieldError
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import ASE_VELOCITY_TO_ANGSTROM_PER_PS


@dataclass(frozen=True, eq=False)
class PartForce:
    """The charge of a part, and what the field does to it.

    :param name: of the part.
    :param n_atoms: number of its atoms.
    :param charge_e: sum of its charges in e.
    :param force_ev_per_angstrom: q E on it as a whole, in eV/Å; shape (3,).
    """

    name: str
    n_atoms: int
    charge_e: float
    force_ev_per_angstrom: np.ndarray


@dataclass(frozen=True, eq=False)
class PartTemperature:
    """Temperatures of the atoms of a part.

    :param name: of the part.
    :param n_atoms: number of its atoms.
    :param with_drift_kelvin: from all kinetic energy, in K; shape (n_frames,).
    :param without_drift_kelvin: from motion relative to the part's own centre of mass, in K, nan of a single atom;
        shape (n_frames,).
    :param drift_angstrom_per_ps: velocity of its centre of mass in Å/ps; shape (n_frames, 3).
    """

    name: str
    n_atoms: int
    with_drift_kelvin: np.ndarray
    without_drift_kelvin: np.ndarray
    drift_angstrom_per_ps: np.ndarray


def net_forces(
    charges_e: np.ndarray, field_v_per_angstrom: Sequence[float] | np.ndarray, parts: Sequence[str]
) -> tuple[PartForce, ...]:
    """Return the charge of each part and the force of the field on it, parts in order of their names.

    :param charges_e: of the atoms in e; shape (n_atoms,).
    :param field_v_per_angstrom: the field in V/Å; shape (3,).
    :param parts: name of the part of each atom; shape (n_atoms,).
    :raises FieldError: if there is not one name for each atom, or the field is no vector.
    """
    charges, field = np.asarray(charges_e, dtype=float), np.asarray(field_v_per_angstrom, dtype=float)
    if field.shape != (3,):
        raise FieldError('The field is a vector of three numbers.')
    found = []
    for name, members in _members(parts, charges.size).items():
        charge = float(charges[members].sum())
        found.append(PartForce(name, members.size, charge, charge * field))
    return tuple(found)


def kinetic_temperatures(frames: Frames, parts: Sequence[str] | None = None) -> tuple[PartTemperature, ...]:
    """Return temperatures with and without the drift of the centre of mass, of each part by itself.

    A thermostat takes a drift for heat: where the cell has a net charge, it cools all other motion. A part that drifts
    against another one looks hot in the temperature of both. Without the drift there are three degrees of freedom less.

    :param frames: of the same atoms, with velocities.
    :param parts: name of the part of each atom; by default all atoms are one, ``all``; shape (n_atoms,).
    :raises FieldError: if there are no velocities, or not one name for each atom.
    """
    if frames.velocities is None or not np.isfinite(frames.velocities).all():
        raise FieldError('The frames lack velocities.')
    if not len(frames) or np.any(frames.sizes != frames.sizes[0]):
        raise FieldError('The frames do not hold the same atoms.')
    size = int(frames.sizes[0])
    velocities = frames.velocities.reshape(len(frames), size, 3)
    masses = atomic_masses[frames.numbers[:size]]
    return tuple(
        _temperature(name, velocities[:, members], masses[members])
        for name, members in _members(parts if parts is not None else ['all'] * size, size).items()
    )


def _temperature(name: str, velocities: np.ndarray, masses: np.ndarray) -> PartTemperature:
    drift = np.einsum('fai,a->fi', velocities, masses / masses.sum())
    total = _twice_kinetic_energy(velocities, masses)
    inner = _twice_kinetic_energy(velocities - drift[:, None, :], masses)
    n_free = 3 * (masses.size - 1)
    without = inner / (units.kB * n_free) if n_free else np.full(len(velocities), np.nan)
    return PartTemperature(name, masses.size, total / (3 * masses.size * units.kB), without, drift)


def _twice_kinetic_energy(velocities: np.ndarray, masses: np.ndarray) -> np.ndarray:
    """Return Σ m v² in eV; shape (n_frames,)."""
    return np.asarray(np.einsum('fai,a->f', (velocities / ASE_VELOCITY_TO_ANGSTROM_PER_PS) ** 2, masses))


def _members(parts: Sequence[str], size: int) -> dict[str, np.ndarray]:
    """Return the indices of the atoms of each part."""
    names = np.asarray(parts, dtype=str)
    if names.shape != (size,):
        raise FieldError(f'There are {names.size} names of parts for {size} atoms.')
    return {str(name): np.flatnonzero(names == name) for name in np.unique(names)}
