"""Folders of DeePMD as frames."""

import numpy as np
import pytest

from aiida_seimlip.exchange.readers.found import LabelKeys, ReadError, ReadOptions
from aiida_seimlip.exchange.readers.registry import read_frames
from tests.science.formats.test_deepmd import write_system

ARRAYS = {
    'box': np.tile(np.diag([4.0, 5.0, 6.0]).ravel(), (2, 1)), 'coord': np.arange(12.0).reshape(2, 6) / 10,
    'energy': np.array([-9.5, -9.6]), 'force': np.ones((2, 6)),
    'virial': np.tile(np.diag([1.0, 2.0, 3.0]).ravel(), (2, 1)),
}  # fmt: skip


def test_folder(tmp_path):
    write_system(tmp_path / 'lif' / 'one', {'set.000': ARRAYS}, type='0 1', type_map='Li F')
    write_system(tmp_path / 'lif' / 'two', {'set.000': ARRAYS}, type='1 1', type_map='Li F')
    found = read_frames([tmp_path / 'lif'], ReadOptions(method='PBE'))
    assert found.frames.is_labelled
    assert found.frames.formulas == ['FLi', 'FLi', 'F2', 'F2']
    assert set(found.frames.methods) == {'PBE'}
    np.testing.assert_allclose(found.frames.stresses[0], [-1 / 120, -2 / 120, -3 / 120, 0, 0, 0])
    assert found.frames.features_of(3) == {'source_file': 'lif/two', 'source_index': '1'}
    assert found.tally.used['stress'] == {'virial.npy': 4}
    assert found.sources[0].kind == 'a folder of DeePMD'
    assert len(found.sources[0].sha256) == 64


def test_elements_have_to_be_named(tmp_path):
    write_system(tmp_path / 'a', {'set.000': ARRAYS}, type='0 1')
    with pytest.raises(ReadError, match='name the elements'):
        read_frames([tmp_path / 'a'])
    assert read_frames([tmp_path / 'a'], ReadOptions(species=('Li', 'F'))).frames.formulas == ['FLi', 'FLi']


def test_virials_without_a_cell_are_not_lost_silently(tmp_path):
    write_system(tmp_path / 'a', {'set.000': ARRAYS}, type='0 1', type_map='Li F', nopbc='')
    with pytest.raises(ReadError, match=r'--ignore virial\.npy'):
        read_frames([tmp_path / 'a'])
    options = ReadOptions(keys=LabelKeys(ignored=frozenset({'virial.npy'})))
    assert read_frames([tmp_path / 'a'], options).frames.stresses is None
