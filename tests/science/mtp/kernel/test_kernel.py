"""Tests for `science.mtp.kernel`: against a slow obvious implementation, an independent program and differences."""

import numpy as np
import pytest

from aiida_seimlip.science.mtp import kernel
from aiida_seimlip.science.mtp.evaluate import Evaluator
from aiida_seimlip.science.neighbours import neighbour_list

NO_LOCAL_BASIS = np.empty((0, 0))


def slow_site_energies(potential, frames):
    """Evaluate the definition in `MomentTensorPotential`, term by term."""
    types = frames.types(potential.species)
    pairs = neighbour_list(frames.positions, frames.ptr, frames.cells, frames.pbc, potential.max_dist)
    energies = np.empty(types.size)
    for i in range(types.size):
        moments = np.zeros(potential.alpha_moments_count)
        for pair in range(pairs.first[i], pairs.first[i + 1]):
            vector = pairs.vectors[pair]
            r = np.linalg.norm(vector)
            x = (2 * r - potential.min_dist - potential.max_dist) / (potential.max_dist - potential.min_dist)
            for b, (mu, *powers) in enumerate(potential.alpha_index_basic):
                series = np.polynomial.Chebyshev(potential.radial_coeffs[types[i], types[pairs.neighbours[pair]], mu])
                radial = potential.scaling * series(x) * (potential.max_dist - r) ** 2
                moments[b] += radial * np.prod((vector / r) ** powers)
        for one, two, factor, product in potential.alpha_index_times:
            moments[product] += factor * moments[one] * moments[two]
        energies[i] = potential.species_coeffs[types[i]]
        energies[i] += potential.moment_coeffs @ moments[potential.alpha_moment_mapping]
    return energies


def jacobian(potential, frames):
    """Return the derivatives of energies, forces and virials by all parameters."""
    pairs = neighbour_list(frames.positions, frames.ptr, frames.cells, frames.pbc, potential.max_dist)
    types = frames.types(potential.species).astype(np.int64)
    n, p = types.size, potential.n_parameters
    outputs = np.zeros((len(frames), p)), np.zeros((3 * n, p)), np.zeros((6 * len(frames), p))
    kernel.jacobian_kernel(
        kernel.make_basis(potential), kernel.make_parameters(potential), types, frames.frame_of_atom.astype(np.int64),
        pairs.first, pairs.neighbours, pairs.vectors, *outputs,
    )  # fmt: skip
    return outputs


def test_energies_slow(random_potential, mixed_frames):
    potential = random_potential(8)
    result = Evaluator(potential).compute_frames(mixed_frames)
    expected = slow_site_energies(potential, mixed_frames)
    np.testing.assert_allclose(result.site_energies, expected, rtol=1e-11)


def test_order_of_basic_moments(random_potential, monoclinic, mixed_frames):
    """The kernels sort basic moments by their radial function: any order in the file gives the same."""
    potential = random_potential(10)
    n = len(potential.alpha_index_basic)
    order = np.random.default_rng(0).permutation(n)
    relabel = np.arange(potential.alpha_moments_count)
    relabel[order] = np.arange(n)
    times = potential.alpha_index_times.copy()
    times[:, [0, 1, 3]] = relabel[times[:, [0, 1, 3]]]
    shuffled = potential.replace(
        alpha_index_basic=potential.alpha_index_basic[order],
        alpha_index_times=times,
        alpha_moment_mapping=relabel[potential.alpha_moment_mapping],
    )
    one = Evaluator(potential).compute_frames(mixed_frames, with_local=True)
    other = Evaluator(shuffled).compute_frames(mixed_frames, with_local=True)
    np.testing.assert_allclose(other.forces, one.forces, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(other.local, one.local, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize('level', [8, 16])
def test_motep(random_potential, motep_calculator, monoclinic, mixed_frames, level):
    potential = random_potential(level)
    atoms = monoclinic.copy()
    atoms.calc = motep_calculator(potential)
    result = Evaluator(potential).compute_frames(mixed_frames[0])
    stress = result.virials[0] / atoms.get_volume()
    np.testing.assert_allclose(result.site_energies.sum(), atoms.get_potential_energy(), rtol=1e-12)
    np.testing.assert_allclose(result.forces, atoms.get_forces(), atol=1e-10 * np.abs(result.forces).max())
    np.testing.assert_allclose(stress, atoms.get_stress(), atol=1e-10 * np.abs(stress).max())


@pytest.mark.parametrize('level', [6, 8, 16])
def test_jacobian_differences(random_potential, mixed_frames, level):
    """Every tenth derivative by a parameter equals a central difference."""
    potential = random_potential(level)
    parameters = potential.parameters
    analytic = jacobian(potential, mixed_frames)
    h = 1e-5
    for p in {*range(0, parameters.size, 10), *range(parameters.size - potential.n_moments - 3, parameters.size, 7)}:
        shift = h * (np.arange(parameters.size) == p)
        plus, minus = (
            Evaluator(potential.with_parameters(parameters + sign * shift)).compute_frames(mixed_frames)
            for sign in (1, -1)
        )
        numeric = (
            np.add.reduceat(plus.site_energies - minus.site_energies, mixed_frames.ptr[:-1]),
            (plus.forces - minus.forces).ravel(),
            (plus.virials - minus.virials).ravel(),
        )
        for exact, difference, values in zip(
            analytic, numeric, (plus.site_energies, plus.forces, plus.virials), strict=True
        ):
            rounding = 1e-15 * mixed_frames.numbers.size * np.abs(values).max() / h
            scale = np.abs(exact[:, p]).max()
            np.testing.assert_allclose(difference / (2 * h), exact[:, p], rtol=0, atol=1e-7 * scale + rounding)


def test_jacobian_linear(random_potential, mixed_frames):
    """The energy is linear in the species and moment coefficients, so that their columns times them give it back."""
    potential = random_potential(10)
    linear = slice(-potential.n_moments - 3, None)
    energies, forces, virials = (
        part[:, linear] @ potential.parameters[linear] for part in jacobian(potential, mixed_frames)
    )
    result = Evaluator(potential).compute_frames(mixed_frames)
    np.testing.assert_allclose(energies, np.add.reduceat(result.site_energies, mixed_frames.ptr[:-1]), rtol=1e-10)
    np.testing.assert_allclose(forces, result.forces.ravel(), atol=1e-10 * np.abs(result.forces).max())
    np.testing.assert_allclose(virials, result.virials.ravel(), atol=1e-10 * np.abs(result.virials).max())


def test_unsupported_radial_basis(random_potential):
    with pytest.raises(ValueError, match='RBChebyshev_repuls'):
        kernel.make_basis(random_potential(6).replace(radial_basis_type='RBChebyshev_repuls'))


def test_compiled_once(random_potential, mixed_frames):
    """One signature only, that of `compile_kernels`, too: a second would double the time of the first call."""
    kernel.compile_kernels()
    Evaluator(random_potential(6)).compute_frames(mixed_frames, with_local=True)
    jacobian(random_potential(6), mixed_frames)
    assert len(kernel.evaluate_kernel.signatures) == 1
    assert len(kernel.jacobian_kernel.signatures) == 1
