"""Ions of the electrolyte and of the solid electrolyte interphase, built from bond lengths and angles."""

import numpy as np
from ase import Atoms

C_O, C_O_ETHER, C_C, C_H, P_F = 1.25, 1.40, 1.52, 1.09, 1.60


def carbonate_ion():
    return Atoms('CO3', np.vstack([np.zeros(3), [1.29 * _direction(angle) for angle in (90, 210, 330)]]))


def hexafluorophosphate_ion():
    return Atoms('PF6', np.vstack([np.zeros(3), P_F * np.eye(3), -P_F * np.eye(3)]))


def ethylene_dicarbonate_ion():
    """C4H4O6, all-trans: the backbone C-O-C-C-O-C is a zigzag in the plane z = 0, with a centre of inversion."""
    carbon = 0.5 * C_C * _direction(-34)
    ether = carbon + C_O_ETHER * _direction(34)
    carbonyl = ether + C_O_ETHER * _direction(-34)
    ends = [carbonyl + C_O * _direction(angle) for angle in (-34 + 60, -34 - 60)]
    hydrogens = [carbon + C_H * np.array([0.0, -0.5, z]) for z in (0.87, -0.87)]
    half = Atoms('COCO2H2', [carbon, ether, carbonyl, *ends, *hydrogens])
    return half + Atoms(half.numbers, -half.positions)


def in_box(*ions, length=30.0):
    """Put ions on a grid 10 Å apart in a cubic box, where some lie across its faces."""
    box = Atoms(cell=[length] * 3, pbc=True)
    for index, ion in enumerate(ions):
        placed = ion.copy()
        placed.translate(np.array(np.unravel_index(index, (3, 3, 3))) * 10.0 + 0.3)
        box += placed
    box.wrap()
    return box


def _direction(degrees):
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0])
