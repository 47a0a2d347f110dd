"""A made-up alloy whose energies cost nothing: what programs are checked with.

Three metals on a sheared face-centred lattice, so that no symmetry hides a mistake of sign or order, labelled by
effective medium theory: K. W. Jacobsen, P. Stoltze and J. K. Nørskov, Surf. Sci. 366, 394 (1996), as in ASE.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT

from aiida_seimlip.science.frames import Frames

ALLOY_SPECIES = ('Cu', 'Al', 'Ag')
"""In type order, which is neither alphabetical nor that of the atomic numbers."""

LATTICE_CONSTANT = 4.0
SHEAR = 0.3


def alloy(
    seed: int,
    *,
    n_cells: int = 2,
    species: Sequence[str] = ALLOY_SPECIES,
    displacement: float = 0.12,
    strain: float = 0.03,
) -> Atoms:
    """Return a monoclinic or, with strain, triclinic cell of the alloy.

    :param seed: of all random numbers.
    :param n_cells: repetitions of the cubic cell of four atoms along each axis.
    :param species: the elements, on the sites in random order, in equal parts as far as possible.
    :param displacement: standard deviation of each Cartesian component of the atoms' displacements, in Å.
    :param strain: standard deviation of the components of the cell's deformation.
    """
    random = np.random.default_rng(seed)
    atoms = bulk('Cu', a=LATTICE_CONSTANT, cubic=True).repeat(n_cells)
    places = random.permutation(np.arange(len(atoms)) % len(species))
    atoms.symbols[:] = np.array(species)[places]
    cell = atoms.cell.array.copy()
    cell[2, 0] += SHEAR * n_cells
    atoms.set_cell(cell @ (np.eye(3) + random.normal(scale=strain, size=(3, 3))), scale_atoms=True)
    atoms.positions += random.normal(scale=displacement, size=atoms.positions.shape)
    return atoms


def label_alloy(images: Sequence[Atoms]) -> Frames:
    """Return configurations of the alloy with energies, forces and stresses by effective medium theory.

    :param images: of the elements that the theory knows.
    """
    for image in images:
        image.calc = EMT()
        image.get_stress()
    return Frames.from_atoms(images)
