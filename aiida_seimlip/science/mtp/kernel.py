"""Compiled kernels for moment tensor potentials: energies, forces, virials, local basis and training Jacobian.

All configurations of a call are laid one after the other; their neighbours are given in CSR form (`Pairs` of
``science.neighbours``). The neighbours of one atom are sorted by species into a workspace whose last axis runs over
neighbours, so that the compiler vectorises over neighbours; dummies at the cut-off, which contribute nothing, fill the
last vector register. The basic moments are M_b = Σ_k f_μ(r_k) A_a(n_k) with a monomial A_a of the unit vector n_k.

The kernels release the GIL: callers use threads over chunks of configurations. Indices are int64 and numbers float64
throughout, so that every kernel is compiled once and loaded from the cache afterwards.
"""

# ruff: noqa: PLR0917
# Compiled functions take their arrays by position.

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from aiida_seimlip.science.mtp.potential import MomentTensorPotential

_OPTIONS = {
    'cache': True,
    'nogil': True,
    'error_model': 'numpy',
    'fastmath': {'nsz', 'arcp', 'contract', 'reassoc'},  # NaN and infinity keep their meaning
}
_LANES = 8


class Basis(NamedTuple):
    """What the kernels need to know about the moments, basic moments sorted by their radial function.

    :param parent: monomial with one power less; shape (n_monomials,).
    :param axis: Cartesian axis of the power by which a monomial exceeds its parent; shape (n_monomials,).
    :param lower: monomial with one power of x, y, z less, -1 where there is none; shape (n_monomials, 3).
    :param powers: powers of x, y, z; shape (n_monomials, 3).
    :param radial_function: μ of each basic moment; shape (n_basic,).
    :param monomial: monomial of each basic moment; shape (n_basic,).
    :param radial_first: basic moments of μ are ``radial_first[μ]:radial_first[μ + 1]``; shape (R + 1,).
    :param times: rows (i, j, k): moment k += factor · moment i · moment j; shape (n_times, 3).
    :param factors: shape (n_times,).
    :param is_factor: 1 if a moment occurs as a factor in `times`; shape (n_moments,).
    :param scalars: moments in the energy; shape (n_scalars,).
    """

    parent: np.ndarray
    axis: np.ndarray
    lower: np.ndarray
    powers: np.ndarray
    radial_function: np.ndarray
    monomial: np.ndarray
    radial_first: np.ndarray
    times: np.ndarray
    factors: np.ndarray
    is_factor: np.ndarray
    scalars: np.ndarray


class Parameters(NamedTuple):
    """The numbers of a trained potential: coefficients, scaling and range of the radial functions."""

    radial: np.ndarray
    species: np.ndarray
    moments: np.ndarray
    scaling: float
    min_dist: float
    max_dist: float


def make_basis(potential: MomentTensorPotential) -> Basis:
    """Lay out the moments of a potential for the kernels.

    :raises ValueError: if the radial basis is not ``RBChebyshev``.
    """
    if potential.radial_basis_type != 'RBChebyshev':
        raise ValueError(f'The radial basis {potential.radial_basis_type!r} is not supported, only RBChebyshev is.')
    basic = np.asarray(potential.alpha_index_basic, dtype=np.int64)
    order = np.argsort(basic[:, 0], kind='stable')
    relabel = np.arange(potential.alpha_moments_count)
    relabel[order] = np.arange(len(basic))
    basic = basic[order]

    top = basic[:, 1:].max(axis=0, initial=0)
    grid = np.stack(np.meshgrid(*(np.arange(n + 1) for n in top), indexing='ij'), axis=-1).reshape(-1, 3)
    needed = (grid[:, None, :] <= basic[None, :, 1:]).all(axis=2).any(axis=1)
    powers = grid[needed]
    powers = powers[np.lexsort((*powers.T[::-1], powers.sum(axis=1)))]
    index = {tuple(row): i for i, row in enumerate(powers.tolist())}
    lower = np.array([
        [index.get(tuple(row - unit), -1) for unit in np.eye(3, dtype=np.int64)] for row in powers
    ])  # fmt: skip
    axis = np.argmax(powers > 0, axis=1)
    times = np.asarray(potential.alpha_index_times, dtype=np.int64).reshape(-1, 4)
    is_factor = np.zeros(potential.alpha_moments_count, dtype=np.int64)
    is_factor[relabel[times[:, :2]]] = 1
    return Basis(
        parent=np.ascontiguousarray(lower[np.arange(len(powers)), axis]),
        axis=axis.astype(np.int64),
        lower=np.ascontiguousarray(lower, dtype=np.int64),
        powers=np.ascontiguousarray(powers, dtype=float),
        radial_function=basic[:, 0].copy(),
        monomial=np.array([index[tuple(row)] for row in basic[:, 1:].tolist()], dtype=np.int64),
        radial_first=np.searchsorted(basic[:, 0], np.arange(potential.radial_funcs_count + 1)).astype(np.int64),
        times=np.ascontiguousarray(relabel[times[:, [0, 1, 3]]]),
        factors=times[:, 2].astype(float),
        is_factor=is_factor,
        scalars=relabel[np.asarray(potential.alpha_moment_mapping, dtype=np.int64)],
    )


