"""``aiida-seimlip archive``: what is listed and asked, and that others see the same numbers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiida import orm

from tests.exchange.archive.conftest import two_campaigns, work

__all__ = ('two_campaigns',)
ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / 'examples' / 'li2co3.aiida'
CAMPAIGN = {'attributes.process_label': 'ActiveLearningWorkChain', 'label': 'li2co3-example'}


@pytest.fixture
def example():
    """Return the campaign of the archive that comes with the package, imported into the profile of the tests."""
    from aiida.tools.archive import import_archive

    import_archive(EXAMPLE)
    return orm.QueryBuilder().append(orm.WorkChainNode, filters=CAMPAIGN).first(flat=True)


def look(mode, archive, folder):
    """Return what somebody else sees in an archive."""
    done = subprocess.run(
        [sys.executable, '-m', 'tests.cli.look', mode, str(archive), str(folder)], capture_output=True, text=True,
        check=False, cwd=ROOT, env={**os.environ, 'OMP_NUM_THREADS': '1'},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.timeout(1800)
def test_others_see_the_same_numbers(example, run_command, tmp_path):
    """In a profile that the archive was imported into, and in one that is the archive itself."""
    from tests.cli.look import numbers_of_report, without_numbers

    path = tmp_path / 'campaign.aiida'
    run_command('archive', example.pk, path)
    imported, opened = look('import', path, tmp_path / 'new'), look('open', path, tmp_path / 'ro')
    assert (imported.pop('read_only'), opened.pop('read_only')) == (False, True)
    imported.pop('page'), opened.pop('page')
    assert imported == opened
    assert imported['uuid'] == example.uuid
    assert imported['report'] == numbers_of_report(example)
    assert imported['frame'] == without_numbers(
        run_command('frame', example.outputs.training['iteration_001'].pk, 0).output
    )
    assert 'extrapolation grade' in imported['frame']
    assert 'GFN1-xTB' in imported['frame']
    n_trained = sum(bool(record['potential_uuid']) for record in example.outputs.history['iterations'])
    assert imported['queries'].count('meV/atom') == n_trained
    assert imported['queries'].count('MD step') > 0


def test_example_is_small_and_slim(example):
    assert EXAMPLE.stat().st_size < 3e6
    trajectories = [
        link.node for job in example.called_descendants if job.process_label == 'LammpsCalculation'
        for link in job.base.links.get_outgoing(link_label_filter='trajectory').all()
    ]  # fmt: skip
    assert trajectories
    assert all(node.is_left_out and node.n_frames for node in trajectories)
    assert not example.outputs.held_out.is_left_out


def test_list_of_what_goes_in(two_campaigns, run_command, tmp_path):
    second = campaign_of(two_campaigns)
    output = run_command('archive', second.pk, tmp_path / 'x.aiida', '--dry-run').output
    for text in ('1 FirstJob', '2 FramesData', 'people ', 'computers', 'no node names one', 'Nothing was written.'):
        assert text in output
    assert not (tmp_path / 'x.aiida').exists()


def test_slim_says_what_is_left_out(two_campaigns, run_command, tmp_path):
    output = run_command('archive', campaign_of(two_campaigns).pk, tmp_path / 'x.aiida', '--slim').output
    assert '1 files, 0.05 MB: large raw file of a job' in output


def test_large_file_is_asked_about(two_campaigns, run_command, tmp_path):
    second = campaign_of(two_campaigns)
    path = tmp_path / 'x.aiida'
    output = run_command('archive', second.pk, path, '--max-file-size', '0.01', fails=True).output
    assert 'holds `long.txt` of 0.05 MB' in output
    assert not path.exists()
    run_command('archive', second.pk, path, '--max-file-size', '0.01', '--yes')
    assert path.exists()


def test_file_that_is_there(two_campaigns, run_command, tmp_path):
    second = campaign_of(two_campaigns)
    path = tmp_path / 'x.aiida'
    path.write_text('precious')
    assert 'is there already' in run_command('archive', second.pk, path, fails=True).output
    run_command('archive', second.pk, path, '--overwrite')
    assert path.read_bytes()[:2] == b'PK'


def test_running_campaign_is_refused(run_command, tmp_path):
    node = work('ActiveLearningWorkChain', {'start': orm.Int(1).store()}, sealed=False)
    output = run_command('archive', node.pk, tmp_path / 'x.aiida', fails=True).output
    assert f'Processes that have not ended cannot go into an archive: {node.pk}.' in output


def test_other_process_is_refused(run_command, tmp_path):
    node = orm.WorkChainNode().store()
    assert 'There is no report on' in run_command('archive', node.pk, tmp_path / 'x', fails=True).output


def campaign_of(two_campaigns):
    return two_campaigns()[1]
