"""Reference crystals of the solid electrolyte interphase, with their experimental lattice parameters."""

from __future__ import annotations

from ase import Atoms
from ase.spacegroup import crystal


def li2co3() -> Atoms:
    """Return lithium carbonate (zabuyelite): conventional monoclinic cell, C2/c, Z = 4, 24 atoms.

    H. Effenberger and J. Zemann, Z. Kristallogr. 150, 133 (1979); Crystallography Open Database 9008283. The atoms are
    sorted by element: Li, C, O.
    """
    return _crystal(
        ['Li', 'C', 'O', 'O'],
        [(0.1965, 0.4484, 0.8344), (0.0, 0.0657, 0.25), (0.0, 0.3213, 0.25), (0.1459, -0.0635, 0.3127)],
        spacegroup=15,
        cellpar=(8.3593, 4.9725, 6.1975, 90.0, 114.83, 90.0),
    )


def lithium() -> Atoms:
    """Return metallic lithium: cubic cell, body-centred (A2), 2 atoms, a = 3.51 Å at room temperature."""
    return _crystal(['Li'], [(0.0, 0.0, 0.0)], spacegroup=229, cellpar=_cubic(3.51))


def lif() -> Atoms:
    """Return lithium fluoride: cubic cell, rock salt (B1), 8 atoms, a = 4.026 Å at room temperature (PBE: 4.07)."""
    return _crystal(['Li', 'F'], [(0.0, 0.0, 0.0), (0.5, 0.5, 0.5)], spacegroup=225, cellpar=_cubic(4.026))


def li2o() -> Atoms:
    """Return lithium oxide: cubic cell, antifluorite (C1), 12 atoms, a = 4.619 Å at room temperature."""
    return _crystal(['Li', 'O'], [(0.25, 0.25, 0.25), (0.0, 0.0, 0.0)], spacegroup=225, cellpar=_cubic(4.619))


def _cubic(length: float) -> tuple[float, ...]:
    return (length, length, length, 90.0, 90.0, 90.0)


def _crystal(
    symbols: list[str], basis: list[tuple[float, float, float]], *, spacegroup: int, cellpar: tuple[float, ...]
) -> Atoms:
    """Return a crystal as plain atoms, without the notes of ASE's builder."""
    built = crystal(symbols, basis, spacegroup=spacegroup, cellpar=list(cellpar))
    return Atoms(numbers=built.numbers, positions=built.positions, cell=built.cell, pbc=True)
