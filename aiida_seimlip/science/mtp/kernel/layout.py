"""How potentials are laid out for the kernels: moments and coefficients as arrays."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from aiida_seimlip.science.mtp.kernel.schedule import Runs, Schedule, make_runs, make_schedule
from aiida_seimlip.science.mtp.potential import MomentTensorPotential


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
    :param schedule: the products of `times`, sorted.
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
    schedule: Schedule
    runs: Runs


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
    order = np.lexsort((*basic.T[:0:-1], basic[:, 1:].sum(axis=1), basic[:, 0]))
    relabel = np.arange(potential.alpha_moments_count)
    relabel[order] = np.arange(len(basic))
    basic = basic[order]

    top = basic[:, 1:].max(axis=0, initial=0)
    grid = np.stack(np.meshgrid(*(np.arange(n + 1) for n in top), indexing='ij'), axis=-1).reshape(-1, 3)
    needed = np.less_equal(grid[:, None, :], basic[None, :, 1:]).all(axis=2).any(axis=1)
    powers = grid[needed]
    powers = powers[np.lexsort((*powers.T[::-1], powers.sum(axis=1)))]
    index = {tuple(row): i for i, row in enumerate(powers.tolist())}
    lower = np.array([
        [index.get(tuple(row - unit), -1) for unit in np.eye(3, dtype=np.int64)] for row in powers
    ])  # fmt: skip
    axis = np.argmax(powers > 0, axis=1).astype(np.int64)
    parent = np.ascontiguousarray(lower[np.arange(len(powers)), axis])
    monomial = np.array([index[tuple(row)] for row in basic[:, 1:].tolist()], dtype=np.int64)
    times = np.asarray(potential.alpha_index_times, dtype=np.int64).reshape(-1, 4)
    products, factors = np.ascontiguousarray(relabel[times[:, [0, 1, 3]]]), times[:, 2].astype(float)
    is_factor = np.zeros(potential.alpha_moments_count, dtype=np.int64)
    is_factor[relabel[times[:, :2]]] = 1
    return Basis(
        parent=parent,
        axis=axis,
        lower=np.ascontiguousarray(lower, dtype=np.int64),
        powers=np.ascontiguousarray(powers, dtype=float),
        radial_function=basic[:, 0].copy(),
        monomial=monomial,
        radial_first=np.searchsorted(basic[:, 0], np.arange(potential.radial_funcs_count + 1)).astype(np.int64),
        times=products,
        factors=factors,
        is_factor=is_factor,
        scalars=relabel[np.asarray(potential.alpha_moment_mapping, dtype=np.int64)],
        schedule=make_schedule(products, factors, potential.alpha_moments_count),
        runs=make_runs(parent, axis, monomial, basic[:, 0]),
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
