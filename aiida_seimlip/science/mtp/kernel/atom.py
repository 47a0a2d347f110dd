"""What all kernels do for one atom: neighbours, radial functions, moments, derivatives of its energy."""

# ruff: noqa: PLR0917
# Compiled functions take their arrays by position.

from __future__ import annotations

import numpy as np
from numba import njit

OPTIONS = {
    'cache': True,
    'nogil': True,
    'error_model': 'numpy',
    'fastmath': {'nsz', 'arcp', 'contract', 'reassoc'},  # NaN and infinity keep their meaning
}
_LANES = 8


@njit(**OPTIONS)
def capacity_of(first):
    """Return the number of neighbours to reserve memory for: the largest, rounded up to full vector registers."""
    largest = 0
    for i in range(first.size - 1):
        largest = max(largest, first[i + 1] - first[i])
    return (largest // _LANES + 1) * _LANES


@njit(**OPTIONS)
def gather(start, stop, neighbours, vectors, types, cutoff, bucket, where, unit, distance):
    """Sort the neighbours within the cut-off by species and fill up with dummies at the cut-off.

    :param bucket: on return, neighbours of species t are ``bucket[t]:bucket[t + 1]``, dummies in the last bucket.
    :param where: on return, the pair that each neighbour came from, -1 for dummies.
    :return: number of neighbours, dummies included.
    """
    n_species = bucket.size - 1
    bucket[:] = 0
    for pair in range(start, stop):
        x, y, z = vectors[pair, 0], vectors[pair, 1], vectors[pair, 2]
        if x * x + y * y + z * z < cutoff * cutoff:
            bucket[types[neighbours[pair]] + 1] += 1
    for t in range(n_species):
        bucket[t + 1] += bucket[t]
    for pair in range(start, stop):
        x, y, z = vectors[pair, 0], vectors[pair, 1], vectors[pair, 2]
        squared = x * x + y * y + z * z
        if squared < cutoff * cutoff:
            t = types[neighbours[pair]]
            k = bucket[t]
            bucket[t] += 1
            where[k] = pair
            r = np.sqrt(squared)
            distance[k] = r
            unit[0, k] = x / r
            unit[1, k] = y / r
            unit[2, k] = z / r
    for t in range(n_species - 1, 0, -1):
        bucket[t] = bucket[t - 1]
    bucket[0] = 0
    count = bucket[n_species]
    padded = (count + _LANES - 1) // _LANES * _LANES
    for k in range(count, padded):
        where[k] = -1
        distance[k] = cutoff
        unit[0, k] = 1.0
        unit[1, k] = 0.0
        unit[2, k] = 0.0
    bucket[n_species] = padded
    return padded


@njit(**OPTIONS)
def fill_radial(count, distance, parameters, values, slopes):
    """Evaluate the radial basis functions T_q(x(r)) (max_dist - r)² · scaling and their derivatives.

    :param values: output; shape (radial_basis_size, n_neighbours).
    :param slopes: output, derivatives by r in 1/Å; shape (radial_basis_size, n_neighbours).
    """
    slope = 2.0 / (parameters.max_dist - parameters.min_dist)
    offset = (parameters.max_dist + parameters.min_dist) / (parameters.max_dist - parameters.min_dist)
    for k in range(count):
        gap = parameters.max_dist - distance[k]
        values[0, k] = parameters.scaling * gap * gap
        slopes[0, k] = -2.0 * parameters.scaling * gap
    if values.shape[0] > 1:
        for k in range(count):
            x = slope * distance[k] - offset
            values[1, k] = x * values[0, k]
            slopes[1, k] = slope * values[0, k] + x * slopes[0, k]
    for q in range(2, values.shape[0]):
        for k in range(count):
            x = slope * distance[k] - offset
            values[q, k] = 2.0 * x * values[q - 1, k] - values[q - 2, k]
            slopes[q, k] = 2.0 * (slope * values[q - 1, k] + x * slopes[q - 1, k]) - slopes[q - 2, k]


@njit(**OPTIONS)
def combine(bucket, coefficients, basis_values, functions):
    """Sum the radial functions: functions[μ, k] = Σ_q coefficients[t_k, μ, q] basis_values[q, k]."""
    for t in range(bucket.size - 1):
        for mu in range(functions.shape[0]):
            for k in range(bucket[t], bucket[t + 1]):
                functions[mu, k] = coefficients[t, mu, 0] * basis_values[0, k]
            for q in range(1, basis_values.shape[0]):
                coefficient = coefficients[t, mu, q]
                for k in range(bucket[t], bucket[t + 1]):
                    functions[mu, k] += coefficient * basis_values[q, k]


@njit(**OPTIONS)
def fill_monomials(count, basis, unit, angular):
    """Evaluate all monomials of the unit vectors; shape (n_monomials, n_neighbours)."""
    for k in range(count):
        angular[0, k] = 1.0
    for a in range(1, basis.parent.size):
        parent = basis.parent[a]
        axis = basis.axis[a]
        for k in range(count):
            angular[a, k] = angular[parent, k] * unit[axis, k]


@njit(**OPTIONS)
def fill_moments(count, basis, functions, angular, moments):
    """Sum the basic moments and contract them to all moments."""
    moments[:] = 0.0
    for b in range(basis.monomial.size):
        mu = basis.radial_function[b]
        a = basis.monomial[b]
        total = 0.0
        for k in range(count):
            total += functions[mu, k] * angular[a, k]
        moments[b] = total
    for t in range(basis.factors.size):
        moments[basis.times[t, 2]] += basis.factors[t] * moments[basis.times[t, 0]] * moments[basis.times[t, 1]]


@njit(**OPTIONS)
def fill_adjoint(basis, coefficients, moments, adjoint):
    """Differentiate the energy by every moment, backwards through the contractions."""
    adjoint[:] = 0.0
    for s in range(basis.scalars.size):
        adjoint[basis.scalars[s]] += coefficients[s]
    for t in range(basis.factors.size - 1, -1, -1):
        i = basis.times[t, 0]
        j = basis.times[t, 1]
        weight = basis.factors[t] * adjoint[basis.times[t, 2]]
        adjoint[i] += weight * moments[j]
        adjoint[j] += weight * moments[i]


@njit(**OPTIONS)
def fill_local_basis(bucket, basis, moments, by_function, basis_values, row):
    """Differentiate the energy of an atom by its parameters.

    :param row: output; radial coefficients of the atom's own species (S, R, Q), then 1 for the species coefficient,
        then the scalar moments.
    """
    n_functions, size = by_function.shape[0], basis_values.shape[0]
    p = 0
    for t in range(bucket.size - 1):
        for mu in range(n_functions):
            for q in range(size):
                total = 0.0
                for k in range(bucket[t], bucket[t + 1]):
                    total += by_function[mu, k] * basis_values[q, k]
                row[p] = total
                p += 1
    row[p] = 1.0
    for s in range(basis.scalars.size):
        row[p + 1 + s] = moments[basis.scalars[s]]
