"""Displaced and strained copies of a structure.

All displacements are independent of each other; see `thermal` for configurations whose bonds stay intact. Nothing is
random but what the seed says: the same seed gives the same numbers on every platform.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms

from aiida_seimlip.science.frames import Frames

MAX_ATTEMPTS = 100
"""How often a frame is drawn anew when atoms come too close."""


class PerturbationError(ValueError):
    """No perturbed frame keeps the wanted distance between its atoms."""


def rattle(atoms: Atoms, amplitude: float, seed: int | np.random.Generator) -> Atoms:
    """Displace all atoms at random.

    :param atoms: the structure.
    :param amplitude: standard deviation of each Cartesian component in Å.
    :param seed: of the random numbers, or where to take them from.
    :return: a copy without labels and velocities.
    :raises ValueError: if the amplitude is negative.
    """
    if amplitude < 0.0:
        raise ValueError(f'The amplitude {amplitude} Å of displacements is negative.')
    rng = np.random.default_rng(seed)
    image = _bare(atoms)
    image.positions += rng.normal(0.0, amplitude, (len(image), 3))
    return image


def strain(atoms: Atoms, tensor: np.ndarray) -> Atoms:
    """Deform the cell, and the atoms with it: every vector r becomes (1 + ε) r.

    :param atoms: the structure.
    :param tensor: symmetric strain ε; shape (3, 3).
    :return: a copy without labels and velocities.
    :raises ValueError: if the tensor is not symmetric, or turns the cell inside out.
    """
    tensor = np.asarray(tensor, dtype=float)
    if tensor.shape != (3, 3) or not np.allclose(tensor, tensor.T, rtol=0.0, atol=1e-12):
        raise ValueError('The strain is not a symmetric tensor of shape (3, 3).')
    deformation = np.eye(3) + tensor
    if np.linalg.eigvalsh(deformation)[0] <= 0.0:
        raise ValueError('The strain compresses the cell to nothing.')
    image = _bare(atoms)
    image.set_cell(atoms.cell.array @ deformation)
    image.positions = image.positions @ deformation
    return image


def random_strain(atoms: Atoms, largest: float, seed: int | np.random.Generator) -> Atoms:
    """Deform the cell at random, and the atoms with it.

    :param atoms: the structure.
    :param largest: the six components of the strain are drawn evenly from - to + this.
    :param seed: of the random numbers, or where to take them from.
    :return: a copy without labels and velocities.
    :raises ValueError: if `largest` is negative or so large that the cell could collapse.
    """
    if not 0.0 <= largest < 1.0 / 3.0:
        raise ValueError(f'The largest strain {largest} is not between 0 and 1/3.')
    tensor = np.zeros((3, 3))
    tensor[np.triu_indices(3)] = np.random.default_rng(seed).uniform(-largest, largest, 6)
    return strain(atoms, np.triu(tensor) + np.triu(tensor, 1).T)


def perturb(
    atoms: Atoms, n_frames: int, *, displacement: float, strain: float, seed: int, min_distance: float = 0.0
) -> list[Atoms]:
    """Make copies of a structure, each strained and rattled at random.

    Each frame has random numbers of its own: the first ones are the same however many follow.

    :param atoms: the structure.
    :param n_frames: number of copies.
    :param displacement: standard deviation of each Cartesian component of a displacement in Å.
    :param strain: largest component of the strain.
    :param seed: of the random numbers.
    :param min_distance: frames with a shorter distance in Å are drawn anew.
    :raises PerturbationError: if no frame keeps `min_distance`.
    :raises ValueError: if a number is negative, or the strain too large.
    """
    if n_frames < 0:
        raise ValueError(f'The number of frames {n_frames} is negative.')
    images = []
    for index in range(n_frames):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(index,)))
        for _ in range(MAX_ATTEMPTS):
            image = rattle(random_strain(atoms, strain, rng), displacement, rng)
            if _keeps_distance(image, min_distance):
                images.append(image)
                break
        else:
            raise PerturbationError(
                f'No frame of {MAX_ATTEMPTS} keeps {min_distance} Å between its atoms with displacements of '
                f'{displacement} Å and strains up to {strain}.'
            )
    return images


def _keeps_distance(atoms: Atoms, distance: float) -> bool:
    """Return whether no two atoms, images included, are closer than a distance in Å."""
    return distance <= 0.0 or bool(Frames.from_atoms([atoms]).shortest_distances(distance)[0] >= distance)


def _bare(atoms: Atoms) -> Atoms:
    """Return a copy that has nothing but elements, positions, cell and periodicity."""
    return Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
