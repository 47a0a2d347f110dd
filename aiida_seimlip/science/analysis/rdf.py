"""Radial distribution functions and running coordination numbers of pairs of elements, or of atoms' roles.

The libraries that do this (freud, MDAnalysis) take the volume of one frame for all, want cells that are wider than
twice the cut-off, and search once for each pair of kinds; here every frame has its own cell of any shape, as in NPT.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.analysis.bonds import AtomKinds, element_kinds
from aiida_seimlip.science.frames import Frames

CUTOFF = 10.0
"""Default of the largest distance, in Å."""

BIN_WIDTH = 0.02
"""Default, in Å."""

N_BLOCKS = 5
"""Standard errors are found from this number of consecutive parts of the trajectory."""

PROMINENCE = 0.1
"""A peak rises by at least this fraction of the highest value above both its sides."""

SMOOTHING = 0.05
"""Peaks and minima are looked for in a g(r) that is smoothed by a Gaussian of this standard deviation, in Å."""


class RadialDistributionError(ValueError):
    """The frames or the options do not allow a radial distribution; the message says why."""


@dataclass(frozen=True)
class Shell:
    """First coordination shell of a pair.

    :param peak: distance at the first peak of g(r), in Å.
    :param minimum: distance at the minimum behind it, in Å.
    :param coordination: number of neighbours within `minimum`.
    :param coordination_error: its standard error; NaN if the trajectory is too short for one.
    """

    peak: float
    minimum: float
    coordination: float
    coordination_error: float


@dataclass(frozen=True, eq=False)
class PairDistribution:
    """Distribution of the atoms of one kind around those of another.

    :param pair: kind at the centre, kind around it.
    :param r: middles of the bins in Å; shape (n_bins,).
    :param g: radial distribution function g(r), without unit; shape (n_bins,).
    :param g_error: its standard error, from blocks of the trajectory; NaN with fewer than two; shape (n_bins,).
    :param coordination: mean number of neighbours of an atom of the first kind within the outer edge of each bin,
        ``r + (r[1] - r[0]) / 2``; shape (n_bins,).
    :param coordination_error: its standard error; shape (n_bins,).
    """

    pair: tuple[str, str]
    r: np.ndarray
    g: np.ndarray
    g_error: np.ndarray
    coordination: np.ndarray
    coordination_error: np.ndarray

    @property
    def key(self) -> str:
        """Name of the pair, such as ``Li_O_carbonate``."""
        return '_'.join(self.pair)

    def first_shell(self) -> Shell | None:
        """Return the first shell: first peak of g(r) that stands out, and the minimum behind it.

        :return: None if there is no peak, or g(r) does not rise again behind it within the cut-off.
        """
        from scipy.ndimage import gaussian_filter1d
        from scipy.signal import find_peaks

        width = self.r[1] - self.r[0]
        smooth = gaussian_filter1d(self.g, SMOOTHING / width, mode='nearest')
        peaks = find_peaks(smooth, prominence=PROMINENCE * smooth.max(initial=0.0) or None)[0]
        if not peaks.size:
            return None
        stop = peaks[1] if peaks.size > 1 else smooth.size
        hollow = smooth[peaks[0] : stop]
        lowest = np.flatnonzero(hollow == hollow.min())
        minimum = peaks[0] + int(lowest[lowest.size // 2])  # the middle, where the minimum is a gap
        if peaks.size == 1 and minimum >= smooth.size - 1:
            return None
        return Shell(
            peak=float(self.r[peaks[0]]), minimum=float(self.r[minimum] + 0.5 * width),
            coordination=float(self.coordination[minimum]),
            coordination_error=float(self.coordination_error[minimum]),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class RadialDistribution:
    """Distributions of all pairs that were asked for.

    :param pairs: in the order of the kinds.
    :param n_frames: number of frames that were averaged over.
    :param n_blocks: number of blocks that the standard errors come from.
    """

    pairs: tuple[PairDistribution, ...]
    n_frames: int
    n_blocks: int

    def __getitem__(self, pair: tuple[str, str]) -> PairDistribution:
        """Return the distribution of one pair, as (centre, neighbour)."""
        for distribution in self.pairs:
            if distribution.pair == pair:
                return distribution
        raise KeyError(pair)


def radial_distribution(
    frames: Frames,
    *,
    kinds: AtomKinds | None = None,
    pairs: Sequence[tuple[str, str]] | None = None,
    cutoff: float = CUTOFF,
    bin_width: float = BIN_WIDTH,
    n_blocks: int = N_BLOCKS,
) -> RadialDistribution:
    """Return g(r) and running coordination numbers of pairs of kinds of atoms, averaged over frames.

    g(r) is the number of pairs found at a distance over that of an ideal gas of as many atoms in the same cells, summed
    over frames: Σ n_ab(r) / Σ [N_a N_b / V · 4π/3 (r₊³ - r₋³)] (M. P. Allen and D. J. Tildesley, Computer Simulation of
    Liquids, 2nd edition, section 8.2). Pairs of one kind are normalised by N_a², so that g of N atoms goes to 1 - 1/N.
    All images within the cut-off count, also in cells that are narrower than it, and an atom's own ones.

    :param frames: periodic in all directions; species, numbers of atoms and cells may differ from frame to frame.
    :param kinds: of the atoms; elements by default, see `role_kinds` for others.
    :param pairs: (centre, neighbour); by default every two kinds once, in the order of the kinds.
    :param cutoff: largest distance in Å.
    :param bin_width: in Å; made a little smaller where the cut-off is no multiple of it.
    :param n_blocks: number of consecutive parts of the trajectory from which standard errors are found.
    :raises RadialDistributionError: if there are no frames, some are not periodic, or a pair has an unknown kind.
    """
    kinds = element_kinds(frames) if kinds is None else kinds
    wanted = _check(frames, kinds, pairs, cutoff, bin_width)
    n_blocks = max(1, min(n_blocks, len(frames)))
    n_bins = int(np.ceil(cutoff / bin_width - 1e-9))
    edges = np.linspace(0.0, cutoff, n_bins + 1)
    found, densities, centres = _count(frames, kinds, cutoff, n_bins, n_blocks)
    shells = 4.0 / 3.0 * np.pi * np.diff(edges**3)
    names = kinds.names
    distributions = []
    for one, two in wanted:
        a, b = names.index(one), names.index(two)
        g, g_error = _ratio(found[:, a, b], densities[:, a, b, None] * shells)
        coordination, coordination_error = _ratio(np.cumsum(found[:, a, b], axis=1), centres[:, a, None])
        distributions.append(
            PairDistribution((one, two), 0.5 * (edges[1:] + edges[:-1]), g, g_error, coordination, coordination_error)
        )
    return RadialDistribution(tuple(distributions), len(frames), n_blocks)


def _check(
    frames: Frames, kinds: AtomKinds, pairs: Sequence[tuple[str, str]] | None, cutoff: float, bin_width: float
) -> list[tuple[str, str]]:
    """Return the pairs to compute.

    :raises RadialDistributionError: if something is wrong with the arguments.
    """
    if not len(frames):
        raise RadialDistributionError('There are no frames to take a radial distribution from.')
    if not frames.pbc.all():
        index = int(np.flatnonzero(~frames.pbc.all(axis=1))[0])
        raise RadialDistributionError(f'Frame {index} is not periodic in all directions and has no density.')
    if kinds.codes.size != frames.numbers.size:
        raise RadialDistributionError(f'{kinds.codes.size} kinds are given for {frames.numbers.size} atoms.')
    if not 0.0 < bin_width < cutoff:
        raise RadialDistributionError(f'Bins of {bin_width} Å do not fit below a cut-off of {cutoff} Å.')
    if pairs is None:
        return list(itertools.combinations_with_replacement(kinds.names, 2))
    unknown = {name for pair in pairs for name in pair} - set(kinds.names)
    if unknown:
        raise RadialDistributionError(
            f'There are no atoms of the kind `{min(unknown)}`, only {", ".join(kinds.names)}.'
        )
    return [(one, two) for one, two in pairs]


def _count(
    frames: Frames, kinds: AtomKinds, cutoff: float, n_bins: int, n_blocks: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count ordered pairs in each block of frames.

    :return: pairs found, shape (n_blocks, n_kinds, n_kinds, n_bins); Σ N_a N_b / V in 1/Å³, shape (n_blocks, n_kinds,
        n_kinds); Σ N_a, shape (n_blocks, n_kinds).
    """
    from aiida_seimlip.science.analysis.pair_counts import count_pairs

    n_kinds = len(kinds.names)
    found = np.zeros((n_blocks, n_kinds, n_kinds, n_bins), dtype=np.int64)
    densities = np.zeros((n_blocks, n_kinds, n_kinds))
    centres = np.zeros((n_blocks, n_kinds))
    codes = np.ascontiguousarray(kinds.codes, dtype=np.int64)
    volumes = frames.volumes
    for index, (start, stop) in enumerate(itertools.pairwise(frames.ptr)):
        block = index * n_blocks // len(frames)
        cell, part = frames.cells[index], codes[start:stop]
        fractions = np.ascontiguousarray(np.linalg.solve(cell.T, frames.positions[start:stop].T))
        shifts = _shifts(cell, cutoff)
        count_pairs(fractions, cell, part, shifts, cutoff, found[block])
        numbers = np.bincount(part, minlength=n_kinds)
        own = np.linalg.norm(shifts @ cell, axis=1)
        own = own[(own > 0.0) & (own < cutoff)]
        if own.size:  # added to half of the counts, which are doubled below
            bins = np.minimum((own * (n_bins / cutoff)).astype(int), n_bins - 1)
            counts = np.bincount(bins, minlength=n_bins) // 2
            found[block, np.arange(n_kinds), np.arange(n_kinds)] += numbers[:, None] * counts
        densities[block] += np.outer(numbers, numbers) / volumes[index]
        centres[block] += numbers
    return found + found.transpose(0, 2, 1, 3), densities, centres


def _shifts(cell: np.ndarray, cutoff: float) -> np.ndarray:
    """Return the images to look at around the nearest one in fractional coordinates; shape (n_shifts, 3).

    Their fractions differ by n + f with |f| ≤ ½, and |n + f| times the distance of the cell's faces is a lower bound of
    the distance.
    """
    widths = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    reach = np.floor(cutoff / widths + 0.5).astype(int)
    return np.array(list(itertools.product(*(range(-n, n + 1) for n in reach))), dtype=float)


def _ratio(found: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ratio of sums over blocks, and its standard error from the scatter of the blocks' ratios.

    :param found: shape (n_blocks, n_bins).
    :param expected: shape (n_blocks, n_bins) or (n_blocks, 1). A block in which it is zero has no say.
    """
    total = expected.sum(axis=0)
    mean = np.divide(found.sum(axis=0), total, out=np.zeros(found.shape[1]), where=total > 0.0)
    known = expected[:, 0] > 0.0
    if known.sum() < 2:
        return mean, np.full_like(mean, np.nan)
    ratios = found[known] / expected[known]
    return mean, ratios.std(axis=0, ddof=1) / np.sqrt(known.sum())
