"""What LAMMPS with extrapolation control leaves behind: preselected configurations, and the trace of the steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.spatial import cKDTree

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_cfg import CfgFile, read_cfg
from aiida_seimlip.science.formats.numerals import to_number
from aiida_seimlip.science.frames import Frames

MD_STEP = 'MD_step'
"""Feature under which `seimlip-lmp` keeps the step of a configuration; MLIP-3 does not."""

TRACE_TOLERANCE = 2e-6
"""Largest difference in Å between numbers of the trace and of a configuration, both written with 6 decimals."""


@dataclass(frozen=True, eq=False)
class Trace:
    """The steps that LAMMPS has completed.

    :param steps: MD steps; shape (n_steps,).
    :param lowest: the lowest x, y and z of any atom at each step, in Å, NaN after a crash; shape (n_steps, 3).
    """

    steps: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    lowest: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))

    def find(self, frames: Frames) -> np.ndarray:
        """Return the step at which each configuration was met, -1 where it is not in the trace; shape (n_frames,).

        :param frames: in LAMMPS' frame, positions as LAMMPS holds them.
        """
        known = np.isfinite(self.lowest).all(axis=1)
        if not len(frames) or not known.any():
            return np.full(len(frames), -1)
        lowest = np.minimum.reduceat(frames.positions, frames.ptr[:-1], axis=0)
        distances, rows = cKDTree(self.lowest[known]).query(lowest, p=np.inf, distance_upper_bound=TRACE_TOLERANCE)
        steps = np.append(self.steps[known], -1)
        return steps[np.where(np.isfinite(distances), rows, -1)]


@dataclass(frozen=True, eq=False)
class Preselected:
    """The preselected configurations of a run.

    :param frames: in LAMMPS' frame, in the order in which they were met, with grades, and steps where they are known.
    :param n_damaged: number of configurations that cannot be read: cut off, or not finite.
    :param fragment_files: names of files whose configurations are only what one MPI rank saw, with ghost atoms and
        without a cell; they are left out.
    """

    frames: Frames
    n_damaged: int = 0
    fragment_files: tuple[str, ...] = ()

    def last_grade_above(self, threshold: float) -> float | None:
        """Return the grade of the last configuration, None if it is not above a threshold.

        :param threshold: the grade at which a run ends itself.
        """
        grades = self.frames.grades
        return float(grades[-1]) if grades is not None and len(grades) and grades[-1] >= threshold else None

    def end_at(self, step: int) -> Preselected:
        """Return a copy whose last configuration was met at a step, unless its step is known already.

        :param step: MD step at which the run broke.
        """
        steps = self.frames.origin_steps
        if steps is None or not len(steps) or steps[-1] >= 0:
            return self
        return replace(self, frames=self.frames.replace(origin_steps=np.append(steps[:-1], step)))


def read_trace(text: str, *, name: str = 'trace.txt') -> Trace:
    """Read a trace; a last line that is cut off is left out.

    :param text: content of the file.
    :param name: name of the file for messages.
    :raises FormatError: if a line is not made of a step and three numbers.
    """
    rows = []
    for number, line in enumerate(text.split('\n')[:-1], start=1):
        if line.startswith('#'):
            continue
        tokens = line.split()
        try:
            step, lowest = _whole(tokens[0]), [to_number(token) for token in tokens[1:]]
        except (IndexError, ValueError):
            step, lowest = -1, []
        if len(lowest) != 3 or step < 0:
            raise FormatError(f'`{line[:60]}` is not a step and three numbers.', name=name, line=number)
        rows.append((step, *lowest))
    if not rows:
        return Trace()
    table = np.array(rows)
    return Trace(table[:, 0].astype(np.int64), table[:, 1:])


def read_preselected(files: Mapping[str, bytes], species: tuple[str, ...], trace: Trace | None = None) -> Preselected:
    """Read preselected configurations, with or without the suffix of an MPI rank in the names of their files.

    A configuration that is damaged, as a crash or a kill leaves it, is counted and left out.

    :param files: contents by name.
    :param species: chemical symbols in type order.
    :param trace: of the same run, to find the steps that the files do not tell.
    """
    parts: list[Frames] = []
    n_damaged = 0
    fragment_files = []
    for name, content in sorted(files.items()):
        read, damaged = _read_sound(content, species, name)
        n_damaged += damaged
        if any(part.fragments.any() for part in read):
            fragment_files.append(name)
        else:
            parts += [_with_steps(part, trace or Trace()) for part in read]
    return Preselected(Frames.concatenate(parts), n_damaged, tuple(fragment_files))


def _read_sound(content: bytes, species: tuple[str, ...], name: str) -> tuple[list[CfgFile], int]:
    """Return the configurations that can be read, and how many cannot."""
    try:
        return [read_cfg(content, species, name=name)], 0
    except FormatError:
        pass
    sound, n_damaged = [], 0
    for part in re.split(rb'(?<=END_CFG)', content):
        if not part.strip():
            continue
        try:
            sound.append(read_cfg(part, species, name=name))
        except FormatError:
            n_damaged += 1
    return sound, n_damaged


def _with_steps(part: CfgFile, trace: Trace) -> Frames:
    told = np.array([_step(features.get(MD_STEP, '')) for features in part.features], dtype=np.int64)
    return part.frames.replace(origin_steps=np.where(told >= 0, told, trace.find(part.frames)))


def _whole(word: str) -> int:
    """Return the whole number that a word is.

    :raises ValueError: if it is none.
    """
    if not re.fullmatch(r'-?[0-9]{1,18}', word):
        raise ValueError(f'`{word}` is no whole number')
    return int(word)


def _step(text: str) -> int:
    return int(text) if re.fullmatch(r'\d{1,18}', text.strip()) else -1
