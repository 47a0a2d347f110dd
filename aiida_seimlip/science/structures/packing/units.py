"""Cells of several molecules, packed by the method that suits their density, and what is known about them."""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
from ase import Atoms
from ase.cell import Cell
from ase.units import _amu

from aiida_seimlip.science.neighbours import neighbour_list
from aiida_seimlip.science.seeds import derive_seed
from aiida_seimlip.science.structures.molecules import Molecule
from aiida_seimlip.science.structures.packing.errors import MissingProgramError, PackingError, PackingTimeoutError
from aiida_seimlip.science.structures.packing.packmol import INSTALL, describe_packmol, find_packmol, pack_with_packmol
from aiida_seimlip.science.structures.packing.random import pack
from aiida_seimlip.science.structures.packing.start_generator import (
    describe_start_generator,
    pack_with_start_generator,
)

DENSE = 1.4
"""In g/cm³: up to here molecules are put into place one after the other, above all at once by packmol."""

TRIES = 10
"""Of one method with one tolerance, each with other random numbers: packmol lets a molecule lie on its own image."""

MISFITS = 2
"""So many of them may fail as the molecules do not fit."""

MISSED = 0.02
"""Distances may be so much shorter than the tolerance in Å, which packmol keeps to 0.01 Å."""

STRETCHED = 1e-3
"""Distances inside a molecule may differ by so much in Å from what they were."""

_G_PER_CM3 = _amu * 1e27
"""1 u/Å³."""

Packer = Callable[..., Atoms]

