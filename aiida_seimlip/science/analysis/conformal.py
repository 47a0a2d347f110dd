"""How large errors of forces are at a given extrapolation grade, learned from labelled frames.

A calibration is a monotone step function from an abscissa, such as the grade γ of an atom, to quantiles of ``|ΔF|``,
the length of the difference of the two forces on an atom. One half of the frames tells the shape: the quantiles in bins
of the abscissa, made monotone by isotonic regression. The other half tells a factor for each quantile, by
split-conformal prediction (V. Vovk, A. Gammerman and G. Shafer, Algorithmic Learning in a Random World, Springer
(2005); A. N. Angelopoulos and S. Bates, arXiv:2107.07511 (2021)) with the errors in units of the quantiles as scores,
much as quantile regressions are corrected (Y. Romano, E. Patterson and E. J. Candès, Adv. Neural Inf. Process. Syst. 32
(2019)).

What is exchangeable are frames, not atoms: the atoms of a frame are correlated, so that all splits are by frame, and
a frame weighs as much as any other, shared among its atoms (Y. Lee, R. F. Barber and R. Willett, arXiv:2306.06342
(2023)). Of a frame drawn as the calibrated ones were and an atom drawn from it, the error is then below the quantile of
level p with a probability of p at least. That holds on average over frames, atoms and abscissae, not in each frame: the
atoms of one frame may all lie above. It does not hold for frames of another kind, and frames that are
correlated with each other, such as neighbours in a trajectory, count for fewer than they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import isotonic_regression

from aiida_seimlip.science.analysis.calibration import Abscissa, Calibration, CalibrationError
from aiida_seimlip.science.analysis.coverage import Coverage, find_coverage

LEVELS = (0.5, 0.68, 0.95)
MIN_FRAMES_OF_BIN, MIN_ATOMS_OF_BIN = 10, 50
"""A bin of the abscissa holds atoms of so many frames, and so many atoms, at least."""
SMALLEST = 1e-12
"""Quantiles in eV/Å are not smaller where errors are divided by them."""


@dataclass(frozen=True, eq=False)
class Sample:
    """Errors of the forces on atoms of several frames.

    :param values: of the abscissa, not negative; shape (n_atoms,).
    :param errors: ``|ΔF|`` in eV/Å; shape (n_atoms,).
    :param frames: number of the frame of each atom; shape (n_atoms,).
    :raises CalibrationError: if they are of different length, or one is not finite or negative.
    """

    values: np.ndarray
    errors: np.ndarray
    frames: np.ndarray

    def __post_init__(self) -> None:
        if not self.values.shape == self.errors.shape == self.frames.shape or self.values.ndim != 1:
            raise CalibrationError('There must be an abscissa, an error and a frame for each atom.')
        both = np.concatenate([self.values, self.errors])
        if not np.isfinite(both).all() or (both < 0).any():
            raise CalibrationError('Abscissae and errors must be finite and not negative.')

    @property
    def ids(self) -> np.ndarray:
        """The numbers of the frames, each once; shape (n_frames,)."""
        return np.unique(self.frames)

    @property
    def weights(self) -> np.ndarray:
        """What each atom weighs: one divided by the number of atoms of its frame; shape (n_atoms,)."""
        _, inverse, counts = np.unique(self.frames, return_inverse=True, return_counts=True)
        return 1.0 / counts[inverse]

    def where(self, mask: np.ndarray) -> Sample:
        """Return some of the atoms.

        :param mask: which; shape (n_atoms,).
        """
        return Sample(self.values[mask], self.errors[mask], self.frames[mask])

    def halves(self, seed: int) -> tuple[Sample, Sample]:
        """Return the atoms of half of the frames, drawn at random, and those of the others.

        :param seed: of the draw.
        """
        ids = np.random.default_rng(seed).permutation(self.ids)
        first = np.isin(self.frames, ids[: ids.size // 2])
        return self.where(first), self.where(~first)


def frames_needed(level: float) -> int:
    """Return how many frames it takes to calibrate a quantile: one half of them must hold level / (1 − level).

    :param level: of the quantile.
    """
    return 2 * max(MIN_FRAMES_OF_BIN, math.ceil(level / (1.0 - level) - 1e-9))


def calibrate(
    sample: Sample,
    *,
    seed: int,
    abscissa: Abscissa = 'atom_grade',
    levels: Sequence[float] = LEVELS,
    max_bins: int = 12,
) -> Calibration:
    """Learn the quantiles of the errors of forces from labelled frames.

    :param sample: of frames that the potential has not learned from.
    :param seed: of the split of the frames.
    :param abscissa: what the values are.
    :param levels: of the quantiles, rising.
    :param max_bins: as many bins of the abscissa are made at most.
    :raises CalibrationError: if there are fewer frames than `frames_needed` by the highest level.
    """
    n_frames, needed = sample.ids.size, frames_needed(levels[-1])
    if n_frames < needed:
        raise CalibrationError(
            f'A quantile of {100 * levels[-1]:g} % takes {needed} frames at least, but there are {n_frames}.'
        )
    shape, others = sample.halves(seed)
    edges = _find_edges(shape, max_bins)
    raw = _isotonic_quantiles(shape, edges, levels)
    known = others.where(others.values <= edges[-1])
    bounds = np.maximum(raw[:, np.searchsorted(edges, known.values)], SMALLEST)
    factors = [conformal_quantile(known, known.errors / row, level) for row, level in zip(bounds, levels, strict=True)]
    if not np.isfinite(factors).all():
        raise CalibrationError(
            f'Only {known.ids.size} of {others.ids.size} frames have atoms in the range that the others tell of.'
        )
    table = np.maximum.accumulate(raw * np.array(factors)[:, None], axis=0)
    return Calibration(
        abscissa, tuple(levels), tuple(edges.tolist()), tuple(tuple(row) for row in table.tolist()), int(n_frames),
        int(sample.values.size),
    )  # fmt: skip


def verify(
    sample: Sample,
    *,
    seed: int,
    levels: Sequence[float] = LEVELS,
    max_bins: int = 12,
    edges: Sequence[float] = (),
) -> tuple[tuple[Coverage, ...], tuple[Coverage, ...]]:
    """Test calibrations on frames that were held out: each half of the frames by what the other half says.

    Such calibrations rest on half of the frames that `calibrate` has. Levels that half of the frames cannot calibrate
    have no number.

    :param sample: as `calibrate` takes it.
    :param seed: of the split.
    :param levels: as `calibrate` takes them.
    :param max_bins: as `calibrate` takes it.
    :param edges: upper ends of bins of the abscissa.
    :return: the coverage of each level, and that of the highest level that could be tested in each of the bins.
    """
    first, second = sample.halves(seed)
    tested = [level for level in levels if frames_needed(level) <= min(first.ids.size, second.ids.size)]
    if not tested:
        return tuple(Coverage(level) for level in levels), ()
    parts = []
    for number, (learned, held_out) in enumerate(((first, second), (second, first))):
        found = calibrate(learned, seed=seed + 1 + number, levels=tested, max_bins=max_bins)
        known = held_out.where(held_out.values <= found.largest)
        parts.append((known, known.errors[:, None] <= found.predict(known.values)))
    values, frames = (np.concatenate([getattr(one, name) for one, _ in parts]) for name in ('values', 'frames'))
    inside = np.concatenate([below for _, below in parts])
    covered = [find_coverage(level, inside[:, n], frames) for n, level in enumerate(tested)]
    by_bin = []
    for low, high in zip((-1.0, *edges), edges, strict=False):
        here = (values > low) & (values <= high)
        by_bin.append(find_coverage(tested[-1], inside[here, -1], frames[here]))
    return (*covered, *(Coverage(level) for level in levels[len(tested) :])), tuple(by_bin)


def calibrate_and_verify(
    sample: Sample, *, seed: int, abscissa: Abscissa, levels: Sequence[float] = LEVELS, max_bins: int = 12
) -> tuple[Calibration, tuple[Coverage, ...]]:
    """Return a calibration by all frames with its coverage on held-out halves, and the coverage in each of its bins.

    :param sample: as `calibrate` takes it.
    :param seed: of all splits.
    :param abscissa: what the values are.
    :param levels: of the quantiles, rising.
    :param max_bins: as many bins of the abscissa are made at most.
    :raises CalibrationError: as `calibrate` does.
    """
    found = calibrate(sample, seed=seed, abscissa=abscissa, levels=levels, max_bins=max_bins)
    covered, by_bin = verify(sample, seed=seed + 1, levels=levels, max_bins=max_bins, edges=found.edges)
    return replace(found, coverage=covered), by_bin


def conformal_quantile(sample: Sample, scores: np.ndarray, level: float) -> float:
    """Return the score that a new frame's atom does not exceed with a probability of `level` at least.

    Each of K frames weighs 1 / (K + 1), shared among its atoms, and so does a score of infinity.

    :param sample: the atoms.
    :param scores: of them; shape (n_atoms,).
    :param level: wanted.
    :return: infinity if there are too few frames.
    """
    order = np.argsort(scores, kind='stable')
    cumulated = np.cumsum(sample.weights[order]) / (sample.ids.size + 1)
    place = int(np.searchsorted(cumulated, level - 1e-9))
    return float(scores[order[place]]) if place < order.size else math.inf


def _find_edges(sample: Sample, max_bins: int) -> np.ndarray:
    """Return the upper ends of bins that are equally wide on a logarithmic scale, joined where they hold too little."""
    largest = float(sample.values.max())
    smallest = max(float(np.quantile(sample.values, 0.05)), 1e-3 * largest)
    if not smallest < largest:
        return np.array([largest])
    edges = [largest]
    for edge in np.geomspace(smallest, largest, max_bins + 1)[-2:0:-1]:
        above = (sample.values > edge) & (sample.values <= edges[-1])
        if _is_enough(sample, above) and _is_enough(sample, sample.values <= edge):
            edges.append(float(edge))
    return np.array(edges[::-1])


def _is_enough(sample: Sample, mask: np.ndarray) -> bool:
    return bool(mask.sum() >= MIN_ATOMS_OF_BIN and np.unique(sample.frames[mask]).size >= MIN_FRAMES_OF_BIN)


def _isotonic_quantiles(sample: Sample, edges: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """Return quantiles of the errors in each bin that do not fall with the abscissa; shape (n_levels, n_bins)."""
    bins, weights = np.searchsorted(edges, sample.values), sample.weights
    found, sizes = np.empty((len(levels), edges.size)), np.empty(edges.size)
    for number in range(edges.size):
        here = bins == number
        sizes[number] = weights[here].sum()
        found[:, number] = np.quantile(sample.errors[here], levels, weights=weights[here], method='inverted_cdf')
    return np.array([isotonic_regression(row, weights=sizes).x for row in found])
