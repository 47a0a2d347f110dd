"""Energies, forces, virials and the local basis of extrapolation grades."""

# ruff: noqa: PLR0917
# Compiled functions take their arrays by position.

from __future__ import annotations

import numpy as np
from numba import njit

from aiida_seimlip.science.mtp.kernel.atom import (
    OPTIONS,
    capacity_of,
    combine,
    fill_adjoint,
    fill_local_basis,
    fill_moments,
    fill_monomials,
    fill_radial,
    gather,
)


@njit(**OPTIONS)
def _gradient(count, basis, unit, distance, functions, slopes, angular, adjoint, by_function, by_monomial, gradient):
    """Differentiate the energy of an atom by the vectors to its neighbours.

    :param by_function: output, dE/df_μ(r_k); shape (R, n_neighbours).
    :param by_monomial: workspace, dE/dA_a(n_k); shape (n_monomials, n_neighbours).
    :param gradient: output in eV/Å; shape (3, n_neighbours).
    """
    by_function[:, :count] = 0.0
    by_monomial[:, :count] = 0.0
    for b in range(basis.monomial.size):
        mu = basis.radial_function[b]
        a = basis.monomial[b]
        weight = adjoint[b]
        for k in range(count):
            by_function[mu, k] += weight * angular[a, k]
            by_monomial[a, k] += weight * functions[mu, k]
    gradient[:, :count] = 0.0
    for a in range(basis.parent.size - 1, 0, -1):
        parent = basis.parent[a]
        axis = basis.axis[a]
        for k in range(count):
            gradient[axis, k] += by_monomial[a, k] * angular[parent, k]
            by_monomial[parent, k] += by_monomial[a, k] * unit[axis, k]
    for k in range(count):
        along = gradient[0, k] * unit[0, k] + gradient[1, k] * unit[1, k] + gradient[2, k] * unit[2, k]
        radial = 0.0
        for mu in range(by_function.shape[0]):
            radial += by_function[mu, k] * slopes[mu, k]
        inverse = 1.0 / distance[k]
        for c in range(3):
            gradient[c, k] = (gradient[c, k] - along * unit[c, k]) * inverse + radial * unit[c, k]


@njit(**OPTIONS)
def evaluate_kernel(
    basis, parameters, types, frames, first, neighbours, vectors, site_energies, forces, virials, local
):
    """Evaluate energies, forces and virials, and the local basis if asked for.

    :param types: species of all atoms, those after ``first.size - 1`` being neighbours only; int64.
    :param frames: configuration of each atom, a row of `virials`; int64.
    :param site_energies: output in eV; shape (n_atoms,).
    :param forces: output in eV/Å, added to what is there; shape (n_atoms, 3).
    :param virials: output, derivative of the energy by strain in eV (stress times volume in ASE's sign; MLIP-3's
        ``PlusStress`` is its negative), added to what is there; order xx, yy, zz, yz, xz, xy; shape (n_frames, 6).
    :param local: output of `fill_local_basis` for each atom; pass shape (0, 0) if not needed.
    """
    n_species, _, n_functions, size = parameters.radial.shape
    capacity = capacity_of(first)
    bucket = np.empty(n_species + 1, dtype=np.int64)
    where = np.empty(capacity, dtype=np.int64)
    unit = np.empty((3, capacity))
    distance = np.empty(capacity)
    basis_values = np.empty((size, capacity))
    basis_slopes = np.empty((size, capacity))
    functions = np.empty((n_functions, capacity))
    slopes = np.empty((n_functions, capacity))
    angular = np.empty((basis.parent.size, capacity))
    moments = np.empty(basis.is_factor.size)
    adjoint = np.empty(basis.is_factor.size)
    by_function = np.empty((n_functions, capacity))
    by_monomial = np.empty((basis.parent.size, capacity))
    gradient = np.empty((3, capacity))
    for i in range(first.size - 1):
        count = gather(
            first[i], first[i + 1], neighbours, vectors, types, parameters.max_dist, bucket, where, unit, distance
        )
        fill_radial(count, distance, parameters, basis_values, basis_slopes)
        combine(bucket, parameters.radial[types[i]], basis_values, functions)
        combine(bucket, parameters.radial[types[i]], basis_slopes, slopes)
        fill_monomials(count, basis, unit, angular)
        fill_moments(count, basis, functions, angular, moments)
        energy = parameters.species[types[i]]
        for s in range(basis.scalars.size):
            energy += parameters.moments[s] * moments[basis.scalars[s]]
        site_energies[i] = energy
        fill_adjoint(basis, parameters.moments, moments, adjoint)
        _gradient(count, basis, unit, distance, functions, slopes, angular, adjoint, by_function, by_monomial, gradient)
        if local.shape[0] > 0:
            fill_local_basis(bucket, basis, moments, by_function, basis_values, local[i])
        for k in range(count):
            if where[k] >= 0:
                j = neighbours[where[k]]
                x, y, z = vectors[where[k], 0], vectors[where[k], 1], vectors[where[k], 2]
                gx, gy, gz = gradient[0, k], gradient[1, k], gradient[2, k]
                forces[i, 0] += gx
                forces[i, 1] += gy
                forces[i, 2] += gz
                forces[j, 0] -= gx
                forces[j, 1] -= gy
                forces[j, 2] -= gz
                f = frames[i]
                virials[f, 0] += x * gx
                virials[f, 1] += y * gy
                virials[f, 2] += z * gz
                virials[f, 3] += 0.5 * (y * gz + z * gy)
                virials[f, 4] += 0.5 * (x * gz + z * gx)
                virials[f, 5] += 0.5 * (x * gy + y * gx)
