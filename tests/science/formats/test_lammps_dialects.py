"""Tests of the table of dialects: what a new entry has to get right."""

from __future__ import annotations

import pytest

from aiida_seimlip.science.formats.lammps_dialects import DIALECTS, Dialect, find_dialects

FILES = {'potential': 'pot.almtp', 'preselected': 'saved.cfg'}


@pytest.mark.parametrize('dialect', DIALECTS.values(), ids=DIALECTS)
def test_lines_name_the_files_and_thresholds(dialect):
    plain = dialect.pair_lines('AB', **FILES, thresholds=None)
    graded = dialect.pair_lines('AB', **FILES, thresholds=(2.5, 12.0))
    assert any('pot.almtp' in line for line in plain)
    assert not any('saved.cfg' in line for line in plain)
    words = ' '.join(graded).replace('=', ' ').split()
    assert {'pot.almtp', 'saved.cfg', '2.5', '12'} <= set(words)
    assert any(line.startswith('compute grade all') for line in graded) == dialect.prints_grade


@pytest.mark.parametrize('dialect', DIALECTS.values(), ids=DIALECTS)
def test_every_style_used_is_asked_for(dialect):
    lines = [*dialect.pair_lines('AB', **FILES, thresholds=None), *dialect.pair_lines('AB', **FILES, thresholds=(2, 9))]
    used = {line.split()[1] for line in lines if line.startswith('pair_style')}
    assert used == set(dialect.pair_styles)


def test_types_by_number():
    """A draft of LAMMPS names the file and the types behind `pair_coeff`."""
    draft = Dialect('draft', ('mtp',), ('pair_style mtp', 'pair_coeff * * {potential} {types}'), (), False, False)
    lines = draft.pair_lines(('Li', 'C', 'O'), **FILES, thresholds=None)
    assert lines == ['pair_style mtp', 'pair_coeff * * pot.almtp 0 1 2']


@pytest.mark.parametrize(
    ('styles', 'dialects'),
    [
        (['lj/cut', 'mlip'], ['mlip']), (['mtp', 'mtp/extrapolation'], ['mtp']), (['mtp'], []),
        (['mlip', 'mtp', 'mtp/extrapolation'], ['mlip', 'mtp']),
    ],
)  # fmt: skip
def test_find_dialects(styles, dialects):
    assert find_dialects(styles) == dialects
