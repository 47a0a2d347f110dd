"""Whether forces and stress of a program belong to its energies, by central differences; how numbers disagree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import VOIGT

NEAR = 1e-3
"""Two sets of numbers are taken for equal up to a factor if this fraction is left over."""

NEAR_DIFFERENCES = 0.05
"""The same where one set comes from differences of energies."""


@dataclass(frozen=True, eq=False)
class DifferencePlan:
    """Configurations from whose energies forces and stress can be found.

    :param frames: the configuration itself; two for each direction (forth and back); two for each component of the
        strain in Voigt's order; and the configuration repeated once along its first axis.
    :param directions: unit vectors in the space of all coordinates; shape (n_directions, n_atoms, 3).
    :param displacement: length of the step along a direction, in Å.
    :param strain: size of the strains.
    """

    frames: Frames
    directions: np.ndarray
    displacement: float
    strain: float


@dataclass(frozen=True, eq=False)
class Differences:
    """What a program says, and what follows from its energies.

    :param forces: component of the forces along each direction, in eV/Å; shape (n_directions,).
    :param finite_forces: the same from differences of energies.
    :param stress: in eV/Å³, Voigt's order; shape (6,); None if the program gives none.
    :param finite_stress: the same from differences of energies.
    :param extensivity: energy of the repeated configuration less twice that of the single one, in eV per atom.
    """

    forces: np.ndarray
    finite_forces: np.ndarray
    stress: np.ndarray | None
    finite_stress: np.ndarray
    extensivity: float


def plan_differences(
    atoms: Atoms, *, displacement: float = 0.01, strain: float = 0.005, n_directions: int = 4, seed: int = 0
) -> DifferencePlan:
    """Lay out displaced and strained copies of a configuration.

    :param atoms: periodic in all directions.
    :param displacement: length of the step along a direction, in Å for an atom on the average.
    :param strain: size of the strains.
    :param n_directions: number of random directions in the space of all coordinates.
    :param seed: of the directions.
    """
    bare = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    directions = np.random.default_rng(seed).normal(size=(n_directions, len(bare), 3))
    directions -= directions.mean(axis=1, keepdims=True)  # shifting all atoms changes nothing
    directions /= np.linalg.norm(directions, axis=(1, 2), keepdims=True)
    step = displacement * np.sqrt(len(bare))
    images = [bare]
    for direction in directions:
        for sign in (1.0, -1.0):
            image = bare.copy()
            image.positions += sign * step * direction
            images.append(image)
    for component in range(6):
        images += [_strained(bare, component, sign * strain) for sign in (1.0, -1.0)]
    images.append(bare.repeat((2, 1, 1)))
    return DifferencePlan(Frames.from_atoms(images), directions, step, strain)


def _strained(atoms: Atoms, component: int, size: float) -> Atoms:
    """Return a copy under one component of the strain; shear components count twice in Voigt's notation."""
    tensor = np.zeros((3, 3))
    row, column = VOIGT[component]
    tensor[row, column] = tensor[column, row] = size if row == column else 0.5 * size
    image = atoms.copy()
    image.set_cell(atoms.cell.array @ (np.eye(3) + tensor), scale_atoms=True)
    return image


def find_differences(plan: DifferencePlan, labelled: Frames) -> Differences:
    """Compare forces and stress with differences of energies.

    :param plan: as it was laid out.
    :param labelled: its frames with energies and forces, in order.
    :raises ValueError: if there are not as many frames.
    """
    if len(labelled) != len(plan.frames) or labelled.energies is None or labelled.forces is None:
        raise ValueError(f'There are labels for {len(labelled)} of {len(plan.frames)} frames.')
    n_atoms, n_directions = int(labelled.sizes[0]), len(plan.directions)
    energies = labelled.energies
    pairs = energies[1:-1].reshape(-1, 2)
    slopes = pairs[:, 0] - pairs[:, 1]
    stress = None if labelled.stresses is None else labelled.stresses[0]
    return Differences(
        forces=np.einsum('kij,ij->k', plan.directions, labelled.forces[:n_atoms]),
        finite_forces=-slopes[:n_directions] / (2.0 * plan.displacement),
        stress=None if stress is None or not np.isfinite(stress).all() else stress,
        finite_stress=slopes[n_directions:] / (2.0 * plan.strain) / float(labelled.volumes[0]),
        extensivity=float(energies[-1] - 2.0 * energies[0]) / (2 * n_atoms),
    )


def explain_difference(found: np.ndarray, expected: np.ndarray, near: float = NEAR) -> str:
    """Say how two sets of numbers disagree, where there is a simple rule.

    :param found: what a program says; shape (n, ...).
    :param expected: what it should say; the same shape.
    :param near: fraction of the numbers that a rule may leave unexplained.
    :return: the rest of a sentence, such as ``have the wrong sign``.
    """
    norm = float(np.sum(expected**2))
    factor = float(np.sum(found * expected)) / norm if norm else 0.0
    if factor and np.linalg.norm(found - factor * expected) <= near * np.linalg.norm(found):
        return 'have the wrong sign' if abs(factor + 1.0) < near else f'are {factor:.3g} times what they should be'
    if expected.shape == (6,) and _is_order(found, expected, near):
        return 'come in another order of components'
    if expected.ndim == 2 and _is_order(np.linalg.norm(found, axis=1), np.linalg.norm(expected, axis=1), near):
        return 'belong to other atoms: the order of the atoms is not kept'
    return 'follow no simple rule'


def _is_order(found: np.ndarray, expected: np.ndarray, near: float) -> bool:
    """Tell whether two rows of numbers differ in their order only."""
    return bool(np.allclose(np.sort(found), np.sort(expected), rtol=near, atol=near * float(np.abs(expected).max())))
