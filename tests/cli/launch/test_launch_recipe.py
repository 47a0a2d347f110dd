"""``aiida-seimlip launch al --recipe``: from a recipe to a judged potential, as one call."""

from __future__ import annotations

import sys

import pytest
import yaml
from aiida import orm

from tests.cli.launch.test_launch import count_nodes, submitted

__all__ = ('submitted',)


@pytest.fixture
def codes(code):
    """Return the options that name the codes of all jobs but `reference`."""
    python = code('seimlip.ase', sys.executable)
    found = {
        'condensation': python, 'relaxation': python, 'training': code('seimlip.mlip3.train'),
        'exploration': code('seimlip.lammps'),
    }  # fmt: skip
    return [part for socket, one in found.items() for part in ('--code', f'{socket}={one.full_label}')]


@pytest.fixture
def reference(code):
    return ['--code', f'reference={code("seimlip.ase", sys.executable).full_label}']


def test_recipe_with_the_laptop_protocol(run_command, codes, reference, submitted):
    output = run_command('launch', 'al', '--recipe', 'sei', *codes, *reference, '--seed', 7, '--submit').output
    assert 'Submitted SeiWorkChain 4321' in output
    (builder,) = submitted
    assert builder.starts['recipe']['seed'] == builder.campaign['options']['seed'] == 7
    assert builder.species.get_list() == ['H', 'Li', 'C', 'O', 'F', 'P']
    assert set(builder.lattices) == {'teacher', 'potential'}
    assert builder.campaign['reference']['parameters']['calculator']['name'] == 'sevennet'


def test_dry_run_of_the_paper(run_command, codes, reference, tmp_path):
    """120 starts by the protocol of the paper, with a calculator in the place of VASP: checked, costed, not stored."""
    overrides = tmp_path / 'overrides.yaml'
    content = {'campaign': {
        'engines': {'reference': 'ase'}, 'reference': {'parameters': {'calculator': {'name': 'sevennet'}}},
    }}  # fmt: skip
    overrides.write_text(yaml.safe_dump(content))
    n_nodes = count_nodes()
    output = run_command(
        'launch', 'al', '--recipe', 'paper', *codes, *reference, '--overrides', overrides, '--dry-run'
    ).output
    assert count_nodes() == n_nodes
    assert 'SeiWorkChain, at most' in output
    for part in ('condensation of 120 cells', 'explore npt_tri-900K-100000bar', 'relax crystals, potentials'):
        assert part in output
    assert '120 starts × 9 conditions × 100 iterations' in output
    assert 'Nothing was run.' in output


def test_refused(run_command, codes, reference):
    output = run_command('launch', 'al', '--recipe', 'nothing', *codes, *reference, fails=True).output
    assert 'neither a file nor a recipe' in output
    start = orm.StructureData(cell=[[5, 0, 0], [0, 5, 0], [0, 0, 5]])
    start.append_atom(position=(0, 0, 0), symbols='Li')
    start.store()
    output = run_command(
        'launch', 'al', '--recipe', 'sei', '--structure', start.pk, *codes, *reference, fails=True
    ).output
    assert 'Give either --recipe, or what is there' in output
    output = run_command(
        'launch', 'al', '--recipe', 'sei', '--bootstrap-structure', start.pk, *codes, *reference, fails=True
    ).output
    assert 'With --recipe there is no --bootstrap-structure' in output
