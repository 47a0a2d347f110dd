from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule
from ase.neighborlist import neighbor_list

from aiida_seimlip.science.structures.packing import PackingError, pack

TRICLINIC = np.array([[11.0, 0.0, 0.0], [2.5, 10.5, 0.0], [-2.0, 3.0, 11.5]])


def test_molecules_keep_their_distance_in_a_triclinic_cell():
    water = molecule('H2O')
    packed = pack([water, Atoms('Li')], [12, 6], TRICLINIC, tolerance=1.9, seed=3)
    owner = np.concatenate([np.repeat(np.arange(12), 3), 12 + np.arange(6)])
    first, second, distances, shifts = neighbor_list('ijdS', packed, 3.0)
    between = (owner[first] != owner[second]) | shifts.any(axis=1)
    assert distances[between].min() >= 1.9
    np.testing.assert_allclose(packed.cell.array, TRICLINIC)
    assert packed.pbc.all()


def test_molecules_stay_rigid_and_in_order():
    carbonate = Atoms('CO3', [(0, 0, 0), (1.29, 0, 0), (-0.645, 1.117, 0), (-0.645, -1.117, 0)])
    packed = pack([Atoms('Li'), carbonate], [4, 2], [12.0, 12.0, 12.0], seed=0)
    assert ''.join(packed.symbols) == 'Li' * 4 + 'CO3'.replace('3', 'OO') * 2
    for start in (4, 8):
        np.testing.assert_allclose(
            packed[start : start + 4].get_all_distances(), carbonate.get_all_distances(), atol=1e-9
        )


def test_seed():
    one, same, other = (pack([Atoms('Li')], [20], [9.0, 9.0, 9.0], seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.positions, same.positions)
    assert np.abs(one.positions - other.positions).max() > 0.1


def test_orientations_are_even():
    dimer = Atoms('O2', [(0, 0, 0), (0, 0, 1.2)])
    packed = [pack([dimer], [1], [6.0, 6.0, 6.0], tolerance=1.0, seed=seed) for seed in range(400)]
    axes = np.array([image.positions[1] - image.positions[0] for image in packed]) / 1.2
    np.testing.assert_allclose(axes.T @ axes / 400, np.eye(3) / 3, atol=0.06)
    assert np.abs(axes.mean(axis=0)).max() < 0.1


def test_own_images_count():
    rod = Atoms('O2', [(0, 0, 0), (0, 0, 4.0)])
    with pytest.raises(PackingError):
        pack([rod], [1], [5.0, 5.0, 5.0], tolerance=4.5, seed=1, max_attempts=50)


def test_too_many_molecules():
    message = r'^Li found no place in 50 attempts after \d+ of 1000 molecules: the cell of 512 Å³ is too small'
    with pytest.raises(PackingError, match=message):
        pack([Atoms('Li')], [1000], [8.0, 8.0, 8.0], seed=1, max_attempts=50)


def test_nothing_to_pack():
    assert len(pack([Atoms('Li')], [0], [8.0, 8.0, 8.0], seed=1)) == 0


@pytest.mark.parametrize(
    ('counts', 'cell', 'tolerance', 'message'),
    [
        ([1, 2], [8.0, 8.0, 8.0], 2.0, '1 kinds of molecules'),
        ([-1], [8.0, 8.0, 8.0], 2.0, 'counts'),
        ([1], [8.0, 8.0, 0.0], 2.0, 'no volume'),
        ([1], [8.0, 8.0, 8.0], 0.0, 'not positive'),
    ],
)
def test_wrong_input(counts, cell, tolerance, message):
    with pytest.raises(ValueError, match=message):
        pack([Atoms('Li')], counts, cell, tolerance=tolerance, seed=1)