def make_parameters(potential: MomentTensorPotential) -> Parameters:
    """Collect the numbers of a trained potential for the kernels.

    :raises ValueError: if the potential is not trained.
    """
    if potential.radial_coeffs is None or potential.species_coeffs is None or potential.moment_coeffs is None:
        raise ValueError('The potential is not trained: it has no coefficients.')
    return Parameters(
        radial=np.ascontiguousarray(potential.radial_coeffs, dtype=float),
        species=np.ascontiguousarray(potential.species_coeffs, dtype=float),
        moments=np.ascontiguousarray(potential.moment_coeffs, dtype=float),
        scaling=float(potential.scaling),
        min_dist=float(potential.min_dist),
        max_dist=float(potential.max_dist),
    )


@njit(**_OPTIONS)
def _capacity(first):
    """Return the number of neighbours to reserve memory for: the largest, rounded up to full vector registers."""
    largest = 0
    for i in range(first.size - 1):
        largest = max(largest, first[i + 1] - first[i])
    return (largest // _LANES + 1) * _LANES


@njit(**_OPTIONS)
def _gather(start, stop, neighbours, vectors, types, cutoff, bucket, where, unit, distance):
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


@njit(**_OPTIONS)
def _radial(count, distance, parameters, values, slopes):
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


@njit(**_OPTIONS)
def _combine(bucket, coefficients, basis_values, functions):
    """Sum the radial functions: functions[μ, k] = Σ_q coefficients[t_k, μ, q] basis_values[q, k]."""
    for t in range(bucket.size - 1):
        for mu in range(functions.shape[0]):
            for k in range(bucket[t], bucket[t + 1]):
                functions[mu, k] = coefficients[t, mu, 0] * basis_values[0, k]
            for q in range(1, basis_values.shape[0]):
                coefficient = coefficients[t, mu, q]
                for k in range(bucket[t], bucket[t + 1]):
                    functions[mu, k] += coefficient * basis_values[q, k]


@njit(**_OPTIONS)
def _monomials(count, basis, unit, angular):
    """Evaluate all monomials of the unit vectors; shape (n_monomials, n_neighbours)."""
    for k in range(count):
        angular[0, k] = 1.0
    for a in range(1, basis.parent.size):
        parent = basis.parent[a]
        axis = basis.axis[a]
        for k in range(count):
            angular[a, k] = angular[parent, k] * unit[axis, k]


@njit(**_OPTIONS)
def _moments(count, basis, functions, angular, moments):
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


@njit(**_OPTIONS)
def _adjoint(basis, coefficients, moments, adjoint):
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


@njit(**_OPTIONS)
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


@njit(**_OPTIONS)
def _local_basis(bucket, basis, moments, by_function, basis_values, row):
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


@njit(**_OPTIONS)
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
    :param local: output of `_local_basis` for each atom; pass shape (0, 0) if not needed.
    """
    n_species, _, n_functions, size = parameters.radial.shape
    capacity = _capacity(first)
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
        count = _gather(
            first[i], first[i + 1], neighbours, vectors, types, parameters.max_dist, bucket, where, unit, distance
        )
        _radial(count, distance, parameters, basis_values, basis_slopes)
        _combine(bucket, parameters.radial[types[i]], basis_values, functions)
        _combine(bucket, parameters.radial[types[i]], basis_slopes, slopes)
        _monomials(count, basis, unit, angular)
        _moments(count, basis, functions, angular, moments)
        energy = parameters.species[types[i]]
        for s in range(basis.scalars.size):
            energy += parameters.moments[s] * moments[basis.scalars[s]]
        site_energies[i] = energy
        _adjoint(basis, parameters.moments, moments, adjoint)
        _gradient(count, basis, unit, distance, functions, slopes, angular, adjoint, by_function, by_monomial, gradient)
        if local.shape[0] > 0:
            _local_basis(bucket, basis, moments, by_function, basis_values, local[i])
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


@njit(**_OPTIONS)
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


@njit(**_OPTIONS)
def _add_row(n_basic, weight, i, tangents, target):
    """Add a multiple of row i of `tangents`, which is a unit vector for a basic moment."""
    if i < n_basic:
        target[i] += weight
    else:
        for b in range(n_basic):
            target[b] += weight * tangents[i, b]


@njit(**_OPTIONS)
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


@njit(**_OPTIONS)
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


@njit(**_OPTIONS)
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


@njit(**_OPTIONS)
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


@njit(**_OPTIONS)
def _scatter(i, frame, count, where, neighbours, vectors, species, rows, n_radial, jac_forces, jac_virials):
    """Add the derivatives of one atom's gradients to those of the forces and virials of its configuration."""
    n_columns = rows.shape[1]
    n_all_radial = n_radial * ((jac_forces.shape[1] - (n_columns - n_radial)) // (n_radial + 1))
    n_species = n_all_radial // n_radial
    radial = species * n_radial
    linear = n_all_radial + n_species
    sums = np.zeros((9, 3 * count))  # six strains, then the force on the atom itself
    for k in range(count):
        if where[k] >= 0:
            x, y, z = vectors[where[k], 0], vectors[where[k], 1], vectors[where[k], 2]
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
                _add_split(
                    jac_forces[3 * neighbours[where[k]] + c], -1.0, rows[c * count + k], radial, n_radial, linear
                )
    own = np.dot(sums, rows)
    for v in range(6):
        _add_split(jac_virials[6 * frame + v], 1.0, own[v], radial, n_radial, linear)
    for c in range(3):
        _add_split(jac_forces[3 * i + c], 1.0, own[6 + c], radial, n_radial, linear)


@njit(**_OPTIONS)
def _add_split(target, factor, row, radial, n_radial, linear):
    """Add a multiple of the derivatives by one species' radial and by the moment coefficients where they belong."""
    for p in range(n_radial):
        target[radial + p] += factor * row[p]
    for p in range(row.size - n_radial):
        target[linear + p] += factor * row[n_radial + p]


@njit(**_OPTIONS)
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
    capacity = _capacity(first)
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
    tangents = np.empty((basis.is_factor.size, n_basic))
    hessian = np.empty((basis.is_factor.size, n_basic))
    by_function = np.empty((n_functions, capacity))
    across = np.empty((n_functions, 3, capacity))
    chain = np.empty((n_columns, n_basic))
    row = np.empty(n_columns + 1)
    jacobian_memory = np.empty(n_basic * 3 * capacity)
    rows_memory = np.empty(3 * capacity * n_columns)
    for i in range(first.size - 1):
        species = types[i]
        count = _gather(
            first[i], first[i + 1], neighbours, vectors, types, parameters.max_dist, bucket, where, unit, distance
        )
        _radial(count, distance, parameters, basis_values, basis_slopes)
        _combine(bucket, parameters.radial[species], basis_values, functions)
        _combine(bucket, parameters.radial[species], basis_slopes, slopes)
        _monomials(count, basis, unit, angular)
        _moments(count, basis, functions, angular, moments)
        _adjoint(basis, parameters.moments, moments, adjoint)
        _function_gradients(count, basis, unit, distance, angular, adjoint, by_function, across)

        _local_basis(bucket, basis, moments, by_function, basis_values, row)
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
        _scatter(i, frames[i], count, where, neighbours, vectors, species, rows, n_radial, jac_forces, jac_virials)


def compile_kernels() -> None:
    """Compile all kernels, or load them if that was done before, so that later calls do not have to wait."""
    potential = MomentTensorPotential(
        species=('H',), min_dist=1.0, max_dist=5.0, radial_basis_size=2, radial_funcs_count=1, alpha_moments_count=1,
        alpha_index_basic=np.zeros((1, 4), dtype=np.int64), alpha_index_times=np.zeros((0, 4), dtype=np.int64),
        alpha_moment_mapping=np.zeros(1, dtype=np.int64), radial_coeffs=np.zeros((1, 1, 1, 2)),
        species_coeffs=np.zeros(1), moment_coeffs=np.zeros(1),
    )  # fmt: skip
    basis, parameters = make_basis(potential), make_parameters(potential)
    types, frames = np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64)
    first, neighbours, vectors = np.array([0, 1]), np.zeros(1, dtype=np.int64), np.array([[2.0, 0.0, 0.0]])
    n = potential.n_parameters
    evaluate_kernel(
        basis, parameters, types, frames, first, neighbours, vectors,
        np.zeros(1), np.zeros((1, 3)), np.zeros((1, 6)), np.zeros((0, 0)),
    )  # fmt: skip
    jacobian_kernel(
        basis, parameters, types, frames, first, neighbours, vectors,
        np.zeros((1, n)), np.zeros((3, n)), np.zeros((6, n)),
    )  # fmt: skip
