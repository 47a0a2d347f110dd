"""Labelled frames whose errors depend on the grade in a known way."""

from __future__ import annotations

import numpy as np

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import grade


def scale(grades: np.ndarray | float) -> np.ndarray | float:
    """Return the scale of the errors at a grade in eV/Å."""
    return 0.02 + 0.1 * grades


def displaced(frames: Frames, n_frames: int, seed: int = 0) -> Frames:
    """Return copies of frames whose atoms are displaced, in each copy by another mean length."""
    rng = np.random.default_rng(seed)
    atoms = [frames[index % len(frames)].without_labels().to_atoms()[0] for index in range(n_frames)]
    for one in atoms:
        one.positions += rng.normal(scale=rng.uniform(0.01, 0.08), size=one.positions.shape)
    return Frames.from_atoms(atoms)


def with_errors(potential: PotentialData, frames: Frames, method: str = 'PBE', seed: int = 0) -> FramesData:
    """Return frames with labels from which the potential is off by scale(γ) · |normal| in a random direction."""
    rng = np.random.default_rng(seed)
    predicted = evaluate(potential.get_mtp(), frames)
    grades = grade(potential.get_mtp(), frames)
    values = grades.frame[frames.frame_of_atom] if grades.atom is None else grades.atom
    ways = rng.standard_normal((values.size, 3))
    ways /= np.linalg.norm(ways, axis=1)[:, None]
    lengths = scale(values) * np.abs(rng.standard_normal(values.size))
    labelled = predicted.replace(forces=predicted.forces + lengths[:, None] * ways, stresses=None)
    return FramesData(labelled.computed_by(method, 'free'))
