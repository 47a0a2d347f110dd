"""Extrapolation control during molecular dynamics: candidates saved to a file, and the break.

Saved frames are what MLIP-3 saves (periodic, ``Feature MV_grade``, column ``nbh_grades``, no energy and forces), with
``Feature MD_step`` on top and atoms in the order that the caller gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aiida_seimlip.science.formats.mlip3_cfg import write_cfg
from aiida_seimlip.science.frames import Frames

DEFAULT_THRESHOLD_SAVE = 2.0
DEFAULT_THRESHOLD_BREAK = 11.0


class BreakError(Exception):
    """The grade passed the threshold at which a run ends.

    :param grade: the grade.
    """

    def __init__(self, grade: float):
        super().__init__(f'Breaking threshold exceeded (MV-grade: {grade:.6f})')
        self.grade = grade


@dataclass(frozen=True)
class Thresholds:
    """What extrapolation control does at which grade.

    :param save: frames above it are appended to `path`.
    :param stop: the run ends above it; without effect unless it exceeds `save`.
    :param path: file of the saved frames, or None to save none. One from an earlier run is deleted.
    :param with_feature: write the grade, and those of the atoms, with a saved frame.
    """

    save: float = DEFAULT_THRESHOLD_SAVE
    stop: float = DEFAULT_THRESHOLD_BREAK
    path: Path | None = None
    with_feature: bool = True


class ExtrapolationControl:
    """Save the extrapolative frames of a run, and end the run where the potential knows nothing.

    :param species: chemical symbols in type order.
    :param thresholds: what to do at which grade.
    :raises ValueError: if a threshold is negative.
    """

    def __init__(self, species: Sequence[str], thresholds: Thresholds):
        if thresholds.save < 0.0:
            raise ValueError('Invalid threshold specified')
        self.thresholds = thresholds
        self.grade = 0.0
        self._species = species
        self._saved_step: int | None = None
        if thresholds.path is not None:
            thresholds.path.unlink(missing_ok=True)

    def inspect(
        self, step: int, grade: float, atoms: np.ndarray | None, frame: Callable[[], tuple[Frames, np.ndarray]]
    ) -> None:
        """Save a frame, and end the run, if its grade demands it.

        A step that LAMMPS evaluates twice, as it does between two runs, is saved once.

        :param step: MD step.
        :param grade: of the frame.
        :param atoms: grade of each atom, None where there is none; shape (n_atoms,).
        :param frame: returns the frame to save, and which of the atoms in `atoms` each of its atoms is.
        :raises BreakError: if the grade passes the threshold.
        """
        self.grade = grade
        if self.grade > self.thresholds.save and step != self._saved_step and self.thresholds.path is not None:
            self._saved_step = step
            saved, order = frame()
            self._save(self.thresholds.path, step, saved, None if atoms is None else atoms[order])
        if self.thresholds.stop > self.thresholds.save and self.grade > self.thresholds.stop:
            raise BreakError(self.grade)

    def _save(self, path: Path, step: int, frame: Frames, atoms: np.ndarray | None) -> None:
        features = {'MD_step': str(step)}
        if self.thresholds.with_feature:
            frame = frame.replace(grades=np.array([self.grade]))
        grades = atoms if self.thresholds.with_feature else None
        with path.open('ab') as handle:
            write_cfg(handle, frame, self._species, features=[features], nbh_grades=grades, decimals=10)
