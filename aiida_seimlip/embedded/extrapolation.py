"""Extrapolation control during molecular dynamics: grades, candidates saved to a file, and the break.

Saved frames are what MLIP-3 saves (periodic, ``Feature MV_grade``, column ``nbh_grades``, no energy and forces), with
``Feature MD_step`` on top and atoms in the order that the caller gives.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aiida_seimlip.science.formats.mlip3_cfg import write_cfg
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import Evaluator
from aiida_seimlip.science.mtp.grade import Grader
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

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
    """Grade the frames of a run, save the extrapolative ones, and end the run where the potential knows nothing.

    :param potential: with an active set.
    :param evaluator: of the same potential.
    :param thresholds: what to do at which grade.
    :raises ValueError: if the potential has no usable active set, or a threshold is negative.
    """

    def __init__(self, potential: MomentTensorPotential, evaluator: Evaluator, thresholds: Thresholds):
        if thresholds.save < 0.0:
            raise ValueError('Invalid threshold specified')
        self.thresholds = thresholds
        self.grade = 0.0
        self._species = potential.species
        self._grader = Grader(potential, evaluator)
        self._saved_step: int | None = None
        if thresholds.path is not None:
            thresholds.path.unlink(missing_ok=True)

    def inspect(
        self, step: int, types: np.ndarray, local: np.ndarray, frame: Callable[[], tuple[Frames, np.ndarray]]
    ) -> None:
        """Grade a frame; save it, and end the run, if its grade demands it.

        A step that LAMMPS evaluates twice, as it does between two runs, is saved once.

        :param step: MD step.
        :param types: type number of each atom from 0; shape (n_atoms,).
        :param local: `Evaluation.local`; shape (n_atoms, n_local).
        :param frame: returns the frame to save, and which of the atoms in `types` each of its atoms is.
        :raises BreakError: if the grade passes the threshold.
        """
        self.grade, atoms = self._grader.grade(types, local)
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
