"""Crystals of the solid electrolyte interphase, with their experimental lattice parameters where there are any.

Experiments are at room temperature and pressure. Positions are where to begin a relaxation; those that no source gives
are said to be calculated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.spacegroup import crystal

Cellpar = tuple[float, float, float, float, float, float]
"""Lengths a, b, c in Å and angles α, β, γ in degrees of a conventional cell."""

CENTRING = {
    'P': ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    'C': ((1 / 2, -1 / 2, 0), (1 / 2, 1 / 2, 0), (0, 0, 1)),
    'F': ((0, 1 / 2, 1 / 2), (1 / 2, 0, 1 / 2), (1 / 2, 1 / 2, 0)),
    'I': ((-1 / 2, 1 / 2, 1 / 2), (1 / 2, -1 / 2, 1 / 2), (1 / 2, 1 / 2, -1 / 2)),
    'R': ((2 / 3, 1 / 3, 1 / 3), (-1 / 3, 1 / 3, 1 / 3), (-1 / 3, -2 / 3, 1 / 3)),
}
"""Vectors of a primitive cell in those of the conventional one, by the letter of the lattice (R: hexagonal axes)."""


@dataclass(frozen=True)
class Crystal:
    """A phase.

    :param name: by which it is known here, such as ``Li2CO3-monoclinic``.
    :param space_group: number in the International Tables.
    :param lattice: letter of its lattice, a key of `CENTRING`.
    :param sites: element and fractional coordinates of each orbit, in the conventional cell.
    :param cellpar: of the conventional cell to begin with.
    :param experiment: the same as measured, None where nothing was at ambient conditions.
    :param source: of the structure.
    """

    name: str
    space_group: int
    lattice: str
    sites: tuple[tuple[str, tuple[float, float, float]], ...]
    cellpar: Cellpar
    experiment: Cellpar | None
    source: str

    def conventional(self) -> Atoms:
        """Return the conventional cell, atoms sorted by element as in `sites`, without the notes of ASE's builder."""
        symbols, basis = zip(*self.sites, strict=True)
        built = crystal(list(symbols), list(basis), spacegroup=self.space_group, cellpar=list(self.cellpar))
        return Atoms(numbers=built.numbers, positions=built.positions, cell=built.cell, pbc=True)

    def primitive(self) -> Atoms:
        """Return a primitive cell, whose vectors are those of `CENTRING` in the conventional ones."""
        whole = self.conventional()
        vectors = np.array(CENTRING[self.lattice]) @ whole.cell.array
        scaled = whole.positions @ np.linalg.inv(vectors)
        scaled -= np.floor(scaled + 1e-6)
        kept: list[int] = []
        for index in range(len(whole)):
            apart = scaled[index] - scaled[kept]
            apart -= np.round(apart)
            if not (np.linalg.norm(apart @ vectors, axis=1) < 1e-3).any():
                kept.append(index)
        return Atoms(numbers=whole.numbers[kept], scaled_positions=scaled[kept], cell=vectors, pbc=True)


def conventional_cellpar(primitive_cell: np.ndarray, lattice: str) -> Cellpar:
    """Return the parameters of the conventional cell that belongs to the cell of `Crystal.primitive`.

    :param primitive_cell: vectors in rows in Å, after whatever relaxation; shape (3, 3).
    :param lattice: letter of the lattice, a key of `CENTRING`.
    """
    from ase.geometry import cell_to_cellpar

    vectors = np.linalg.inv(np.array(CENTRING[lattice])) @ np.asarray(primitive_cell, dtype=float)
    a, b, c, alpha, beta, gamma = map(float, cell_to_cellpar(vectors))
    return a, b, c, alpha, beta, gamma


def _cubic(a: float) -> Cellpar:
    return a, a, a, 90.0, 90.0, 90.0


def _hexagonal(a: float, c: float) -> Cellpar:
    return a, a, c, 90.0, 90.0, 120.0


ZABUYELITE: Cellpar = (8.3593, 4.9725, 6.1975, 90.0, 114.83, 90.0)
LI2EDC: Cellpar = (5.0075, 5.1656, 8.1182, 72.983, 83.397, 63.828)
LIPF6 = _hexagonal(4.932, 12.658)

