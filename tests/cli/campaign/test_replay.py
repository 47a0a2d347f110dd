"""``aiida-seimlip replay``: the campaign that comes with the package, run again without its reference program."""

import os
import subprocess
import sys

import pytest
from aiida import orm

from tests.cli.data.test_archive import EXAMPLE, ROOT, example

__all__ = ('example',)
SCRIPT = """
import sys
from pathlib import Path
from tests.cli.look import load
load('import', Path(sys.argv[1]), Path(sys.argv[2]))
from aiida import orm
node = orm.QueryBuilder().append(orm.WorkChainNode, filters={'label': 'li2co3-example'}).one()[0]
from aiida_seimlip.cli import cmd_root
try:
    cmd_root(['replay', node.uuid], standalone_mode=False)
except SystemExit as exception:
    print('exit status', exception.code)
finally:
    first = [link.node for link in node.base.links.get_outgoing(link_label_filter='iteration_000_train').all()][0]
    last = orm.QueryBuilder().append(orm.WorkChainNode, filters={'id': {'>': node.pk}}, tag='node')
    again = [one for one in last.all(flat=True) if one.process_label == 'ActiveLearningWorkChain'][-1]
    second = again.base.links.get_outgoing(link_label_filter='iteration_000_train').all()[0].node
    contents = [process.outputs.potential.get_content(mode='rb') for process in (first, second)]
    print('first potential is the same:', contents[0] == contents[1])
    labels = [sorted(process.inputs.training['iteration_000'].hashes) for process in (first, second)]
    print('first labels are the same:', labels[0] == labels[1])
    jobs = {job.process_label for job in again.called_descendants if isinstance(job, orm.CalcJobNode)}
    print('jobs:', *sorted(jobs))
print('-- the example --')
import runpy
from aiida.manage.caching import enable_caching
with enable_caching():  # its jobs are those of the replay
    runpy.run_path('examples/01c_replay.py')
"""


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_replay_of_the_example(tmp_path):
    """Bit for bit on the kind of machine that the example was made on.

    On others the first training may differ in the last digits; then trajectories part after some time, and lead to
    frames that nobody has labelled. All that comes before is the same there, too.
    """
    done = subprocess.run(
        [sys.executable, '-c', SCRIPT, str(EXAMPLE), str(tmp_path / 'home')], capture_output=True, text=True,
        check=False, cwd=ROOT, env={**os.environ, 'OMP_NUM_THREADS': '1'},
    )  # fmt: skip
    output, _, example_output = done.stdout.partition('-- the example --')
    assert 'first labels are the same: True' in output, output + done.stderr
    assert 'AseCalculation' not in output
    if 'first potential is the same: True' not in output:
        pytest.skip('This machine rounds otherwise than the one that the example was made on.')
    assert done.returncode == 0, output + done.stderr
    assert 'exit status' not in output
    for text in (output, example_output):
        assert 'DIFFERENT' not in text
        assert text.count('  the same: ') == 7


def test_archive_takes_in_no_replay(tmp_path):
    script = SCRIPT.replace("load('import'", "load('open'").split('try:')[0] + "cmd_root(['replay', node.uuid])"
    done = subprocess.run(
        [sys.executable, '-c', script, str(EXAMPLE), str(tmp_path / 'home')], capture_output=True, text=True,
        check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 1
    assert 'This profile is an archive, which cannot take in a replay' in done.stderr


@pytest.mark.parametrize(
    ('codes', 'message'),
    [
        (['seimlip-mlp'], 'names no socket: write `--code training=LABEL`'),
        (['training=nowhere@else'], 'The code `nowhere@else` cannot be loaded'),
    ],
)
def test_codes_that_cannot_be(example, run_command, codes, message):
    options = [part for code in codes for part in ('--code', code)]
    assert message in run_command('replay', example.pk, *options, fails=True).output


def test_builder_takes_labels_from_the_campaign(example, code):
    from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain

    codes = {'training': code('seimlip.mlip3.train', 'seimlip-mlp'), 'exploration': code('seimlip.lammps')}
    builder = ActiveLearningWorkChain.get_builder_to_replay(example, codes)
    assert builder.engines['reference'] == 'replay'
    assert set(builder.reference) == {'sources', 'trajectories'}
    n_answers = sum(node.n_frames for node in builder.reference['sources'].values())
    assert n_answers >= example.outputs.held_out.n_frames
    assert builder.training['code'] == builder.selection['code'] == codes['training']
    assert builder.options.uuid == example.inputs.options.uuid
    with pytest.raises(ValueError, match='no code to give to `reference` in a replay'):
        ActiveLearningWorkChain.get_builder_to_replay(example, {'reference': codes['training']})


def test_settings_of_a_foreign_scheduler_are_left_behind(example, code, monkeypatch):
    """They may hold commands for the shell of whoever made the archive."""
    from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain

    restart = orm.WorkChainNode.get_builder_restart

    def with_options(self):
        builder = restart(self)
        for socket in ('training', 'exploration'):
            builder[socket]['options'] = orm.Dict({'prepend_text': 'touch sprung'})
        return builder

    monkeypatch.setattr(orm.WorkChainNode, 'get_builder_restart', with_options)
    builder = ActiveLearningWorkChain.get_builder_to_replay(example, {'training': code('seimlip.mlip3.train')})
    assert 'options' not in builder.training
    assert 'options' in builder.exploration, 'a code that is kept keeps its settings'


def test_nothing_to_replay(run_command):
    from tests.exchange.archive.conftest import work

    node = work('ActiveLearningWorkChain', {'start': orm.Int(1).store()})
    assert 'has no labels that could be replayed' in run_command('replay', node.pk, fails=True).output
