"""The report on a calibration says what its nodes say."""

from __future__ import annotations

import csv

import pytest
from aiida import orm

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.models.calibration import calibrate_errors, store_calibration
from aiida_seimlip.options.models.calibration_results import CalibrationResults
from aiida_seimlip.report.pages import sections_of, write_tables
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from tests.conftest import FIXTURES, SPECIES
from tests.report.nodes import store_workchain
from tests.workflows.models.calibrated import displaced, with_errors

SHARED = FIXTURES / 'mlip3' / 'shared'


@pytest.fixture(scope='module')
def node() -> orm.WorkChainNode:
    potential, other = (
        PotentialData(SHARED / name, 'pot.almtp', species=SPECIES).store()
        for name in ('l08_nbh_40.almtp', 'l08_nbh_30.almtp')
    )
    frames = with_errors(potential, displaced(read_cfg(SHARED / 'train40.cfg', SPECIES).frames, 60)).store()
    found = calibrate_errors(orm.Dict({'seed': 1}), potential, frames, other={'potential': other})
    inputs = {'potential': potential, 'frames': frames, 'other': other}
    outputs = {**found, 'potential': store_calibration(potential, found['properties'])}
    return store_workchain('CalibrationWorkChain', 'seimlip.calibrate', inputs, outputs)


def test_numbers_on_the_page_are_those_of_the_node(node):
    results = CalibrationResults.model_validate(node.outputs.properties.get_dict())
    chapter, grades, disagreements, left_out, doubts, *_ = sections_of(node)
    assert 'Errors are against PBE.' in chapter.lead
    assert [tile.value for tile in chapter.tiles[:2]] == ['60', f'{results.grade.upper_ends[-1]:#.3g}']
    assert grades.title == 'By the grade of the atom'
    assert 'disagreement' in disagreements.title
    assert left_out.reason == 'All frames were used.'
    assert {doubt for doubt in doubts.points if doubt.startswith('Nobody')}
    for section in (grades, disagreements):
        (figure,) = section.figures
        assert figure.svg.startswith('<svg')
        assert [text for _, text in figure.legend] == ['50 %', '68 %', '95 %']


def test_tables_hold_the_quantiles(node, tmp_path):
    names = {path.name for path in write_tables(node, tmp_path)}
    assert {'force_errors_by_grades.csv', 'force_errors_by_grades.tex', 'coverage_by_disagreements.csv'} <= names
    with (tmp_path / 'force_errors_by_grades.csv').open() as file:
        rows = list(csv.DictReader(file))
    curve = CalibrationResults.model_validate(node.outputs.properties.get_dict()).grade
    assert [float(row['up_to']) for row in rows] == pytest.approx(curve.upper_ends)
    assert [float(row['q95_ev_per_angstrom']) for row in rows] == pytest.approx(curve.force_errors_ev_per_angstrom[-1])


def test_work_that_left_nothing_has_a_page():
    failed = store_workchain('CalibrationWorkChain', 'seimlip.calibrate', {}, {}, status=400, message='Too few.')
    sections = sections_of(failed)
    assert 'Too few.' in sections[0].lead
