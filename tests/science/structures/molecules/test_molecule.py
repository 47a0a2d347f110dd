from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import molecule

from aiida_seimlip.science.structures.molecules import MOLECULES, Molecule, MoleculeError, estimate_volume


def test_a_molecule_across_the_boundary_is_made_whole():
    wrapped = MOLECULES['Li2EDC'].atoms.copy()
    wrapped.set_cell([[11.0, 0.0, 0.0], [2.5, 10.5, 0.0], [-2.0, 3.0, 11.5]])
    wrapped.pbc = True
    wrapped.wrap()
    whole = Molecule.of('mine', wrapped, source='a test')
    np.testing.assert_allclose(
        whole.atoms.get_all_distances(), MOLECULES['Li2EDC'].atoms.get_all_distances(), atol=1e-9
    )
    assert not whole.atoms.pbc.any() and not whole.atoms.cell.any()


def test_two_molecules_are_not_one():
    pair = molecule('H2O')
    pair += Atoms('Li', [(0, 0, 6.0)])
    with pytest.raises(MoleculeError, match=r'^The molecule `pair` \(H2LiO\) is in 2 pieces that do not touch'):
        Molecule.of('pair', pair, source='a test')


def test_atoms_on_top_of_each_other():
    with pytest.raises(MoleculeError, match=r'^The molecule `no` cannot be packed: atoms 0 \(H\) and 1 \(H\) are 0.20'):
        Molecule.of('no', Atoms('H2', [(0, 0, 0), (0, 0, 0.2)]), source='a test')


def test_a_volume_that_is_not_given_is_estimated():
    water = Molecule.of('water', molecule('H2O'), source='a test')
    assert water.volume == pytest.approx(6.2 * 4)
    assert water.source == 'a test; volume: estimated from its elements'
    assert Molecule.of('water', molecule('H2O'), volume=30.0, source='a test').volume == 30.0


@pytest.mark.parametrize('name', ['Li2EDC', 'Li2BDC', 'Li2CO3', 'LiPF6', 'EC', 'LiOH'])
def test_estimated_volumes(name):
    assert estimate_volume(MOLECULES[name].atoms.numbers) == pytest.approx(MOLECULES[name].volume, rel=0.15)