_PHASES = (
    Crystal(
        'Li2CO3-monoclinic', 15, 'C',
        (
            ('Li', (0.1965, 0.4484, 0.8344)), ('C', (0.0, 0.0657, 0.25)), ('O', (0.0, 0.3213, 0.25)),
            ('O', (0.1459, -0.0635, 0.3127)),
        ),
        ZABUYELITE, ZABUYELITE,
        'Zabuyelite, C2/c, Z = 4: H. Effenberger and J. Zemann, Z. Kristallogr. 150, 133 (1979); Crystallography Open '
        'Database 9008283.',
    ),
    Crystal(
        'Li2CO3-hexagonal', 193, 'P',
        (('Li', (1 / 3, 2 / 3, 0.0)), ('C', (0.0, 0.0, 0.25)), ('O', (0.280, 0.0, 0.25))),
        _hexagonal(4.654, 5.385), None,
        'The phase above 8 to 10 GPa, P6_3/mcm, Z = 2, with planar carbonate and lithium in octahedra of oxygen: '
        'A. Grzechnik et al., J. Solid State Chem. 173, 13 (2003). The symmetry leaves a, c and x of O free: no table '
        'of them was at hand, so that they are calculated (CHGNet 0.3.0, no pressure), and nothing is measured at '
        'ambient pressure.',
    ),
    Crystal(
        'LiPF6', 148, 'R',
        (('Li', (0.0, 0.0, 0.0)), ('P', (0.0, 0.0, 0.5)), ('F', (0.2394, -0.0540, 0.5744))),
        LIPF6, LIPF6,
        'R-3, Z = 3 in hexagonal axes, Li and P in octahedra of F, the structure of LiBiF6: C. Röhr and R. Kniep, '
        'Z. Naturforsch. B 49, 650 (1994). Their lattice parameters; the position of F is calculated (CHGNet 0.3.0 in '
        'the measured cell).',
    ),
    Crystal(
        'Li2EDC', 2, 'P',
        (
            ('Li', (0.2692, 0.2645, 0.5107)), ('C', (0.1857, 0.7223, 0.6886)), ('C', (0.9049, 0.6586, 0.9491)),
            ('O', (0.3579, 0.8361, 0.6095)), ('O', (0.0947, 0.5634, 0.6390)), ('O', (0.0941, 0.7870, 0.8438)),
            ('H', (0.7927, 0.8000, 0.0371)), ('H', (0.7417, 0.6654, 0.8663)),
        ),
        LI2EDC, None,
        'P-1, Z = 1, the molecule around an inversion centre. No measured positions were at hand, so that all of it is '
        'calculated (SevenNet 0.13.0, 7net-0): the lowest of eleven random packings of two molecules around an '
        'inversion centre, relaxed with their cells, which two of them came to.',
    ),
    Crystal(
        'LiF', 225, 'F', (('Li', (0.0, 0.0, 0.0)), ('F', (0.5, 0.5, 0.5))), _cubic(4.026), _cubic(4.026),
        'Rock salt (structure: Crystallography Open Database 9008667), a at room temperature.',
    ),
    Crystal(
        'Li2O', 225, 'F', (('Li', (0.25, 0.25, 0.25)), ('O', (0.0, 0.0, 0.0))), _cubic(4.619), _cubic(4.619),
        'Antifluorite (structure: Inorganic Crystal Structure Database 22402), a at room temperature.',
    ),
    Crystal(
        'Li-bcc', 229, 'I', (('Li', (0.0, 0.0, 0.0)),), _cubic(3.51), _cubic(3.51),
        'Body-centred cubic, a at room temperature.',
    ),
    Crystal(
        'Li-fcc', 225, 'F', (('Li', (0.0, 0.0, 0.0)),), _cubic(4.422), None,
        'Face-centred cubic; not stable at room temperature. To begin with, a has the volume of an atom in Li-bcc.',
    ),
)  # fmt: skip

CRYSTALS = {phase.name: phase for phase in _PHASES}
"""The phases by name."""


def li2co3() -> Atoms:
    """Return lithium carbonate (zabuyelite): conventional monoclinic cell, C2/c, Z = 4, 24 atoms.

    See `CRYSTALS` for its source. The atoms are sorted by element: Li, C, O.
    """
    return CRYSTALS['Li2CO3-monoclinic'].conventional()
