"""Quantities that are known as a distribution, and straight lines through mean squared displacements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize, stats

from aiida_seimlip.science.analysis.msd import displacement_variance, mean_squared_displacement

CREDIBLE = (2.5, 97.5)
"""Percentiles between which a quantity lies with a probability of 95 %."""

N_SAMPLES = 4000
"""Number of samples drawn from a posterior distribution."""


TOTAL = 3
"""Column of the total mean squared displacement, after those of x, y and z."""

LARGEST_RELATIVE_ERROR = 0.5
"""A slope with a larger relative standard deviation is not resolved."""

MEMORY = 5
"""Frames after which vibrations are taken to be forgotten."""

LARGEST_CONDITION = 1e6
"""Largest condition number of a covariance matrix."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """A quantity known as samples of its posterior distribution.

    :param samples: shape (n_samples,), in the unit of the quantity.
    """

    samples: np.ndarray

    @property
    def mean(self) -> float:
        """Mean of the samples."""
        return float(np.mean(self.samples))

    @property
    def std(self) -> float:
        """Standard deviation of the samples."""
        return float(np.std(self.samples, ddof=1))

    @property
    def median(self) -> float:
        """Median of the samples."""
        return float(np.median(self.samples))

    @property
    def interval(self) -> tuple[float, float]:
        """Limits between which the quantity lies with a probability of 95 %."""
        low, high = np.percentile(self.samples, CREDIBLE)
        return float(low), float(high)

    def __mul__(self, factor: float) -> Posterior:
        return Posterior(self.samples * factor)

    __rmul__ = __mul__


@dataclass(frozen=True, eq=False)
class DisplacementCurve:
    """Mean squared displacements at some lags, with what is needed to judge them.

    :param lags: in ps, increasing; shape (n_lags,).
    :param msd: along x, y, z and in total, in Å² (or e² Å²); shape (n_lags, 4).
    :param variances: of these means, in the square of that unit; shape (n_lags, 4).
    :param n_independent: number of displacements that do not overlap, over ions and time; shape (n_lags,).
    :param n_overlapping: number of independent normal displacements that all are worth; shape (n_lags,).
    """

    lags: np.ndarray
    msd: np.ndarray
    variances: np.ndarray
    n_independent: np.ndarray
    n_overlapping: np.ndarray

    @property
    def std(self) -> np.ndarray:
        """Standard deviations of the means; shape (n_lags, 4)."""
        return np.sqrt(self.variances)


@dataclass(frozen=True, eq=False)
class LineFit:
    """A straight line through a mean squared displacement.

    :param slope: in Å²/ps, not negative.
    :param intercept: in Å², sample by sample with the slope.
    :param start: first lag of the fit in ps.
    :param end: last lag of the fit in ps.
    :param p_value: probability of deviations from a line as large as those seen, if there is a line.
    """

    slope: Posterior
    intercept: Posterior
    start: float
    end: float
    p_value: float


def displacement_curve(
    positions: np.ndarray, interval: float, *, longest: float, n_lags: int, samples: int
) -> DisplacementCurve:
    """Compute mean squared displacements at lags spaced evenly on a logarithmic scale.

    Means are over all time origins; variances of single displacements are from origins thinned to about `samples`
    displacements, and are divided by the number of displacements that do not overlap: McCluskey, Coles and Morgan,
    J. Chem. Theory Comput. 21, 79 (2025), doi:10.1021/acs.jctc.4c01249.

    :param positions: unwrapped positions in Å; shape (n_frames, n_ions, 3).
    :param interval: time between frames in ps.
    :param longest: longest lag as a share of the whole time, up to 0.5.
    :param n_lags: number of lags, fewer where they would coincide.
    :param samples: number of displacements looked at for each variance.
    """
    n_steps = len(positions) - 1
    lags = np.unique(np.rint(np.geomspace(1, max(longest * n_steps, 1), n_lags)).astype(int))
    by_axis = mean_squared_displacement(positions)[lags]
    n_independent = positions.shape[1] * n_steps / lags
    variances = np.array([displacement_variance(positions, int(lag), samples) for lag in lags])
    return DisplacementCurve(
        lags=lags * interval,
        msd=np.column_stack([by_axis, by_axis.sum(axis=1)]),
        variances=variances / n_independent[:, np.newaxis],
        n_independent=n_independent,
        n_overlapping=positions.shape[1] * overlapping_windows(lags, n_steps),
    )


def variance_terms(curve: DisplacementCurve, column: int = TOTAL) -> tuple[float, float, float, float]:
    """Fit the variance of single squared displacements by a smooth function of the lag t, c + α t + (β + γ) t².

    For ions that hop and vibrate, c is of vibrations, α of the number of hops (Poisson), β = 2 Σ_a (dMSD_a/dt)² of
    normal displacements at long lags, and γ of differences between ions. Where hops are rare, the variances seen are
    low where the displacements are few by chance; taken as they are, they can make an indefinite covariance, and pull
    values and error bars down. β is taken from the slopes, the others are fitted to all lags, none negative.

    :param curve: the mean squared displacements.
    :param column: 0 to 2 for x to z, 3 for the total.
    :return: c in Å⁴, α in Å⁴/ps, β and γ in Å⁴/ps².
    """
    lags, seen = curve.lags, curve.variances[:, column] * curve.n_independent
    axes = range(TOTAL) if column == TOTAL else [column]
    normal = 2.0 * float(np.sum(np.square([_plain_slope(curve, axis) for axis in axes])))
    least = 0.1 * 2.0 / len(axes) * curve.msd[:, column] ** 2
    weights = np.sqrt(curve.n_independent) / np.maximum(seen, np.maximum(least, _floor(curve) ** 2))
    design = np.column_stack([np.ones_like(lags), lags, lags**2])
    rest, _ = optimize.nnls(design * weights[:, np.newaxis], np.maximum(seen - normal * lags**2, 0.0) * weights)
    return float(rest[0]), float(rest[1]), normal, float(rest[2])


def model_variances(curve: DisplacementCurve, column: int = TOTAL) -> np.ndarray:
    """Return the variances of the means that hops and diffusion cause, from `variance_terms`.

    For the mean over windows that overlap, the normal part counts by `overlapping_windows`, the others by the number of
    displacements that do not overlap: all windows see the same hops.

    :param curve: the mean squared displacements.
    :param column: 0 to 2 for x to z, 3 for the total.
    :return: shape (n_lags,), in Å⁴.
    """
    _, hops, normal, uneven = variance_terms(curve, column)
    gain = curve.n_overlapping / curve.n_independent
    least = (1e-4 * curve.msd[-1, column] / curve.lags[-1]) ** 2  # where nothing hops, so that it stays positive
    return (hops * curve.lags + np.maximum(normal / gain + uneven, least) * curve.lags**2) / curve.n_independent


def vibration_variances(curve: DisplacementCurve, column: int = TOTAL) -> np.ndarray:
    """Return the variances of the means that vibrations cause, different ones at each lag.

    Vibrations are taken to be forgotten within `MEMORY` frames, so that all frames but those count.

    :param curve: the mean squared displacements.
    :param column: 0 to 2 for x to z, 3 for the total.
    :return: shape (n_lags,), in Å⁴.
    """
    n_displacements = curve.n_independent[0]  # of the shortest lag, a single frame
    return np.full(curve.lags.size, variance_terms(curve, column)[0] * MEMORY / n_displacements)


def overlapping_windows(lags: np.ndarray, n_steps: int) -> np.ndarray:
    """Return how many independent normal displacements the windows over a lag are worth, all of one path.

    Var(MSD)/Var(s) = (4 n² K + 2 K + n − n³) / (6 n K²) with lag n and K = N − n + 1 ≥ n windows: Qian, Sheetz and
    Elson, Biophys. J. 60, 910 (1991), doi:10.1016/S0006-3495(91)82125-7. For short lags that is 3/2 of N/n.

    :param lags: in frames, at most half of `n_steps`; shape (n_lags,).
    :param n_steps: number of steps from frame to frame.
    """
    n, K = np.asarray(lags, dtype=float), n_steps - np.asarray(lags, dtype=float) + 1.0
    return 6.0 * n * K**2 / (4.0 * n**2 * K + 2.0 * K + n - n**3)


def covariance_matrix(curve: DisplacementCurve, column: int = TOTAL, start: int = 0) -> np.ndarray:
    """Return kinisi's covariance of the mean squared displacements at different lags, and what vibrations add to it.

    For lags i ≤ j it is σ²_i N_i / N_j, with the variances σ² of the means and the numbers N of displacements that do
    not overlap: McCluskey, Coles and Morgan, J. Chem. Theory Comput. 21, 79 (2025), doi:10.1021/acs.jctc.4c01249. The
    variances are those of `model_variances`; to the diagonal `vibration_variances` are added.

    :param curve: the mean squared displacements.
    :param column: 0 to 2 for x to z, 3 for the total.
    :param start: index of the first lag.
    :return: shape (n_lags − start, n_lags − start), in Å⁴.
    """
    import scipp
    from kinisi.diffusion import Diffusion

    data = scipp.Variable(
        dims=['time interval'],
        values=curve.msd[:, column],
        variances=model_variances(curve, column),
        unit='angstrom**2',
    )
    coordinates = {
        'time interval': scipp.array(dims=['time interval'], values=curve.lags, unit='ps'),
        'n_samples': scipp.array(dims=['time interval'], values=curve.n_independent),
    }
    group = scipp.DataGroup({
        'da': scipp.DataArray(data=data, coords=coordinates),
        'dimensionality': scipp.scalar(3 if column == TOTAL else 1),
    })  # fmt: skip
    regression = Diffusion(group)
    state = np.random.get_state()  # kinisi and emcee draw from numpy's global generator
    try:
        # the covariance is set before the chain starts, of which one step is the least that can be asked for
        regression.bayesian_regression(
            curve.lags[start] * scipp.Unit('ps'), cond_max=LARGEST_CONDITION,
            n_samples=1, n_walkers=4, n_burn=0, n_thin=1, progress=False, random_state=np.random.RandomState(0),
        )  # fmt: skip
    finally:
        np.random.set_state(state)
    vibrations = np.diag(vibration_variances(curve, column)[start:])
    return np.asarray(regression.covariance_matrix.values, dtype=float) + vibrations


def fit_line(
    curve: DisplacementCurve,
    random: np.random.Generator,
    *,
    column: int = TOTAL,
    start: int = 0,
    n_samples: int = N_SAMPLES,
) -> LineFit:
    """Draw straight lines from their posterior distribution, given correlated mean squared displacements.

    Model, covariance and prior are those of kinisi: MSD = intercept + slope · lag with normal errors, slope ≥ 0. kinisi
    samples the posterior by a Markov chain; since it is a normal distribution but for the bound, it is drawn from
    directly: θ ~ N((XᵀC⁻¹X)⁻¹XᵀC⁻¹y, (XᵀC⁻¹X)⁻¹).

    :param curve: the mean squared displacements.
    :param random: generator that the samples are drawn with.
    :param column: 0 to 2 for x to z, 3 for the total.
    :param start: index of the first lag.
    :param n_samples: number of samples.
    """
    lags, msd = curve.lags[start:], curve.msd[start:, column]
    precision = _inverse(covariance_matrix(curve, column, start))
    design = np.column_stack([lags, np.ones_like(lags)])
    spread = _inverse(design.T @ precision @ design)
    best = spread @ design.T @ precision @ msd
    residuals = msd - design @ best

    sigma = np.sqrt(spread[0, 0])
    slopes = stats.truncnorm.rvs(-best[0] / sigma, np.inf, best[0], sigma, size=n_samples, random_state=random)
    given_slope = best[1] + spread[0, 1] / spread[0, 0] * (slopes - best[0])
    remaining = max(spread[1, 1] - spread[0, 1] ** 2 / spread[0, 0], 0.0)
    return LineFit(
        slope=Posterior(slopes),
        intercept=Posterior(given_slope + np.sqrt(remaining) * random.standard_normal(n_samples)),
        start=float(lags[0]),
        end=float(lags[-1]),
        p_value=float(stats.chi2.sf(residuals @ precision @ residuals, max(lags.size - 2, 1))),
    )


def first_straight(
    curve: DisplacementCurve, random: np.random.Generator, *, earliest: float, least: float = 0.05
) -> tuple[int, LineFit]:
    """Return the fit from the earliest lag on from which the mean squared displacement is a straight line.

    Of the lags up to half the longest one, the first is taken from which the deviations from the line are no larger
    than their covariance lets expect; where there is none, the first of all, and its `p_value` tells.

    :param curve: the mean squared displacements.
    :param random: generator that the samples are drawn with.
    :param earliest: lag in ps before which no fit starts.
    :param least: least probability of the deviations.
    :return: index of the first lag, and the fit.
    """
    first, last = np.searchsorted(curve.lags, [earliest, curve.lags[-1] / 2])
    first = min(int(first), max(curve.lags.size - 3, 0))
    for start in range(first, max(int(last), first + 1)):
        if fit_line(curve, random, start=start, n_samples=1).p_value >= least:
            return start, fit_line(curve, random, start=start)
    return first, fit_line(curve, random, start=first)


def of_one_path(slope: Posterior, random: np.random.Generator) -> Posterior:
    """Return the posterior of a slope of which the error is in proportion to the slope itself.

    The displacements of one path with normal steps have a variance σ² that is the slope, and its estimate from ν
    independent displacements has the relative error r = √(2/ν). The posterior of σ² is then scaled inverse χ², with ν
    degrees of freedom: Gelman *et al.*, Bayesian Data Analysis, 3rd ed., section 2.6. For small r it is normal; for
    larger ones it is skewed, since an estimate that is low by chance has an error bar that is small by the same chance.
    A slope that is not resolved (r > 0.5) is left as it is.

    :param slope: normal posterior, from `fit_line`.
    :param random: generator that the samples are drawn with.
    """
    relative = slope.std / slope.mean
    if relative > LARGEST_RELATIVE_ERROR:
        return slope
    freedom = 2.0 / relative**2
    return Posterior(slope.mean * freedom / random.chisquare(freedom, size=slope.samples.size))


def _plain_slope(curve: DisplacementCurve, column: int) -> float:
    """Return the slope of a mean squared displacement by least squares of the relative deviations."""
    weights = 1.0 / np.maximum(curve.msd[:, column], _floor(curve))
    design = np.column_stack([curve.lags, np.ones_like(curve.lags)])
    slope, _ = optimize.nnls(design * weights[:, np.newaxis], curve.msd[:, column] * weights)[0]
    return float(slope)


def _floor(curve: DisplacementCurve) -> float:
    """Return a mean squared displacement that is as good as zero."""
    return 1e-12 * float(curve.msd.max())


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """Invert a symmetric positive matrix whose elements differ by orders of magnitude."""
    scale = 1.0 / np.sqrt(np.diag(matrix))
    return linalg.pinvh(matrix * np.outer(scale, scale), rtol=1e-12) * np.outer(scale, scale)


def power_law(curve: DisplacementCurve, *, column: int = TOTAL, start: int = 0) -> tuple[float, float]:
    """Return the power of time that a mean squared displacement grows with, and its standard deviation.

    A line through log MSD against log lag, by least squares weighted with the covariance of `covariance_matrix`.

    :param curve: the mean squared displacements, all positive.
    :param column: 0 to 2 for x to z, 3 for the total.
    :param start: index of the first lag.
    """
    msd = curve.msd[start:, column]
    precision = _inverse(covariance_matrix(curve, column, start) / np.outer(msd, msd))
    design = np.column_stack([np.log(curve.lags[start:]), np.ones_like(msd)])
    spread = _inverse(design.T @ precision @ design)
    slope, _ = spread @ design.T @ precision @ np.log(msd)
    return float(slope), float(np.sqrt(spread[0, 0]))
