"""The report on a training says what its nodes say."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.report.pages import sections_of, write_tables
from tests.mace_models.alloys import alloys
from tests.mace_models.torch_files import torchscript
from tests.report.nodes import store_workchain

ERRORS = {
    'energy_per_atom': {'count': 9, 'rms': 0.002}, 'force': {'count': 36, 'rms': 0.06 * np.sqrt(3.0)},
    'stress_pressure': {'count': 9, 'rms': 0.9},
}  # fmt: skip
HELD_OUT = {'n_frames': 3, 'energy_mev_per_atom': 3.0, 'force_ev_per_angstrom': 0.08, 'stress_gpa': 0.5}


@pytest.fixture(scope='module')
def node() -> orm.WorkChainNode:
    potential = PotentialData.from_mace(
        [torchscript(0), torchscript(1)], species=('Cu', 'Au'), cutoff=4.0, n_parameters=12345, deviation_scale=2.5
    )
    history = {
        'loss': np.array([3.0, 2.0]), 'member_loss': np.array([[2.0, 1.0], [4.0, 3.0]]),
        'member_validation_loss': np.array([[5.0, 4.0], [6.0, np.nan]]),
        'member_force_rmse': np.array([[0.3, 0.2], [0.4, np.nan]]),
    }  # fmt: skip
    outputs = {
        'potential': potential.store(), 'errors': orm.Dict(ERRORS).store(), 'history': orm.ArrayData(history).store(),
        'held_out_errors__later': orm.Dict(HELD_OUT).store(),
    }  # fmt: skip
    return store_workchain('TrainWorkChain', 'seimlip.train', {'frames__a': FramesData(alloys(3)).store()}, outputs)


def test_numbers_on_the_page_are_those_of_the_node(node):
    chapter, curve, errors, *_ = sections_of(node)
    assert 'MACE for Cu, Au with 12,345 parameters.' in chapter.lead
    values = {tile.label: (tile.value, tile.note) for tile in chapter.tiles}
    assert values['force error on the training set'][0].startswith('0.06')
    assert values['force error on `later`'] == ('0.0800', 'RMSE per component, 3 frames')
    assert values['members'] == ('2', 'an error is 2.5 times their deviation')
    assert curve.figures[0].svg.startswith('<svg')
    assert len(errors.tables[0].rows) == 2


def test_tables(node, tmp_path):
    names = {path.name for path in write_tables(node, tmp_path)}
    assert {'errors.csv', 'errors.tex', 'history.csv'} <= names
    with (tmp_path / 'errors.csv').open() as file:
        rows = {row['set']: row for row in csv.DictReader(file)}
    assert float(rows['training']['force_rmse_ev_per_angstrom']) == pytest.approx(0.06)
    assert float(rows['training']['stress_rmse_gpa']) == pytest.approx(0.3)
    assert float(rows['later']['energy_rmse_mev_per_atom']) == 3.0
    with (tmp_path / 'history.csv').open() as file:
        assert [float(row['loss']) for row in csv.DictReader(file)] == [2.0, 1.0]


def test_training_that_left_nothing_has_a_page():
    failed = store_workchain('TrainWorkChain', 'seimlip.train', {}, {}, status=320, message='No luck.')
    assert 'No luck.' in sections_of(failed)[0].lead
    assert not [section for section in sections_of(failed) if section.title == 'Learning curve']
