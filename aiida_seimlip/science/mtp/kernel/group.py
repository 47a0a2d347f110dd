"""What is done for eight atoms at once: each of them eight neighbours at a time, their contractions side by side."""

# ruff: noqa: PLR0917
# Compiled functions take their arrays by position.

from __future__ import annotations

from numba import njit

from aiida_seimlip.science.mtp.kernel.atom import OPTIONS
from aiida_seimlip.science.mtp.kernel.lanes import LANES, add_up, keep_first, load, spread, store


@njit(**OPTIONS)
def fill_radial(count, stride, distance, parameters, values, slopes):
    """Evaluate the radial basis functions T_q(x(r)) (max_dist - r)² · scaling and their derivatives.

    :param stride: from one function to the next in the outputs.
    :param values: output; shape (radial_basis_size, stride).
    :param slopes: output, derivatives by r in 1/Å; shape (radial_basis_size, stride).
    """
    slope = 2.0 / (parameters.max_dist - parameters.min_dist)
    offset = (parameters.max_dist + parameters.min_dist) / (parameters.max_dist - parameters.min_dist)
    size = values.shape[0]
    for k in range(0, count, LANES):
        r = load(distance, k)
        x = slope * r - offset
        gap = parameters.max_dist - r
        before, slope_before = spread(0.0), spread(0.0)
        value = parameters.scaling * gap * gap
        derivative = -2.0 * parameters.scaling * gap
        store(values, k, value)
        store(slopes, k, derivative)
        for q in range(1, size):
            factor = 1.0 if q == 1 else 2.0
            after = factor * x * value - before
            slope_after = factor * (slope * value + x * derivative) - slope_before
            before, slope_before, value, derivative = value, derivative, after, slope_after
            store(values, q * stride + k, value)
            store(slopes, q * stride + k, derivative)


@njit(**OPTIONS)
def combine(bucket, stride, coefficients, values, slopes, functions, function_slopes):
    """Sum the radial functions and their derivatives: functions[μ, k] = Σ_q coefficients[t_k, μ, q] values[q, k]."""
    for t in range(bucket.size - 1):
        for k in range(bucket[t], bucket[t + 1], LANES):  # what is written beyond the bucket is replaced by the next
            for mu in range(functions.shape[0]):
                value, derivative = spread(0.0), spread(0.0)
                for q in range(values.shape[0]):
                    coefficient = spread(coefficients[t, mu, q])
                    value += coefficient * load(values, q * stride + k)
                    derivative += coefficient * load(slopes, q * stride + k)
                store(functions, mu * stride + k, value)
                store(function_slopes, mu * stride + k, derivative)


@njit(**OPTIONS)
def fill_monomials(k, stride, basis, unit, angular):
    """Evaluate all monomials of eight unit vectors; shape (n_monomials, LANES)."""
    store(angular, 0, spread(1.0))
    for a in range(1, basis.parent.size):
        parent = load(angular, basis.parent[a] * LANES)
        store(angular, a * LANES, parent * load(unit, basis.axis[a] * stride + k))


@njit(**OPTIONS)
def sum_moments(count, stride, basis, unit, functions, angular, sums):
    """Sum the basic moments of an atom, each in eight parts; shape (n_basic, LANES)."""
    for b in range(basis.monomial.size):
        store(sums, b * LANES, spread(0.0))
    for k in range(0, count, LANES):
        fill_monomials(k, stride, basis, unit, angular)
        for mu in range(functions.shape[0]):
            function = load(functions, mu * stride + k)
            for b in range(basis.radial_first[mu], basis.radial_first[mu + 1]):
                store(sums, b * LANES, load(sums, b * LANES) + function * load(angular, basis.monomial[b] * LANES))


