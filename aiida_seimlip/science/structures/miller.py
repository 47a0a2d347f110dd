"""Lattice planes that symmetry makes different."""

from __future__ import annotations

import itertools

import numpy as np
from ase import Atoms

from aiida_seimlip.science.structures.supercells import StructureError
from aiida_seimlip.science.structures.symmetry import SYMPREC, Symmetry

Miller = tuple[int, int, int]


def distinct_miller_indices(crystal: Atoms, max_index: int, *, symprec: float = SYMPREC) -> list[Miller]:
    """Return the lattice planes of a crystal that are different, low indices first.

    The two sides of a plane count as one, as a slab has both.

    :param crystal: in the cell that the Miller indices refer to.
    :param max_index: largest index, without its sign.
    :param symprec: atoms as near in Å to where symmetry demands them count as being there.
    :raises StructureError: if the largest index is not positive, or the structure no crystal.
    """
    if max_index < 1:
        raise StructureError(f'The largest Miller index {max_index} is not positive.')
    rotations = Symmetry.of(crystal, symprec).rotations
    span = range(-max_index, max_index + 1)
    indices = sorted((h, k, m) for h, k, m in itertools.product(span, repeat=3) if np.gcd.reduce((h, k, m)) == 1)
    seen: set[Miller] = set()
    found: list[Miller] = []
    for index in sorted(indices, key=_simplicity):
        if index not in seen:
            found.append(index)
            images = np.array(index) @ rotations
            seen |= {(int(h), int(k), int(m)) for h, k, m in [*images, *-images]}
    return found


def _simplicity(index: Miller) -> tuple[int, int, tuple[int, ...]]:
    """Return by what planes are ordered: small indices, few negative ones, the first ones large."""
    return sum(value**2 for value in index), sum(value < 0 for value in index), tuple(-value for value in index)
