"""The report on a diffusivity: what is on the page is what is in the nodes."""

import csv
import io
import math

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.report.pages import page_of
from aiida_seimlip.report.sections import render_page
from aiida_seimlip.report.transport.diffusivity import band_of, diffusivity_sections
from aiida_seimlip.report.transport.plots import MsdCurve, intercept
from aiida_seimlip.report.transport.tables import diffusivity_tables, pair_name
from tests.report import transport_nodes as transport
from tests.report.campaign.test_page import Outline
from tests.report.campaign.test_plots import texts
from tests.report.nodes import cells_of, numbers_in, store_workchain

MESSAGE = 'No run gave a track to look at; the first: atoms were lost.'


@pytest.fixture(scope='module')
def results():
    """Return made-up results, the lowest temperature left out of the fit, the next too hot and under pressure."""
    results = transport.make_results(transport.TEMPERATURES[:3])
    hot = results.points[1]
    hot.mean_temperature, hot.replicas[0].mean_pressure = 640.0, 21_000.0
    return results


@pytest.fixture(scope='module')
def node(results, li2co3):
    """Return a WorkChain with these results."""
    return transport.store_diffusivity(orm.StructureData(ase=li2co3), results)


@pytest.fixture(scope='module')
def failed(li2co3):
    """Return a WorkChain that has left nothing."""
    node = store_workchain(
        'DiffusivityWorkChain', 'seimlip.diffusivity', {'structure': orm.StructureData(ase=li2co3)}, {}, status=320,
        message=MESSAGE,
    )  # fmt: skip
    store_workchain(
        'DynamicsWorkChain', 'seimlip.dynamics.ase', {}, {}, status=301, message='Atoms <lost>.', caller=node
    )  # fmt: skip
    return node


@pytest.fixture(scope='module')
def parts(node, failed):
    """Return what the page with the reports on both is made of."""
    return page_of([node, failed])


@pytest.fixture(scope='module')
def sections(parts):
    """Return the sections on the first, by the ends of the anchors."""
    return {section.anchor.split('-')[-1]: section for section in reversed(parts.sections)}


@pytest.fixture(scope='module')
def page(parts):
    """Return the page."""
    return render_page(parts)


def test_page_is_well_formed(page):
    outline = Outline()
    outline.feed(page)
    assert not outline.open
    assert all(address.startswith(('data:', '#')) for address in outline.loads)
    assert '<h1>Diffusion of Li in Li₂CO₃ (24 atoms)</h1>' in page


def test_coefficients_on_the_page_are_those_of_the_node(page, results):
    rows = cells_of(page, 'diffusion')
    assert len(rows) == len(results.points)
    for row, point in zip(rows, results.points, strict=True):
        value, error = numbers_in(row[1])
        assert float(row[0]) == point.temperature
        assert value == pytest.approx(point.D, abs=0.5 * error)
        assert error == pytest.approx(point.D_std, rel=0.35)
        low, high = (numbers_in(end)[0] for end in row[2].split(' to '))
        assert (low, high) == pytest.approx(point.D_interval, rel=0.05)
        assert [numbers_in(text)[0] for text in row[3:6]] == pytest.approx(point.D_per_axis, rel=0.1)
        assert row[6] == ('yes' if point.used_in_fit else 'no')


def test_fit_and_extrapolation_are_on_the_page(page, results):
    (row,) = cells_of(page, 'arrhenius')
    assert numbers_in(row[0]) == (pytest.approx(results.arrhenius.Ea), pytest.approx(results.arrhenius.Ea_std))
    assert numbers_in(row[2])[0] == pytest.approx(results.arrhenius.D0)
    assert numbers_in(row[6])[0] == pytest.approx(results.extrapolation.D, rel=5e-3)
    assert 'D at 300 K, extrapolated' in page


def test_every_run_is_listed_with_its_grade(page, results):
    rows = cells_of(page, 'diffusion_runs')
    assert [row[0] for row in rows] == [run.key for point in results.points for run in point.replicas]
    assert all(row[10] == '0 %' for row in rows)