@njit(**OPTIONS)
def contract(schedule, moments):
    """Contract the basic moments of eight atoms to all moments; shape (n_moments, LANES)."""
    for n in range(schedule.targets.size):
        total = spread(0.0)
        for p in range(schedule.target_first[n], schedule.target_first[n + 1]):
            one = load(moments, schedule.target_pairs[p, 0] * LANES)
            other = load(moments, schedule.target_pairs[p, 1] * LANES)
            total += schedule.target_factors[p] * one * other
        store(moments, schedule.targets[n] * LANES, total)


@njit(**OPTIONS)
def differentiate(schedule, weights, moments, adjoint):
    """Differentiate the energies of eight atoms by their moments, backwards through the contractions."""
    for n in range(schedule.sources.size):
        total = spread(weights[schedule.sources[n]])
        for p in range(schedule.source_first[n], schedule.source_first[n + 1]):
            product = load(adjoint, schedule.source_pairs[p, 0] * LANES)
            other = load(moments, schedule.source_pairs[p, 1] * LANES)
            total += schedule.source_factors[p] * product * other
        store(adjoint, schedule.sources[n] * LANES, total)


@njit(**OPTIONS)
def fill_gradient(
    count, stride, basis, unit, distance, functions, slopes, adjoint, angular, by_monomial, by_function, gradient
):
    """Differentiate the energy of an atom by the vectors to its neighbours.

    :param adjoint: dE/dM_b of the basic moments; shape (n_basic,).
    :param by_monomial: workspace, dE/dA_a(n_k); shape (n_monomials, LANES).
    :param by_function: output, dE/df_μ(r_k); shape (R, stride).
    :param gradient: output in eV/Å; shape (3, stride).
    """
    for k in range(0, count, LANES):
        fill_monomials(k, stride, basis, unit, angular)
        for a in range(basis.parent.size):
            store(by_monomial, a * LANES, spread(0.0))
        radial = spread(0.0)
        for mu in range(functions.shape[0]):
            function = load(functions, mu * stride + k)
            total = spread(0.0)
            for b in range(basis.radial_first[mu], basis.radial_first[mu + 1]):
                place = basis.monomial[b] * LANES
                weight = spread(adjoint[b])
                total += weight * load(angular, place)
                store(by_monomial, place, load(by_monomial, place) + weight * function)
            store(by_function, mu * stride + k, total)
            radial += total * load(slopes, mu * stride + k)
        for c in range(3):
            store(gradient, c * stride + k, spread(0.0))
        for a in range(basis.parent.size - 1, 0, -1):
            parent = basis.parent[a] * LANES
            axis = basis.axis[a] * stride + k
            value = load(by_monomial, a * LANES)
            store(gradient, axis, load(gradient, axis) + value * load(angular, parent))
            store(by_monomial, parent, load(by_monomial, parent) + value * load(unit, axis))
        x, y, z = load(unit, k), load(unit, stride + k), load(unit, 2 * stride + k)
        gx, gy, gz = load(gradient, k), load(gradient, stride + k), load(gradient, 2 * stride + k)
        inverse = 1.0 / load(distance, k)
        along = radial - (gx * x + gy * y + gz * z) * inverse
        store(gradient, k, gx * inverse + along * x)
        store(gradient, stride + k, gy * inverse + along * y)
        store(gradient, 2 * stride + k, gz * inverse + along * z)


@njit(**OPTIONS)
def fill_local_basis(bucket, stride, lane, basis, moments, by_function, values, row):
    """Differentiate the energy of an atom by its parameters.

    :param row: output; radial coefficients of the atom's own species (S, R, Q), then 1 for the species coefficient,
        then the scalar moments.
    """
    p = 0
    for t in range(bucket.size - 1):
        for mu in range(by_function.shape[0]):
            for q in range(values.shape[0]):
                total = spread(0.0)
                for k in range(bucket[t], bucket[t + 1], LANES):
                    product = load(by_function, mu * stride + k) * load(values, q * stride + k)
                    total += keep_first(product, bucket[t + 1] - k)
                row[p] = add_up(total)
                p += 1
    row[p] = 1.0
    for s in range(basis.scalars.size):
        row[p + 1 + s] = moments[basis.scalars[s], lane]
