"""Configurations as they might occur at a temperature, made without any dynamics.

Independent random displacements of all atoms stretch stiff bonds as much as soft contacts: at amplitudes where ions
move as they do in molecular dynamics, molecules have forces of tens of eV/Å, and a potential spends its flexibility on
them. Here bonded units (CO3, PF6, a molecule) move and turn as rigid bodies, and vibrate inside by much less, each
mode as a classical harmonic oscillator would: ⟨u²⟩ = k_B T / k for each direction.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms, units
from scipy.spatial.transform import Rotation

from aiida_seimlip.science.analysis.bonds import find_bonds
from aiida_seimlip.science.frames import Frames

TOLERANCE = 1.15
"""Atoms of a structure at rest are bonded if closer than this times the sum of their covalent radii."""


def bonded_units(atoms: Atoms, tolerance: float = TOLERANCE) -> np.ndarray:
    """Find the atoms that are bonded to each other, through periodic boundaries.

    :param atoms: configuration.
    :param tolerance: atoms are bonded if closer than this times the sum of their covalent radii. Alkali and
        alkaline-earth metals are taken as ions and are units of their own.
    :return: index of the unit of each atom; shape (n_atoms,).
    """
    return find_bonds(Frames.from_atoms([atoms]), tolerance=tolerance).units


def thermal_perturbations(
    atoms: Atoms,
    temperatures: Sequence[float],
    *,
    strain: float = 0.02,
    seed: int,
    bond_stiffness: float = 25.0,
    unit_stiffness: float = 4.0,
    ion_stiffness: float = 2.5,
    isotropic: Sequence[float] | None = None,
) -> list[Atoms]:
    """Make one randomly strained and displaced copy of a structure for each temperature.

    :param atoms: the structure, at rest.
    :param temperatures: in K.
    :param strain: standard deviation of the components of the strain.
    :param seed: of the random numbers.
    :param bond_stiffness: force constant of atoms inside a unit in eV/Å².
    :param unit_stiffness: force constant of a unit's centre in eV/Å²; a unit turns so that its outermost atom moves as
        far as its centre.
    :param ion_stiffness: force constant of single atoms in eV/Å².
    :param isotropic: strain of each copy, the same along all directions, beside that which is random; none by default.
    :return: as many configurations as temperatures, without labels.
    :raises ValueError: if a temperature is negative, or there are not as many strains as temperatures.
    """
    strains = [0.0] * len(temperatures) if isotropic is None else isotropic
    if any(temperature < 0.0 for temperature in temperatures):
        raise ValueError('A temperature is negative.')
    rng = np.random.default_rng(seed)
    labels = bonded_units(atoms)
    members = [np.flatnonzero(labels == unit) for unit in range(labels.max() + 1)]
    images = []
    for temperature, even in zip(temperatures, strains, strict=True):
        deformation = (1.0 + even) * np.eye(3) + _symmetric(rng.normal(0.0, strain, (3, 3)))
        image = Atoms(numbers=atoms.numbers, cell=atoms.cell.array @ deformation, pbc=atoms.pbc)
        for unit in members:
            centre, arms = _unwrap(atoms, unit)
            stiffness = ion_stiffness if len(unit) == 1 else unit_stiffness
            spread = np.sqrt(units.kB * temperature / stiffness)
            centre = centre @ deformation + rng.normal(0.0, spread, 3)
            if len(unit) > 1:
                arms = _vibrate(arms, spread, np.sqrt(units.kB * temperature / bond_stiffness), rng)
            image.positions[unit] = centre + arms
        images.append(image)
    return images


def _symmetric(tensor: np.ndarray) -> np.ndarray:
    return 0.5 * (tensor + tensor.T)


def _unwrap(atoms: Atoms, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the centre of a unit and the vectors from there to its atoms, each atom in its nearest image."""
    arms = atoms.get_distances(unit[0], unit, mic=bool(atoms.pbc.any()), vector=True)
    mean = arms.mean(axis=0)
    return atoms.positions[unit[0]] + mean, arms - mean


def _vibrate(arms: np.ndarray, turn: float, stretch: float, rng: np.random.Generator) -> np.ndarray:
    """Turn a unit so that its outermost atom moves by about `turn` (Å), and move its atoms by about `stretch` (Å)."""
    reach = np.linalg.norm(arms, axis=1).max()
    rotation = Rotation.from_rotvec(rng.normal(0.0, turn / reach, 3))
    return rotation.apply(arms) + rng.normal(0.0, stretch, arms.shape)
