"""Bonded units in one piece."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms

from aiida_seimlip.science.analysis.whole import make_units_whole
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.molecules import MOLECULES


def test_wrapped_molecule_is_put_together():
    """Its distances are those that it had, its centre lies in a triclinic cell, and all its bonds are drawn."""
    molecule = MOLECULES['EDC'].atoms
    cell = np.array([[12.0, 0.0, 0.0], [3.0, 11.0, 0.0], [-2.0, 1.0, 13.0]])
    atoms = Atoms(molecule.numbers, molecule.positions + np.array([0.2, 10.8, 12.7]), cell=cell, pbc=True)
    expected = atoms.get_all_distances()
    atoms.wrap()
    assert not np.allclose(atoms.get_all_distances(), expected)
    positions, bonds = make_units_whole(Frames.from_atoms([atoms]))
    distances = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    assert distances == pytest.approx(expected, abs=1e-9)
    fractions = np.linalg.solve(cell.T, positions.mean(axis=0))
    assert np.all((fractions >= 0) & (fractions < 1))
    assert len(bonds) == 13  # a chain of 10 atoms, two more oxygens, four hydrogens: 14 atoms in a tree


def test_endless_chain_is_cut():
    """Carbons in a row through the whole cell: the bond through the boundary is not drawn."""
    atoms = Atoms('C4', positions=[[1.4 * index, 3.0, 3.0] for index in range(4)], cell=[5.6, 8.0, 8.0], pbc=True)
    _, bonds = make_units_whole(Frames.from_atoms([atoms]))
    assert len(bonds) == 3
