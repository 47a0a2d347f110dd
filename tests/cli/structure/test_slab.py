"""``aiida-seimlip structure slab``."""

from __future__ import annotations

import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.structures.crystals import CRYSTALS
from tests.cli.structure.test_structure import made
from tests.cli.test_structure_param import words_of


@pytest.fixture
def fluoride():
    return FramesData.from_atoms([CRYSTALS['LiF'].conventional()]).store().pk


def test_list_of_terminations(run_command, fluoride):
    n_processes = orm.QueryBuilder().append(orm.ProcessNode).count()
    output = run_command('structure', 'slab', fluoride, '-m', 1, 1, 1, '--any-composition', '--list').output
    rows = [line.split() for line in output.splitlines()[2:]]
    assert [row[:2] for row in rows] == [['0', 'F/Li'], ['1', 'F/F'], ['2', 'Li/Li']]
    assert [row[-2:] for row in rows[1:]] == [['1', 'Li'], ['1', 'F']]
    assert orm.QueryBuilder().append(orm.ProcessNode).count() == n_processes


def test_a_slab_is_made(run_command, fluoride):
    output = run_command('structure', 'slab', fluoride, '-m', 1, 0, 0, '--thickness', 8, '-r', 2, 2).output
    (node,) = made(output)
    assert node.formulas == {'F16Li16': 1}
    assert node.creator.process_label == 'make_slab'
    assert 'F+Li/F+Li' in output


def test_refusals(run_command, fluoride):
    result = run_command('structure', 'slab', fluoride, '-m', 0, 0, 0, fails=True)
    assert 'are not three whole numbers, one of them not zero' in words_of(result)
    result = run_command('structure', 'slab', fluoride, '-m', 1, 1, 1, '-t', 4, fails=True)
    assert 'There is no termination 4: there are 1' in words_of(result)
