"""One diffusion coefficient from several runs that differ by nothing but their random numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ReplicaMean:
    """The mean of several runs.

    :param samples: of the posterior of the mean, in the unit of the runs; shape (n_samples,).
    :param scatter: standard deviation of the runs' own means, in the same unit; None of a single run.
    :param factor: by which the error bar, on a logarithmic scale, was widened; 1 if it was not, None of a single run.
    """

    samples: np.ndarray
    scatter: float | None
    factor: float | None


def combine_replicas(samples: Sequence[np.ndarray], *, seed: int) -> ReplicaMean:
    """Return the mean of runs, each of which has a posterior of its own.

    Runs that scatter more than their posteriors allow were too short to be independent samples of the same thing: the
    error bar of the mean is then widened by the factor S = √(χ²/(n - 1)) of the Particle Data Group (Review of Particle
    Physics, introduction, "Unconstrained averaging"), here of the logarithms, as the quantity is positive.

    :param samples: of the posterior of each run, all positive; shape (n_samples,) each.
    :param seed: of the order in which samples of different runs are combined.
    :raises ValueError: if there is no run, or a sample is not positive.
    """
    if not samples:
        raise ValueError('There is no run to take the mean of.')
    if any(not np.all(one > 0.0) for one in samples):
        raise ValueError('The posterior holds samples that are not positive.')
    if len(samples) == 1:
        return ReplicaMean(np.asarray(samples[0], dtype=float), None, None)
    rng = np.random.default_rng(seed)
    n_samples = min(len(one) for one in samples)
    means = np.array([one.mean() for one in samples])
    drawn = np.mean([rng.permutation(one)[:n_samples] for one in samples], axis=0)
    logarithms = np.array([np.log(one).mean() for one in samples])
    widths = np.array([np.log(one).std() for one in samples])
    weights = 1.0 / np.maximum(widths, np.finfo(float).tiny ** 0.25) ** 2
    centre = np.average(logarithms, weights=weights)
    chi_squared = float(np.sum(weights * (logarithms - centre) ** 2))
    factor = max(1.0, float(np.sqrt(chi_squared / (len(samples) - 1))))
    middle = np.log(drawn).mean()
    widened = np.exp(middle + factor * (np.log(drawn) - middle))
    return ReplicaMean(widened, float(means.std(ddof=1)), factor)
