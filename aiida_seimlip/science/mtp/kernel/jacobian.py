"""Derivatives of energies, forces and virials by all parameters."""

# ruff: noqa: PLR0917
# Compiled functions take their arrays by position.

from __future__ import annotations

import numpy as np
from numba import njit

from aiida_seimlip.science.mtp.kernel.atom import (
    OPTIONS,
    capacity_of,
    fill_adjoint,
    fill_moments,
    fill_monomials,
)
from aiida_seimlip.science.mtp.kernel.gather import gather
from aiida_seimlip.science.mtp.kernel.group import combine, fill_local_basis, fill_radial
from aiida_seimlip.science.mtp.kernel.lanes import LANES


@njit(**OPTIONS)
def _tangents(basis, moments, adjoint, tangents, hessian):
    """Differentiate all moments, and the adjoints of all moments, by the basic moments.

    Rows of basic moments in `tangents` are unit vectors, which the loops exploit.

    :param tangents: output, d moment_m / d basic_b; shape (n_moments, n_basic).
    :param hessian: output whose first n_basic rows are d²E / d basic d basic; shape (n_moments, n_basic).
    """
    n_basic = basis.monomial.size
    tangents[:] = 0.0
    for b in range(n_basic):
        tangents[b, b] = 1.0
    for t in range(basis.factors.size):
        k = basis.times[t, 2]
        for side in range(2):
            i = basis.times[t, side]
            weight = basis.factors[t] * moments[basis.times[t, 1 - side]]
            _add_row(n_basic, weight, i, tangents, tangents[k])
    hessian[:] = 0.0
    for t in range(basis.factors.size - 1, -1, -1):
        k = basis.times[t, 2]
        for side in range(2):
            i = basis.times[t, side]
            j = basis.times[t, 1 - side]
            _add_row(n_basic, basis.factors[t] * adjoint[k], j, tangents, hessian[i])
            if basis.is_factor[k]:
                weight = basis.factors[t] * moments[j]
                for b in range(n_basic):
                    hessian[i, b] += weight * hessian[k, b]


@njit(**OPTIONS)
def _add_row(n_basic, weight, i, tangents, target):
    """Add a multiple of row i of `tangents`, which is a unit vector for a basic moment."""
    if i < n_basic:
        target[i] += weight
    else:
        for b in range(n_basic):
            target[b] += weight * tangents[i, b]


@njit(**OPTIONS)
def _basic_gradients(count, basis, unit, distance, functions, slopes, angular, jacobian):
    """Differentiate the basic moments by the vectors to the neighbours.

    :param jacobian: output, Cartesian axes one after the other; shape (n_basic, 3 n_neighbours).
    """
    for b in range(basis.monomial.size):
        mu = basis.radial_function[b]
        a = basis.monomial[b]
        degree = basis.powers[a].sum()
        for c in range(3):
            for k in range(count):
                along = slopes[mu, k] - degree * functions[mu, k] / distance[k]
                jacobian[b, c * count + k] = along * angular[a, k] * unit[c, k]
            lower = basis.lower[a, c]
            if lower >= 0:
                power = basis.powers[a, c]
                for k in range(count):
                    jacobian[b, c * count + k] += power * functions[mu, k] / distance[k] * angular[lower, k]


@njit(**OPTIONS)
def _radial_chain(bucket, basis, basis_values, angular, hessian, chain):
    """Differentiate dE/d basic moment by the radial coefficients that act through the other basic moments.

    :param chain: output, Σ_b' d²E/(d basic_b d basic_b') d basic_b'/dc for each coefficient c in the order (t, μ, q)
        in the first rows; shape (at least S R Q, n_basic).
    """
    n_species = bucket.size - 1
    n_functions = basis.radial_first.size - 1
    size = basis_values.shape[0]
    n_basic = basis.monomial.size
    n_monomials = basis.parent.size
    count = bucket[n_species]
    transposed = np.empty((count, n_monomials))  # inner loops over monomials are longer than those over neighbours
    for k in range(count):
        for a in range(n_monomials):
            transposed[k, a] = angular[a, k]
    sums = np.zeros((n_species * size, n_monomials))
    for t in range(n_species):
        for k in range(bucket[t], bucket[t + 1]):
            for q in range(size):
                value = basis_values[q, k]
                for a in range(n_monomials):
                    sums[t * size + q, a] += value * transposed[k, a]
    for mu in range(n_functions):
        low, high = basis.radial_first[mu], basis.radial_first[mu + 1]
        selected = np.empty((n_species * size, high - low))
        for row in range(n_species * size):
            for b in range(low, high):
                selected[row, b - low] = sums[row, basis.monomial[b]]
        product = np.dot(selected, hessian[low:high])
        for t in range(n_species):
            for q in range(size):
                for b in range(n_basic):
                    chain[(t * n_functions + mu) * size + q, b] = product[t * size + q, b]


