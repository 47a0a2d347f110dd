"""Energies, forces, virials and the local basis of extrapolation grades."""

# ruff: noqa: PLR0917
# Compiled functions take their arrays by position.

from __future__ import annotations

import numpy as np
from numba import njit

from aiida_seimlip.science.mtp.kernel.atom import OPTIONS, capacity_of
from aiida_seimlip.science.mtp.kernel.gather import gather, scatter
from aiida_seimlip.science.mtp.kernel.group import (
    combine,
    contract,
    differentiate,
    fill_gradient,
    fill_local_basis,
    fill_radial,
    sum_moments,
)
from aiida_seimlip.science.mtp.kernel.lanes import LANES, add_up, load, spread, store, workspace


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
    n_basic, n_moments = basis.monomial.size, basis.is_factor.size
    stride = capacity_of(first) + LANES
    bucket = np.empty((LANES, n_species + 1), dtype=np.int64)
    where = np.empty((LANES, stride), dtype=np.int64)
    found = np.empty(stride, dtype=np.int64)
    found_types = np.empty(stride, dtype=np.int64)
    counts = np.zeros(LANES, dtype=np.int64)
    unit = workspace(LANES * 3 * stride).reshape((LANES, 3, stride))
    distance = workspace(LANES * stride).reshape((LANES, stride))
    values = workspace(LANES * size * stride).reshape((LANES, size, stride))
    basis_slopes = workspace(size * stride).reshape((size, stride))
    functions = workspace(LANES * n_functions * stride).reshape((LANES, n_functions, stride))
    slopes = workspace(LANES * n_functions * stride).reshape((LANES, n_functions, stride))
    by_function = workspace(n_functions * stride).reshape((n_functions, stride))
    gradient = workspace(3 * stride).reshape((3, stride))
    angular = workspace(basis.parent.size * LANES)
    by_monomial = workspace(basis.parent.size * LANES)
    sums = workspace(n_basic * LANES)
    moments = workspace(n_moments * LANES).reshape((n_moments, LANES))
    adjoint = workspace(n_moments * LANES).reshape((n_moments, LANES))
    energies = np.empty(LANES)
    own = np.empty(n_basic)
    moments[:] = 0.0
    weights = np.zeros(n_moments)
    for s in range(basis.scalars.size):
        weights[basis.scalars[s]] += parameters.moments[s]
    for m in range(n_moments):
        store(adjoint, m * LANES, spread(weights[m]))
    n_atoms = first.size - 1
    for base in range(0, n_atoms, LANES):
        n = min(LANES, n_atoms - base)
        for lane in range(n):
            i = base + lane
            count = gather(
                first[i], first[i + 1], stride, neighbours, vectors, types, parameters.max_dist,
                bucket[lane], found, found_types, where[lane], unit[lane], distance[lane],
            )  # fmt: skip
            counts[lane] = count
            fill_radial(count, stride, distance[lane], parameters, values[lane], basis_slopes)
            combine(
                bucket[lane], stride, parameters.radial[types[i]], values[lane], basis_slopes,
                functions[lane], slopes[lane],
            )  # fmt: skip
            sum_moments(count, stride, basis.runs, unit[lane], functions[lane], angular, sums)
            for b in range(n_basic):
                moments[b, lane] = add_up(load(sums, b * LANES))
        contract(basis.schedule, moments)
        differentiate(basis.schedule, weights, moments, adjoint)
        energy = spread(0.0)
        for s in range(basis.scalars.size):
            energy += parameters.moments[s] * load(moments, basis.scalars[s] * LANES)
        store(energies, 0, energy)
        for lane in range(n):
            i = base + lane
            count = counts[lane]
            site_energies[i] = energies[lane] + parameters.species[types[i]]
            for b in range(n_basic):
                own[b] = adjoint[b, lane]
            fill_gradient(
                count, stride, basis.runs, unit[lane], distance[lane], functions[lane], slopes[lane], own,
                angular, by_monomial, by_function, gradient,
            )  # fmt: skip
            if local.shape[0] > 0:
                fill_local_basis(bucket[lane], stride, lane, basis, moments, by_function, values[lane], local[i])
            scatter(i, count, stride, where[lane], unit[lane], distance[lane], gradient, forces, virials[frames[i]])
