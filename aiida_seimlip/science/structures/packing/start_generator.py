"""Molecules packed by the start generator of ase-ga, the scheme of L. B. Vilhelmsen and B. Hammer.

(J. Chem. Phys. 141, 044711 (2014).) It is used with care, as some of what it does is not expected:

* the orientations of a block given several times are not even (its Euler angles are), so each molecule is a block of
  its own here and turned evenly beforehand: what comes after an even turn is even;
* a number for ``blmin``, though documented, ends in an error, so the distances are given for each pair of elements;
* it looks for the nearest images as seen from the first atom of a block, and a molecule that reaches farther than half
  the cell from there ends in a bare ``AssertionError``: the atom in its middle comes first here, and what fails still,
  as a molecule touches its own image, is a `PackingError`, after other random numbers were tried;
* it may run for ever, so iterations are counted and the time is looked at in each of them;
* its random numbers are numpy's global ones unless a generator is given.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
from ase import Atoms
from ase.cell import Cell
from scipy.spatial.transform import Rotation

from aiida_seimlip.science.structures.packing.errors import MissingProgramError, PackingError, PackingTimeoutError
from aiida_seimlip.science.structures.packing.packmol import INSTALL

ATTEMPTS = 5
"""Times that it is begun anew after an assertion of the generator failed."""


def describe_start_generator() -> str:
    """Return name and version of the library.

    :raises PackageNotFoundError: if it is not installed.
    """
    return f'ase-ga {version("ase-ga")}'


def pack_with_start_generator(
    molecules: Sequence[Atoms],
    counts: Sequence[int],
    cell: np.ndarray | Sequence[float],
    *,
    tolerance: float = 2.0,
    seed: int,
    max_attempts: int = 200,
    time_limit: float | None = None,
) -> Atoms:
    """Put molecules into a periodic cell one after the other, in random order.

    :param molecules: one of each kind; their cells are not used.
    :param counts: number of molecules of each kind.
    :param cell: three lengths, six cell parameters or three vectors, in Å.
    :param tolerance: shortest distance between atoms of different molecules in Å.
    :param seed: of the random numbers.
    :param max_attempts: number of places to try, for each molecule on average.
    :param time_limit: in s; none for no limit.
    :return: the atoms, sorted by kind as given, periodic along all three vectors.
    :raises MissingProgramError: if ase-ga is not installed.
    :raises PackingTimeoutError: if it takes too long.
    :raises PackingError: if the molecules do not fit.
    """
    try:
        from ase_ga.startgenerator import StartGenerator
    except ImportError as exception:
        raise MissingProgramError(f'ase-ga is not installed ({INSTALL}).') from exception
    vectors = Cell.new(cell).array
    random = _WatchedGenerator(seed, None if time_limit is None else time.monotonic() + time_limit)
    kinds = [kind for kind, count in enumerate(counts) for _ in range(count)]
    if not kinds:
        return Atoms(cell=vectors, pbc=True)
    elements = sorted({int(number) for kind in kinds for number in molecules[kind].numbers})
    distances = {(one, other): tolerance for one in elements for other in elements}
    for _ in range(ATTEMPTS):
        blocks = [_turned(molecules[kind][_middle_first(molecules[kind])], random) for kind in kinds]
        generator: Any = StartGenerator(
            Atoms(cell=vectors, pbc=True), blocks, distances, test_too_far=False, rng=random
        )
        try:
            candidate = generator.get_new_candidate(maxiter=max_attempts * len(kinds))
        except AssertionError:
            continue
        if candidate is None:
            raise PackingError(
                f'The start generator found no places with {tolerance:g} Å between the molecules in '
                f'{max_attempts * len(kinds)} attempts.'
            )
        packed = Atoms(cell=vectors, pbc=True)
        stop = 0
        for kind in kinds:
            start, stop = stop, stop + len(molecules[kind])
            packed += candidate[start:stop][np.argsort(_middle_first(molecules[kind]))]
        packed.set_tags(None)
        return packed
    raise PackingError(
        f'The start generator failed {ATTEMPTS} times as a molecule came too close to its own image: the edges of the '
        f'cell, the shortest of which is {np.linalg.norm(vectors, axis=1).min():.1f} Å, are too short for it.'
    )


def _middle_first(molecule: Atoms) -> np.ndarray:
    """Return the order of atoms that begins with the one whose farthest neighbour is nearest; shape (n_atoms,)."""
    middle = int(molecule.get_all_distances().max(axis=1).argmin())
    return np.concatenate([[middle], np.delete(np.arange(len(molecule)), middle)])


def _turned(molecule: Atoms, random: _WatchedGenerator) -> Atoms:
    """Return a molecule turned at random, all orientations being as likely."""
    positions = molecule.positions
    if len(molecule) > 1:
        positions = Rotation.from_quat(random.normal(size=4)).apply(positions - positions.mean(axis=0))
    return Atoms(numbers=molecule.numbers, positions=positions)


class _WatchedGenerator:
    """Random numbers for the start generator, which asks for some in each iteration: there the time is looked at."""

    def __init__(self, seed: int, deadline: float | None) -> None:
        self._generator = np.random.default_rng(seed)
        self._deadline = deadline

    def random(self, *arguments: Any, **keywords: Any) -> Any:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise PackingTimeoutError('The start generator took too long.')
        return self._generator.random(*arguments, **keywords)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._generator, name)