@njit(**OPTIONS)
def _function_gradients(count, basis, unit, distance, angular, adjoint, by_function, across):
    """Sum dE/df_μ(r_k) and its derivative by the direction to the neighbour, divided by the distance.

    :param by_function: output, Σ_b in μ dE/dM_b A_b(n_k); shape (R, n_neighbours).
    :param across: output, its derivative by the vector to the neighbour; shape (R, 3, n_neighbours).
    """
    by_function[:, :count] = 0.0
    across[:, :, :count] = 0.0
    for b in range(basis.monomial.size):
        mu = basis.radial_function[b]
        a = basis.monomial[b]
        weight = adjoint[b]
        degree = basis.powers[a].sum()
        for k in range(count):
            by_function[mu, k] += weight * angular[a, k]
        for c in range(3):
            for k in range(count):
                across[mu, c, k] -= weight * degree * angular[a, k] * unit[c, k] / distance[k]
            lower = basis.lower[a, c]
            if lower >= 0:
                power = weight * basis.powers[a, c]
                for k in range(count):
                    across[mu, c, k] += power * angular[lower, k] / distance[k]


@njit(**OPTIONS)
def _add_direct(bucket, count, basis_values, basis_slopes, unit, by_function, across, rows):
    """Add the dependence of the gradients on the radial coefficients through the radial function of their own term.

    :param rows: gradient by neighbour vectors, derived by parameters; shape (3 n_neighbours, n_columns).
    """
    n_functions, size = by_function.shape[0], basis_values.shape[0]
    for t in range(bucket.size - 1):
        for k in range(bucket[t], bucket[t + 1]):
            for c in range(3):
                for mu in range(n_functions):
                    column = (t * n_functions + mu) * size
                    along = by_function[mu, k] * unit[c, k]
                    aside = across[mu, c, k]
                    for q in range(size):
                        rows[c * count + k, column + q] += basis_slopes[q, k] * along + basis_values[q, k] * aside


