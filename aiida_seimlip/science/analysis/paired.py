"""Which of two models has the smaller errors on the same frames, and whether that is more than chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols

from aiida_seimlip.science.analysis.errors import require_same
from aiida_seimlip.science.analysis.parity import Estimate, KnownValues, find_values, sum_by_frame
from aiida_seimlip.science.frames import Frames


@dataclass(frozen=True)
class PairedDifference:
    """Errors of one model less those of another in one quantity; all nan if there was nothing to compare.

    :param n_frames: frames that contribute.
    :param rmse: difference of the root mean square errors.
    :param mae: difference of the mean absolute errors.
    """

    n_frames: int
    rmse: Estimate
    mae: Estimate


@dataclass(frozen=True)
class PairedDifferences:
    """Errors of one model less those of another; negative where the first one is better.

    :param energy_per_atom: in eV.
    :param force_component: of the Cartesian components in eV/Å.
    :param stress_component: of the six components in GPa.
    :param force_by_element: of the Cartesian components of the forces on the atoms of each element in eV/Å, by symbol.
    """

    energy_per_atom: PairedDifference
    force_component: PairedDifference
    stress_component: PairedDifference
    force_by_element: dict[str, PairedDifference]


def compare_errors(
    reference: Frames, one: Frames, other: Frames, *, seed: int, n_resamples: int = 1000, confidence: float = 0.95
) -> PairedDifferences:
    """Compare the errors of two models on the same frames.

    Intervals are those between percentiles of the paired bootstrap (B. Efron, Ann. Stat. 7, 1 (1979)): frames are drawn
    with replacement, and each draw gives the errors of both models on the same frames. What makes a frame hard for both
    cancels, so that such an interval is narrower than those of the two errors tell. As there, frames that are alike
    make it too narrow.

    :param reference: configurations with labels.
    :param one: the same configurations in the same order by the first model.
    :param other: by the second one.
    :param seed: of the resampling.
    :param n_resamples: number of resamples for each interval.
    :param confidence: probability that an interval aims at.
    :raises ValueError: if the configurations do not correspond, a known reference value has no prediction, or there is
        no resample or no such probability.
    """
    require_same(reference, one)
    require_same(reference, other)
    if n_resamples < 1 or not 0.0 < confidence < 1.0:
        raise ValueError(f'There are no intervals of {n_resamples} resamples with a probability of {confidence}.')
    bootstrap = _PairedBootstrap(seed, n_resamples, confidence)
    pairs = list(zip(find_values(reference, one), find_values(reference, other), strict=True))
    numbers = reference.numbers[pairs[1][0].rows]
    energy, force, stress = (bootstrap.compare(*pair) for pair in pairs)
    of_elements = {number: [values.select(numbers == number) for values in pairs[1]] for number in np.unique(numbers)}
    by_element = {chemical_symbols[number]: bootstrap.compare(*pair) for number, pair in of_elements.items()}
    return PairedDifferences(energy, force, stress, by_element)


@dataclass(frozen=True)
class _PairedBootstrap:
    """Differences with intervals."""

    seed: int
    n_resamples: int
    confidence: float

    def compare(self, one: KnownValues, other: KnownValues) -> PairedDifference:
        """Compare the errors of two models in one quantity, known for the same values."""
        if not one.labels.size:
            nothing = Estimate(np.nan, np.nan, np.nan)
            return PairedDifference(0, nothing, nothing)
        sums = np.stack([sum_by_frame(values)[0][:, :3] for values in (one, other)])
        found = _differences(sums.sum(axis=1, keepdims=True))[0]
        limits = self._limits(sums)
        return PairedDifference(
            sums.shape[1], *(Estimate(*map(float, each)) for each in zip(found, *limits, strict=True))
        )

    def _limits(self, sums: np.ndarray) -> np.ndarray:
        """Return lower and upper limits of the differences; shape (2, 2)."""
        n_frames = sums.shape[1]
        if n_frames < 2:
            return np.full((2, 2), np.nan)
        rng = np.random.default_rng(self.seed)
        weights = rng.multinomial(n_frames, np.full(n_frames, 1.0 / n_frames), size=self.n_resamples)
        tails = (0.5 - 0.5 * self.confidence, 0.5 + 0.5 * self.confidence)
        return np.quantile(_differences(weights @ sums), tails, axis=0)


def _differences(sums: np.ndarray) -> np.ndarray:
    """Return differences of RMSE and MAE.

    :param sums: of 1, |Δ| and Δ² for each model; shape (2, n_sets, 3).
    :return: shape (n_sets, 2).
    """
    count, absolute, squared = np.moveaxis(sums, -1, 0)
    rmse, mae = np.sqrt(squared / count), absolute / count
    return np.column_stack([rmse[0] - rmse[1], mae[0] - mae[1]])
