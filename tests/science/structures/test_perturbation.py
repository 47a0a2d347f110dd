from __future__ import annotations

import numpy as np
import pytest

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import li2co3
from aiida_seimlip.science.structures.perturbation import PerturbationError, perturb, random_strain, rattle, strain
from tests.crystals import lithium


@pytest.fixture
def atoms():
    return li2co3()


def test_rattle_has_the_amplitude(atoms):
    big = atoms.repeat((5, 5, 5))
    displacements = rattle(big, 0.12, 1).positions - big.positions
    assert displacements.std() == pytest.approx(0.12, rel=0.02)
    assert abs(displacements.mean()) < 0.005


def test_rattle_depends_on_the_seed_alone(atoms):
    np.testing.assert_array_equal(rattle(atoms, 0.1, 4).positions, rattle(atoms, 0.1, 4).positions)
    assert np.abs(rattle(atoms, 0.1, 4).positions - rattle(atoms, 0.1, 5).positions).max() > 0.01


def test_rattle_by_nothing(atoms):
    np.testing.assert_array_equal(rattle(atoms, 0.0, 1).positions, atoms.positions)


def test_rattle_by_a_negative_amplitude(atoms):
    with pytest.raises(ValueError, match='negative'):
        rattle(atoms, -0.1, 1)


def test_strain_moves_cell_and_atoms(atoms):
    tensor = np.array([[0.01, 0.02, 0.0], [0.02, -0.03, 0.005], [0.0, 0.005, 0.04]])
    strained = strain(atoms, tensor)
    np.testing.assert_allclose(strained.cell.array, atoms.cell.array @ (np.eye(3) + tensor))
    np.testing.assert_allclose(strained.get_scaled_positions(), atoms.get_scaled_positions(), atol=1e-12)
    vector = atoms.positions[3] - atoms.positions[7]
    np.testing.assert_allclose(strained.positions[3] - strained.positions[7], vector + tensor @ vector)
    assert strained.get_volume() == pytest.approx(atoms.get_volume() * np.linalg.det(np.eye(3) + tensor))


@pytest.mark.parametrize('tensor', [np.zeros(6), np.triu(np.ones((3, 3)))])
def test_strain_is_no_symmetric_tensor(atoms, tensor):
    with pytest.raises(ValueError, match='not a symmetric tensor'):
        strain(atoms, tensor)


def test_strain_to_nothing(atoms):
    with pytest.raises(ValueError, match='to nothing'):
        strain(atoms, -np.eye(3))


def test_random_strain_keeps_its_limit(atoms):
    tensors = [
        np.linalg.solve(atoms.cell.array, random_strain(atoms, 0.05, seed).cell.array) - np.eye(3)
        for seed in range(200)
    ]
    largest = np.abs(tensors).max()
    assert 0.049 < largest <= 0.05 + 1e-12
    np.testing.assert_allclose(tensors, np.transpose(tensors, (0, 2, 1)), atol=1e-12)


@pytest.mark.parametrize('largest', (-0.01, 0.5))
def test_random_strain_out_of_range(atoms, largest):
    with pytest.raises(ValueError, match='not between 0 and 1/3'):
        random_strain(atoms, largest, 1)


def test_perturb_is_deterministic(atoms):
    one, other = (perturb(atoms, 5, displacement=0.1, strain=0.03, seed=7) for _ in range(2))
    assert Frames.from_atoms(one).hashes() == Frames.from_atoms(other).hashes()
    assert len(set(Frames.from_atoms(one).hashes())) == 5


def test_perturb_gives_the_same_first_frames_however_many_follow(atoms):
    few, many = (perturb(atoms, n, displacement=0.1, strain=0.03, seed=7) for n in (2, 6))
    assert Frames.from_atoms(few).hashes() == Frames.from_atoms(many).hashes()[:2]


def test_perturb_takes_its_numbers_from_the_seed_and_the_index():
    image = perturb(lithium(), 3, displacement=0.1, strain=0.03, seed=9)[2]
    rng = np.random.default_rng(np.random.SeedSequence(9, spawn_key=(2,)))
    xx, xy, xz, yy, yz, zz = rng.uniform(-0.03, 0.03, 6)
    deformation = np.eye(3) + np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
    expected = lithium().positions @ deformation + 0.1 * rng.standard_normal((2, 3))
    np.testing.assert_allclose(image.positions, expected, atol=1e-12)


def test_perturb_keeps_the_distance(atoms):
    free = perturb(atoms, 20, displacement=0.15, strain=0.03, seed=1)
    kept = perturb(atoms, 20, displacement=0.15, strain=0.03, seed=1, min_distance=1.0)
    assert Frames.from_atoms(free).shortest_distances().min() < 1.0
    assert Frames.from_atoms(kept).shortest_distances().min() >= 1.0


def test_perturb_cannot_keep_the_distance(atoms):
    with pytest.raises(PerturbationError, match=r'No frame of 100 keeps 1.5 Å'):
        perturb(atoms, 1, displacement=0.1, strain=0.0, seed=1, min_distance=1.5)


def test_perturb_no_frames(atoms):
    assert perturb(atoms, 0, displacement=0.1, strain=0.0, seed=1) == []
    with pytest.raises(ValueError, match='number of frames -1 is negative'):
        perturb(atoms, -1, displacement=0.1, strain=0.0, seed=1)


def test_original_is_left_alone_and_labels_are_not_taken_over(atoms):
    atoms.set_momenta(np.ones((24, 3)))
    atoms.info['grade'] = 3.0
    positions = atoms.positions.copy()
    (image,) = perturb(atoms, 1, displacement=0.1, strain=0.02, seed=1)
    np.testing.assert_array_equal(atoms.positions, positions)
    assert image.info == {}
    assert not image.has('momenta')
    assert image.calc is None
