"""The examples run to their end, in small."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest
from aiida import orm

from aiida_seimlip.cli.codes import setup_codes

EXAMPLES = Path(__file__).parents[2] / 'examples'


@pytest.fixture
def run_example(aiida_localhost, monkeypatch, capsys):
    """Return a function that runs an example in small, and gives what it printed and its last process."""
    aiida_localhost.set_minimum_job_poll_interval(0)
    setup_codes(lambda _: None)

    def run(name, *arguments):
        monkeypatch.setattr(sys, 'argv', [name, *map(str, arguments), '--small'])
        content = runpy.run_path(str(EXAMPLES / name), run_name='__main__')
        return capsys.readouterr().out, content['node']

    return run


def test_active_learning(run_example):
    output, node = run_example('01_active_learning.py')
    assert node.exit_status in (0, 400), output
    assert f'aiida-seimlip report {node.pk}' in output
    assert node.outputs.potential.is_trained
    history = node.outputs.history.get_dict()
    assert [record['n_labelled'] for record in history['iterations']][0] == 6
    assert isinstance(node, orm.WorkChainNode)
