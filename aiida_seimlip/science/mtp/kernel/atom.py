"""Moments of one atom, and derivatives of its energy by them."""

from __future__ import annotations

from numba import njit

from aiida_seimlip.science.mtp.kernel.lanes import LANES

OPTIONS = {
    'cache': True,
    'nogil': True,
    'error_model': 'numpy',
    'fastmath': {'nsz', 'arcp', 'contract', 'reassoc'},  # NaN and infinity keep their meaning
}


@njit(**OPTIONS)
def capacity_of(first):
    """Return the number of neighbours to reserve memory for: the largest, rounded up to full vector registers."""
    largest = 0
    for i in range(first.size - 1):
        largest = max(largest, first[i + 1] - first[i])
    return (largest // LANES + 1) * LANES


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
