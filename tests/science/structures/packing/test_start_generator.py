from __future__ import annotations

import sys

import numpy as np
import pytest
from ase import Atoms

from aiida_seimlip.science.structures.molecules import MOLECULES
from aiida_seimlip.science.structures.packing import MissingProgramError, PackingError, PackingTimeoutError
from aiida_seimlip.science.structures.packing.start_generator import pack_with_start_generator

CARBONATE = MOLECULES['Li2CO3'].atoms
CUBE = [14.0, 14.0, 14.0]


@pytest.fixture
def ase_ga():
    return pytest.importorskip('ase_ga', reason='ase-ga (extra `starts`) is not installed')


@pytest.mark.usefixtures('ase_ga')
def test_order_and_shape():
    packed = pack_with_start_generator([CARBONATE, Atoms('Li')], [3, 4], CUBE, seed=1)
    assert ''.join(packed.symbols) == 3 * ''.join(CARBONATE.symbols) + 4 * 'Li'
    for start in (0, 6, 12):
        np.testing.assert_allclose(
            packed[start : start + 6].get_all_distances(), CARBONATE.get_all_distances(), atol=1e-8
        )


@pytest.mark.usefixtures('ase_ga')
def test_orientations_are_even():
    """Of a molecule along z: the generator alone would leave half of it there (⟨z²⟩ = 0.5)."""
    rod = Atoms('O2', [(0, 0, -0.6), (0, 0, 0.6)])
    packed = [pack_with_start_generator([rod], [8], CUBE, tolerance=1.5, seed=seed) for seed in range(25)]
    axes = np.concatenate([(image.positions[1::2] - image.positions[::2]) / 1.2 for image in packed])
    np.testing.assert_allclose(axes.T @ axes / 200, np.eye(3) / 3, atol=5 * np.sqrt(4 / 45 / 200))


@pytest.mark.usefixtures('ase_ga')
def test_own_random_numbers():
    """Numpy's global ones are neither used nor moved on."""
    np.random.seed(1)
    before = np.random.get_state()[1].copy()
    pack_with_start_generator([CARBONATE], [2], CUBE, seed=1)
    np.testing.assert_array_equal(np.random.get_state()[1], before)


@pytest.mark.usefixtures('ase_ga')
def test_too_many_molecules():
    with pytest.raises(PackingError, match=r'^The start generator found no places with 4 Å .* in 50 attempts'):
        pack_with_start_generator([CARBONATE], [5], [9.0, 9.0, 9.0], tolerance=4.0, seed=1, max_attempts=10)


@pytest.mark.usefixtures('ase_ga')
def test_a_cell_shorter_than_the_molecule():
    with pytest.raises(PackingError, match=r'^The start generator failed 5 times as a molecule came too close'):
        pack_with_start_generator([MOLECULES['Li2EDC'].atoms], [1], [6.0, 6.0, 6.0], tolerance=2.0, seed=1)


@pytest.mark.usefixtures('ase_ga')
def test_a_molecule_longer_than_half_the_cell():
    """Seen from its end, as the geometry has it, Li2EDC would meet its own image."""
    molecule = MOLECULES['Li2EDC'].atoms
    assert molecule.get_all_distances().max() > 5.75
    packed = pack_with_start_generator([molecule], [3], [11.5, 11.5, 11.5], tolerance=1.6, seed=1)
    for start in (0, 16, 32):
        one = packed[start : start + 16]
        assert list(one.numbers) == list(molecule.numbers)
        np.testing.assert_allclose(one.get_all_distances(), molecule.get_all_distances(), atol=1e-8)


@pytest.mark.usefixtures('ase_ga')
def test_time_limit():
    with pytest.raises(PackingTimeoutError, match='took too long'):
        pack_with_start_generator([CARBONATE], [20], CUBE, seed=1, time_limit=0.0)


@pytest.mark.usefixtures('ase_ga')
def test_nothing_to_pack():
    assert len(pack_with_start_generator([CARBONATE], [0], CUBE, seed=1)) == 0


def test_it_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, 'ase_ga.startgenerator', None)
    with pytest.raises(MissingProgramError, match=r"^ase-ga is not installed \(pip install 'aiida-seimlip\[starts\]'"):
        pack_with_start_generator([CARBONATE], [1], CUBE, seed=1)
