"""The energy of one crystal in several cells."""

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from aiida_seimlip.science.analysis.size_consistency import compare_cells, describe_in_cells
from aiida_seimlip.science.frames import Frames


def label(frames, constant=0.0):
    images = frames.to_atoms()
    energies = []
    for image in images:
        image.calc = EMT()
        energies.append(image.get_potential_energy() + constant)
    return frames.replace(energies=np.array(energies))


def test_cells_describe_one_crystal():
    cells = describe_in_cells(bulk('LiF', 'rocksalt', a=4.0))
    assert cells.sizes.tolist() == [2, 8, 16]
    np.testing.assert_allclose(cells.volumes / cells.sizes, 8.0)
    cubic = cells.to_atoms()[1].cell
    np.testing.assert_allclose(cubic.cellpar(), [4.0, 4.0, 4.0, 90.0, 90.0, 90.0])
    for image in cells.to_atoms():
        distances = image.get_all_distances(mic=True) + 9.0 * np.eye(len(image))
        assert distances.min() == pytest.approx(2.0)


def test_extensive_energy():
    found = compare_cells(label(describe_in_cells(bulk('Cu'))))
    assert found.n_atoms == (1, 4, 8)
    assert found.spread < 1e-12


def test_constant_in_the_energy_is_seen():
    """A constant c spreads the energies per atom by c (1 - 1/8) of one atom, whatever the crystal."""
    found = compare_cells(label(describe_in_cells(bulk('Cu')), constant=0.8))
    assert found.spread == pytest.approx(0.7)
    first, _, last = str(found).split(', ')
    assert first.endswith(' (1 atoms)')
    assert last.endswith(' (8 atoms)')


def test_frames_without_energies():
    with pytest.raises(ValueError, match='no energies'):
        compare_cells(Frames.from_atoms([bulk('Cu')]))
