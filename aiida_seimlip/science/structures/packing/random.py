"""Molecules put into a periodic cell one after the other, each in a random place and orientation."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np
from ase import Atoms
from ase.cell import Cell
from scipy.spatial.transform import Rotation

from aiida_seimlip.science.neighbours import neighbour_list
from aiida_seimlip.science.structures.packing.errors import PackingError, PackingTimeoutError


def pack(
    molecules: Sequence[Atoms],
    counts: Sequence[int],
    cell: np.ndarray | Sequence[float],
    *,
    tolerance: float = 2.0,
    seed: int,
    max_attempts: int = 1000,
    time_limit: float | None = None,
) -> Atoms:
    """Put molecules into a periodic cell, one after the other, each in a random place and orientation.

    The largest molecules go first. A place is taken if all distances to other molecules, images included, keep the
    tolerance; distances inside a molecule stay what they are.

    :param molecules: one of each kind; their cells are not used.
    :param counts: number of molecules of each kind.
    :param cell: three lengths, six cell parameters or three vectors, in Å.
    :param tolerance: shortest distance between atoms of different molecules in Å.
    :param seed: of the random numbers.
    :param max_attempts: number of places to try for a molecule.
    :param time_limit: in s; none for no limit.
    :return: the atoms, sorted by kind as given, periodic along all three vectors.
    :raises PackingError: if a molecule finds no place.
    :raises PackingTimeoutError: if it takes too long.
    :raises ValueError: if the input makes no sense.
    """
    if len(molecules) != len(counts) or any(count < 0 for count in counts):
        raise ValueError(f'There are {len(molecules)} kinds of molecules and the counts {list(counts)}.')
    vectors = Cell.new(cell).array
    if abs(np.linalg.det(vectors)) < 1e-6:
        raise ValueError('The cell has no volume.')
    if tolerance <= 0.0:
        raise ValueError(f'The tolerance {tolerance} Å is not positive.')
    kinds = [kind for kind, count in enumerate(counts) for _ in range(count)]
    rng = np.random.default_rng(seed)
    deadline = np.inf if time_limit is None else time.monotonic() + time_limit
    placed: list[np.ndarray] = [np.empty((0, 3))]
    order = sorted(range(len(kinds)), key=lambda index: -len(molecules[kinds[index]]))
    for done, index in enumerate(order):
        molecule = molecules[kinds[index]]
        others = np.concatenate(placed)
        for positions in _trials(molecule, vectors, rng, max_attempts):
            if time.monotonic() > deadline:
                raise PackingTimeoutError(f'{done} of {len(kinds)} molecules found their places in {time_limit:g} s.')
            if not _clashes(others, positions, vectors, tolerance):
                placed.append(positions)
                break
        else:
            raise PackingError(
                f'{molecule.get_chemical_formula()} found no place in {max_attempts} attempts after {done} of '
                f'{len(kinds)} molecules: the cell of {abs(np.linalg.det(vectors)):.0f} Å³ is too small for a '
                f'tolerance of {tolerance} Å.'
            )
    positions_of = dict(zip(order, placed[1:], strict=True))
    packed = Atoms(cell=vectors, pbc=True)
    for index, kind in enumerate(kinds):
        packed += Atoms(numbers=molecules[kind].numbers, positions=positions_of[index])
    return packed


def _trials(molecule: Atoms, cell: np.ndarray, rng: np.random.Generator, n: int) -> Iterator[np.ndarray]:
    """Yield the positions of a molecule in random places and orientations."""
    arms = molecule.positions - molecule.positions.mean(axis=0)
    for _ in range(n):
        rotation = Rotation.from_quat(rng.normal(size=4))  # evenly distributed
        yield rotation.apply(arms) + rng.random(3) @ cell


def _clashes(placed: np.ndarray, new: np.ndarray, cell: np.ndarray, tolerance: float) -> bool:
    """Return whether new atoms come too close to those placed, or to their own periodic images."""
    positions = np.concatenate([placed, new])
    pairs = neighbour_list(positions, np.array([0, len(positions)]), cell[None], np.ones((1, 3), dtype=bool), tolerance)
    is_new = pairs.centres >= len(placed)
    centres, neighbours, vectors = pairs.centres[is_new], pairs.neighbours[is_new], pairs.vectors[is_new]
    is_image = np.linalg.norm(vectors - (positions[neighbours] - positions[centres]), axis=1) > 1e-6
    return bool(np.any((neighbours < len(placed)) | is_image))
