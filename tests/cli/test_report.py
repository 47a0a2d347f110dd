"""The command that writes reports."""

import pytest

from tests.report import barrier_nodes as barrier
from tests.report.nodes import store_workchain


@pytest.fixture(scope='module')
def node():
    """Return a migration barrier."""
    return barrier.store_barrier()


def test_page_and_tables_are_written(node, run_command, tmp_path):
    page, folder = tmp_path / 'x.html', tmp_path / 'tables'
    output = run_command('report', node.pk, '-o', page, '--tables', folder).output
    assert 'Migration of Li' in page.read_text()
    assert f'Wrote barrier, images into {folder}, as CSV and as LaTeX.' in output
    assert {path.name for path in folder.iterdir()} == {'barrier.csv', 'barrier.tex', 'images.csv', 'images.tex'}
    assert 'already' in run_command('report', node.pk, '-o', tmp_path / 'y.html', '--tables', folder, fails=True).output
    assert not (tmp_path / 'y.html').exists()


def test_tables_of_several_are_kept_apart(node, run_command, tmp_path):
    other = barrier.store_barrier(reference=None)
    page, folder = tmp_path / 'x.html', tmp_path / 'tables'
    run_command('report', node.pk, other.pk, '-o', page, '--tables', folder)
    assert page.read_text().count('class="chapter"') == 1
    for number in (node.pk, other.pk):
        assert (folder / f'NEBWorkChain_{number}' / 'barrier.csv').exists()


def test_process_without_report_is_refused(run_command, tmp_path):
    other = store_workchain('CheckWorkChain', 'seimlip.check', {}, {})
    output = run_command('report', other.pk, '-o', tmp_path / 'x.html', fails=True).output
    assert f'There is no report on CheckWorkChain {other.pk}, only on: seimlip.active_learning' in output
    assert not (tmp_path / 'x.html').exists()


def test_campaign_comes_first(node, run_command, tmp_path):
    campaign = store_workchain('ActiveLearningWorkChain', 'seimlip.active_learning', {}, {})
    output = run_command('report', node.pk, campaign.pk, '-o', tmp_path / 'x.html', fails=True).output
    assert 'it must be named first' in output
    run_command('report', campaign.pk, node.pk, '-o', tmp_path / 'x.html')
    assert 'Migration of Li' in (tmp_path / 'x.html').read_text()


def test_tables_that_there_are_not(run_command, tmp_path):
    failed = store_workchain('NEBWorkChain', 'seimlip.neb', {}, {}, status=310, message='Not relaxed.')
    arguments = ('report', failed.pk, '-o', tmp_path / 'x.html')
    output = run_command(*arguments, '--tables', tmp_path / 'tables', fails=True).output
    assert f'There are no tables of NEBWorkChain {failed.pk}' in output
    run_command(*arguments)
    assert 'Not relaxed.' in (tmp_path / 'x.html').read_text()
