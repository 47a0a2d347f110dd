"""Constraints that a file puts on its atoms, such as the selective dynamics of VASP."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms, FixCartesian, FixScaled


@dataclass(frozen=True)
class Constraints:
    """What may not move.

    :param fixed: indices of the atoms that stay where they are.
    :param others: constraints of any other kind, in words.
    """

    fixed: tuple[int, ...] = ()
    others: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.fixed or self.others)

    def describe(self, n_atoms: int) -> str:
        """Return part of a sentence that says what is constrained.

        :param n_atoms: in all.
        """
        parts = [f'{len(self.fixed)} of {n_atoms} atoms stay where they are'] if self.fixed else []
        return ' and '.join([*parts, *self.others])


def find_constraints(atoms: Atoms) -> Constraints:
    """Return the constraints of atoms.

    :param atoms: as read from a file, or made with ASE.
    """
    fixed: set[int] = set()
    others: list[str] = []
    for constraint in atoms.constraints:
        indices = [int(index) for index in np.atleast_1d(getattr(constraint, 'index', []))]
        if isinstance(constraint, FixAtoms):
            fixed.update(index % len(atoms) for index in indices)
        elif isinstance(constraint, FixCartesian | FixScaled):
            mask = np.asarray(constraint.mask, dtype=bool)
            if mask.all():
                fixed.update(index % len(atoms) for index in indices)
            elif mask.any():
                others.append(f'{len(indices)} atom(s) may move in some directions only')
        else:
            others.append(f'there is a constraint `{type(constraint).__name__}`')
    return Constraints(tuple(sorted(fixed)), tuple(dict.fromkeys(others)))
