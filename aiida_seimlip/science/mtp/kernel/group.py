"""What is done for eight atoms at once: each of them eight neighbours at a time, their contractions side by side."""

# ruff: noqa: PLR0917
# Compiled functions take their arrays by position.

from __future__ import annotations

import numpy as np
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
def fill_powers(k, stride, steps, unit, angular):
    """Evaluate all monomials of eight unit vectors; shape (n_monomials, LANES)."""
    store(angular, 0, spread(1.0))
    for step in range(steps.shape[0]):
        factor = load(unit, steps[step, 3] * stride + k)
        parent = steps[step, 2]
        for a in range(steps[step, 0], steps[step, 1]):
            store(angular, a * LANES, factor * load(angular, parent * LANES))
            parent += 1


@njit(**OPTIONS)
def sum_moments(count, stride, runs, unit, functions, angular, sums, moments, lane):
    """Sum the basic moments of an atom.

    :param angular: workspace, monomials of eight neighbours; shape (n_monomials, LANES).
    :param sums: workspace, each basic moment in eight parts; shape (n_basic, LANES).
    :param moments: those of eight atoms, of which one gets its own; shape (n_moments, LANES).
    """
    n_basic = sums.size // LANES
    for b in range(n_basic):
        store(sums, b * LANES, spread(0.0))
    for k in range(0, count, LANES):
        fill_powers(k, stride, runs.steps, unit, angular)
        for span in range(runs.spans.shape[0]):
            function = load(functions, runs.spans[span, 3] * stride + k)
            a = runs.spans[span, 2]
            for b in range(runs.spans[span, 0], runs.spans[span, 1]):
                store(sums, b * LANES, load(sums, b * LANES) + function * load(angular, a * LANES))
                a += 1
    for b in range(n_basic):
        moments[b, lane] = add_up(load(sums, b * LANES))


@njit(**OPTIONS)
def sum_weights(scalars, coefficients, adjoint):
    """Return the coefficient of each moment in the energy, which is the derivative by those that are no factors.

    :param adjoint: filled with them; shape (n_moments, LANES).
    """
    weights = np.zeros(adjoint.shape[0])
    for s in range(scalars.size):
        weights[scalars[s]] += coefficients[s]
    for m in range(weights.size):
        store(adjoint, m * LANES, spread(weights[m]))
    return weights


@njit(**OPTIONS)
def fill_energies(scalars, coefficients, moments, energies):
    """Sum the energies of eight atoms, but for the constants of their species."""
    total = spread(0.0)
    for s in range(scalars.size):
        total += coefficients[s] * load(moments, scalars[s] * LANES)
    store(energies, 0, total)


@njit(**OPTIONS)
def contract(schedule, moments):
    """Contract the basic moments of eight atoms to all moments; shape (n_moments, LANES)."""
    for n in range(schedule.targets.size):
        total = spread(0.0)
        for p in range(np.uintp(schedule.target_first[n]), np.uintp(schedule.target_first[n + 1])):
            one = load(moments, schedule.target_pairs[p, 0] * LANES)
            other = load(moments, schedule.target_pairs[p, 1] * LANES)
            total += schedule.target_factors[p] * one * other
        store(moments, schedule.targets[n] * LANES, total)


@njit(**OPTIONS)
def differentiate(schedule, weights, moments, adjoint):
    """Differentiate the energies of eight atoms by their moments, backwards through the contractions."""
    for n in range(schedule.sources.size):
        total = spread(weights[schedule.sources[n]])
        for p in range(np.uintp(schedule.source_first[n]), np.uintp(schedule.source_first[n + 1])):
            product = load(adjoint, schedule.source_pairs[p, 0] * LANES)
            other = load(moments, schedule.source_pairs[p, 1] * LANES)
            total += schedule.source_factors[p] * product * other
        store(adjoint, schedule.sources[n] * LANES, total)


@njit(**OPTIONS)
def fill_gradient(
    count, stride, runs, unit, distance, functions, slopes, adjoint, lane, own, angular, by_monomial, by_function,
    gradient,
):  # fmt: skip
    """Differentiate the energy of an atom by the vectors to its neighbours.

    :param adjoint: dE/dM of eight atoms; shape (n_moments, LANES).
    :param own: workspace, those of this atom by its basic moments; shape (n_basic,).
    :param angular: workspace, monomials of eight neighbours; shape (n_monomials, LANES).
    :param by_monomial: workspace, dE/dA_a(n_k); shape (n_monomials, LANES).
    :param by_function: output, dE/df_μ(r_k); shape (R, stride).
    :param gradient: output in eV/Å; shape (3, stride).
    """
    for b in range(own.size):
        own[b] = adjoint[b, lane]
    for k in range(0, count, LANES):
        fill_powers(k, stride, runs.steps, unit, angular)
        for a in range(by_monomial.size // LANES):
            store(by_monomial, a * LANES, spread(0.0))
        for mu in range(functions.shape[0]):
            store(by_function, mu * stride + k, spread(0.0))
        for span in range(runs.spans.shape[0]):
            place = runs.spans[span, 3] * stride + k
            function, total = load(functions, place), load(by_function, place)
            a = runs.spans[span, 2]
            for b in range(runs.spans[span, 0], runs.spans[span, 1]):
                weight = spread(own[np.uintp(b)])
                total += weight * load(angular, a * LANES)
                store(by_monomial, a * LANES, load(by_monomial, a * LANES) + weight * function)
                a += 1
            store(by_function, place, total)
        gx = gy = gz = spread(0.0)
        for step in range(runs.steps.shape[0] - 1, -1, -1):
            axis, parent = runs.steps[step, 3], runs.steps[step, 2]
            factor, total = load(unit, axis * stride + k), spread(0.0)
            for a in range(runs.steps[step, 0], runs.steps[step, 1]):
                value = load(by_monomial, a * LANES)
                total += value * load(angular, parent * LANES)
                store(by_monomial, parent * LANES, load(by_monomial, parent * LANES) + value * factor)
                parent += 1
            if axis == 0:
                gx += total
            elif axis == 1:
                gy += total
            else:
                gz += total
        radial = spread(0.0)
        for mu in range(functions.shape[0]):
            radial += load(by_function, mu * stride + k) * load(slopes, mu * stride + k)
        x, y, z = load(unit, k), load(unit, stride + k), load(unit, 2 * stride + k)
        inverse = 1.0 / load(distance, k)
        along = radial - (gx * x + gy * y + gz * z) * inverse
        store(gradient, k, gx * inverse + along * x)
        store(gradient, stride + k, gy * inverse + along * y)
        store(gradient, 2 * stride + k, gz * inverse + along * z)


@njit(**OPTIONS)
def fill_local_basis(bucket, stride, lane, scalars, moments, by_function, values, row):
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
    for s in range(scalars.size):
        row[p + 1 + s] = moments[scalars[s], lane]
