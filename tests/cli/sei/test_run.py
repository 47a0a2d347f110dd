"""The inputs of ``aiida-seimlip sei``, and the interpreter of its teacher."""

from __future__ import annotations

import sys
from pathlib import Path

import click
import pytest

from aiida_seimlip.cli.run_process import explain_inputs
from aiida_seimlip.cli.sei.run import SHORT_STARTS, build_sei, find_teacher


@pytest.fixture
def codes(code):
    return {
        'teacher': code('seimlip.ase', sys.executable, description='The teacher.'),
        'python': code('seimlip.ase', sys.executable), 'seimlip-mlp': code('seimlip.mlip3.train', 'seimlip-mlp'),
        'seimlip-lmp': code('seimlip.lammps', 'seimlip-lmp'),
    }  # fmt: skip


@pytest.mark.parametrize('short', [False, True])
def test_inputs_are_valid_and_depend_on_the_arguments_alone(codes, short):
    builder = build_sei(codes, short=short)
    assert explain_inputs(builder) is None
    assert builder.species.get_list() == (['H', 'Li', 'C', 'O'] if short else ['H', 'Li', 'C', 'O', 'F', 'P'])
    assert bool(builder.options['small_crystals']) is not short
    names = set(builder.starts['recipe']['compositions'])
    assert names == set(SHORT_STARTS) if short else len(names) >= 8
    assert builder.campaign['reference']['code'] == codes['teacher']
    assert builder.lattices['potential']['code'] == codes['python']
    assert not builder.campaign['reference']['reuse_labels'].value
    again = build_sei(codes, short=short)
    assert again.options.get_dict() == builder.options.get_dict()
    assert again.campaign['options'].get_dict() == builder.campaign['options'].get_dict()
    assert again.starts['recipe'].get_dict() == builder.starts['recipe'].get_dict()


def test_the_interpreter_of_the_teacher(tmp_path):
    with pytest.raises(click.ClickException, match=r'missing/python is not there or lacks `sevenn`.*make calculators'):
        find_teacher(tmp_path / 'missing' / 'python')
    without = tmp_path / 'python'
    without.write_text('#!/bin/sh\nexit 1\n')
    without.chmod(0o755)
    with pytest.raises(click.ClickException, match='lacks `sevenn`'):
        find_teacher(without)
    without.write_text('#!/bin/sh\nexit 0\n')  # a program, but no interpreter
    with pytest.raises(click.ClickException, match='lacks `sevenn`'):
        find_teacher(without)
    without.write_text('#!/bin/sh\necho True\n')
    without.chmod(0o644)
    with pytest.raises(click.ClickException, match='lacks `sevenn`'):
        find_teacher(without)
    without.chmod(0o755)
    assert find_teacher(without) == Path(without)


def test_folder_that_cannot_be_made(run_command, tmp_path):
    (tmp_path / 'file').touch()
    output = run_command('sei', '--directory', tmp_path / 'file' / 'sei', fails=True).output
    assert 'cannot be made: Not a directory' in output
