"""Structures on the command line: what files leave open is asked for, and what they keep in place is not forgotten."""

from __future__ import annotations

import re

import pytest
from aiida import orm
from ase.build import bulk
from ase.io import write

from tests.data.test_structure import ALLOY, UNKNOWN, VACANCY, WHOLE, structure_of


def words_of(result) -> str:
    """Return the output of a command that was refused as it should be: by one sentence and exit code 2."""
    assert result.exit_code == 2, result.output
    return ' '.join(result.output.split())


def count_nodes() -> int:
    return orm.QueryBuilder().append(orm.Node).count()


@pytest.mark.parametrize('name', ['lif.cfg', 'lif.lammpstrj'])
def test_species_of_numbered_types(run_command, fixtures, name):
    path = fixtures / 'cases' / name
    assert '--species Li,F' in words_of(run_command('structure', 'supercell', path, '-r', 1, 1, 2, fails=True))
    output = run_command('structure', 'supercell', path, '-r', 1, 1, 2, '--species', 'Li,F').output
    assert 'F8Li8' in output
    text = words_of(run_command('structure', 'supercell', path, '-r', 1, 1, 2, '--species', 'Li,Qq', fails=True))
    assert 'must name chemical elements' in text


@pytest.mark.parametrize('name', ['lif.data', 'data.lif'])
def test_elements_from_masses(run_command, fixtures, name):
    assert 'F8Li8' in run_command('structure', 'supercell', fixtures / 'cases' / name, '-r', 1, 1, 2).output


def test_disordered_crystals(run_command, fixtures):
    before = count_nodes()
    text = words_of(
        run_command('structure', 'supercell', fixtures / 'cases' / 'disordered.cif', '-r', 1, 1, 2, fails=True)
    )
    assert 'stated is Li2O1.5S0.5, whole atoms would be Li3OS' in text
    assert count_nodes() == before


@pytest.mark.parametrize('kinds', [(VACANCY, WHOLE), (ALLOY, WHOLE), (UNKNOWN, WHOLE)])
@pytest.mark.parametrize(
    'arguments',
    [
        ('supercell', '-r', 1, 1, 2), ('vacancy',), ('vacancy', '--list'), ('interstitial',),
        ('interstitial', '--list'), ('frenkel',), ('hops',), ('hops', '-n', 0),
    ],
    ids=str,
)  # fmt: skip
def test_alloys_and_vacancies_of_a_node(run_command, kinds, arguments):
    node = structure_of(*kinds).store()
    before = count_nodes()
    command, *rest = arguments
    text = words_of(run_command('structure', command, node.pk, *rest, fails=True))
    assert 'whole atoms would be' in text or 'is no element' in text
    assert count_nodes() == before


def test_one_of_several_configurations(run_command, tmp_path):
    path = tmp_path / 'x.xyz'
    write(path, [bulk('Cu', a=a, cubic=True) for a in (3.5, 3.6)])
    text = words_of(run_command('structure', 'supercell', path, '-r', 1, 1, 1, fails=True))
    assert 'holds 2 configurations, but exactly one is needed: name it as FILE@INDEX' in text
    for index, edge in ((0, '3.500'), (1, '3.600'), (-1, '3.600')):
        output = run_command('structure', 'supercell', f'{path}@{index}', '-r', 1, 1, 1).output
        assert re.search(rf'edges \(Å\) +{edge}', output)
    text = words_of(run_command('structure', 'supercell', f'{path}@2', '-r', 1, 1, 1, fails=True))
    assert 'holds no configuration 2' in text


def test_constraints_are_not_forgotten(run_command, fixtures):
    arguments = ('structure', 'supercell', fixtures / 'crystals' / 'fixed.POSCAR', '-r', 1, 1, 1)
    text = words_of(run_command(*arguments, fails=True))
    assert '4 of 8 atoms stay where they are, which would be forgotten' in text
    output = run_command(*arguments, '--ignore-constraints').output
    assert 'that 4 of 8 atoms stay where they are is ignored' in output


def test_what_is_done_to_a_file_is_said(run_command, tmp_path, li2co3):
    mirrored = li2co3.copy()
    mirrored.set_cell(li2co3.cell.array[[1, 0, 2]])
    mirrored.write(tmp_path / 'x.xyz')
    assert 'left-handed' in run_command('structure', 'supercell', tmp_path / 'x.xyz', '-r', 1, 1, 1).output


def test_number_of_atoms_is_that_of_what_was_made(run_command, fixtures):
    """A vacancy in 8 atoms leaves 7."""
    path = fixtures / 'cases' / 'lif.data'
    for arguments, n_atoms in (
        (('vacancy', '-r', 1, 1, 1), 7), (('vacancy', '-r', 1, 1, 2), 15), (('supercell', '-r', 1, 1, 2), 16),
        (('interstitial', '-r', 1, 1, 2), 17), (('frenkel', '-r', 1, 1, 2), 16), (('hops', '-n', 0, '-r', 2, 2, 2), 63),
    ):  # fmt: skip
        command, *rest = arguments
        assert re.search(rf'atoms +{n_atoms}\n', run_command('structure', command, path, *rest).output)


@pytest.mark.parametrize('kinds', [(VACANCY, WHOLE), (ALLOY, WHOLE), (UNKNOWN, WHOLE)])
def test_alloys_and_vacancies_in_workflows(run_command, code, kinds):
    """Each command says it, the dry run as well."""
    node = structure_of(*kinds).store()
    lammps, python, mlp = (code(name).full_label for name in ('seimlip.lammps', 'seimlip.ase', 'seimlip.mlip3.train'))
    emt = '{"path": {"parameters": {"calculator": {"name": "emt"}}}}'
    commands = (
        ('launch', 'al', '--structure', node.pk, '--dry-run', '--code', f'exploration={lammps}', '--code',
         f'training={mlp}', '--code', f'reference={python}'),
        ('launch', 'diffusivity', '--structure', node.pk, '--dry-run', '--code', f'dynamics={lammps}'),
        ('launch', 'conductivity', '--structure', node.pk, '--code', f'dynamics={lammps}'),
        ('launch', 'neb', '--initial', node.pk, '--final', node.pk, '--code', f'path={python}', '--overrides', emt),
        ('check', python, '--structure', node.pk, '--parameters', '{"calculator": {"name": "emt"}}'),
    )  # fmt: skip
    before = count_nodes()
    for command in commands:
        text = words_of(run_command(*command, fails=True))
        assert 'whole atoms would be' in text or 'is no element' in text
    assert count_nodes() == before
