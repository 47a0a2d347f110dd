from __future__ import annotations

import numpy as np
import pytest

from aiida_seimlip.science.analysis.bonds import find_bonds
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.molecules import MOLECULES

FORMULAS = {
    'Li2EDC': ('C4H4Li2O6', 0), 'EDC': ('C4H4O6', -2), 'Li2BDC': ('C6H8Li2O6', 0), 'BDC': ('C6H8O6', -2),
    'Li2CO3': ('CLi2O3', 0), 'CO3': ('CO3', -2), 'LiPF6': ('F6LiP', 0), 'PF6': ('F6P', -1), 'LiF': ('FLi', 0),
    'Li2O': ('Li2O', 0), 'LiOH': ('HLiO', 0), 'EC': ('C3H4O3', 0), 'Li': ('Li', 0),
}  # fmt: skip
DENSITIES = {  # g/cm³: crystals by diffraction (Li2CO3, LiPF6, LiF, Li2O, LiOH, Li), the liquid (EC)
    'Li2CO3': 2.11, 'LiPF6': 2.84, 'LiF': 2.64, 'Li2O': 2.02, 'LiOH': 1.46, 'Li': 0.534, 'EC': 1.32,
}  # fmt: skip


def test_formulas_and_charges():
    assert {name: (molecule.formula, molecule.charge) for name, molecule in MOLECULES.items()} == FORMULAS


def test_salts_hold_their_anions():
    for salt, anion in (('Li2EDC', 'EDC'), ('Li2BDC', 'BDC'), ('Li2CO3', 'CO3'), ('LiPF6', 'PF6')):
        assert MOLECULES[anion].charge == -MOLECULES[salt].atoms.symbols.count('Li')
        volume = MOLECULES[anion].volume + MOLECULES[salt].atoms.symbols.count('Li') * MOLECULES['Li'].volume
        assert volume == pytest.approx(MOLECULES[salt].volume)


@pytest.mark.parametrize('name', [name for name in FORMULAS if name != 'Li'])
def test_each_is_one_molecule_with_its_bonds(name):
    """All but lithium hang together, and no two atoms are nearer than those of a bond."""
    atoms = MOLECULES[name].atoms
    graph = find_bonds(Frames.from_atoms([atoms]))
    assert len(np.unique(graph.units[atoms.numbers != 3])) == 1
    distances = atoms.get_all_distances()[np.triu_indices(len(atoms), 1)]
    assert distances.min() > 0.9
    np.testing.assert_allclose(atoms.positions.mean(axis=0), 0.0, atol=1e-5)


def test_lengths_of_bonds():
    """As GFN2-xTB has them: C-O of carbonate 1.29 Å, P-F 1.63 Å."""
    carbonate, phosphate = MOLECULES['CO3'].atoms, MOLECULES['PF6'].atoms
    np.testing.assert_allclose(carbonate.get_distances(carbonate.symbols.search('C')[0], carbonate.symbols.search('O')),
                               1.292, atol=0.002)  # fmt: skip
    np.testing.assert_allclose(phosphate.get_distances(phosphate.symbols.search('P')[0], phosphate.symbols.search('F')),
                               1.629, atol=0.002)  # fmt: skip


@pytest.mark.parametrize('name', DENSITIES)
def test_volumes_are_those_of_condensed_matter(name):
    density = 1.66054 * MOLECULES[name].mass / MOLECULES[name].volume
    assert 0.75 < density / DENSITIES[name] < 1.25


def test_each_tells_where_it_comes_from():
    for molecule in MOLECULES.values():
        assert molecule.source.startswith('geometry: ')
        assert '; volume: ' in molecule.source


def test_nobody_changes_them():
    with pytest.raises(TypeError):
        MOLECULES['mine'] = MOLECULES['Li']