def test_temperature_left_out_says_why(sections):
    assert sections['arrhenius'].points == (f'450 K is left out of the fit: {transport.REASON}.',)
    assert '450 K, left out' in texts(sections['msd'].figures[0].svg)


def test_figures_have_units(sections):
    assert {'lag time (ps)', 'mean square displacement (Å²)', 'slope 1'} <= set(texts(sections['msd'].figures[0].svg))
    assert {'1000 / T (K⁻¹)', 'D (m²/s)', '300 K'} <= set(texts(sections['arrhenius'].figures[0].svg))
    assert {'r (Å)', 'g(r)', 'Li–O (carbonate)'} <= set(texts(sections['rdf'].figures[0].svg))


def test_doubts_are_told(sections, results):
    doubts = ' '.join(sections['doubts'].points)
    assert results.warnings[0] in doubts
    assert f'450 K: {transport.REASON}.' in doubts
    assert 'extrapolated from 600 to 700 K' in doubts
    assert 'the runs were at 640 K in the mean' in doubts
    assert 'the mean pressure was 0.0 to 2.1 GPa' in doubts


def test_shells_and_units_are_tabled(page):
    assert cells_of(page, 'shells')[0][:3] == ['Li–O (carbonate)', '450', '1.98']
    assert cells_of(page, 'units')[0] == ['450', 'CO3', '32', '32', '31.98', '160', '98 %']


def test_other_report_is_a_chapter_of_the_page(page):
    assert page.count('class="chapter"') == 1
    assert page.count('<svg') == 3


def test_failure_without_results_is_reported(failed):
    page = render_page(page_of([failed]))
    assert 'failed' in page
    assert page.count(MESSAGE) == 2
    assert '<svg' not in page
    assert cells_of(page, 'runs')[0][3:] == ['failed [301]', 'Atoms <lost>.']


def test_results_with_doubts_keep_the_message(results, li2co3):
    node = transport.store_diffusivity(
        orm.StructureData(ase=li2co3), results.model_copy(update={'arrhenius': None, 'extrapolation': None}),
        status=421, message='One temperature is not enough.',
    )  # fmt: skip
    chapter, *sections = diffusivity_sections(node)
    assert chapter.lead == 'One temperature is not enough.'
    assert any(section.figures for section in sections)
    assert not any(table.name == 'arrhenius' for table in diffusivity_tables(node))


def test_csv_has_all_digits(node):
    table = next(table for table in diffusivity_tables(node) if table.name == 'diffusion')
    rows = list(csv.DictReader(io.StringIO(table.to_csv())))
    stored = node.outputs.diffusivity.get_dict()['points']
    assert [float(row['D_m2_per_s']) for row in rows] == [point['D'] for point in stored]
    assert [float(row['D_m2_per_s_std']) for row in rows] == [point['D_std'] for point in stored]


def test_latex_is_plain_ascii(node):
    for table in diffusivity_tables(node):
        assert table.to_latex().isascii(), table.name


def test_band_of_a_known_law():
    samples = np.array([[np.log(transport.D0), transport.EA]] * 3)
    band = band_of(samples, [300.0, 900.0])
    assert band.temperatures[[0, -1]] == pytest.approx([900.0, 300.0])
    assert band.median == pytest.approx(transport.diffusion_coefficient(band.temperatures))
    assert band.low == pytest.approx(band.high)


def test_line_lies_on_the_long_lag_times():
    lag = np.linspace(0, 100, 201)
    msd = 0.6 * lag + 2.0 * (1 - np.exp(-lag))
    curve = MsdCurve('600 K', '#000000', lag, msd, np.full(201, math.nan), 1e-9, math.nan, True)
    assert intercept(curve, 0.6) == pytest.approx(2.0, abs=1e-3)


@pytest.mark.parametrize(
    ('pair', 'name'), [(('Li', 'O'), 'Li–O'), (('Li', 'O_carbonate'), 'Li–O (carbonate)'), (('Li', 'Li'), 'Li–Li')]
)
def test_pair_in_words(pair, name):
    assert pair_name(pair) == name
