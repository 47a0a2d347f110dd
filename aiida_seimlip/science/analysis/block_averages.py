"""Means of correlated series with error bars, by blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEAST_BLOCKS = 5
"""Blocks are not joined to fewer than this number, of all runs together."""

CONFIDENCE = 0.95
"""Probability that belongs to `BlockMean.interval`."""

SURE = 0.01
"""Runs differ if their scatter has a lower probability than this."""


@dataclass(frozen=True)
class BlockMean:
    """A mean, and what it is worth.

    :param value: the mean.
    :param std_error: its standard error.
    :param n_blocks: number of blocks, or runs, that the error is from.
    """

    value: float
    std_error: float
    n_blocks: int

    @property
    def interval(self) -> tuple[float, float]:
        """Limits between which the quantity lies with a probability of 95 %, by Student's distribution."""
        reach = float(stats.t.ppf(0.5 + 0.5 * CONFIDENCE, max(self.n_blocks - 1, 1))) * self.std_error
        return self.value - reach, self.value + reach

    def __mul__(self, factor: float) -> BlockMean:
        return BlockMean(self.value * factor, self.std_error * abs(factor), self.n_blocks)

    __rmul__ = __mul__

    def is_zero(self) -> bool:
        """Tell whether the mean is zero within its interval."""
        low, high = self.interval
        return low <= 0.0 <= high


@dataclass(frozen=True, eq=False)
class BlockMeans:
    """Means of several components of one series, of which all blocks were joined alike.

    :param components: mean of each component.
    :param blocks_per_run: number of blocks of each run.
    :param runs: mean of each run; shape (n_runs, n_components).
    :param p_value: lowest probability, of all components, that the runs scatter as much as they do if their blocks are
        independent and the runs alike; nan of a single run.
    :param correlation: largest correlation of neighbouring blocks of all components.
    :param is_correlated: whether that is more than chance allows, so that the errors are too small.
    :param is_widened: whether errors are from the scatter of the runs, as their blocks do not explain it.
    """

    components: tuple[BlockMean, ...]
    blocks_per_run: tuple[int, ...]
    runs: np.ndarray
    p_value: float
    correlation: float
    is_correlated: bool
    is_widened: bool


def block_average(runs: Sequence[np.ndarray]) -> BlockMeans:
    """Return the mean over the blocks of one or several runs, with errors that know of their correlation.

    As long as neighbouring blocks are correlated, more than chance allows, they are joined in pairs: H. Flyvbjerg and
    H. G. Petersen, J. Chem. Phys. 91, 461 (1989). Errors are the standard deviation of the blocks of all runs over the
    root of their number. Where runs differ by more than that explains, their own scatter takes its place.

    :param runs: means over blocks of equal length, of each run; shape (n_blocks, n_components) each.
    :raises ValueError: if a run has no block, or there are fewer than two in all.
    """
    blocks = [np.asarray(run, dtype=float) for run in runs]
    if sum(map(len, blocks)) < 2 or min(map(len, blocks)) < 1:
        raise ValueError('Each run needs a block, and all together two, for an error.')
    values = np.concatenate(blocks).mean(axis=0)
    correlation = _correlation(blocks)
    while correlation > _limit(blocks) and _can_be_joined(blocks):
        blocks = [_joined(run) for run in blocks]
        correlation = _correlation(blocks)
    pooled = np.concatenate(blocks)
    errors, n_blocks = pooled.std(axis=0, ddof=1) / np.sqrt(len(pooled)), len(pooled)
    means = np.array([run.mean(axis=0) for run in blocks])
    p_value = _p_value(blocks)
    is_widened = p_value < SURE and len(blocks) > 1
    if is_widened:
        errors = np.maximum(errors, means.std(axis=0, ddof=1) / np.sqrt(len(means)))
        n_blocks = len(means)
    components = tuple(
        BlockMean(float(value), float(error), n_blocks) for value, error in zip(values, errors, strict=True)
    )
    return BlockMeans(
        components=components, blocks_per_run=tuple(map(len, blocks)), runs=means, p_value=p_value,
        correlation=correlation, is_correlated=bool(correlation > _limit(blocks)), is_widened=is_widened,
    )  # fmt: skip


def _can_be_joined(blocks: Sequence[np.ndarray]) -> bool:
    return min(map(len, blocks)) > 1 and sum(len(run) // 2 for run in blocks) >= LEAST_BLOCKS


def _joined(run: np.ndarray) -> np.ndarray:
    """Return means of pairs of blocks; an odd one at the beginning is left out."""
    even = run[len(run) % 2 :]
    return np.asarray(even.reshape(-1, 2, run.shape[1]).mean(axis=1))


def _correlation(blocks: Sequence[np.ndarray]) -> float:
    """Return the largest correlation of neighbouring blocks of all components; nan if there are too few.

    Deviations are from the mean of each run, which makes correlations of n blocks look smaller by 1/n.
    """
    centred = [run - run.mean(axis=0) for run in blocks if len(run) > 1]
    if not centred:
        return float('nan')
    squares = np.concatenate(centred).var(axis=0)
    lagged = np.concatenate([run[1:] * run[:-1] for run in centred]).mean(axis=0)
    moves = squares > 0.0
    bias = len(centred) / sum(map(len, centred))
    return float(np.max(lagged[moves] / squares[moves])) + bias if moves.any() else float('nan')


def _limit(blocks: Sequence[np.ndarray]) -> float:
    """Return the correlation that independent blocks exceed with a probability of 5 %."""
    return float(stats.norm.ppf(0.95)) / np.sqrt(max(sum(len(run) - 1 for run in blocks), 1))


def _p_value(blocks: Sequence[np.ndarray]) -> float:
    """Return the lowest p-value of a one-way analysis of variance, times the number of components."""
    if len(blocks) < 2 or sum(map(len, blocks)) <= len(blocks):
        return float('nan')
    values = [
        float(stats.f_oneway(*(run[:, component] for run in blocks)).pvalue)
        for component in range(blocks[0].shape[1])
        if np.concatenate(blocks)[:, component].std() > 0.0
    ]
    known = [value for value in values if np.isfinite(value)]
    return min(1.0, min(known) * len(known)) if known else float('nan')