@njit(**OPTIONS)
def _scatter(i, frame, count, n_neighbours, where, unit, distance, species, rows, n_radial, jac_forces, jac_virials):
    """Add the derivatives of one atom's gradients to those of the forces and virials of its configuration."""
    n_columns = rows.shape[1]
    n_all_radial = n_radial * ((jac_forces.shape[1] - (n_columns - n_radial)) // (n_radial + 1))
    n_species = n_all_radial // n_radial
    radial = species * n_radial
    linear = n_all_radial + n_species
    sums = np.zeros((9, 3 * count))  # six strains, then the force on the atom itself
    for k in range(n_neighbours):
        x, y, z = distance[k] * unit[0, k], distance[k] * unit[1, k], distance[k] * unit[2, k]
        sums[0, k] = x
        sums[1, count + k] = y
        sums[2, 2 * count + k] = z
        sums[3, count + k] = 0.5 * z
        sums[3, 2 * count + k] = 0.5 * y
        sums[4, k] = 0.5 * z
        sums[4, 2 * count + k] = 0.5 * x
        sums[5, k] = 0.5 * y
        sums[5, count + k] = 0.5 * x
        for c in range(3):
            sums[6 + c, c * count + k] = 1.0
            _add_split(jac_forces[3 * where[k] + c], -1.0, rows[c * count + k], radial, n_radial, linear)
    own = np.dot(sums, rows)
    for v in range(6):
        _add_split(jac_virials[6 * frame + v], 1.0, own[v], radial, n_radial, linear)
    for c in range(3):
        _add_split(jac_forces[3 * i + c], 1.0, own[6 + c], radial, n_radial, linear)


@njit(**OPTIONS)
def _add_split(target, factor, row, radial, n_radial, linear):
    """Add a multiple of the derivatives by one species' radial and by the moment coefficients where they belong."""
    for p in range(n_radial):
        target[radial + p] += factor * row[p]
    for p in range(row.size - n_radial):
        target[linear + p] += factor * row[n_radial + p]


@njit(**OPTIONS)
def jacobian_kernel(
    basis, parameters, types, frames, first, neighbours, vectors, jac_energies, jac_forces, jac_virials
):
    """Differentiate energies, forces and virials by all parameters.

    With the Hessian of the site energy by the basic moments, most of the work is one product of matrices per atom.
    Outputs are added to what is there; columns are in MLIP-3's order: radial, species, moments.

    :param types: species of all atoms; int64.
    :param frames: configuration of each atom; int64.
    :param jac_energies: output; shape (n_frames, n_parameters).
    :param jac_forces: output, rows 3 · atom + axis; shape (3 n_atoms, n_parameters).
    :param jac_virials: output, rows 6 · frame + component, see `evaluate_kernel`; shape (6 n_frames, n_parameters).
    """
    n_species, _, n_functions, size = parameters.radial.shape
    n_radial = n_species * n_functions * size
    n_basic, n_scalars = basis.monomial.size, basis.scalars.size
    n_columns = n_radial + n_scalars
    stride = capacity_of(first) + LANES
    positions = np.zeros((types.size, 3))
    found = np.empty((2, stride), dtype=np.int64)
    bucket = np.empty(n_species + 1, dtype=np.int64)
    where = np.empty(stride, dtype=np.int64)
    unit = np.empty((3, stride))
    distance = np.empty(stride)
    basis_values, basis_slopes = np.empty((size, stride)), np.empty((size, stride))
    functions, slopes = np.empty((n_functions, stride)), np.empty((n_functions, stride))
    angular = np.empty((basis.parent.size, stride))
    moments = np.empty(basis.is_factor.size)
    adjoint = np.empty(basis.is_factor.size)
    tangents = np.empty((basis.is_factor.size, n_basic))
    hessian = np.empty((basis.is_factor.size, n_basic))
    by_function = np.empty((n_functions, stride))
    across = np.empty((n_functions, 3, stride))
    chain = np.empty((n_columns, n_basic))
    row = np.empty(n_columns + 1)
    jacobian_memory = np.empty(n_basic * 3 * stride)
    rows_memory = np.empty(3 * stride * n_columns)
    for i in range(first.size - 1):
        species = types[i]
        n_neighbours = gather(
            i, stride, positions, first, neighbours, vectors, types, parameters.max_dist,
            found, bucket, where, unit, distance,
        )  # fmt: skip
        count = bucket[n_species]
        fill_radial(count, stride, distance, parameters, basis_values, basis_slopes)
        combine(bucket, stride, parameters.radial[species], basis_values, basis_slopes, functions, slopes)
        fill_monomials(count, basis, unit, angular)
        fill_moments(count, basis, functions, angular, moments)
        fill_adjoint(basis, parameters.moments, moments, adjoint)
        _function_gradients(count, basis, unit, distance, angular, adjoint, by_function, across)

        fill_local_basis(bucket, stride, 0, basis.scalars, moments.reshape((-1, 1)), by_function, basis_values, row)
        linear = n_species * (n_radial + 1)
        for p in range(n_radial):
            jac_energies[frames[i], species * n_radial + p] += row[p]
        jac_energies[frames[i], n_species * n_radial + species] += 1.0
        for p in range(n_scalars):
            jac_energies[frames[i], linear + p] += row[n_radial + 1 + p]
        if count == 0:
            continue

        _tangents(basis, moments, adjoint, tangents, hessian)
        _radial_chain(bucket, basis, basis_values, angular, hessian, chain)
        for s in range(n_scalars):
            for b in range(n_basic):
                chain[n_radial + s, b] = tangents[basis.scalars[s], b]
        jacobian = jacobian_memory[: n_basic * 3 * count].reshape((n_basic, 3 * count))
        _basic_gradients(count, basis, unit, distance, functions, slopes, angular, jacobian)
        rows = rows_memory[: 3 * count * n_columns].reshape((3 * count, n_columns))
        np.dot(jacobian.T, chain.T, rows)
        _add_direct(bucket, count, basis_values, basis_slopes, unit, by_function, across, rows)
        _scatter(
            i, frames[i], count, n_neighbours, where, unit, distance, species, rows, n_radial, jac_forces, jac_virials
        )
