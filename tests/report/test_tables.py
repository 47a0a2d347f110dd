"""One table, in three notations."""

import csv
import io

import pytest

from aiida_seimlip.report.tables import Cell, Column, Table, latex, write_files

NAN = float('nan')


@pytest.fixture
def table():
    """Return a table with every kind of cell."""
    columns = (
        Column('temperature_K', 'T', 'K', is_exact=True),
        Column('D_m2_per_s', 'D', 'm²/s'),
        Column('interval_m2_per_s', '95 % interval', 'm²/s'),
        Column('hops', 'hops'),
        Column('above', 'above threshold', is_share=True),
        Column('used', 'in the fit', is_number=False),
        Column('flags', 'what is doubtful', is_number=False, in_paper=False),
    )
    rows = (
        (Cell(600.5), Cell(1.23456e-10, 5.2e-12), Cell((1.13e-10, 1.34e-10)), Cell(120), Cell(0.0), Cell(True), Cell()),
        (Cell(300.0), Cell(NAN), Cell(), Cell(0), Cell(0.002), Cell(False), Cell('no hops, 5 % & more')),
    )
    return Table('diffusivity', 'Diffusion of Li, 95 % intervals', columns, rows)


def test_page_shows_values_with_uncertainty_and_unit(table):
    shown = [[column.show(cell) for column, cell in zip(table.columns, row, strict=True)] for row in table.rows]
    assert shown[0][:6] == ['600.5', '1.23(5) × 10⁻¹⁰', '1.1 × 10⁻¹⁰ to 1.3 × 10⁻¹⁰', '120', '0 %', 'yes']
    assert shown[1] == ['300', '–', '–', '0', '0.2 %', 'no', 'no hops, 5 % & more']


def test_csv_keeps_all_digits(table):
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    assert float(rows[0]['D_m2_per_s']) == 1.23456e-10
    assert float(rows[0]['D_m2_per_s_std']) == 5.2e-12
    assert (float(rows[0]['interval_m2_per_s_low']), float(rows[0]['interval_m2_per_s_high'])) == (1.13e-10, 1.34e-10)
    assert rows[1]['interval_m2_per_s_low'] == ''
    assert rows[1]['flags'] == 'no hops, 5 % & more'


def test_latex_has_a_cell_for_each_column(table):
    text = table.to_latex()
    body = text[text.index(r'\midrule') : text.index(r'\bottomrule')]
    rows = [line for line in body.splitlines() if line.endswith(r'\\')]
    assert len(rows) == 2
    assert all(row.count(' & ') == 5 for row in rows)
    assert r'\begin{tabular}{rrrrrl}' in text
    assert r'$1.23(5)\times10^{-10}$ & $1.1\times10^{-10}$ to $1.3\times10^{-10}$ & $120$ & 0 \% & yes' in rows[0]
    assert r'\caption{Diffusion of Li, 95 \% intervals}' in text
    assert 'siunitx' not in text and text.count('{') == text.count('}')


@pytest.mark.parametrize(('value', 'text'), [(0.24257, '0.243'), (4.5e-13, '0.000'), (-4.5e-13, '0.000'), (NAN, '–')])
def test_decimals_where_less_means_nothing(value, text):
    assert Column('energy_eV', 'energy', 'eV', decimals=3).write(Cell(value)) == text


@pytest.mark.parametrize(
    ('text', 'expected'),
    [
        ('m²/s', r'm$^{2}$/s'), ('S/cm, m⁻³', r'S/cm, m$^{-3}$'), ('Li₂CO₃', r'Li$_{2}$CO$_{3}$'),
        ('eV/Å', r'eV/\AA{}'),
        ('a_b & 5 %', r'a\_b \& 5 \%'), (r'\input{x}', r'\textbackslash{}input\{x\}'), ('γ > 10', r'$\gamma$ $>$ 10'),
    ],
)  # fmt: skip
def test_latex_of_text(text, expected):
    assert latex(text) == expected


def test_files_are_written_next_to_each_other(table, tmp_path):
    paths = write_files([table], tmp_path / 'tables')
    assert [path.name for path in paths] == ['diffusivity.csv', 'diffusivity.tex']
    assert all(path.read_text().strip() for path in paths)
