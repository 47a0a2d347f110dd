"""Harmonic phonons against dynamical matrices that are known or coded here."""

import builtins
import json
import warnings

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.data import atomic_masses
from scipy.optimize import minimize_scalar

from aiida_seimlip.science.analysis.phonons import (
    Displacements,
    displaced,
    force_constants,
    rms_frequency_difference,
)
from aiida_seimlip.science.structures.crystals import CRYSTALS, li2co3
from tests.science.analysis.springs import TO_THZ, signed_roots, spring_forces, spring_frequencies

pytest.importorskip('phonopy')
seekpath = pytest.importorskip('seekpath')

A = 4.0
STIFFNESS = 2.0
FCC_CUTOFF = 3.0
ANYWHERE = np.array([[0.13, 0.21, -0.37], [0.5, 0.1, 0.27], [0.02, 0.0, 0.01]])


def of_springs(atoms, supercell, cutoff, constant=STIFFNESS, **options):
    displacements = displaced(atoms, supercell, 0.01, **options)
    return force_constants(
        displacements, spring_forces(displacements.supercells, displacements.supercell, cutoff, constant)
    )


def of_calculator(atoms, supercell, calculator, distance=0.01):
    displacements = displaced(atoms, supercell, distance)
    forces = []
    for image in displacements.supercells:
        image.calc = calculator
        forces.append(image.get_forces())
    return force_constants(displacements, forces)


@pytest.fixture(scope='module')
def copper():
    """Springs between nearest neighbours, from the conventional cell."""
    return of_springs(bulk('Cu', a=A, cubic=True), (2, 2, 2), FCC_CUTOFF)


@pytest.fixture(scope='module')
def carbonate():
    return of_springs(li2co3(), (1, 2, 2), 3.2)


def test_analytic_frequencies_of_springs(copper):
    """M ω² is 8 k (longitudinal) and 4 k (transverse, twice) at X, 8 k and 2 k (twice) at L."""
    unit = TO_THZ * np.sqrt(STIFFNESS / atomic_masses[29])
    points = copper.band_structure(11).points
    expected = {'Γ': (0, 0, 0), 'X': (4, 4, 8), 'L': (2, 2, 8)}
    for label, multiples in expected.items():
        np.testing.assert_allclose(copper.frequencies([points[label]])[0], unit * np.sqrt(multiples), atol=1e-5)


def test_band_structure(copper):
    bands = copper.band_structure(21)
    assert [segment.labels for segment in bands.segments[:2]] == [('Γ', 'X'), ('X', 'U')]
    assert max(len(segment.q_points) for segment in bands.segments) == 21
    assert bands.segments[0].distances[-1] == pytest.approx(1 / A)
    assert bands.segments[1].distances[0] == bands.segments[0].distances[-1]
    assert [label for _, label in bands.ticks] == ['Γ', 'X', 'U|K', 'Γ', 'L', 'W', 'X']
    assert bands.frequencies.shape == (len(bands.distances), 3)
    np.testing.assert_allclose(
        bands.frequencies, spring_frequencies(copper.primitive, FCC_CUTOFF, STIFFNESS, bands.q_points), atol=1e-5
    )


def test_supercell_of_an_oblique_matrix(copper):
    """A matrix that is not symmetric shows which way round it is taken."""
    matrix = np.array([[2, 0, 0], [2, 2, 0], [0, 2, 2]])
    atoms = bulk('Cu', a=A, cubic=True)
    found = of_springs(atoms, matrix, FCC_CUTOFF)
    np.testing.assert_allclose(found.displacements.supercell.cell, matrix @ atoms.cell.array, atol=1e-12)
    np.testing.assert_allclose(found.frequencies(ANYWHERE), copper.frequencies(ANYWHERE), atol=1e-9)


