"""Whether the energy of a crystal depends on the cell that describes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.build import make_supercell

from aiida_seimlip.science.frames import Frames

CELLS: Mapping[str, np.ndarray] = {
    'primitive': np.eye(3, dtype=int),
    'conventional': np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]]),
    'supercell': 2 * np.eye(3, dtype=int),
}
"""Vectors of each cell in those of the given one. The second is the cube where the given one is that of a face-centred
lattice; the volumes are 1, 4 and 8 of the given one."""


@dataclass(frozen=True)
class CellEnergies:
    """Energy per atom of one crystal in several cells.

    :param n_atoms: of each cell.
    :param energies: in eV per atom.
    """

    n_atoms: tuple[int, ...]
    energies: tuple[float, ...]

    @property
    def spread(self) -> float:
        """The largest less the smallest energy, in eV per atom."""
        return max(self.energies) - min(self.energies)

    def __str__(self) -> str:
        """Return the energies as words."""
        parts = [f'{energy:.4f} ({n_atoms} atoms)' for n_atoms, energy in zip(self.n_atoms, self.energies, strict=True)]
        return ', '.join(parts)


def describe_in_cells(atoms: Atoms) -> Frames:
    """Return one crystal in three cells, the smallest first.

    :param atoms: the crystal in a cell, periodic in all directions; the primitive one, if the others are to be known by
        their names.
    """
    bare = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    return Frames.from_atoms([make_supercell(bare, matrix) for matrix in CELLS.values()])


def compare_cells(labelled: Frames) -> CellEnergies:
    """Return the energies per atom of frames that describe one crystal.

    :param labelled: with energies.
    :raises ValueError: if they have none.
    """
    if labelled.energies is None:
        raise ValueError('There are no energies to compare.')
    energies = labelled.energies / labelled.sizes
    return CellEnergies(tuple(int(n) for n in labelled.sizes), tuple(float(energy) for energy in energies))
