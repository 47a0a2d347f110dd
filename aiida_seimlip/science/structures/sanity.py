"""Whether atoms can be meant as they stand: cells without volume, atoms on top of each other, left-handed cells."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from aiida_seimlip.science.neighbours import neighbour_list

TOO_CLOSE = 0.5
"""Distance in Å that no two nuclei come to: the bond of H₂ has 0.74."""

MAX_IMAGES = 1000.0
"""A cell of less than the volume of a sphere of `TOO_CLOSE` divided by this has none worth the name."""


def explain_geometry(atoms: Atoms) -> str | None:
    """Say why atoms cannot be meant as they stand.

    :param atoms: as read from a file.
    :return: part of a sentence, None if nothing is wrong.
    """
    if not len(atoms):
        return 'it holds no atoms'
    if np.any(atoms.numbers < 1) or np.any(atoms.numbers >= len(chemical_symbols)):
        index = int(np.argmax((atoms.numbers < 1) | (atoms.numbers >= len(chemical_symbols))))
        return f'atom {index} is no chemical element'
    if not (np.all(np.isfinite(atoms.positions)) and np.all(np.isfinite(atoms.cell.array))):
        return 'a position or a cell vector is not a finite number'
    if atoms.pbc.any():
        fault = _explain_cell(atoms)
        if fault is not None:
            return fault
    return _explain_overlap(atoms)


def _explain_cell(atoms: Atoms) -> str | None:
    lengths = atoms.cell.lengths()
    missing = [letter for letter, length, flag in zip('abc', lengths, atoms.pbc, strict=True) if flag and length < 1e-6]
    if missing:
        return f'it is periodic along {" and ".join(missing)}, but has no cell vector there'
    vectors = atoms.cell.array[lengths > 1e-6]
    if np.linalg.matrix_rank(vectors / np.linalg.norm(vectors, axis=1)[:, None], tol=1e-6) < len(vectors):
        return 'its cell has no volume: the vectors lie in a plane or on a line'
    if len(vectors) == 3 and abs(np.linalg.det(vectors)) < TOO_CLOSE**3 / MAX_IMAGES:
        return f'its cell has a volume of {abs(np.linalg.det(vectors)):.2g} Å³: its lengths are not in Å'
    return None


def _explain_overlap(atoms: Atoms) -> str | None:
    cell = atoms.cell.complete().array
    ptr = np.array([0, len(atoms)])
    pairs = neighbour_list(atoms.positions, ptr, cell[None], atoms.pbc[None], TOO_CLOSE)
    if not pairs.neighbours.size:
        return None
    closest = int(np.argmin(pairs.distances))
    one, other = int(pairs.centres[closest]), int(pairs.neighbours[closest])
    distance = float(pairs.distances[closest])
    if one == other:
        return f'atom {one} ({atoms.symbols[one]}) is {distance:.2f} Å from its own image: the lengths are not in Å'
    one, other = sorted((one, other))
    n_pairs = pairs.neighbours.size // 2
    more = f', and {n_pairs - 1} more such pair(s)' if n_pairs > 1 else ''
    return (
        f'atoms {one} ({atoms.symbols[one]}) and {other} ({atoms.symbols[other]}) are {distance:.2f} Å apart{more}: '
        'no two atoms are so close (split sites without occupancies?)'
    )


def as_right_handed(atoms: Atoms) -> Atoms | None:
    """Return the same crystal with right-handed cell vectors: all three turned round, no atom moved.

    :param atoms: with any cell.
    :return: None if the cell is right-handed, or is none.
    """
    if np.linalg.det(atoms.cell.array) >= 0.0:
        return None
    turned = atoms.copy()
    turned.set_cell(-atoms.cell.array, scale_atoms=False)
    return turned
