"""The command line."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from aiida_seimlip.embedded.lmp import CommandLine, UsageError
from aiida_seimlip.science.formats.lammps_help import parse_help


def test_no_process_is_left(lmp):
    """The MPI library starts no manager, and none waits for a terminal."""
    process = subprocess.Popen(
        [*lmp.command, '-log', 'none'], cwd=lmp.folder, env=lmp.environment, stdin=subprocess.PIPE, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    output, _ = process.communicate('print "hello world"\n', timeout=60)
    assert process.returncode == 0
    assert 'hello world' in output
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert not (lmp.folder / 'log.lammps').exists()


def test_help(lmp):
    process = lmp('-h')
    assert process.returncode == 0
    assert process.stdout.startswith('usage: seimlip-lmp -in FILE')
    described = parse_help(process.stdout)
    assert 'seimlip-lmp' in described.version
    assert described.dialects == ('mlip', 'mtp')
    assert 'MANYBODY' in described.packages


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['-in', 'none.lmp'], 'Cannot open input script none.lmp: No such file or directory'),
        (['-partition', '2x1'], 'does not support the option -partition'),
        (['-in'], 'the option -in needs the name of an input script'),
        (['-foo', '-in', 's.data'], 'Invalid command-line argument: -foo'),
    ],
)
def test_wrong_command_line(lmp, arguments, message):
    process = lmp(*arguments)
    assert process.returncode == 1
    assert message in process.stdout
    assert 'Traceback' not in process.stderr


def test_several_ranks_are_refused(lmp):
    process = lmp('-in', 'in.lmp', OMPI_COMM_WORLD_SIZE='2')
    assert process.returncode == 1
    assert 'seimlip-lmp runs in one process, not on 2 MPI ranks' in process.stdout


def test_command_line_is_parsed():
    options = CommandLine.parse(['-in', 'a.lmp', '-log', 'none', '-var', 'x', '1', '2'])
    assert options.script == Path('a.lmp')
    assert options.lammps == ['-log', 'none', '-var', 'x', '1', '2']
    assert CommandLine.parse(['-i', '-']).script is None
    with pytest.raises(UsageError):
        CommandLine.parse(['-p', '2'])
