"""Which share of the atoms of several frames something is true of, and how certain that is."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Coverage:
    """How often errors were below a quantile.

    :param level: of the quantile: what the share should be.
    :param share: of the atoms, each frame with the same weight; nan if it was not tested.
    :param low: lower limit of its interval, nan if fewer than two frames were tested.
    :param high: upper limit.
    :param n_frames: number of frames that were tested.
    :param n_atoms: number of atoms in them that were tested.
    """

    level: float
    share: float = math.nan
    low: float = math.nan
    high: float = math.nan
    n_frames: int = 0
    n_atoms: int = 0

    @property
    def is_below(self) -> bool:
        """Whether the share is below what it should be, beyond the limits of chance."""
        return self.high < self.level

    def to_dict(self) -> dict[str, Any]:
        """Return the coverage as plain JSON types, None in the place of numbers that are not known."""
        return {name: None if math.isnan(value) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Coverage:
        """Return the coverage that `to_dict` has written.

        :param content: of it.
        """
        known: dict[str, Any] = {name: math.nan if value is None else value for name, value in content.items()}
        return cls(**known)


def find_coverage(level: float, inside: np.ndarray, frames: np.ndarray, confidence: float = 0.95) -> Coverage:
    """Return a share and its interval.

    Limits are those of Clopper and Pearson (Biometrika 26, 404 (1934)) for as many independent trials as would scatter
    as the shares of the frames do, since the atoms of a frame are correlated: E. L. Korn and B. I. Graubard, Survey
    Methodology 24, 193 (1998). Where the frames do not scatter, each counts as one trial.

    :param level: what the share should be.
    :param inside: whether it is true of each atom; shape (n_atoms,).
    :param frames: number of the frame of each atom; shape (n_atoms,).
    :param confidence: of the interval.
    """
    _, inverse, counts = np.unique(frames, return_inverse=True, return_counts=True)
    n_frames, n_atoms = int(counts.size), int(inside.size)
    if not n_frames:
        return Coverage(level)
    shares = np.bincount(inverse, weights=inside, minlength=n_frames) / counts
    share = float(shares.mean())
    if n_frames < 2:
        return Coverage(level, share, n_frames=n_frames, n_atoms=n_atoms)
    low, high = clopper_pearson(share, _independent_trials(shares, n_atoms, confidence), confidence)
    return Coverage(level, share, low, high, n_frames, n_atoms)


def clopper_pearson(share: float, n_trials: float, confidence: float = 0.95) -> tuple[float, float]:
    """Return the limits of a probability, of which a share of independent trials was seen.

    :param share: of the trials that succeeded.
    :param n_trials: number of trials, which need not be whole.
    :param confidence: of the interval.
    """
    tail, successes = (1.0 - confidence) / 2.0, share * n_trials
    failures = n_trials - successes
    low = 0.0 if successes <= 0 else float(stats.beta.ppf(tail, successes, failures + 1.0))
    high = 1.0 if failures <= 0 else float(stats.beta.ppf(1.0 - tail, successes + 1.0, failures))
    return low, high


def _independent_trials(shares: np.ndarray, n_atoms: int, confidence: float) -> float:
    """Return how many independent trials scatter as the shares of frames do, no more than there are atoms."""
    n_frames, share = shares.size, float(shares.mean())
    variance = float(shares.var(ddof=1)) / n_frames
    if variance <= 0.0:
        return float(n_frames)
    quantile = 0.5 + confidence / 2.0
    few = stats.t.ppf(quantile, max(1, n_atoms - 1)) / stats.t.ppf(quantile, n_frames - 1)
    return float(min(n_atoms, share * (1.0 - share) / variance * few**2))
