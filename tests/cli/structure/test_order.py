"""``aiida-seimlip structure order``."""

from __future__ import annotations

import re

import pytest
from aiida import orm

from aiida_seimlip.data.structure import structure_from_sites
from tests.cli.test_structure_param import count_nodes, words_of
from tests.data.test_structure import VACANCY, WHOLE, structure_of
from tests.functions.structure.test_ordering import potential_of


def made(output: str) -> list[orm.StructureData]:
    return [orm.load_node(int(pk)) for pk in re.findall(r'StructureData (\d+)', output)]


def test_from_a_file(run_command, fixtures):
    output = run_command('structure', 'order', fixtures / 'crystals' / 'half_chain.cif', '-r', 4, 1, 1).output
    first, second = made(output)
    assert {first.get_formula(), second.get_formula()} == {'Co4Li2O8'}
    assert re.search(r'arrangements +6\n', output)
    assert re.search(r'distinct +2\n', output)
    assert first.creator.inputs.structure.label == 'half_chain.cif'


def test_from_a_node(run_command):
    node = structure_of(VACANCY, WHOLE).store()
    arguments = ('structure', 'order', node.pk, '-r', 2, 1, 1, '--oxidation-states', 'Li=2,F=-1', '-n', 1)
    (structure,) = made(run_command(*arguments).output)
    assert structure.get_formula() == 'F2Li'


def test_ranked_by_a_potential(run_command, tmp_path):
    node = structure_of(VACANCY, WHOLE).store()
    potential = potential_of('Li', 'F').store()
    output = run_command('structure', 'order', node.pk, '-r', 4, 1, 1, '--potential', potential.pk).output
    assert 'Potential (meV/atom)' in output
    (tmp_path / 'pot.almtp').write_bytes(potential.get_content(mode='rb'))
    arguments = ('-r', 4, 1, 1, '--potential', tmp_path / 'pot.almtp', '--species', 'Li,F')
    again = run_command('structure', 'order', node.pk, *arguments).output
    assert 'Potential (meV/atom)' in again


def test_a_crystal_that_is_refused_elsewhere_can_be_ordered(run_command, fixtures):
    path = fixtures / 'cases' / 'disordered.cif'
    structures = made(run_command('structure', 'order', path, '-r', 2, 1, 1).output)
    assert {node.get_formula() for node in structures} == {'Li4O3S'}
    assert 'Li4O3S' in run_command('structure', 'supercell', structures[0].pk, '-r', 1, 1, 1).output


def test_rounded_to_the_composition(run_command, fixtures):
    arguments = ('structure', 'order', fixtures / 'crystals' / 'lgps.cif')
    assert '`--round`' in words_of(run_command(*arguments, fails=True))
    output = run_command(*arguments, '--round', '-n', 1).output
    assert 'rounded to Ge2Li20P4S24' in output
    assert made(output)[0].get_formula() == 'Ge2Li20P4S24'


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (('half_chain.cif',), 'is 2 times as large (`--repeat 2 1 1`)'),
        (('fixed.POSCAR',), 'states no occupancies: there is nothing to order'),
        (('no_symmetry.cif',), 'states no symmetry'),
        (('half_chain.cif', '-r', 2, 1, 1, '--oxidation-states', 'Li'), 'is not of the form ELEMENT=CHARGE'),
        (('half_chain.cif', '-r', 2, 1, 1, '--oxidation-states', 'Qq=1'), '`Qq` is not an element'),
        (('half_chain.cif', '-r', 2, 1, 1, '--edge', 9), 'only one of --repeat and --edge'),
        (('half_chain.cif', '-r', 2, 1, 1, '--oxidation-states', 'Li=1'), 'The oxidation state of Co, O is not given'),
    ],
)
def test_refusals(run_command, fixtures, arguments, message):
    name, *rest = arguments
    result = run_command('structure', 'order', fixtures / 'crystals' / name, *rest, fails=True)
    assert message in words_of(result)
    assert 'Traceback' not in result.output


def test_nodes_that_cannot_be_ordered(run_command, li2co3):
    from aiida_seimlip.data.frames import FramesData

    ordered, frames = structure_of(WHOLE).store(), FramesData.from_atoms([li2co3]).store()
    before = count_nodes()
    assert 'The crystal is ordered' in words_of(run_command('structure', 'order', ordered.pk, fails=True))
    assert 'Frames hold whole atoms' in words_of(run_command('structure', 'order', frames.pk, fails=True))
    assert count_nodes() == before


def test_kinds_of_a_crystal():
    node = structure_from_sites([[4, 0, 0], [0, 4, 0], [0, 0, 4]], [[0, 0, 0], [2, 0, 0]], [{'O': 0.5, 'S': 0.5}] * 2)
    assert len(node.kinds) == 1
