"""Where training starts: radial functions that are made up, taken over, or moved to another range."""

from __future__ import annotations

import numpy as np

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import chunks
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.mtp.training.options import TrainingOptions

MIN_DIST_FACTOR = 0.99
"""Like MLIP-3, the radial functions begin at this fraction of the shortest distance in the training set."""


def prepare(potential: MomentTensorPotential, training: Frames, options: TrainingOptions) -> MomentTensorPotential:
    """Return the potential from which training starts: with coefficients, and adapted to the shortest distance.

    :param potential: trained or untrained.
    :param training: configurations that it will be trained on.
    :param options: how to train.
    """
    min_dist = potential.min_dist
    if options.update_min_dist:
        parts = (training[chunk].shortest_distances(potential.max_dist) for chunk in chunks(training))
        shortest = min(float(part.min()) for part in parts)
        if np.isfinite(shortest):
            min_dist = MIN_DIST_FACTOR * shortest
    if potential.is_trained:
        return with_min_dist(potential, min_dist)
    return initial_guess(potential.replace(min_dist=min_dist), options.seed)


def initial_guess(potential: MomentTensorPotential, seed: int) -> MomentTensorPotential:
    """Make up radial functions for an untrained potential; its linear coefficients become zero.

    The function μ is the Chebyshev polynomial of order μ with random admixtures that differ between pairs of species.
    The scaling is chosen such that basis functions lie between -1 and 1.

    :param potential: its range of distances and sizes are used.
    :param seed: of the random admixtures.
    """
    shape = (potential.n_species, potential.n_species, potential.radial_funcs_count, potential.radial_basis_size)
    radial = np.random.default_rng(seed).normal(0.0, 0.3, shape)
    for mu in range(potential.radial_funcs_count):
        radial[:, :, mu, mu % potential.radial_basis_size] += 1.0
    return potential.replace(
        scaling=(potential.max_dist - potential.min_dist) ** -2,
        radial_coeffs=radial,
        species_coeffs=np.zeros(potential.n_species),
        moment_coeffs=np.zeros(potential.n_moments),
        active_set=None,
    )


def with_min_dist(potential: MomentTensorPotential, min_dist: float) -> MomentTensorPotential:
    """Begin the radial functions of a trained potential at another distance without changing the potential.

    A polynomial in one Chebyshev argument is a polynomial of the same degree in any other, so this is exact.

    :param potential: a trained potential.
    :param min_dist: in Å.
    """
    if min_dist == potential.min_dist:
        return potential
    if potential.radial_coeffs is None:
        return potential.replace(min_dist=min_dist)
    size = potential.radial_basis_size
    x = np.cos(np.pi * (np.arange(size) + 0.5) / size)
    r = 0.5 * ((potential.max_dist - min_dist) * x + potential.max_dist + min_dist)
    old_x = (2 * r - potential.min_dist - potential.max_dist) / (potential.max_dist - potential.min_dist)
    vandermonde = np.polynomial.chebyshev.chebvander
    convert = np.linalg.solve(vandermonde(x, size - 1), vandermonde(old_x, size - 1))
    return potential.replace(min_dist=min_dist, radial_coeffs=potential.radial_coeffs @ convert.T, active_set=None)


def grow(trained: MomentTensorPotential, larger: MomentTensorPotential, seed: int = 0) -> MomentTensorPotential:
    """Start a potential of a higher level or with more species from a trained one.

    Radial functions are taken over, and those that the trained potential lacks are made up as for an untrained one.
    Moment coefficients are zero: training, which solves for them before its first step, finds at least as good ones
    as the trained potential had, since the scalar moments of a level hold those of all lower levels.

    :param trained: where to start from.
    :param larger: an untrained potential with at least the species and radial functions of the trained one.
    :param seed: of the radial functions that are made up.
    :raises ValueError: if the larger potential lacks species or radial functions, or has another cut-off.
    """
    if trained.radial_coeffs is None or trained.species_coeffs is None:
        raise ValueError('The potential to grow from is not trained: it has no coefficients.')
    missing = [symbol for symbol in trained.species if symbol not in larger.species]
    if missing:
        raise ValueError(f'The larger potential lacks the species {", ".join(missing)} of the trained one.')
    for name in ('radial_funcs_count', 'radial_basis_size'):
        if getattr(larger, name) < getattr(trained, name):
            raise ValueError(f'The larger potential has a smaller `{name}` than the trained one.')
    if larger.max_dist != trained.max_dist:
        raise ValueError(f'The cut-offs differ: {trained.max_dist} Å and {larger.max_dist} Å.')
    guess = initial_guess(larger.replace(min_dist=trained.min_dist), seed)
    assert guess.radial_coeffs is not None and guess.species_coeffs is not None
    place = np.array([larger.species.index(symbol) for symbol in trained.species])
    taken = trained.radial_coeffs * (trained.scaling / guess.scaling)
    guess.radial_coeffs[
        np.ix_(place, place, np.arange(trained.radial_funcs_count), np.arange(larger.radial_basis_size))
    ] = np.pad(taken, ((0, 0), (0, 0), (0, 0), (0, larger.radial_basis_size - trained.radial_basis_size)))
    guess.species_coeffs[place] = trained.species_coeffs
    return guess
