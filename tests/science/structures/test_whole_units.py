import numpy as np
from ase import Atoms
from ase.build import bulk, molecule

from aiida_seimlip.science.structures.crystals import li2co3
from aiida_seimlip.science.structures.whole_units import find_broken_units, find_whole_units, formula_of


def test_a_molecule_across_the_faces_of_the_cell():
    water = molecule('H2O')
    distances = water.get_all_distances()
    water.set_cell([5.0, 5.0, 5.0])
    water.pbc = True
    for shift in ([0.0, 0.0, 0.0], [2.5, 4.9, 0.3]):
        moved = water.copy()
        moved.positions += shift
        moved.wrap()
        found = find_whole_units(moved)
        assert found.owners.tolist() == [0, 0, 0]
        np.testing.assert_allclose(Atoms('OH2', found.positions).get_all_distances(), distances)
        assert found.translations[0].size == 0


def test_metals_have_no_bonds_and_networks_are_told():
    assert len(find_whole_units(bulk('Cu', cubic=True)).members) == 4
    silicon = find_whole_units(bulk('Si'))
    assert len(silicon.members) == 1
    assert np.linalg.matrix_rank(silicon.translations[0]) == 3
    chain = Atoms('C', cell=[8.0, 8.0, 1.4], pbc=True)
    assert np.abs(find_whole_units(chain).translations[0]).tolist() == [[0, 0, 1], [0, 0, 1]]


def test_broken_units():
    crystal = li2co3()
    moved = crystal.copy()
    moved.rattle(0.02, seed=2)
    assert find_broken_units(crystal, moved) == []
    moved.positions[next(atom.index for atom in moved if atom.symbol == 'O')] += 1.0
    assert find_broken_units(crystal, moved) == ['CO3']


def test_formulas():
    assert [formula_of(Atoms(text).numbers) for text in ('F6P', 'OCO2', 'C4H4O6', 'Li')] == [
        'PF6',
        'CO3',
        'C4H4O6',
        'Li',
    ]
