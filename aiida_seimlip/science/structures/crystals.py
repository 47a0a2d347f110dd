"""The reference crystal of the solid electrolyte interphase, with its experimental lattice parameters."""

from __future__ import annotations

from ase import Atoms
from ase.spacegroup import crystal


def li2co3() -> Atoms:
    """Return lithium carbonate (zabuyelite): conventional monoclinic cell, C2/c, Z = 4, 24 atoms.

    H. Effenberger and J. Zemann, Z. Kristallogr. 150, 133 (1979); Crystallography Open Database 9008283. The atoms are
    sorted by element: Li, C, O. They are plain, without the notes of ASE's builder.
    """
    built = crystal(
        ['Li', 'C', 'O', 'O'],
        [(0.1965, 0.4484, 0.8344), (0.0, 0.0657, 0.25), (0.0, 0.3213, 0.25), (0.1459, -0.0635, 0.3127)],
        spacegroup=15,
        cellpar=[8.3593, 4.9725, 6.1975, 90.0, 114.83, 90.0],
    )
    return Atoms(numbers=built.numbers, positions=built.positions, cell=built.cell, pbc=True)
