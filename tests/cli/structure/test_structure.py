"""``aiida-seimlip structure``."""

from __future__ import annotations

import re

import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData


@pytest.fixture
def crystal(li2co3):
    return FramesData.from_atoms([li2co3]).store().pk


def made(output: str) -> list[FramesData]:
    """Return the nodes that were made, by their PKs in the output."""
    return [orm.load_node(int(pk)) for pk in re.findall(r'FramesData (\d+)', output)]


def test_supercell(run_command, crystal):
    (node,) = made(run_command('structure', 'supercell', crystal, '--repeat', 1, 2, 2).output)
    assert node.formulas == {'C16Li32O48': 1}
    assert node.creator.process_label == 'make_supercell'
    (node,) = made(run_command('structure', 'supercell', crystal, '--edge', 9).output)
    assert node.n_atoms == 24 * 8


def test_supercell_by_matrix(run_command, crystal):
    (node,) = made(run_command('structure', 'supercell', crystal, '--matrix', 1, 0, 1, 0, 1, 0, 0, 0, 2).output)
    assert node.n_atoms == 48


def test_vacancy_from_a_file(run_command, li2co3, tmp_path):
    li2co3.write(tmp_path / 'crystal.cif')
    output = run_command('structure', 'vacancy', tmp_path / 'crystal.cif', '-r', 1, 2, 2).output
    assert 'one of 8 equivalent in the cell' in output
    (node,) = made(output)
    assert node.formulas == {'C16Li31O48': 1}
    assert node.creator.inputs.structure.label == 'crystal.cif'


def test_list_of_sites(run_command, crystal):
    n_processes = orm.QueryBuilder().append(orm.ProcessNode).count()
    lines = run_command('structure', 'vacancy', crystal, '-s', 'O', '--list').output.splitlines()
    assert [line.split()[:3] for line in lines[2:]] == [['0', 'O', '4'], ['1', 'O', '8']]
    lines = run_command('structure', 'interstitial', crystal, '--list').output.splitlines()
    assert [line.split()[2] for line in lines[2:]] == ['8', '8', '8', '8', '8', '4', '8', '8']
    assert orm.QueryBuilder().append(orm.ProcessNode).count() == n_processes


def test_interstitial_and_frenkel_pair(run_command, crystal):
    (node,) = made(run_command('structure', 'interstitial', crystal, '--site', 1).output)
    assert node.formulas == {'C4Li9O12': 1}
    output = run_command('structure', 'frenkel', crystal, '--separation', 3, '-r', 1, 2, 2).output
    assert 'moved' in output
    assert made(output)[0].formulas == {'C16Li32O48': 1}


def test_list_of_hops(run_command, crystal):
    lines = run_command('structure', 'hops', crystal, '-r', 1, 2, 2).output.splitlines()
    assert [line.split()[1] for line in lines[2:]] == ['2.714', '2.977', '3.000', '3.141', '3.531']
    assert all(line.split()[-1] == 'yes' for line in lines[2:])
    lines = run_command('structure', 'hops', crystal).output.splitlines()
    assert lines[-1].split()[-1] == 'no'


def test_end_points_of_hops(run_command, crystal):
    output = run_command('structure', 'hops', crystal, '-r', 1, 2, 2, '-n', 0, '-n', 4).output
    nodes = made(output)
    assert [node.formulas for node in nodes] == [{'C16Li31O48': 1}] * 4
    assert 'by 2.714 Å' in output
    assert 'by 3.531 Å' in output
    record = nodes[0].creator.outputs.record
    assert f'Dict {record.pk}' in output
    assert record['number'] == 0


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('supercell', 'PK'), 'Give --repeat, --matrix or --edge'),
        (('supercell', 'PK', '--edge', 9, '--repeat', 1, 1, 1), 'only one of --repeat and --edge'),
        (('supercell', 'PK', '--repeat', 0, 1, 1), 'no positive determinant'),
        (('vacancy', 'PK', '-s', 'Na'), 'There is no Na in the structure'),
        (('vacancy', 'PK', '--site', 3), 'no distinct site of Li 3'),
        (('vacancy', 'PK', '-s', 'Na', '--list'), 'There is no Na in the structure'),
        (('interstitial', 'PK', '--position', 0, 0.0657, 0.25), r'would be 0.00 Å from atom 8 (C)'),
        (('interstitial', 'PK', '--position', 0, 0, 0, '--site', 1), 'either --site or --position'),
        (('hops', 'PK', '--direction', 0, 1, 0), '`direction` has no effect on the mechanism `vacancy`'),
        (('hops', 'PK', '-n', 9, '-r', 1, 2, 2), 'There is no vacancy hop 9: there are 5'),
        (('hops', 'PK', '-n', 4), 'too small for the vacancy hop of 3.53 Å'),
        (('hops', 'PK', '--max-length', 1), 'No other Li site is within 1 Å'),
        (('vacancy', 'nothing.cif'), 'neither a file nor a structure'),
    ],
)
def test_refusals(run_command, crystal, arguments, message):
    arguments = [crystal if argument == 'PK' else argument for argument in arguments]
    assert message in ' '.join(run_command('structure', *arguments, fails=True).output.split())
