"""Cubic crystals with few atoms, for tests: `science.structures.crystals` has lithium carbonate."""

from ase import Atoms
from ase.spacegroup import crystal


def lithium():
    """Return metallic lithium: cubic cell, body-centred (A2), 2 atoms, a = 3.51 Å at room temperature."""
    return _plain(crystal(['Li'], [(0.0, 0.0, 0.0)], spacegroup=229, cellpar=[3.51] * 3 + [90] * 3))


def li2o():
    """Return lithium oxide: cubic cell, antifluorite (C1), 12 atoms, a = 4.619 Å at room temperature."""
    basis = [(0.25, 0.25, 0.25), (0.0, 0.0, 0.0)]
    return _plain(crystal(['Li', 'O'], basis, spacegroup=225, cellpar=[4.619] * 3 + [90] * 3))


def _plain(atoms):
    """Return atoms without the notes of ASE's builder."""
    return Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True)
