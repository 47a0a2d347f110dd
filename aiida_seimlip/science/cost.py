"""What molecular dynamics costs, from speeds that were measured, and the room that its results take."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

SLOWDOWN_PER_LEVEL = 0.18
"""Natural logarithm of the factor by which a level more slows a moment tensor potential down: our own kernel does 170
thousand atom-steps per second at level 8 and 40 thousand at level 16. Only used away from levels that were measured."""

SECONDS_PER_HOUR = 3600.0

NPY_HEADER = 128
"""Bytes of an ``.npy`` file before its data; that of short arrays of numbers."""

METHOD_LENGTH = 46
"""Bytes of the method of a frame: that of a prediction, which is longer than the names of most references."""

ZIP_ENTRY, ZIP_END = 30 + 20 + 46, 22
"""Bytes of a zip file for each entry (its two headers, with the extra field that numpy asks for) and at its end."""

Known = Literal['energies', 'forces', 'stresses', 'grades', 'velocities', 'methods', 'origins', 'steps']
"""What may be known of a frame beyond species, positions and cell."""


class CostError(ValueError):
    """A cost cannot be estimated; the message says why."""


# -- time -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Speed:
    """How fast a program was seen to run.

    :param atom_steps_per_second: atoms times steps per second of wall time.
    :param n_ranks: MPI ranks that it ran with.
    :param level: of the moment tensor potential, None for other models.
    :param with_grades: whether the grade was evaluated at every step, None for other models.
    """

    atom_steps_per_second: float
    n_ranks: int = 1
    level: int | None = None
    with_grades: bool | None = None

    @property
    def per_core(self) -> float:
        """Atom-steps per second of wall time and rank."""
        return self.atom_steps_per_second / self.n_ranks


@dataclass(frozen=True)
class Rate:
    """The speed to reckon with.

    :param atom_steps_per_core_second: atoms times steps per core and second.
    :param levels: levels that were measured.
    :param is_extrapolated: whether the level asked for lies outside of these.
    """

    atom_steps_per_core_second: float
    levels: tuple[int, ...] = ()
    is_extrapolated: bool = False

    def core_hours(self, atom_steps: float) -> float:
        """Return the time that molecular dynamics takes in core-hours.

        :param atom_steps: atoms times steps.
        """
        return atom_steps / self.atom_steps_per_core_second / SECONDS_PER_HOUR


def find_rate(speeds: Iterable[Speed], level: int | None = None, with_grades: bool | None = None) -> Rate:
    """Return the speed at a level of theory from what was measured.

    Between two levels the logarithm of the speed is interpolated; beyond the last one that was measured it is taken to
    fall by `SLOWDOWN_PER_LEVEL`. Of several measurements at a level the last one counts.

    :param speeds: what was measured, in order of time.
    :param level: of the moment tensor potential, None for other models.
    :param with_grades: whether the grade is evaluated at every step.
    :raises CostError: if nothing that applies was measured.
    """
    known = [speed for speed in speeds if (speed.level is None) == (level is None) and speed.atom_steps_per_second > 0]
    fitting = [speed for speed in known if with_grades is None or speed.with_grades in (with_grades, None)]
    if not fitting:
        kind = 'any other model' if level is None else 'a moment tensor potential'
        graded = '' if with_grades is None else f' {"with" if with_grades else "without"} grades'
        raise CostError(f'No speed was measured of {kind}{graded}.')
    if level is None:
        return Rate(fitting[-1].per_core)
    by_level = {speed.level: math.log(speed.per_core) for speed in fitting if speed.level is not None}
    levels = tuple(sorted(by_level))
    logarithm = _interpolate(level, [(known_level, by_level[known_level]) for known_level in levels])
    return Rate(math.exp(logarithm), levels, is_extrapolated=not levels[0] <= level <= levels[-1])


def _interpolate(level: int, points: list[tuple[int, float]]) -> float:
    """Return the logarithm of the speed at a level.

    :param points: levels in rising order, and the logarithm of the speed at each.
    """
    (first, first_value), (last, last_value) = points[0], points[-1]
    if level <= first:
        return first_value + SLOWDOWN_PER_LEVEL * (first - level)
    if level >= last:
        return last_value - SLOWDOWN_PER_LEVEL * (level - last)
    (low, low_value), (high, high_value) = next(pair for pair in pairwise(points) if level <= pair[1][0])
    return low_value + (high_value - low_value) * (level - low) / (high - low)


# -- room -------------------------------------------------------------------------------------------------------------


def n_samples(n_steps: int, every: int) -> int:
    """Return how many frames a run keeps, the first and, where it fits, the last one included.

    :param n_steps: length of the run in steps.
    :param every: steps between two frames.
    """
    return n_steps // every + 1


def track_bytes(n_frames: int, n_ions: int) -> int:
    """Return the room that a stored `Track` takes, in bytes.

    Positions are in single precision; the framework, the cell and the step of each frame go with them.

    :param n_frames: frames of the track.
    :param n_ions: ions that are followed.
    """
    sizes = {
        'positions': 12 * n_frames * n_ions, 'numbers': 4 * n_ions, 'framework': 24 * n_frames, 'cells': 72 * n_frames,
        'steps': 8 * n_frames, 'timestep': 8,
    }  # fmt: skip
    return sum(NPY_HEADER + size for size in sizes.values())


def frames_bytes(n_frames: int, n_atoms: int, known: Collection[Known] = ()) -> int:
    """Return the room that stored `Frames` take, in bytes.

    :param n_frames: frames of the set.
    :param n_atoms: atoms of each.
    :param known: what is known of the frames beyond species, positions and cell.
    """
    total = n_frames * n_atoms
    sizes = {
        'ptr': 8 * (n_frames + 1), 'numbers': 4 * total, 'positions': 24 * total, 'cells': 72 * n_frames,
        'pbc': 3 * n_frames, 'hashes': 64 * n_frames,
    }  # fmt: skip
    optional: dict[Known, dict[str, int]] = {
        'energies': {'energies': 8 * n_frames}, 'forces': {'forces': 24 * total}, 'grades': {'grades': 8 * n_frames},
        'stresses': {'stresses': 48 * n_frames}, 'velocities': {'velocities': 24 * total},
        'methods': {'methods': METHOD_LENGTH * n_frames, 'energy_kinds': 4 * n_frames},
        'steps': {'origin_steps': 8 * n_frames},
        'origins': {'origin_uuids': 144 * n_frames, 'origin_indices': 8 * n_frames},
    }  # fmt: skip
    for name in known:
        sizes |= optional[name]
    entries = sum(ZIP_ENTRY + NPY_HEADER + 2 * len(f'{name}.npy') for name in sizes)
    return ZIP_END + entries + sum(sizes.values())
