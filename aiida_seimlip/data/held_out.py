"""Training and validation sets of one training."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.holdout import held_out


def divide_training(
    training: Mapping[str, FramesData], validation: Mapping[str, FramesData] | None, fraction: float, seed: int
) -> tuple[Frames, Frames]:
    """Return the frames that are learned from, and those for validation.

    :param training: labelled frames, taken in the order of their keys.
    :param validation: labelled frames; None or none: some of the training set are held out (see `held_out`).
    :param fraction: part of the training set that is held out.
    :param seed: of the choice.
    """
    frames = _join(training)
    if validation:
        return frames, _join(validation)
    chosen = held_out(frames.hashes(), fraction, seed)
    return frames[np.flatnonzero(~chosen)], frames[np.flatnonzero(chosen)]


def _join(sets: Mapping[str, FramesData]) -> Frames:
    return Frames.concatenate(sets[key].get_frames() for key in sorted(sets)).replace(grades=None, velocities=None)