def test_conventional_and_primitive_cell(carbonate):
    """At Γ the conventional cell has the modes of the primitive one at Γ and at the point folded onto it."""
    assert carbonate.n_branches == 36 == 3 * len(carbonate.primitive)
    assert carbonate.primitive.get_chemical_formula() == 'C2Li4O6'
    whole = of_springs(li2co3(), (1, 2, 2), 3.2, primitive_matrix=np.eye(3))
    assert whole.n_branches == 72
    matrix = carbonate.displacements.primitive_matrix
    folded = matrix @ next(
        reciprocal for reciprocal in np.eye(3) if not np.allclose(matrix @ reciprocal, np.rint(matrix @ reciprocal))
    )
    both = np.sort(carbonate.frequencies([[0.0, 0.0, 0.0], folded]).ravel())
    np.testing.assert_allclose(both, whole.frequencies([[0.0, 0.0, 0.0]])[0], atol=1e-5)
    np.testing.assert_allclose(both, spring_frequencies(li2co3(), 3.2, STIFFNESS, np.zeros(3))[0], atol=1e-5)


def test_monoclinic_branches_anywhere(carbonate):
    expected = spring_frequencies(carbonate.primitive, 3.2, STIFFNESS, ANYWHERE)
    np.testing.assert_allclose(carbonate.frequencies(ANYWHERE), expected, atol=1e-5)


def test_monoclinic_path_is_that_of_the_standard_cell(carbonate):
    """Each point has the frequencies that the cell of seekpath has at the coordinates of seekpath."""
    primitive = carbonate.primitive
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)
        standard = seekpath.get_path((primitive.cell.array, primitive.get_scaled_positions(), primitive.numbers))
    cell = Atoms(
        standard['primitive_types'],
        scaled_positions=standard['primitive_positions'],
        cell=standard['primitive_lattice'],
        pbc=True,
    )
    points = carbonate.band_structure(3).points
    assert len(points) > 6
    for label, q_point in points.items():
        name = 'GAMMA' if label == 'Γ' else label
        expected = spring_frequencies(cell, 3.2, STIFFNESS, standard['point_coords'][name])
        np.testing.assert_allclose(carbonate.frequencies([q_point]), expected, atol=1e-4, err_msg=label)
    assert any(not np.allclose(point, standard['point_coords'].get(label, point)) for label, point in points.items())


def test_left_handed_cell():
    atoms = li2co3()
    atoms = Atoms(atoms.numbers, positions=atoms.positions, cell=atoms.cell.array[[1, 0, 2]], pbc=True)
    found = of_springs(atoms, (2, 1, 2), 3.2)
    assert found.n_branches == 36
    bands = found.band_structure(3)
    expected = spring_frequencies(found.primitive, 3.2, STIFFNESS, bands.q_points)
    np.testing.assert_allclose(bands.frequencies, expected, atol=1e-5)


def direct_force_constants(atoms, repeats, calculator, step):
    """Force constants of the first atom by central differences in a supercell of a crystal with one atom a cell."""
    large = atoms.repeat(repeats)
    large.calc = calculator
    found = np.empty((len(large), 3, 3))
    start = large.positions.copy()
    for axis in range(3):
        forces = []
        for sign in (1, -1):
            large.positions[:] = start
            large.positions[0, axis] += sign * step
            forces.append(large.get_forces())
        found[:, axis] = -(forces[0] - forces[1]) / (2 * step)
    large.positions[:] = start
    return large, found


def direct_frequencies(large, constants, cell, q_points):
    """Fourier sum of force constants over the nearest images of each atom of a supercell."""
    shifts = np.array(np.meshgrid(*3 * [[-1, 0, 1]])).reshape(3, -1).T @ large.cell.array
    dynamical = np.zeros((len(q_points), 3, 3), dtype=complex)
    for vector, block in zip(large.positions - large.positions[0], constants, strict=True):
        images = vector + shifts
        lengths = np.linalg.norm(images, axis=1)
        nearest = images[lengths < lengths.min() + 1e-6]
        phases = np.exp(2j * np.pi * q_points @ np.linalg.inv(cell).T @ nearest.T).mean(axis=1)
        dynamical += phases[:, None, None] * block / large.get_masses()[0]
    return signed_roots(np.linalg.eigvalsh(0.5 * (dynamical + dynamical.conj().transpose(0, 2, 1))))


