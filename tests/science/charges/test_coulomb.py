"""Interactions of charges against Madelung constants, direct sums, and cells that are the same crystal."""

import itertools

import numpy as np
import pytest
from ase.build import bulk, make_supercell

from aiida_seimlip.science.charges import coulomb
from aiida_seimlip.science.charges.coulomb import COULOMB_EV_A, interaction_matrix
from aiida_seimlip.science.charges.parameters import QeqError

CELL = np.array([[4.0, 0.0, 0.0], [1.3, 4.5, 0.0], [-1.0, 0.7, 5.0]])
POSITIONS = np.array([[0.0, 0.0, 0.0], [0.5, 0.4, 0.5], [0.1, 0.6, 0.3], [0.6, 0.1, 0.8]]) @ CELL
CHARGES = np.array([1.0, -1.0, 0.7, -0.7])
GAMMAS = np.array([0.4668, 0.9, 1.0898, 0.7])


def energy(matrix, charges=CHARGES):
    return 0.5 * charges @ matrix @ charges / COULOMB_EV_A


def lattice(cell, reach):
    """Return all lattice vectors up to a length."""
    limits = np.ceil(reach * np.linalg.norm(np.linalg.inv(cell), axis=0)).astype(int)
    vectors = np.array(list(itertools.product(*(range(-limit, limit + 1) for limit in limits)))) @ cell
    return vectors[np.linalg.norm(vectors, axis=1) < reach]


def distances_of_pairs(shifts):
    """Yield indices of two atoms and the distances of the first to images of the second, none of which is itself."""
    for i, j in itertools.product(range(len(POSITIONS)), repeat=2):
        distances = np.linalg.norm(POSITIONS[i] - POSITIONS[j] + shifts, axis=1)
        yield i, j, distances


def direct_energy(damping):
    """Sum pairs with a factor that fades with the distance of the cells, and take off the dipole term of a sphere.

    S. W. de Leeuw, J. W. Perram and E. R. Smith, Proc. R. Soc. Lond. A 373, 27 (1980).
    """
    shifts = lattice(CELL, np.sqrt(20.0 / damping))
    factors = np.exp(-damping * np.sum(shifts**2, axis=1))
    total = 0.0
    for i, j, distances in distances_of_pairs(shifts):
        others = distances > 1e-9
        total += 0.5 * CHARGES[i] * CHARGES[j] * np.sum(factors[others] / distances[others])
    dipole = CHARGES @ POSITIONS
    return total - 2.0 * np.pi / (3.0 * abs(np.linalg.det(CELL))) * dipole @ dipole


@pytest.mark.parametrize(
    ('crystal', 'nearest', 'constant'),
    [
        (bulk('NaCl', 'rocksalt', a=5.64), 2.82, 1.747564594633),
        (bulk('CsCl', 'cesiumchloride', a=4.12), 4.12 * np.sqrt(0.75), 1.762674773070),
        (bulk('ZnS', 'zincblende', a=5.41), 5.41 * np.sqrt(3.0) / 4.0, 1.638055053388),
    ],
)
def test_madelung_constants(crystal, nearest, constant):
    matrix = interaction_matrix(crystal.cell.array, crystal.positions)
    assert -energy(matrix, np.array([1.0, -1.0])) * nearest == pytest.approx(constant, abs=1e-9)


def test_triclinic_cell_against_direct_sum():
    values = np.array([direct_energy(damping) for damping in (0.008, 0.004, 0.002)])
    once = 2.0 * values[1:] - values[:-1]
    extrapolated = (4.0 * once[1] - once[0]) / 3.0
    assert energy(interaction_matrix(CELL, POSITIONS)) == pytest.approx(extrapolated, abs=2e-5)


@pytest.mark.parametrize('kernel', ['reaxff', 'gaussian'])
def test_shielding_against_direct_sum(kernel):
    from scipy.special import erf

    reach = 80.0
    volume = abs(np.linalg.det(CELL))
    difference = np.zeros((4, 4))
    for i, j, distances in distances_of_pairs(lattice(CELL, reach + 12.0)):
        near = distances[(distances > 1e-9) & (distances < reach)]
        if kernel == 'reaxff':
            cubed = (GAMMAS[i] * GAMMAS[j]) ** -1.5
            shielded = (near**3 + cubed) ** (-1.0 / 3.0)
            tail = -4.0 * np.pi / volume * cubed / 3.0 / reach  # the integral of -γ⁻³/3r⁴ from there on
        else:
            widths = 2.0 / np.pi * (1.0 / GAMMAS[i] ** 2 + 1.0 / GAMMAS[j] ** 2)
            shielded, tail = erf(near / np.sqrt(widths)) / near, 0.0
        difference[i, j] = np.sum(shielded - 1.0 / near) + tail
    found = interaction_matrix(CELL, POSITIONS, GAMMAS, kernel=kernel) - interaction_matrix(CELL, POSITIONS)
    assert found / COULOMB_EV_A == pytest.approx(difference, abs=2e-4)


