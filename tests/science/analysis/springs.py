"""Crystals of harmonic springs, whose dynamical matrices are known."""

import numpy as np
from ase import units
from ase.data import atomic_masses
from ase.neighborlist import neighbor_list

TO_THZ = np.sqrt(units._e / units._amu) * 1e10 / (2e12 * np.pi)
"""Multiply the root of a constant in eV/Å² over a mass in u by this to get THz (15.6333)."""


def spring_forces(images, atoms, cutoff, constant):
    """Forces on images of a supercell whose atoms are joined by springs, to first order in the displacements."""
    first, second, vectors = neighbor_list('ijD', atoms, cutoff)
    normals = vectors / np.linalg.norm(vectors, axis=1)[:, None]
    forces = np.zeros((len(images), len(atoms), 3))
    for image, force in zip(images, forces, strict=True):
        moves = image.positions - atoms.positions
        stretch = np.einsum('ni,ni->n', normals, moves[second] - moves[first])
        np.add.at(force, first, constant * stretch[:, None] * normals)
    return forces


def spring_frequencies(atoms, cutoff, constant, q_points):
    """Frequencies in THz of a crystal whose atoms are joined by springs, from its own dynamical matrix."""
    first, second, vectors, shifts = neighbor_list('ijDS', atoms, cutoff)
    masses = atomic_masses[atoms.numbers]
    frequencies = []
    for q_point in np.atleast_2d(q_points):
        dynamical = np.zeros((len(atoms), 3, len(atoms), 3), dtype=complex)
        for i, j, vector, shift in zip(first, second, vectors, shifts, strict=True):
            block = constant * np.outer(vector, vector) / (vector @ vector)
            dynamical[i, :, i, :] += block / masses[i]
            dynamical[i, :, j, :] -= block * np.exp(2j * np.pi * shift @ q_point) / np.sqrt(masses[i] * masses[j])
        frequencies.append(signed_roots(np.linalg.eigvalsh(dynamical.reshape(3 * len(atoms), -1))))
    return np.array(frequencies)


def signed_roots(eigenvalues):
    """Frequencies in THz of the eigenvalues of a dynamical matrix in eV/Å²/u, imaginary ones negative."""
    return TO_THZ * np.sign(eigenvalues) * np.sqrt(np.abs(eigenvalues))