@pytest.fixture(scope='module')
def aluminium():
    return of_calculator(bulk('Al', a=3.994), (4, 4, 4), EMT(), distance=0.001)


@pytest.mark.parametrize(
    ('repeats', 'q_points'),
    [((4, 4, 4), ANYWHERE), ((8, 8, 8), [[0.5, 0.5, 0.0], [0.5, 0.0, 0.0], [0.25, 0.5, 0.75], [0.0, 0.25, 0.25]])],
    ids=['anywhere', 'larger'],
)
def test_emt_against_direct_force_constants(aluminium, repeats, q_points):
    """A larger supercell has the same frequencies at points that both hold, however far the forces reach."""
    atoms = bulk('Al', a=3.994)
    large, constants = direct_force_constants(atoms, repeats, EMT(), 0.001)
    expected = direct_frequencies(large, constants, atoms.cell.array, np.array(q_points))
    np.testing.assert_allclose(aluminium.frequencies(q_points), expected, atol=1e-5)
    assert expected.max() > 5.0


def test_density_of_states_has_the_moments_of_the_springs(copper):
    """The mean of the trace of the dynamical matrix is 12 k / M."""
    density = copper.density_of_states((16, 16, 16), n_points=801)
    assert np.trapezoid(density.densities, density.frequencies) == pytest.approx(3.0, rel=2e-3)
    second = np.trapezoid(density.densities * density.frequencies**2, density.frequencies)
    assert second == pytest.approx(12 * STIFFNESS / atomic_masses[29] * TO_THZ**2, rel=5e-3)


def test_mesh_stands_for_all_points(copper):
    mesh = copper.mesh((4, 4, 4))
    assert mesh.weights.sum() == 64
    assert len(mesh.q_points) == 8
    assert mesh.is_acoustic.sum() == 3
    grid = np.array(np.meshgrid(*3 * [np.arange(4) / 4])).reshape(3, -1).T
    whole = spring_frequencies(copper.primitive, FCC_CUTOFF, STIFFNESS, grid)
    assert np.average(mesh.frequencies.mean(axis=1), weights=mesh.weights) == pytest.approx(whole.mean())


def test_mesh_of_a_length(copper):
    """The reciprocal vectors of the primitive cell have the length √3/a."""
    assert copper.mesh(9.2).numbers == (4, 4, 4)
    assert copper.mesh(9.3).numbers == (5, 5, 5)


def test_mesh_that_breaks_the_symmetry(copper, recwarn):
    assert copper.mesh((2, 3, 4)).weights.sum() == 24
    assert not recwarn.list


def test_dulong_petit(carbonate):
    """Of 3 modes an atom, three at Γ are missing: one part in atoms times points."""
    thermal = carbonate.thermal_properties([1e6], (2, 2, 2))
    assert thermal.heat_capacities[0] == pytest.approx(3 * units.kB * (1 - 1 / (12 * 8)), rel=1e-6)
    assert thermal.imaginary_share == 0.0


