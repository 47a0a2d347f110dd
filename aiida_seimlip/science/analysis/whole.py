"""Bonded units in one piece: where a unit reaches through the boundary of the cell, it is put together for the eye."""

from __future__ import annotations

import numpy as np
from ase.geometry import find_mic
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order

from aiida_seimlip.science.analysis.bonds import TOLERANCE, find_bonds
from aiida_seimlip.science.frames import Frames

STRETCH = 1.05
"""A bond that is longer by this factor after all was cut: its unit reaches through the whole cell, without an end."""


def make_units_whole(frame: Frames, *, tolerance: float = TOLERANCE) -> tuple[np.ndarray, np.ndarray]:
    """Return positions with each bonded unit in one piece and its centre in the cell, and the bonds to draw.

    :param frame: one configuration.
    :param tolerance: bonds are shorter than this times the sum of the covalent radii.
    :return: positions in Å, shape (n_atoms, 3), and pairs of atoms, shape (n_bonds, 2); a bond that still goes through
        the boundary is not among them.
    """
    graph = find_bonds(frame, tolerance=tolerance)
    cell, pbc, size = frame.cells[0], frame.pbc[0], graph.numbers.size
    pairs = np.stack([graph.first, graph.second], axis=1)
    positions = frame.positions.copy()
    network = coo_matrix((np.ones(2 * len(pairs)), graph.directed), shape=(size, size)).tocsr()
    seen = np.zeros(size, dtype=bool)
    for root in range(size):
        if seen[root]:
            continue
        order, before = breadth_first_order(network, root, directed=False)
        seen[order] = True
        for atom in order[1:]:
            step = frame.positions[atom] - frame.positions[before[atom]]
            positions[atom] = positions[before[atom]] + find_mic(step, cell, pbc)[0]
        if pbc.any():
            fractions = np.linalg.solve(cell.T, positions[order].mean(axis=0))
            positions[order] -= (np.floor(fractions) * pbc) @ cell
    lengths = np.linalg.norm(positions[pairs[:, 0]] - positions[pairs[:, 1]], axis=1)
    return positions, pairs[lengths < STRETCH * graph.lengths]