@pytest.mark.parametrize('gammas', [None, GAMMAS])
def test_splitting_does_not_matter(gammas):
    matrices = [interaction_matrix(CELL, POSITIONS, gammas, splitting=splitting) for splitting in (0.5, 0.8, 1.3)]
    assert matrices[1] == pytest.approx(matrices[0], abs=1e-7)
    assert matrices[2] == pytest.approx(matrices[0], abs=1e-7)


def test_other_cells_of_the_same_lattice():
    moves = np.array([[1, 2, 0], [0, 1, 0], [1, 0, 1]])
    places = POSITIONS + np.array([[1, 0, 0], [0, -2, 1], [0, 0, 0], [3, 0, 0]]) @ CELL + [0.3, -7.0, 1.1]
    other = interaction_matrix(moves @ CELL, places, GAMMAS)
    assert other == pytest.approx(interaction_matrix(CELL, POSITIONS, GAMMAS), abs=1e-6)


def test_energy_of_a_supercell():
    from ase import Atoms

    atoms = Atoms('H4', positions=POSITIONS, cell=CELL, pbc=True)
    atoms.set_initial_charges(CHARGES)
    atoms.set_array('gamma', GAMMAS)
    large = make_supercell(atoms, [[2, 1, 0], [0, 1, 0], [0, -1, 2]])
    matrix = interaction_matrix(large.cell.array, large.positions, large.get_array('gamma'))
    once = energy(interaction_matrix(CELL, POSITIONS, GAMMAS))
    assert energy(matrix, large.get_initial_charges()) == pytest.approx(4.0 * once, abs=1e-4)


@pytest.mark.parametrize('tilt', [0.0, 1.7])
def test_slab_against_endless_vacuum(tilt):
    """The energy without the correction approaches that with it as one over the width of the vacuum."""
    flat = CELL[:2] * [1.0, 1.0, 0.0]
    charges = CHARGES
    positions = POSITIONS * [1.0, 1.0, 0.8] + [0.0, 0.0, 0.1]

    def of(height, is_slab):
        cell = np.array([*flat, [tilt, 0.0, height]])
        scaled = (positions + np.array([0.0, 0.0, height - 2.0])) @ np.linalg.inv(cell)
        wrapped = (scaled - np.floor(scaled)) @ cell  # through the border of the cell
        return energy(interaction_matrix(cell, wrapped, is_slab=is_slab), charges)

    corrected = of(30.0, True)
    limit = 2.0 * of(1200.0, False) - of(600.0, False)
    assert corrected == pytest.approx(limit, abs=1e-6)
    assert abs(of(30.0, False) - corrected) > 0.01


def test_charged_slab_does_not_depend_on_the_vacuum():
    """The energy of two charged sheets changes by their field only, however wide the vacuum is."""
    positions = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 3.0]])
    energies = []
    for height in (30.0, 60.0):
        matrix = interaction_matrix(np.diag([3.0, 3.0, height]), positions, is_slab=True)
        energies.append(energy(matrix, np.array([1.0, 0.5])))
    assert energies[0] == pytest.approx(energies[1], abs=1e-6)


def test_cluster():
    matrix = interaction_matrix(np.zeros((3, 3)), POSITIONS[:2], GAMMAS[:2], pbc=False) / COULOMB_EV_A
    distance = np.linalg.norm(POSITIONS[1] - POSITIONS[0])
    assert matrix[0, 1] == pytest.approx((distance**3 + (0.4668 * 0.9) ** -1.5) ** (-1.0 / 3.0))
    assert matrix.diagonal() == pytest.approx([0.0, 0.0])


def test_gaussian_kernel_starts_at_gamma():
    places = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.21]])
    matrix = interaction_matrix(np.zeros((3, 3)), places, np.array([0.8, 0.8]), kernel='gaussian', pbc=False)
    assert matrix[0, 1] / COULOMB_EV_A == pytest.approx(0.8, rel=0.01)


def test_atoms_at_one_place():
    with pytest.raises(QeqError, match=r'0\.00 Å apart'):
        interaction_matrix(CELL, np.zeros((2, 3)))


def test_partial_periodicity():
    with pytest.raises(QeqError, match='some of its vectors only'):
        interaction_matrix(CELL, POSITIONS, pbc=np.array([True, True, False]))


def test_slab_without_vacuum():
    with pytest.raises(QeqError, match='vacuum of 6 Å'):
        interaction_matrix(CELL, POSITIONS, is_slab=True)


def test_shielding_does_not_depend_on_its_cutoff(monkeypatch):
    matrices = []
    for cutoff in (10.0, 15.0, 40.0):
        monkeypatch.setattr(coulomb, 'SHIELDED_CUTOFF', cutoff)
        matrices.append(interaction_matrix(CELL, POSITIONS, GAMMAS) / COULOMB_EV_A)
    assert matrices[0] == pytest.approx(matrices[2], abs=2e-5)
    assert matrices[1] == pytest.approx(matrices[2], abs=2e-6)
