"""The space group of a crystal, and what it makes of points in the cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.spacegroup.symmetrize import IntermediateDatasetError, get_symmetrized_atoms

from aiida_seimlip.science.structures.supercells import StructureError, needs_structures

SYMPREC = 0.01
"""Atoms that are as near in Å to the places that symmetry demands count as being there."""

SAME_PLACE = 0.05
"""Points of a symmetric crystal that are nearer in Å are the same."""


@dataclass(frozen=True, eq=False)
class Symmetry:
    """The operations x → R x + t on fractional coordinates that leave a crystal as it is.

    :param atoms: the crystal with its atoms where symmetry demands them, in the order given.
    :param rotations: R; shape (n_operations, 3, 3).
    :param translations: t; shape (n_operations, 3).
    :param symbol: of the space group, after Hermann and Mauguin.
    """

    atoms: Atoms
    rotations: np.ndarray
    translations: np.ndarray
    symbol: str

    @classmethod
    def of(cls, atoms: Atoms, symprec: float = SYMPREC) -> Symmetry:
        """Find the space group of a crystal, by spglib (A. Togo et al., Sci. Technol. Adv. Mater. Meth. 4, 1 (2024)).

        :param atoms: the crystal.
        :param symprec: how far in Å an atom may be from the place that symmetry demands.
        :raises StructureError: if it is no crystal, or its symmetry depends on how closely one looks.
        """
        if not atoms.pbc.all() or atoms.cell.rank < 3 or not len(atoms):
            raise StructureError('The structure is not a crystal: it has no atoms, no cell or no periodicity.')
        plain = Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=True)
        try:
            with needs_structures():
                symmetric, dataset = get_symmetrized_atoms(plain, symprec=symprec, final_symprec=min(symprec, 1e-4))
        except (IntermediateDatasetError, AssertionError) as exception:
            raise StructureError(
                f'The space group is not well defined with symprec {symprec} Å: choose another.'
            ) from exception
        return cls(symmetric, dataset.rotations, dataset.translations, dataset.international)

    @property
    def cell(self) -> np.ndarray:
        """Cell vectors in rows, in Å; shape (3, 3)."""
        return self.atoms.cell.array

    @property
    def fractional(self) -> np.ndarray:
        """Fractional coordinates of all atoms; shape (n_atoms, 3)."""
        return self.atoms.cell.scaled_positions(self.atoms.positions)

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Return all images of points.

        :param points: fractional coordinates; shape (n_points, 3).
        :return: shape (n_operations, n_points, 3), not wrapped into the cell.
        """
        return np.einsum('gij,pj->gpi', self.rotations, points) + self.translations[:, None, :]

    def distances(self, points: np.ndarray, others: np.ndarray) -> np.ndarray:
        """Return the lengths in Å of the differences of points, up to whole cell vectors.

        Coordinates are rounded to the nearest cell, which finds the shortest image where points are near each other.

        :param points: fractional coordinates; shape (..., 3).
        :param others: that can be subtracted.
        """
        difference = points - others
        return np.linalg.norm((difference - np.rint(difference)) @ self.cell, axis=-1)

    def symmetrize(self, point: np.ndarray, reach: float) -> np.ndarray:
        """Move a point to the place of higher symmetry that is near it, if there is one.

        :param point: fractional coordinates; shape (3,).
        :param reach: operations that move it by less than this in Å are taken to leave it where it is.
        """
        images = self.apply(point[None])[:, 0]
        images += np.rint(point - images)
        near = self.distances(images, point) < reach
        return images[near].mean(axis=0)

    def orbit(self, point: np.ndarray) -> np.ndarray:
        """Return all points in the cell that are equivalent to one, itself first; shape (multiplicity, 3).

        :param point: fractional coordinates; shape (3,).
        """
        images = np.concatenate([point[None], self.apply(point[None])[:, 0]]) % 1.0
        kept: list[np.ndarray] = []
        for image in images:
            if not kept or self.distances(np.array(kept), image).min() > SAME_PLACE:
                kept.append(image)
        return np.array(kept)

    def are_equivalent(self, path: np.ndarray, others: Sequence[np.ndarray], *, reversible: bool = True) -> bool:
        """Return whether some operation moves all points of a path onto those of one of the others.

        :param path: fractional coordinates, in order; shape (n_points, 3).
        :param others: paths of as many points.
        :param reversible: whether a path is the same in the other direction.
        """
        images = self.apply(path)
        images = np.concatenate([images, images[:, ::-1]]) if reversible else images
        return any(self._coincide(images, other).any() for other in others)

    def count(self, path: np.ndarray, *, reversible: bool = True) -> int:
        """Return how many equivalent paths there are in the cell, itself included.

        :param path: fractional coordinates, in order; shape (n_points, 3).
        :param reversible: whether a path is the same in the other direction.
        """
        images = self.apply(path)
        is_same = self._coincide(images, path)
        if reversible:
            is_same |= self._coincide(images[:, ::-1], path)
        return len(self.rotations) // int(is_same.sum())

    def _coincide(self, images: np.ndarray, path: np.ndarray) -> np.ndarray:
        """Return which of many paths differ from one by a vector of the lattice only; shape (n_images,)."""
        difference = path - images
        difference -= np.rint(difference[:, :1])  # one vector for all points: a path moves as a whole
        return np.linalg.norm(difference @ self.cell, axis=-1).max(axis=1) < SAME_PLACE
