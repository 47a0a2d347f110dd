"""The report on a migration barrier: what is on the page is what is in the nodes."""

import pytest

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.barrier.comparison import compare_barriers, compare_paths
from aiida_seimlip.report.barrier.neb import neb_sections, neb_tables
from aiida_seimlip.report.pages import page_of, write_tables
from aiida_seimlip.report.sections import render_page
from tests.report import barrier_nodes as barrier
from tests.report import transport_nodes as transport
from tests.report.campaign.test_plots import texts
from tests.report.nodes import cells_of, numbers_in, store_workchain


@pytest.fixture(scope='module')
def node():
    """Return a WorkChain whose path other potentials and molecular dynamics were compared with."""
    node = barrier.store_barrier()
    compare_paths(
        mtp=node.outputs.path, mace=FramesData(barrier.make_path(0.329)).store(), reference=node.outputs.labelled
    )
    results = transport.make_results(transport.TEMPERATURES[:3])
    diffusivity = store_workchain(
        'DiffusivityWorkChain', 'seimlip.diffusivity', {}, {'diffusivity': transport.results_node(results)}
    )
    compare_barriers(node.outputs.barrier, diffusivity.outputs.diffusivity)
    return node


@pytest.fixture(scope='module')
def record(node):
    """Return the content of the output `barrier`."""
    return node.outputs.barrier.get_dict()


@pytest.fixture(scope='module')
def parts(node):
    """Return what its page is made of."""
    return page_of([node])


@pytest.fixture(scope='module')
def sections(parts):
    """Return its sections, by the ends of the anchors."""
    return {section.anchor.split('-')[-1]: section for section in parts.sections}


@pytest.fixture(scope='module')
def page(parts):
    """Return its page."""
    return render_page(parts)


def test_barriers_on_the_page_are_those_of_the_node(page, record):
    potential, reference = cells_of(page, 'barrier')
    for row, found in ((potential, record), (reference, record['reference'])):
        expected = [found['forward'], found['backward'], found['reaction_energy']]
        assert [numbers_in(text)[0] for text in row[1:4]] == pytest.approx(expected, abs=5e-4)
    assert numbers_in(potential[4])[0] == pytest.approx(record['reference']['error_mev']['forward'], abs=0.5)
    assert numbers_in(potential[10])[0] == pytest.approx(record['highest_grade'], abs=5e-3)


def test_images_on_the_page_are_those_of_the_node(page, node):
    rows = cells_of(page, 'images')
    energies = node.outputs.profile.get_array('energies')
    errors = 1e3 * (energies - node.outputs.profile.get_array('reference_energies'))
    assert [numbers_in(row[2])[0] for row in rows] == pytest.approx(energies, abs=5e-4)
    assert [numbers_in(row[4])[0] for row in rows] == pytest.approx(errors, abs=0.5)


def test_figure_has_units_the_barrier_and_the_errors(sections, record):
    found = set(texts(sections['path'].figures[0].svg))
    assert {'energy above the first image (eV)', 'distance along the path (Å)', 'error (meV)'} <= found
    assert f'{record["forward"]:.3f} eV' in found
    assert f'−{abs(record["reference"]["error_mev"]["forward"]):.0f}' in found


def test_potentials_are_compared_on_one_figure(sections, page):
    section = sections['compare0']
    assert [text for _, text in section.figures[0].legend] == ['mace', 'mtp', 'reference, on the same images']
    rows = {row[0]: row for row in cells_of(page, 'comparison')}
    assert numbers_in(rows['mace'][4])[0] == pytest.approx(-6.0, abs=0.1)
    assert numbers_in(rows['mtp'][4])[0] == pytest.approx(-25.0, abs=0.5)


def test_temperatures_are_compared_in_one_table(sections, page, record):
    rows = cells_of(page, 'barrier_and_diffusion')
    assert rows[-1][:2] == ['diffusion, Arrhenius', '600 to 700']
    assert numbers_in(rows[-1][2])[0] == pytest.approx(transport.EA, abs=5e-4)
    difference = transport.EA - record['forward']
    assert f'+{difference:#.3g} eV above the barrier forward' in sections['temperature0'].points[0]


def test_share_out_of_domain_is_told(parts, sections):
    assert any('28.6' in tile.value and tile.mood == 'bad' for tile in parts.tiles)
    assert any('grade above 2' in point for point in sections['doubts'].points)


def test_large_error_is_a_doubt():
    *_, doubts = neb_sections(barrier.store_barrier(height=0.31, reference=0.21))
    assert 'The potential is 100 meV off, which is 40 % of the barrier of 0.251 eV' in ' '.join(doubts.points)


def test_errors_are_against_what_labelled_the_images():
    node = barrier.store_barrier(height=0.31, reference=0.21, method='7net-0')
    assert node.outputs.barrier['reference']['method'] == '7net-0'
    first, path, *_, doubts = neb_sections(node)
    assert 'error against 7net-0' in [tile.label for tile in first.tiles]
    assert '7net-0 on the same images' in path.lead
    assert 'that 7net-0 finds on the same images' in ' '.join(doubts.points)
    table = neb_tables(node)[0]
    assert [row[0].value for row in table.rows] == ['potential', '7net-0']


def test_path_without_reference_says_so():
    node = barrier.store_barrier(reference=None, is_converged=False, status=400, message='The path has not converged.')
    *_, doubts = neb_sections(node)
    said = ' '.join(doubts.points)
    assert 'The path has not converged.' in said
    assert 'not checked with the reference' in said
    assert [table.name for table in neb_tables(node)] == ['barrier', 'images']


def test_tables_are_written_for_a_paper(node, tmp_path):
    names = {path.name for path in write_tables(node, tmp_path / 'tables')}
    stems = ('barrier', 'images', 'comparison', 'barrier_and_diffusion')
    assert all(path.read_text().isascii() for path in (tmp_path / 'tables').glob('*.tex'))
    assert names == {f'{stem}.{ending}' for stem in stems for ending in ('csv', 'tex')}


def test_failure_without_path_is_reported():
    node = store_workchain('NEBWorkChain', 'seimlip.neb', {}, {}, status=311, message='The same minimum.')
    page = render_page(page_of([node]))
    assert 'There is no path.' in page
    assert 'The same minimum.' in page
