"""Folders of DeePMD as frames."""

import numpy as np
import pytest

from aiida_seimlip.exchange.readers.found import ReadError, ReadOptions
from aiida_seimlip.exchange.readers.registry import read_frames
from tests.science.formats.test_deepmd import write_system


@pytest.fixture
def folder(tmp_path):
    forces, virial = [[0.1, 0.2, 0.3, -0.1, -0.2, -0.3]], [[-0.64, 0, 0, 0, -1.28, 0, 0, 0, -1.92]]
    arrays = {
        'coord': np.array([[0, 0, 0, 2, 2.1, 2.0]]), 'box': (4.0 * np.eye(3)).reshape(1, 9), 'energy': np.array([-9.5]),
        'force': np.array(forces), 'virial': np.array(virial),
    }  # fmt: skip
    return write_system(tmp_path / 'data' / 'lif', {'set.000': arrays}, type='0 1').parent


def test_labels_and_where_they_come_from(folder):
    (folder / 'lif' / 'type_map.raw').write_text('Li F')
    found = read_frames([folder], ReadOptions(method='PBE', energy_kind='free'))
    frames = found.frames
    assert frames.formulas == ['FLi']
    assert frames.energies.tolist() == [-9.5]
    np.testing.assert_allclose(frames.stresses, [[0.01, 0.02, 0.03, 0, 0, 0]], rtol=1e-12)
    assert frames.features_of(0) == {'source_file': 'data', 'source_system': 'lif', 'source_index': '0'}
    assert (frames.methods.tolist(), frames.energy_kinds.tolist()) == (['PBE'], ['free'])
    used = {role: dict(counter) for role, counter in found.tally.used.items()}
    assert used == {'energy': {'energy.npy': 1}, 'forces': {'force.npy': 1}, 'stress': {'virial.npy': 1}}


def test_elements_are_asked_for(folder):
    with pytest.raises(ReadError, match='name the elements of the types'):
        read_frames([folder])
    assert read_frames([folder], ReadOptions(species=('Li', 'F'))).frames.numbers.tolist() == [3, 9]


def test_a_folder_of_something_else(tmp_path):
    with pytest.raises(ReadError, match='is not known'):
        read_frames([tmp_path])