_PACKERS: dict[str, Packer] = {
    'random': pack, 'packmol': pack_with_packmol, 'start_generator': pack_with_start_generator
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class PackedCell:
    """A cell of molecules.

    :param atoms: periodic; molecules are whole, with atoms outside of the cell where they reach over its boundary.
    :param units: number of the molecule of each atom, from 0; shape (n_atoms,).
    :param names: of each molecule, in order.
    :param method: ``random``, ``packmol`` or ``start_generator``.
    :param program: that packed, with its version.
    :param tolerance: shortest distance between atoms of different molecules in Å that was asked for.
    :param shortest: that there is, images of the same molecule included.
    :param seconds: that it took.
    :param notes: sentences about what was tried before.
    """

    atoms: Atoms
    units: np.ndarray
    names: tuple[str, ...]
    method: str
    program: str
    tolerance: float
    shortest: float
    seconds: float
    notes: tuple[str, ...]

    @property
    def density(self) -> float:
        """In g/cm³."""
        return density_of(self.atoms)


def pack_units(
    molecules: Sequence[Molecule],
    counts: Sequence[int],
    cell: np.ndarray | Sequence[float],
    *,
    method: str = 'auto',
    tolerances: Sequence[float] = (1.8, 1.6),
    seed: int,
    time_limit: float = 60.0,
) -> PackedCell:
    """Pack molecules into a periodic cell.

    Where a method fails, it is tried again with other random numbers (`TRIES`, `MISFITS`), then the other method (if it
    is ``auto``), then all with the next tolerance. All that is limited by counts, so that the result is the same on
    slow and fast machines; the time limit only ends it. Whatever packed, the result is looked at here.

    :param molecules: one of each kind.
    :param counts: number of molecules of each kind.
    :param cell: three lengths, six cell parameters or three vectors, in Å.
    :param method: ``random`` (see `pack`), ``packmol``, ``start_generator``; ``auto`` for ``random`` up to `DENSE`
        and ``packmol`` above, and the other one where that fails.
    :param tolerances: shortest distances between atoms of different molecules in Å, to be tried one after the other.
    :param seed: of the random numbers.
    :param time_limit: in s, for everything.
    :raises MissingProgramError: if a program is asked for that is not installed.
    :raises PackingTimeoutError: if it takes too long.
    :raises PackingError: if the molecules do not fit.
    """
    begin = time.monotonic()
    deadline = begin + time_limit
    vectors = Cell.new(cell).array
    units = [molecule for molecule, count in zip(molecules, counts, strict=True) for _ in range(count)]
    methods, notes = _choose_methods(method, sum(unit.mass for unit in units) / abs(float(np.linalg.det(vectors))))
    for (step, tolerance), name in itertools.product(enumerate(tolerances), methods):
        packer, atoms_of = _PACKERS[name], [molecule.atoms for molecule in molecules]
        pack_it = functools.partial(packer, atoms_of, counts, vectors, tolerance=tolerance)
        seeds = [derive_seed(seed, step, sorted(_PACKERS).index(name), attempt) for attempt in range(TRIES)]
        try:
            found = _try(
                functools.partial(_pack_until, deadline, pack_it),
                functools.partial(_inspect, units=units, tolerance=tolerance), seeds, notes,
            )  # fmt: skip
        except PackingTimeoutError as exception:
            reasons = [*notes, f'Packing took longer than {time_limit:g} s: {exception}']
            raise PackingTimeoutError(_joined(reasons)) from exception
        if found is not None:
            atoms, shortest = found
            return PackedCell(
                atoms=atoms, units=_owners(units), names=tuple(unit.name for unit in units), method=name,
                program=_describe(name), tolerance=tolerance, shortest=shortest, seconds=time.monotonic() - begin,
                notes=tuple(dict.fromkeys(notes)),
            )  # fmt: skip
    raise PackingError(_joined(notes))


def cell_lengths(volume: float, proportions: Sequence[float] = (1.0, 1.0, 1.0), min_length: float = 0.0) -> np.ndarray:
    """Return the edges of a cell with right angles in Å; shape (3,).

    :param volume: in Å³.
    :param proportions: of the edges.
    :param min_length: edges that would be shorter get this length in Å, and the cell becomes larger.
    """
    shape = np.asarray(proportions, dtype=float)
    return np.maximum(shape * (volume / shape.prod()) ** (1.0 / 3.0), min_length)


def density_of(atoms: Atoms) -> float:
    """Return the density of a periodic cell in g/cm³.

    :param atoms: in their cell.
    """
    return density(float(atoms.get_masses().sum()), atoms.get_volume())


def density(mass: float, volume: float) -> float:
    """Return a density in g/cm³.

    :param mass: in u.
    :param volume: in Å³.
    """
    return mass * _G_PER_CM3 / volume


def volume_at(density: float, mass: float) -> float:
    """Return the volume in Å³ that has a density.

    :param density: in g/cm³.
    :param mass: in u.
    """
    return mass * _G_PER_CM3 / density


def shortest_contact(atoms: Atoms, owners: np.ndarray) -> float:
    """Return the shortest distance between atoms of different molecules, or images of one, in Å; at most 5 Å.

    :param atoms: periodic, with whole molecules.
    :param owners: number of the molecule of each atom; shape (n_atoms,).
    """
    pairs = neighbour_list(atoms.positions, np.array([0, len(atoms)]), atoms.cell.array[None], atoms.pbc[None], 5.0)
    centres, neighbours = pairs.centres, pairs.neighbours
    is_image = np.linalg.norm(pairs.vectors - atoms.positions[neighbours] + atoms.positions[centres], axis=1) > 1e-3
    return float(pairs.distances[(owners[centres] != owners[neighbours]) | is_image].min(initial=5.0))


def explain_method(method: str) -> str | None:
    """Say that what a method of packing needs is not installed, and how it is installed.

    :param method: as `pack_units` takes it.
    :return: one sentence, None if it can be used.
    """
    if method == 'packmol' and find_packmol() is None:
        return f'packmol is not installed ({INSTALL}).'
    if method == 'start_generator' and find_spec('ase_ga') is None:
        return f'ase-ga, which has the start generator, is not installed ({INSTALL}).'
    return None


def _choose_methods(method: str, mass_density: float) -> tuple[list[str], list[str]]:
    """Return which methods are tried, in order, and sentences about those that cannot be.

    :param mass_density: in u/Å³.
    :raises MissingProgramError: if there is none.
    """
    if method != 'auto' and method not in _PACKERS:
        raise ValueError(f'There is no method of packing `{method}`; there are auto, {", ".join(_PACKERS)}.')
    is_dense = density(mass_density, 1.0) > DENSE
    wanted = [method] if method != 'auto' else ['packmol', 'random'] if is_dense else ['random', 'packmol']
    missing = {name: message for name in wanted if (message := explain_method(name)) is not None}
    if len(missing) == len(wanted):
        raise MissingProgramError(_joined(missing.values()))
    return [name for name in wanted if name not in missing], list(missing.values())


def _pack_until(deadline: float, pack_it: Callable[..., Atoms], seed: int) -> Atoms:
    """Pack in what is left of the time.

    :param deadline: on the monotonic clock.
    """
    return pack_it(seed=seed, time_limit=max(deadline - time.monotonic(), 0.0))


def _try(
    pack_it: Callable[[int], Atoms], inspect: Callable[[Atoms], float], seeds: Iterable[int], notes: list[str]
) -> tuple[Atoms, float] | None:
    """Pack with one method and tolerance until it succeeds or has failed often enough.

    :param pack_it: packs with a seed.
    :param inspect: returns the shortest contact.
    :param notes: to which a sentence is added about each failure.
    :return: the atoms and their shortest contact; None if it failed.
    :raises PackingTimeoutError: if it takes too long.
    """
    misfits = 0
    for seed in seeds:
        try:
            atoms = pack_it(seed)
        except PackingTimeoutError:
            raise
        except PackingError as exception:
            notes.append(str(exception))
            misfits += 1
            if misfits == MISFITS:
                return None
            continue
        try:
            return atoms, inspect(atoms)
        except PackingError as exception:
            notes.append(str(exception))
    return None


def _inspect(atoms: Atoms, units: Sequence[Molecule], tolerance: float) -> float:
    """Return the shortest contact, having looked at what a program packed.

    :raises PackingError: if a molecule is another one than it was, or a contact too short.
    """
    stop = 0
    for unit in units:
        start, stop = stop, stop + len(unit.atoms)
        packed = Atoms(unit.atoms.numbers, atoms.positions[start:stop])
        if np.abs(packed.get_all_distances() - unit.atoms.get_all_distances()).max() > STRETCHED:
            raise PackingError(f'A molecule {unit.name} came back in another shape.')
    shortest = shortest_contact(atoms, _owners(units))
    if shortest < tolerance - MISSED:
        raise PackingError(
            f'Two molecules, or a molecule and its image, are {shortest:.2f} Å apart, where {tolerance:g} Å were asked '
            'for.'
        )
    return shortest


def _owners(units: Sequence[Molecule]) -> np.ndarray:
    return np.repeat(np.arange(len(units)), [len(unit.atoms) for unit in units])


def _describe(name: str) -> str:
    describe = {'packmol': describe_packmol, 'start_generator': describe_start_generator}
    return describe[name]() if name in describe else f'numpy {version("numpy")}'


def _joined(sentences: Iterable[str]) -> str:
    return ' '.join(dict.fromkeys(sentences))