def test_sum_over_oscillators(copper):
    """Against levels (n + 1/2) hν that are summed one by one, on all points of the mesh."""
    temperature = 60.0
    grid = np.array(np.meshgrid(*3 * [np.arange(3) / 3])).reshape(3, -1).T
    quanta = units._hplanck / units._e * 1e12 * spring_frequencies(copper.primitive, FCC_CUTOFF, STIFFNESS, grid[1:])
    levels = (np.arange(2000) + 0.5) * quanta.reshape(-1, 1)
    boltzmann = np.exp(-levels / (units.kB * temperature))
    shares = boltzmann / boltzmann.sum(axis=1, keepdims=True)
    mean, square = (shares * levels).sum(axis=1), (shares * levels**2).sum(axis=1)
    free_energy = -units.kB * temperature * np.log(boltzmann.sum(axis=1))
    thermal = copper.thermal_properties([0.0, temperature], (3, 3, 3))
    assert thermal.zero_point_energy == pytest.approx(0.5 * quanta.sum() / 27)
    assert thermal.free_energies[0] == pytest.approx(thermal.zero_point_energy)
    assert thermal.entropies[0] == thermal.heat_capacities[0] == 0.0
    assert thermal.free_energies[1] == pytest.approx(free_energy.sum() / 27)
    assert thermal.entropies[1] == pytest.approx((mean - free_energy).sum() / temperature / 27)
    assert thermal.heat_capacities[1] == pytest.approx((square - mean**2).sum() / (units.kB * temperature**2) / 27)


@pytest.fixture(scope='module')
def simple_cubic():
    """Lennard-Jones atoms at the minimum of their simple cubic crystal, which is none to shear."""
    calculator = LennardJones(sigma=1.0, epsilon=0.01, rc=2.0, ro=1.5, smooth=True)

    def energy(a):
        atoms = Atoms('Ar', cell=3 * [a], pbc=True)
        atoms.calc = calculator
        return atoms.get_potential_energy()

    a = minimize_scalar(energy, bounds=(1.02, 1.12), options={'xatol': 1e-6}).x
    atoms = Atoms('Ar', cell=3 * [a], pbc=True)
    phonons = of_calculator(atoms, (4, 4, 4), calculator, distance=0.002)
    return phonons, direct_force_constants(atoms, (4, 4, 4), calculator, 0.002)


def test_imaginary_modes(simple_cubic):
    phonons, (large, constants) = simple_cubic
    special = {'X': [0.0, 0.5, 0.0], 'M': [0.5, 0.5, 0.0], 'R': [0.5, 0.5, 0.5]}
    found = phonons.imaginary_modes((4, 4, 4), n_points=11)
    by_label = {modes.label: modes for modes in found if modes.label}
    assert [modes.lowest_frequency for modes in found] == sorted(modes.lowest_frequency for modes in found)
    assert 'Γ' not in by_label
    for label, q_point in special.items():
        expected = direct_frequencies(large, constants, phonons.primitive.cell.array, np.array([q_point]))[0]
        n_imaginary = int((expected < -0.05).sum())
        assert (label in by_label) == (n_imaginary > 0)
        if n_imaginary:
            assert by_label[label].n_branches == n_imaginary
            assert by_label[label].lowest_frequency == pytest.approx(expected[0], rel=1e-3)
    assert {'X', 'M'} <= set(by_label)
    assert any(modes.label is None for modes in found)


def test_equivalent_points_are_found_once(simple_cubic):
    found = simple_cubic[0].imaginary_modes((4, 4, 4), n_points=5)
    sorted_points = {tuple(np.sort(np.abs(np.array(m.q_point) - np.rint(m.q_point))).round(6)) for m in found}
    assert len(sorted_points) == len(found)


def test_modes_that_are_left_out_are_counted(simple_cubic):
    phonons, (large, constants) = simple_cubic
    grid = np.array(np.meshgrid(*3 * [np.arange(2) / 2])).reshape(3, -1).T[1:]
    expected = direct_frequencies(large, constants, phonons.primitive.cell.array, grid)
    thermal = phonons.thermal_properties([300.0], (2, 2, 2))
    assert thermal.imaginary_share == pytest.approx((expected < 0.0).mean())
    assert 0.1 < thermal.imaginary_share < 0.9
    assert thermal.zero_point_energy == pytest.approx(
        0.5e12 * units._hplanck / units._e * expected[expected > 0].sum() / 8, rel=1e-3
    )


def test_stable_crystal_has_no_imaginary_modes(aluminium, carbonate):
    assert aluminium.imaginary_modes((4, 4, 4), n_points=11) == []
    assert carbonate.thermal_properties([300.0], (2, 2, 2)).imaginary_share == 0.0


