"""Tests of the table of dialects: what a new entry has to get right."""

from __future__ import annotations

import pytest

from aiida_seimlip.science.formats.lammps_dialects import DIALECTS, Dialect, find_dialects, fits

FILES = {'potential': 'pot.almtp', 'preselected': 'saved.cfg'}


@pytest.mark.parametrize('dialect', DIALECTS.values(), ids=DIALECTS)
def test_lines_name_the_files_and_thresholds(dialect):
    plain = dialect.pair_lines('AB', **FILES, thresholds=None)
    graded = dialect.pair_lines('AB', **FILES, thresholds=(2.5, 12.0)) if dialect.graded else []
    assert any('pot.almtp' in line for line in plain)
    assert not any('saved.cfg' in line for line in plain)
    words = ' '.join(graded).replace('=', ' ').split()
    assert not graded or {'pot.almtp', 'saved.cfg', '2.5', '12'} <= set(words)
    assert any(line.startswith('compute grade all') for line in graded) == dialect.prints_grade


@pytest.mark.parametrize('dialect', DIALECTS.values(), ids=DIALECTS)
def test_every_style_used_is_asked_for(dialect):
    lines = [*dialect.pair_lines('AB', **FILES, thresholds=None), *dialect.pair_lines('AB', **FILES, thresholds=(2, 9))]
    used = {line.split()[1] for line in lines if line.startswith('pair_style')}
    accelerated = {f'{style}/kk' for style in used}
    assert used <= set(dialect.pair_styles) <= used | accelerated


def test_elements_come_in_type_order():
    lines = DIALECTS['mace'].pair_lines(('O', 'Li'), **FILES, thresholds=None)
    assert lines == ['pair_style mace no_domain_decomposition', 'pair_coeff * * pot.almtp O Li']


@pytest.mark.parametrize(
    ('name', 'family', 'n_members', 'expected'),
    [
        ('mlip', 'mtp', 1, True), ('mlip', 'mace', 1, False), ('mace', 'mace', 1, True), ('mace', 'mtp', 1, False),
        ('mace', 'mace', 3, False), ('mace/committee', 'mace', 3, True), ('mace/committee', 'mace', 1, False),
    ],
)  # fmt: skip
def test_what_a_dialect_reads(name, family, n_members, expected):
    assert fits(DIALECTS[name], family, n_members) == expected


def test_types_by_number():
    """A draft of LAMMPS names the file and the types behind `pair_coeff`."""
    draft = Dialect('draft', ('mtp',), ('pair_style mtp', 'pair_coeff * * {potential} {types}'), (), False, False)
    lines = draft.pair_lines(('Li', 'C', 'O'), **FILES, thresholds=None)
    assert lines == ['pair_style mtp', 'pair_coeff * * pot.almtp 0 1 2']


@pytest.mark.parametrize(
    ('styles', 'dialects'),
    [
        (['lj/cut', 'mlip'], ['mlip']), (['mtp', 'mtp/extrapolation'], ['mtp']), (['mtp'], []),
        (['mlip', 'mtp', 'mtp/extrapolation'], ['mlip', 'mtp']), (['mace', 'mliap'], ['mace']),
        (['mliap', 'mliap/kk'], ['mliap']), (['symmetrix/mace'], ['symmetrix']),
    ],
)  # fmt: skip
def test_find_dialects(styles, dialects):
    assert find_dialects(styles) == dialects
