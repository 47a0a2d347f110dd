"""Energies, forces, virials and the local basis of extrapolation grades."""

# ruff: noqa: PLR0917
# Compiled functions take their arrays by position.

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from aiida_seimlip.science.mtp.kernel.atom import OPTIONS, capacity_of
from aiida_seimlip.science.mtp.kernel.gather import gather, scatter
from aiida_seimlip.science.mtp.kernel.group import (
    combine,
    contract,
    differentiate,
    fill_energies,
    fill_gradient,
    fill_local_basis,
    fill_radial,
    sum_moments,
    sum_weights,
)
from aiida_seimlip.science.mtp.kernel.lanes import LANES, take_next, workspace


class System(NamedTuple):
    """Atoms and their neighbours.

    :param types: species of all atoms, those after ``first.size - 1`` being neighbours only; int64.
    :param frames: configuration of each atom; int64.
    :param positions: in Å; the vector to a neighbour is that of the pair plus the difference of positions. Shape
        (n_atoms, 3).
    :param first: pairs of atom i are ``first[i]:first[i + 1]``; int64.
    :param neighbours: of each pair; int64.
    :param vectors: of each pair in Å; shape (n_pairs, 3).
    """

    types: np.ndarray
    frames: np.ndarray
    positions: np.ndarray
    first: np.ndarray
    neighbours: np.ndarray
    vectors: np.ndarray


@njit(**OPTIONS)
def evaluate_kernel(basis, parameters, system, bounds, counter, site_energies, forces, virials, local):
    """Evaluate energies, forces and virials of blocks of atoms, and the local basis if asked for.

    Any number of threads may do this with the same arguments, each taking the next block that nobody has taken. Blocks
    have forces and virials of their own, whose sum depends on the blocks alone. Eight atoms are treated at a time: one
    after the other where loops run over neighbours, all at once where moments are contracted.

    :param bounds: block b is made of the atoms ``bounds[b]:bounds[b + 1]``; int64.
    :param counter: number of blocks that have been taken; int64, shape (1,).
    :param site_energies: output in eV; shape (n_atoms,).
    :param forces: output in eV/Å; shape (n_blocks, n_atoms, 3).
    :param virials: output, derivative of the energy by strain in eV (stress times volume in ASE's sign; MLIP-3's
        ``PlusStress`` is its negative); order xx, yy, zz, yz, xz, xy; shape (n_blocks, n_frames, 6).
    :param local: output of `fill_local_basis` for each atom; pass shape (0, 0) if not needed.
    """
    types, frames, positions, first, neighbours, vectors = system
    n_species, _, n_functions, size = parameters.radial.shape
    n_basic, n_moments = basis.monomial.size, basis.is_factor.size
    stride = capacity_of(first) + LANES
    found = np.empty((2, stride), dtype=np.int64)
    bucket = np.empty((LANES, n_species + 1), dtype=np.int64)
    where = np.empty((LANES, stride), dtype=np.int64)
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
    own = np.empty(n_basic)
    energies = np.empty(LANES)
    moments = workspace(n_moments * LANES).reshape((n_moments, LANES))
    adjoint = workspace(n_moments * LANES).reshape((n_moments, LANES))
    moments[:] = 0.0
    weights = sum_weights(basis.scalars, parameters.moments, adjoint)
    while True:
        block = take_next(counter)
        if block >= bounds.size - 1:
            break
        forces[block] = 0.0
        virials[block] = 0.0
        for base in range(bounds[block], bounds[block + 1], LANES):
            n = min(LANES, bounds[block + 1] - base)
            for lane in range(n):
                i = base + lane
                count = gather(
                    i, stride, positions, first, neighbours, vectors, types, parameters.max_dist,
                    found, bucket[lane], where[lane], unit[lane], distance[lane],
                )  # fmt: skip
                counts[lane] = count
                fill_radial(count, stride, distance[lane], parameters, values[lane], basis_slopes)
                combine(
                    bucket[lane], stride, parameters.radial[types[i]], values[lane], basis_slopes,
                    functions[lane], slopes[lane],
                )  # fmt: skip
                sum_moments(count, stride, basis.runs, unit[lane], functions[lane], angular, sums, moments, lane)
            contract(basis.schedule, moments)
            differentiate(basis.schedule, weights, moments, adjoint)
            fill_energies(basis.scalars, parameters.moments, moments, energies)
            for lane in range(n):
                i = base + lane
                count = counts[lane]
                site_energies[i] = energies[lane] + parameters.species[types[i]]
                fill_gradient(
                    count, stride, basis.runs, unit[lane], distance[lane], functions[lane], slopes[lane],
                    adjoint, lane, own, angular, by_monomial, by_function, gradient,
                )  # fmt: skip
                scatter(
                    i, count, stride, where[lane], unit[lane], distance[lane], gradient, forces[block],
                    virials[block, frames[i]],
                )  # fmt: skip
                if local.shape[0] > 0:
                    fill_local_basis(
                        bucket[lane], stride, lane, basis.scalars, moments, by_function, values[lane], local[i]
                    )  # fmt: skip
