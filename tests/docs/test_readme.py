"""The commands of README.md that run here are run, in a profile of their own, with the examples in small."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from .blocks import ROOT, commands_in, words_of

README = (ROOT / 'README.md').read_text()
LOCAL = '## Your own campaign'
CLUSTER = 'On a cluster, with'
SMALL = {
    'options': {
        'max_iterations': 1,
        'exploration': {
            'threshold_save': 1.0e6, 'threshold_break': 1.0e7,
            'conditions': [{'temperature': 100.0, 'n_steps': 20, 'dump_every': 10}],
        },
        'held_out': None,
    },
    'training': {'parameters': {'iteration_limit': 5}},
}  # fmt: skip
"""A campaign that explores once and meets nothing that it does not know."""


def local_commands():
    """Return the commands of a user without a cluster, in their order."""
    return commands_in(README[README.index(LOCAL) : README.index(CLUSTER)])


def in_small(words):
    """Return what is run in the place of a command, None if it is only checked elsewhere that it is right."""
    if words[:2] == ['verdi', 'run']:
        return [*words, '--small']
    if words[:3] == ['aiida-seimlip', 'launch', 'al']:
        return [*words, '--protocol', 'demo', '--run', '--overrides', json.dumps(SMALL)]
    return None if 'pip' in words else words


@pytest.fixture
def shell(tmp_path):
    """Return a function that runs a command in a folder with the user's files, and gives its output."""
    files = ROOT / 'tests' / 'fixtures' / 'mlip3' / 'shared'
    shutil.copy(files / 'train30.cfg', tmp_path / 'train.cfg')
    shutil.copy(files / 'l08_nbh_30.almtp', tmp_path / 'pot.almtp')
    (tmp_path / 'examples').symlink_to(ROOT / 'examples')
    path = f'{Path(sys.executable).parent}{os.pathsep}{os.environ["PATH"]}'
    environment = {**os.environ, 'AIIDA_PATH': str(tmp_path), 'PATH': path, 'PYTHONPATH': str(ROOT)}

    def run(words):
        result = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500, check=False
        )
        output = result.stdout + result.stderr
        assert result.returncode == 0, f'{shlex.join(words)}\n{output}'
        assert 'Traceback' not in output, f'{shlex.join(words)}\n{output}'
        return output

    yield run
    subprocess.run(['verdi', 'daemon', 'stop'], cwd=tmp_path, env=environment, capture_output=True, check=False)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_local_commands(shell):
    """From nothing to a potential, a diffusivity, and a campaign that begins with the user's data."""
    outputs = {}
    for command in local_commands():
        words = in_small(words_of(command))
        if words is not None:
            outputs[command] = shell(words)
    text = '\n'.join(outputs.values())
    assert 'ActiveLearningWorkChain <' in text
    assert 'DiffusivityWorkChain <' in text
    launched = next(output for command, output in outputs.items() if 'launch al' in command)
    assert 'ActiveLearningWorkChain' in launched
    processes = shell(['verdi', 'process', 'list', '--all', '--raw', '-P', 'process_label', 'exit_status'])
    assert [line.split() for line in processes.splitlines()].count(['ActiveLearningWorkChain', '0']) >= 1


def test_nothing_is_left_out():
    """The blocks that are run are there: README has not been rearranged behind the back of this test."""
    commands = [' '.join(words_of(command)[:3]) for command in local_commands()]
    for command in ('verdi presto', 'aiida-seimlip setup', 'verdi run examples/01_active_learning.py'):
        assert command in commands
    assert 'aiida-seimlip launch al' in commands
