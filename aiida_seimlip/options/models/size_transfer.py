"""Options of `SizeTransferWorkChain`."""

from __future__ import annotations

from typing import Self

import numpy as np
from ase import Atoms
from pydantic import Field, PositiveInt, model_validator

from aiida_seimlip.options.models.comparison import LABELS, ComparisonOptions
from aiida_seimlip.science.structures.supercells import StructureError, as_matrix, smallest_supercell


class SizeTransferOptions(ComparisonOptions):
    """The sizes, what the models are compared with in them, and how size-consistent that has to be."""

    repeats: list[tuple[PositiveInt, PositiveInt, PositiveInt]] = Field(
        default=[], description='Repetitions of the structure along its vectors, for each supercell.'
    )
    lengths: list[float] = Field(
        default=[], description='Smallest distances of opposite faces in Å, for each supercell; instead of `repeats`.'
    )
    max_atoms: int = Field(default=2000, ge=1, description='Larger supercells are refused.')
    size_consistency_mev_per_atom: float = Field(
        default=1.0, gt=0, description='By how much the energy of an atom by the reference may differ among the '
        'supercells without displacements; if it differs by more, nothing is compared.',
    )  # fmt: skip

    @model_validator(mode='after')
    def _sizes_are_given_once(self) -> Self:
        if bool(self.repeats) == bool(self.lengths):
            raise ValueError('give either `repeats` or `lengths`')
        if any(length <= 0 for length in self.lengths):
            raise ValueError('all `lengths` must be above 0')
        if self.reference == LABELS:
            raise ValueError(
                f'`reference` is `{LABELS}`, but labels cannot tell the energy of the crystal in the supercells: name '
                'a model'
            )
        return self

    def supercells_of(self, atoms: Atoms) -> dict[str, np.ndarray]:
        """Return the matrices of the supercells by their names, such as ``s2x2x1``, the smallest first.

        :param atoms: the structure.
        :raises StructureError: if one holds more than `max_atoms`, or all have the same number of atoms.
        """
        matrices = [as_matrix(repeats) for repeats in self.repeats]
        matrices += [smallest_supercell(atoms, length) for length in self.lengths]
        sizes = {_name(matrix): len(atoms) * round(float(np.linalg.det(matrix))) for matrix in matrices}
        largest = max(sizes.values())
        if largest > self.max_atoms:
            raise StructureError(f'A supercell holds {largest} atoms, and `max_atoms` allows {self.max_atoms}.')
        if len(set(sizes.values())) < 2:
            raise StructureError(f'All supercells hold {largest} atoms: two sizes at least are needed.')
        by_name = {_name(matrix): matrix for matrix in matrices}
        return {name: by_name[name] for name in sorted(sizes, key=lambda name: (sizes[name], name))}


def _name(matrix: np.ndarray) -> str:
    return 's' + 'x'.join(str(int(number)) for number in np.diag(matrix))
