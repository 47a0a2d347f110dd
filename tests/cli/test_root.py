"""The command line as a whole."""

import subprocess
import sys

import pytest

from aiida_seimlip.cli import COMMANDS


def run_python(code, tmp_path):
    """Run Python code in a clean process with an empty home."""
    return subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=True, timeout=120,
        env={'HOME': str(tmp_path), 'PATH': '/usr/bin:/bin'},
    )  # fmt: skip


def test_import_is_light_and_leaves_home_alone(tmp_path):
    code = (
        'import sys, aiida_seimlip.cli, aiida_seimlip.cli.demo.command, aiida_seimlip.cli.profile.home\n'
        'heavy = {"aiida", "numpy", "matplotlib", "pymatgen", "numba", "ase"} & set(sys.modules)\n'
        'assert not heavy, heavy'
    )
    run_python(code, tmp_path)
    assert not list(tmp_path.iterdir())


def test_commands_import_nothing_heavy(tmp_path):
    code = (
        'import sys\n'
        'from aiida_seimlip.cli import cmd_root, COMMANDS\n'
        'for name in COMMANDS: assert cmd_root.get_command(None, name) is not None\n'
        'heavy = {"matplotlib", "pymatgen", "numba", "ase", "scipy"} & set(sys.modules)\n'
        'assert not heavy, heavy'
    )
    run_python(code, tmp_path)


def test_help_lists_all_commands(run_command):
    output = run_command('--help').output
    for name, (_, text) in COMMANDS.items():
        assert f'  {name} ' in output
        assert text.split('.')[0] in output.replace('\n             ', ' ')


@pytest.mark.parametrize('name', COMMANDS)
def test_help_of_command(run_command, name):
    assert 'Usage: aiida-seimlip' in run_command(name, '--help').output


def test_unknown_command_is_answered_by_a_similar_one(run_command):
    assert 'Did you mean `report`' in run_command('reprot', fails=True).output


def test_unknown_profile(run_command):
    assert 'The profile `nowhere` cannot be loaded' in run_command('-p', 'nowhere', 'setup', fails=True).output


def test_demo_refuses_a_profile(run_command):
    assert 'profile of its own' in run_command('-p', 'presto', 'demo', fails=True).output
