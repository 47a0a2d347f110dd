"""The report on a conductivity: what is on the page is what is in the nodes."""

import pytest
from aiida import orm

from aiida_seimlip.report.pages import page_of
from aiida_seimlip.report.sections import render_page
from aiida_seimlip.report.transport.conductivity import conductivity_tables
from tests.report import transport_nodes as transport
from tests.report.nodes import cells_of, numbers_in, store_workchain


@pytest.fixture(scope='module')
def results():
    """Return made-up diffusivities at two temperatures, one of them left out of the fit."""
    return transport.make_results(transport.TEMPERATURES[:2])


@pytest.fixture(scope='module')
def node(results, li2co3):
    """Return a WorkChain with the conductivities that belong to them."""
    return transport.store_conductivity(orm.StructureData(ase=li2co3), results)


@pytest.fixture(scope='module')
def page(node):
    """Return its page."""
    return render_page(page_of([node]))


def test_page_leads_on_to_the_diffusivity(page):
    assert '<h1>Conduction by Li in Li₂CO₃ (24 atoms)</h1>' in page
    assert 'Diffusion of Li in Li₂CO₃ (24 atoms)</h2>' in page
    assert 'All 63 Li ions in the volume of the cell count as carriers.' in page


def test_conductivities_on_the_page_are_those_of_the_node(page, results):
    expected = transport.make_conductivity(results).points
    for row, point in zip(cells_of(page, 'conductivity'), expected, strict=True):
        found = [numbers_in(row[column])[0] for column in (1, 3, 4, 6)]
        known = [point.sigma, point.sigma_s_per_cm, point.collective_sigma, point.haven_ratio]
        assert found == pytest.approx(known, rel=5e-3)
        assert [numbers_in(end)[0] for end in row[2].split(' to ')] == pytest.approx(point.sigma_interval, rel=0.05)
        assert row[8] == ('yes' if point.used_in_fit else 'no')


def test_density_of_carriers_is_told(page, results):
    point = results.points[0]
    row = cells_of(page, 'carriers')[0]
    assert numbers_in(row[3])[0] == pytest.approx(point.n_ions / (1e-30 * point.volume), rel=5e-3)


def test_extrapolation_is_called_so(page, results):
    aim = transport.make_conductivity(results).extrapolation
    (row,) = cells_of(page, 'conductivity_aim')
    assert numbers_in(row[1])[0] == pytest.approx(aim.sigma, rel=5e-3)
    assert numbers_in(row[3])[0] == pytest.approx(aim.sigma / 100, rel=5e-3)
    assert row[6] == 'yes'
    assert 'σ at 300 K, extrapolated' in page


def test_tables_include_those_of_the_diffusivity(node):
    names = [table.name for table in conductivity_tables(node)]
    assert names[:3] == ['conductivity', 'carriers', 'conductivity_aim']
    assert 'diffusion' in names
    assert all(table.to_latex().isascii() for table in conductivity_tables(node))
    assert len(names) == len(set(names))


def test_results_it_rests_on_are_no_settings(page):
    assert 'finished diffusivity' not in page[page.index('<section id="settings">') : page.index('<section id="prov')]


def test_failure_without_results_is_reported():
    node = store_workchain('ConductivityWorkChain', 'seimlip.conductivity', {}, {}, status=300, message='Nothing left.')
    page = render_page(page_of([node]))
    assert 'There is no conductivity to draw.' in page
    assert 'Nothing left.' in page