def test_sum_rule(copper):
    """A constant error c of all forces along a displacement of length d adds N c / d to the sum over N atoms."""
    displacements = copper.displacements
    assert len(displacements) == 1
    exact = spring_forces(displacements.supercells, displacements.supercell, FCC_CUTOFF, STIFFNESS)
    assert copper.sum_rule_violation < 1e-12
    error = 1e-4 * displacements.vectors[0] / np.linalg.norm(displacements.vectors[0])
    noisy = force_constants(displacements, exact + error)
    assert noisy.sum_rule_violation == pytest.approx(32 * 1e-4 / 0.01)
    np.testing.assert_allclose(noisy.force_constants.sum(axis=1), 0.0, atol=1e-12)
    np.testing.assert_allclose(noisy.frequencies([[0, 0, 0]]), 0.0, atol=1e-5)


def test_random_noise_leaves_no_acoustic_frequency_at_gamma(carbonate):
    displacements = carbonate.displacements
    exact = spring_forces(displacements.supercells, displacements.supercell, 3.2, STIFFNESS)
    noise = np.random.default_rng(5).normal(scale=1e-3, size=exact.shape)
    noisy = force_constants(displacements, exact + noise)
    assert 0.1 < noisy.sum_rule_violation < 10.0
    assert np.sort(np.abs(noisy.frequencies([[0, 0, 0]])[0]))[:3].max() < 1e-4
    assert noisy.mesh((2, 2, 2)).is_acoustic.sum() == 3


def test_residual_forces(carbonate):
    displacements = carbonate.displacements
    exact = spring_forces(displacements.supercells, displacements.supercell, 3.2, STIFFNESS)
    residual = np.random.default_rng(6).normal(scale=1e-2, size=exact.shape[1:])
    found = force_constants(displacements, exact + residual, residual=residual)
    np.testing.assert_allclose(found.force_constants, carbonate.force_constants, atol=1e-10)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (lambda forces: np.where(np.arange(forces.size).reshape(forces.shape) == 7, np.nan, forces), 'not finite'),
        (lambda forces: np.concatenate([forces, forces]), 'the shape'),
        (lambda forces: forces[:, 1:], 'the shape'),
        (lambda forces: [forces[0], forces[0][1:]], 'not an array'),
    ],
    ids=['nan', 'too many', 'atom missing', 'ragged'],
)
def test_forces_are_refused(copper, change, message):
    displacements = copper.displacements
    forces = spring_forces(displacements.supercells, displacements.supercell, FCC_CUTOFF, STIFFNESS)
    with pytest.raises(ValueError, match=message):
        force_constants(displacements, change(forces))


def test_displacements_survive_as_text(carbonate):
    first = carbonate.displacements
    again = Displacements.from_dict(json.loads(json.dumps(first.to_dict())))
    assert len(again) == len(first) > 1
    for image, other in zip(first.supercells, again.supercells, strict=True):
        assert image == other
        moves = image.positions - first.supercell.positions
        assert np.linalg.norm(moves) == pytest.approx(0.01)
        assert (np.abs(moves).max(axis=1) > 0).sum() == 1
    forces = spring_forces(again.supercells, again.supercell, 3.2, STIFFNESS)
    np.testing.assert_array_equal(force_constants(again, forces).force_constants, carbonate.force_constants)


def test_primitive_cell_stays_as_it_is():
    """A cell that is primitive keeps its vectors, so that q points are in its own coordinates."""
    atoms = CRYSTALS['LiPF6'].primitive()
    displacements = displaced(atoms, (1, 1, 1), 0.01)
    np.testing.assert_array_equal(displacements.primitive_matrix, np.eye(3))
    np.testing.assert_allclose(displacements.primitive.cell, atoms.cell.array)


