"""Moment tensor potentials by their definition, in extended precision, differentiated by hand."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.neighbours import neighbour_list

EXACT = np.longdouble


class Values(NamedTuple):
    """What `Evaluation` holds."""

    site_energies: np.ndarray
    forces: np.ndarray
    virials: np.ndarray
    local: np.ndarray


def define(potential: MomentTensorPotential, frames: Frames) -> Values:
    """Evaluate configurations.

    The moments are M_b = Σ_k f_μ(r_k) n_k^p, with the powers p of the basic moment b; products follow in the order of
    the file, and the way back is the same in reverse.
    """
    pairs = neighbour_list(frames.positions, frames.ptr, frames.cells, frames.pbc, potential.max_dist)
    types, n_basic = frames.types(potential.species), len(potential.alpha_index_basic)
    atoms = [
        _Atom(potential, types[i], types[pairs.neighbours[slice(*pairs.first[i : i + 2])]],
              pairs.vectors[slice(*pairs.first[i : i + 2])])
        for i in range(types.size)
    ]  # fmt: skip
    moments = np.zeros((potential.alpha_moments_count, types.size), dtype=EXACT)
    moments[:n_basic] = np.stack([atom.basic for atom in atoms], axis=1)
    for one, two, factor, product in potential.alpha_index_times:
        moments[product] += factor * moments[one] * moments[two]
    adjoint = np.zeros_like(moments)
    for moment, coefficient in zip(potential.alpha_moment_mapping, potential.moment_coeffs, strict=True):
        adjoint[moment] += EXACT(coefficient)
    for one, two, factor, product in potential.alpha_index_times[::-1]:
        weight = factor * adjoint[product]
        adjoint[one] += weight * moments[two]
        adjoint[two] += weight * moments[one]
    scalars = moments[potential.alpha_moment_mapping]
    energies = potential.species_coeffs[types] + potential.moment_coeffs.astype(EXACT) @ scalars
    forces, virials = np.zeros((types.size, 3), dtype=EXACT), np.zeros((len(frames), 3, 3), dtype=EXACT)
    local = []
    for i, atom in enumerate(atoms):
        gradient = atom.gradient(adjoint[:n_basic, i])
        forces[i] += gradient.sum(axis=0)
        np.subtract.at(forces, pairs.neighbours[slice(*pairs.first[i : i + 2])], gradient)
        virials[frames.frame_of_atom[i]] += atom.vectors.T @ gradient
        local.append(np.concatenate([atom.by_radial(adjoint[:n_basic, i]).ravel(), [1.0], scalars[:, i]]))
    symmetric = 0.5 * (virials + virials.swapaxes(1, 2))
    voigt = symmetric[:, [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]]
    return Values(energies, forces, voigt, np.array(local))


class _Atom:
    """The neighbourhood of an atom."""

    def __init__(self, potential: MomentTensorPotential, species: int, others: np.ndarray, vectors: np.ndarray):
        self.species, self.others, self.vectors = species, others, vectors.astype(EXACT)
        self.n_species = potential.n_species
        self.r = np.sqrt((self.vectors**2).sum(axis=1))
        self.unit = self.vectors / self.r[:, None]
        self.mu, self.powers = potential.alpha_index_basic[:, 0], potential.alpha_index_basic[:, 1:]
        low, high = EXACT(potential.min_dist), EXACT(potential.max_dist)
        x, slope = (2 * self.r - low - high) / (high - low), 2 / (high - low)
        value, derivative = [np.ones_like(x), x], [np.zeros_like(x), np.ones_like(x)]
        for _ in range(2, potential.radial_basis_size):
            derivative.append(2 * value[-1] + 2 * x * derivative[-1] - derivative[-2])
            value.append(2 * x * value[-1] - value[-2])
        smooth, gap = EXACT(potential.scaling) * (high - self.r) ** 2, high - self.r
        size = potential.radial_basis_size
        self.values = np.array(value[:size]) * smooth
        slopes = np.array(derivative[:size]) * slope * smooth - 2 * EXACT(potential.scaling) * gap * np.array(
            value[:size]
        )
        coefficients = potential.radial_coeffs[species, others].astype(EXACT)  # (K, R, Q)
        self.functions = np.einsum('kmq,qk->mk', coefficients, self.values)
        self.slopes = np.einsum('kmq,qk->mk', coefficients, slopes)
        self.basic = (self.functions[self.mu] * self._angular(self.powers)).sum(axis=1)

    def _angular(self, powers: np.ndarray) -> np.ndarray:
        """Return products of powers of the components of the unit vectors; shape (n_basic, n_neighbours)."""
        return np.prod(self.unit[None] ** powers[:, None], axis=2)

    def by_radial(self, adjoint: np.ndarray) -> np.ndarray:
        """Return the derivatives of the energy by the radial coefficients; shape (S, R, Q)."""
        terms = adjoint[:, None] * self._angular(self.powers)
        result = np.zeros((self.n_species, len(self.functions), len(self.values)), dtype=EXACT)
        for mu in range(len(self.functions)):
            by_function = terms[self.mu == mu].sum(axis=0)
            for other in range(self.n_species):
                result[other, mu] = (self.values * by_function)[:, self.others == other].sum(axis=1)
        return result

    def gradient(self, adjoint: np.ndarray) -> np.ndarray:
        """Return the derivatives of the energy by the vectors to the neighbours; shape (n_neighbours, 3)."""
        angular = self._angular(self.powers)
        radial = (adjoint[:, None] * self.slopes[self.mu] * angular).sum(axis=0)
        degrees = self.powers.sum(axis=1)
        over_r = adjoint[:, None] * self.functions[self.mu] / self.r
        result = np.empty_like(self.unit)
        for c in range(3):
            lower = self._angular(np.maximum(self.powers - np.eye(3, dtype=int)[c], 0))
            across = self.powers[:, c, None] * lower - degrees[:, None] * angular * self.unit[:, c]
            result[:, c] = radial * self.unit[:, c] + (over_r * across).sum(axis=0)
        return result
