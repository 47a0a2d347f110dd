"""From a training set and a potential to a campaign that has learned more, as a user types it."""

import json
import os
import subprocess
import sysconfig

import pytest

from tests.examples.test_examples import EXAMPLES

SMALL = {
    'options': {
        'max_iterations': 1,
        'exploration': {
            'conditions': [{'temperature': 300.0, 'n_steps': 60, 'dump_every': 10, 'thermo_every': 10}],
            'threshold_save': 1.5, 'threshold_break': 4.0,
        },
        'selection': {'max_frames': 2},
        'held_out': None,
    },
    'training': {'parameters': {'iteration_limit': 3}},
}  # fmt: skip


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a command in a shell with a profile of its own, which has no broker."""
    environment = {
        **os.environ, 'AIIDA_PATH': str(tmp_path),
        'PATH': f'{sysconfig.get_path("scripts")}{os.pathsep}{os.environ["PATH"]}',
    }  # fmt: skip

    def run(*command, status=(0,)):
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode in status, done.stdout + done.stderr
        return done.stdout

    run('verdi', 'presto', '--profile-name', 'example')
    return run


def test_two_commands(run, fixtures):
    shared = fixtures / 'mlip3' / 'shared'
    files = (shared / 'train30.cfg', shared / 'l08_nbh_30.almtp')
    settings = ('--overrides', json.dumps(SMALL), '--run')
    output = run(EXAMPLES / '06_bring_your_data.sh', *files, 'Li,C,O', *settings, status=(0, 1))
    assert '30 × C4Li8O12' in output
    assert 'No --structure is given: explorations start from frame(s)' in output
    assert 'Code for `exploration`: seimlip-lmp@localhost' in output
    assert 'learned from 32 labels' in output