def test_difference_of_two_models(copper):
    """Springs stiffer by 1.21 raise all frequencies by 1.1; their mean square is 4 k / M."""
    stiff = of_springs(bulk('Cu', a=1.01 * A, cubic=True), (2, 2, 2), FCC_CUTOFF, 1.21 * STIFFNESS)
    expected = 0.1 * TO_THZ * np.sqrt(4 * STIFFNESS / atomic_masses[29])
    assert rms_frequency_difference(copper, stiff, (4, 4, 4)) == pytest.approx(expected, rel=1e-6)
    assert rms_frequency_difference(copper, copper, (4, 4, 4)) == 0.0


def test_difference_does_not_need_equal_symmetry(carbonate):
    """One cell is sheared a little: its mesh has more points, the mean is over the same ones."""
    atoms = li2co3()
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.002 * np.eye(3, k=1)), scale_atoms=True)
    primitive_matrix = carbonate.displacements.primitive_matrix
    sheared = of_springs(atoms, (1, 2, 2), 3.2, 1.0816 * STIFFNESS, primitive_matrix=primitive_matrix)
    assert len(sheared.mesh((3, 3, 3)).weights) > len(carbonate.mesh((3, 3, 3)).weights)
    grid = np.array(np.meshgrid(*3 * [np.arange(3) / 3])).reshape(3, -1).T
    first = spring_frequencies(carbonate.primitive, 3.2, STIFFNESS, grid)
    second = spring_frequencies(sheared.primitive, 3.2, 1.0816 * STIFFNESS, grid)
    assert rms_frequency_difference(carbonate, sheared, (3, 3, 3)) == pytest.approx(
        np.sqrt(np.mean((first - second) ** 2)), rel=1e-5
    )


def test_difference_of_two_crystals_is_refused(copper, aluminium, carbonate):
    with pytest.raises(ValueError, match='two crystals'):
        rms_frequency_difference(copper, aluminium, (2, 2, 2))
    whole = of_springs(li2co3(), (1, 1, 1), 3.2, primitive_matrix=np.eye(3))
    with pytest.raises(ValueError, match='primitive_matrix'):
        rms_frequency_difference(carbonate, whole, (2, 2, 2))


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda: displaced(Atoms('Cu'), (1, 1, 1), 0.01), 'not a crystal'),
        (lambda: displaced(bulk('Cu'), (2, 2, 2), 0.0), 'not positive'),
        (lambda: displaced(bulk('Cu'), (2, 2, 1.5), 0.01), 'whole numbers'),
        (lambda: displaced(bulk('Cu'), (2, 2, 2), 0.01, primitive_matrix=[1, 1, 1]), 'the shape'),
        (lambda: displaced(bulk('Cu'), (2, 2, 2), 0.01, primitive_matrix=0.7 * np.eye(3)), 'makes no cell'),
    ],
)
def test_displacements_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ('call', 'message'),
    [
        (lambda phonons: phonons.mesh((2, 2)), 'three whole numbers'),
        (lambda phonons: phonons.mesh((2, 2, 2.5)), 'three whole numbers'),
        (lambda phonons: phonons.mesh(np.nan), 'not positive'),
        (lambda phonons: phonons.band_structure(1), 'two ends'),
        (lambda phonons: phonons.density_of_states((2, 2, 2), n_points=1), 'no range'),
        (lambda phonons: phonons.imaginary_modes((2, 2, 2), tolerance=-1.0), 'negative'),
        (lambda phonons: phonons.thermal_properties([-1.0], (2, 2, 2)), 'negative'),
        (lambda phonons: phonons.thermal_properties([300.0], (1, 1, 1)), 'acoustic ones'),
    ],
)
def test_phonons_refuse(copper, call, message):
    with pytest.raises(ValueError, match=message):
        call(copper)


def test_missing_library_is_named(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **keywords):
        if name.split('.')[0] == 'phonopy':
            raise ModuleNotFoundError("No module named 'phonopy'")
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, '__import__', without)
    with pytest.raises(ValueError, match=r'aiida-seimlip\[phonons\]'):
        displaced(bulk('Cu'), (2, 2, 2), 0.01)
