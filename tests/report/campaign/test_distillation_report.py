"""The report on a distillation says what its nodes say."""

from __future__ import annotations

import csv

import pytest
from aiida import orm

from aiida_seimlip.report.pages import sections_of, write_tables
from tests.report.nodes import store_workchain

ALIGNMENT = {
    'per_element': {'Li': -7.25, 'O': 3.5}, 'is_determined': False, 'compositions': [{'Li': 2, 'O': 1}],
    'residual_mev_per_atom': 1.25, 'n_frames': 12, 'teacher_method': 'CHGNet', 'reference_method': 'PBE', 'unknown': [],
}  # fmt: skip


def errors(force: float, energy: float) -> dict[str, float]:
    return {'n_frames': 6, 'force_ev_per_angstrom': force, 'energy_mev_per_atom': energy}


ROUNDS = [
    {
        'round': 1, 'converged': False, 'n_teacher': 100, 'n_fresh': 3, 'n_chosen': 3, 'n_reference': 10,
        'teacher': errors(0.25, 8.0), 'student': errors(0.3, 9.0), 'alignment': ALIGNMENT, 'weight': 5, 'tuned': True,
    },
    {'round': 2, 'converged': True, 'n_teacher': 140, 'n_reference': 10},
]  # fmt: skip


@pytest.fixture(scope='module')
def node() -> orm.WorkChainNode:
    results = {
        'rounds': ROUNDS, 'alignment': ALIGNMENT, 'n_reference': 10, 'n_given': 4, 'n_teacher': 140, 'accepted': True,
        'converged': True, 'doubts': ['Labels by two methods.'],
    }  # fmt: skip
    return store_workchain('DistillationWorkChain', 'seimlip.distil', {}, {'results': orm.Dict(results).store()})


def test_numbers_on_the_page_are_those_of_the_node(node):
    chapter, rounds, labels, shift, doubts, *_ = sections_of(node)
    assert [tile.value for tile in chapter.tiles[:4]] == ['6', '140', '0.250', '0.300']
    assert [len(section.tables) for section in (rounds, labels, shift)] == [1, 1, 1]
    assert 'does not tell the shift of each element' in shift.lead
    assert 'Li2O only' in shift.lead
    assert 'Labels by two methods.' in doubts.points


def test_tables(node, tmp_path):
    names = {path.name for path in write_tables(node, tmp_path)}
    stems = ('distillation_rounds', 'distillation_labels', 'distillation_shift')
    assert names >= {f'{stem}.{suffix}' for stem in stems for suffix in ('csv', 'tex')}
    rows = {stem: list(csv.DictReader((tmp_path / f'{stem}.csv').open())) for stem in stems}
    first, last = rows['distillation_rounds']
    assert (float(first['teacher_force']), float(first['student_energy'])) == (0.25, 9.0)
    assert (last['teacher_force'], last['converged']) == ('', 'yes')
    assert [row['number'] for row in rows['distillation_labels']] == ['4', '6', '140']
    assert [(row['element'], float(row['shift'])) for row in rows['distillation_shift']] == [('Li', -7.25), ('O', 3.5)]


def test_work_that_left_nothing_has_a_page():
    failed = store_workchain('DistillationWorkChain', 'seimlip.distil', {}, {})
    sections = sections_of(failed)
    assert sections[1].reason == 'There is no round yet.'
