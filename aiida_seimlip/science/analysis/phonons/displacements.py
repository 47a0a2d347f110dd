"""Supercells of a crystal with one atom displaced in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.data import atomic_masses

from aiida_seimlip.science.structures.supercells import as_matrix

if TYPE_CHECKING:
    from phonopy import Phonopy
    from phonopy.harmonic.displacement import FirstAtomDisplacementWithForces
    from phonopy.structure.atoms import PhonopyAtoms

SYMPREC = 1e-4
"""Atoms that are as near in Å to the places that symmetry demands count as being there."""


class PhononError(ValueError):
    """Phonons cannot be found from what was given; the message says why."""


@contextmanager
def needs_phonons() -> Iterator[None]:
    """Say which extra to install where a library is missing.

    :raises PhononError: with the command.
    """
    try:
        yield
    except ModuleNotFoundError as exception:
        raise PhononError(
            f"Phonons need the extra `phonons`: `pip install 'aiida-seimlip[phonons]'` ({exception})."
        ) from exception


@dataclass(frozen=True, eq=False)
class Displacements:
    """The displacements that determine the force constants of a crystal, one atom and one direction at a time.

    :param atoms: the crystal, without displacements. Its masses are the standard ones of its elements.
    :param supercell_matrix: the vectors of the supercell in those of the crystal, in rows; shape (3, 3).
    :param primitive_matrix: the vectors of the primitive cell in those of the crystal, in rows; shape (3, 3).
    :param symprec: tolerance in Å of the search for symmetry.
    :param displaced_atoms: which atom of the supercell is displaced; shape (n_displacements,).
    :param vectors: the displacements in Å; shape (n_displacements, 3).
    """

    atoms: Atoms
    supercell_matrix: np.ndarray
    primitive_matrix: np.ndarray
    symprec: float
    displaced_atoms: np.ndarray
    vectors: np.ndarray

    def __len__(self) -> int:
        """Return the number of displaced supercells."""
        return len(self.vectors)

    @cached_property
    def supercell(self) -> Atoms:
        """The supercell without displacements, its atoms in the order of all the displaced ones."""
        return as_atoms(self._phonopy.supercell)

    @property
    def supercells(self) -> list[Atoms]:
        """The supercells whose forces are needed, in the order in which the forces are expected."""
        images = []
        for index, vector in zip(self.displaced_atoms, self.vectors, strict=True):
            image = self.supercell.copy()
            image.positions[index] += vector
            images.append(image)
        return images

    @cached_property
    def primitive(self) -> Atoms:
        """The primitive cell, whose q points and branches are those of the phonons."""
        return as_atoms(self._phonopy.primitive)

    def build_phonopy(self) -> Phonopy:
        """Return an object of phonopy for this crystal, with the displacements and without forces."""
        phonopy = copy(self._phonopy)
        first_atoms: list[FirstAtomDisplacementWithForces] = [
            {'number': int(index), 'displacement': vector}
            for index, vector in zip(self.displaced_atoms, self.vectors, strict=True)
        ]
        phonopy.dataset = {'natom': len(phonopy.supercell), 'first_atoms': first_atoms}
        return phonopy

    @cached_property
    def _phonopy(self) -> Phonopy:
        """The object that `build_phonopy` copies, since the search for symmetry takes the longest."""
        return _start_phonopy(self.atoms, self.supercell_matrix, self.primitive_matrix, self.symprec)

    def to_dict(self) -> dict[str, Any]:
        """Return plain numbers and lists, from which `from_dict` makes the same displacements again."""
        return {
            'numbers': self.atoms.numbers.tolist(),
            'positions': self.atoms.positions.tolist(),
            'cell': self.atoms.cell.array.tolist(),
            'supercell_matrix': self.supercell_matrix.tolist(),
            'primitive_matrix': self.primitive_matrix.tolist(),
            'symprec': self.symprec,
            'displaced_atoms': self.displaced_atoms.tolist(),
            'vectors': self.vectors.tolist(),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Displacements:
        """Return the displacements that `to_dict` was called on."""
        return cls(
            Atoms(values['numbers'], values['positions'], cell=values['cell'], pbc=True),
            np.array(values['supercell_matrix'], dtype=int),
            np.array(values['primitive_matrix'], dtype=float),
            float(values['symprec']),
            np.array(values['displaced_atoms'], dtype=int),
            np.array(values['vectors'], dtype=float).reshape(-1, 3),
        )


def displaced(
    atoms: Atoms,
    supercell: np.ndarray | Sequence[Any],
    distance: float,
    *,
    primitive_matrix: np.ndarray | Sequence[Any] | None = None,
    symprec: float = SYMPREC,
) -> Displacements:
    """Displace the atoms of a crystal as few times as its symmetry allows.

    An atom is displaced in both directions where symmetry does not make them equivalent, so that the force constants
    are free of the cubic terms of the energy.

    :param atoms: the crystal, at a minimum of the energy.
    :param supercell: numbers of repetitions along the three vectors, or the matrix of integers that the old vectors (in
        rows) are multiplied with from the left; shape (3,) or (3, 3).
    :param distance: length of a displacement in Å; 0.01 to 0.03 is usual.
    :param primitive_matrix: vectors of the primitive cell in those of the crystal, in rows; shape (3, 3). None finds
        them from the symmetry, and leaves a cell that is primitive as it is. Give that of other displacements of the
        same crystal, if their phonons are to be compared.
    :param symprec: an atom that is as near in Å to the place that symmetry demands counts as being there.
    :raises ValueError: if the structure is not a crystal, or the supercell or the distance make no sense.
    """
    if not atoms.pbc.all() or atoms.cell.rank < 3 or not len(atoms):
        raise PhononError('The structure is not a crystal: it has no atoms, no cell or no periodicity.')
    if not (np.isfinite(distance) and distance > 0.0):
        raise PhononError(f'The distance {distance} Å is not positive.')
    plain = Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True)
    primitive = _find_primitive(plain, symprec) if primitive_matrix is None else np.array(primitive_matrix, dtype=float)
    if primitive.shape != (3, 3):
        raise PhononError(f'The primitive matrix has the shape {primitive.shape}, not (3, 3).')
    matrix = as_matrix(supercell)
    phonopy = _start_phonopy(plain, matrix, primitive, symprec)
    phonopy.generate_displacements(distance=distance)
    rows = phonopy.displacements
    indices = np.array([int(row[0]) for row in rows])
    vectors = np.array([row[1:] for row in rows], dtype=float)
    return Displacements(plain, matrix, primitive, symprec, indices, vectors)


def _start_phonopy(atoms: Atoms, supercell_matrix: np.ndarray, primitive_matrix: np.ndarray, symprec: float) -> Phonopy:
    """Return an object of phonopy, whose matrices have the vectors in columns, unlike those given here."""
    with needs_phonons():
        from phonopy import Phonopy

    try:
        return Phonopy(
            as_phonopy_atoms(atoms),
            supercell_matrix=supercell_matrix.T,
            primitive_matrix=primitive_matrix.T,
            symprec=symprec,
        )
    except RuntimeError as exception:
        raise PhononError(
            f'The primitive matrix {primitive_matrix.tolist()} makes no cell of the crystal, or atoms overlap.'
        ) from exception


def as_phonopy_atoms(atoms: Atoms) -> PhonopyAtoms:
    """Return a crystal for phonopy, with the standard masses of ASE."""
    with needs_phonons():
        from phonopy.structure.atoms import PhonopyAtoms

    return PhonopyAtoms(
        numbers=atoms.numbers,
        cell=atoms.cell.array,
        scaled_positions=atoms.get_scaled_positions(wrap=False),
        masses=atomic_masses[atoms.numbers],
    )


def as_atoms(atoms: PhonopyAtoms) -> Atoms:
    """Return a crystal of phonopy for ASE."""
    return Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True)


def _find_primitive(atoms: Atoms, symprec: float) -> np.ndarray:
    """Return the vectors of a primitive cell in those of a crystal, in rows; shape (3, 3)."""
    with needs_phonons():
        from phonopy.structure.cells import guess_primitive_matrix
        from spglib import get_symmetry_dataset

    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    if get_symmetry_dataset(cell, symprec=symprec) is None:
        raise PhononError(f'No space group is found with symprec {symprec} Å: choose another.')
    matrix = guess_primitive_matrix(as_phonopy_atoms(atoms), symprec=symprec).T
    volume = np.linalg.det(matrix)
    return np.eye(3) if np.isclose(abs(volume), 1.0) else matrix * np.sign(volume)
