"""Diffusion coefficients from tracks, with their uncertainty and a verdict on whether they are any."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.analysis.hops import block_length, block_means, count_hops
from aiida_seimlip.science.analysis.msd import SAMPLES_PER_LAG
from aiida_seimlip.science.analysis.posterior import (
    LARGEST_RELATIVE_ERROR,
    N_SAMPLES,
    TOTAL,
    DisplacementCurve,
    LineFit,
    Posterior,
    displacement_curve,
    first_straight,
    fit_line,
    power_law,
)
from aiida_seimlip.science.analysis.track import Track

A2_PER_PS_TO_M2_PER_S = 1e-8
"""Multiply a diffusion coefficient in Å²/ps by this to get m²/s."""

LEAST_FRAMES = 50
"""A track of fewer frames is not analysed."""

SHORT_FRAMES = 200
"""A track of fewer frames is flagged as too short."""

LEAST_P_VALUE = 0.05
"""A line with a lower probability of its deviations is flagged as bent."""

LEAST_BLOCKS_PER_LAG = 5
"""The power of time is taken at lags of at least this many blocks, over which smoothing no longer matters."""


class DiffusionError(ValueError):
    """A track cannot be analysed; the message says why."""


@dataclass(frozen=True, eq=False)
class DiffusionEstimate:
    """The tracer diffusion coefficient of the ions of a track.

    :param D: mean of the three axes, in m²/s, from the total mean squared displacement.
    :param axes: along x, y and z, in m²/s.
    :param curve: mean squared displacements against lag, with their errors.
    :param fit: straight line through the total mean squared displacement.
    :param log_slope: power of time that the mean squared displacement of smoothed positions grows with.
    :param log_slope_std: its standard deviation.
    :param n_hops: hops of all ions.
    :param n_ions: number of ions.
    :param n_moving: number of ions that hopped at least once.
    :param duration: of the track in ps.
    :param flags: what speaks against the result, in plain words.
    :param is_diffusive: whether none of the flags forbids to call the result a diffusion coefficient.
    """

    D: Posterior
    axes: tuple[Posterior, Posterior, Posterior]
    curve: DisplacementCurve
    fit: LineFit
    log_slope: float
    log_slope_std: float
    n_hops: int
    n_ions: int
    n_moving: int
    duration: float
    flags: tuple[str, ...]
    is_diffusive: bool


def estimate_diffusion(
    track: Track,
    *,
    seed: int,
    fit_window: tuple[float, float] = (0.05, 0.3),
    hop_distance: float = 2.0,
    smoothing: float = 0.5,
    min_hops: int = 50,
    slope_tolerance: float = 0.15,
    n_lags: int = 25,
    samples_per_lag: int = SAMPLES_PER_LAG,
) -> DiffusionEstimate:
    """Estimate the tracer diffusion coefficient D = (dMSD/dt) / 6 of the ions of a track, and along each axis.

    The drift of the framework is taken off. The mean squared displacements at lags within `fit_window` are fitted by a
    line with kinisi's model of their covariance (see `fit_line`). The result is flagged

    - *too short*: fewer than 200 frames;
    - *too few hops*: see `count_hops`; below some 50 hops an error bar is itself uncertain (He, Zhu and Mo, npj Comput.
      Mater. 4, 18 (2018), doi:10.1038/s41524-018-0074-y);
    - *not diffusive*: the mean squared displacement of smoothed positions grows with a power of time that is not 1,
      beyond `slope_tolerance` and twice its error;
    - *not resolved*: the standard deviation of D is above half of D;
    - *bent*: the mean squared displacement is no straight line within its error bars. This one is a warning only.

    :param track: at even time steps; ions of one kind, see `Track.select`.
    :param seed: of the samples; the same seed gives the same result to the last bit.
    :param fit_window: earliest start and end of the fit as shares of the duration; the end is at most 0.5.
    :param hop_distance: displacement in Å that counts as a hop.
    :param smoothing: time in ps, of at least five frames where there are enough, that positions are averaged over to
        tell hops from vibrations.
    :param min_hops: number of hops of all ions that is asked for.
    :param slope_tolerance: deviation from 1 that the power of time may have.
    :param n_lags: number of lags.
    :param samples_per_lag: number of displacements that the variance at a lag is taken from.
    :raises DiffusionError: if the track has fewer than 50 frames, or nothing moves at all.
    """
    if len(track) < LEAST_FRAMES:
        raise DiffusionError(f'The track has {len(track)} frames, of which at least {LEAST_FRAMES} are needed.')
    track = track.drift_free()
    curve = displacement_curve(
        track.positions, track.interval, longest=fit_window[1], n_lags=n_lags, samples=samples_per_lag
    )
    if np.any(curve.msd[:, TOTAL] <= 0.0):
        raise DiffusionError('The ions of the track do not move at all.')
    total, *by_axis = (np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(4))
    start, fit = first_straight(curve, total, earliest=fit_window[0] * track.duration, least=LEAST_P_VALUE)
    D = fit.slope * (A2_PER_PS_TO_M2_PER_S / 6.0)
    x, y, z = (_along(curve, axis, start, random) for axis, random in enumerate(by_axis))
    length = block_length(len(track), track.interval, smoothing)
    smoothed = block_means(track.positions, length)
    slope, slope_std = _power_of_time(smoothed, length * track.interval, fit)
    hops = count_hops(smoothed, hop_distance)
    forbidding = [
        *_flags_of_length(len(track), int(hops.sum()), min_hops, hop_distance),
        *_flags_of_motion(D, slope, slope_std, slope_tolerance),
    ]
    return DiffusionEstimate(
        D=D, axes=(x, y, z), curve=curve, fit=fit, log_slope=slope, log_slope_std=slope_std, n_hops=int(hops.sum()),
        n_ions=track.n_ions, n_moving=int(np.count_nonzero(hops)), duration=track.duration,
        flags=(*forbidding, *_flags_of_fit(fit)), is_diffusive=not forbidding,
    )  # fmt: skip


def _along(curve: DisplacementCurve, axis: int, start: int, random: np.random.Generator) -> Posterior:
    """Return the diffusion coefficient along an axis in m²/s, exactly zero where nothing moves along it."""
    if not curve.msd[:, axis].any():
        return Posterior(np.zeros(N_SAMPLES))
    return fit_line(curve, random, column=axis, start=start).slope * (A2_PER_PS_TO_M2_PER_S / 2.0)


def _power_of_time(smoothed: np.ndarray, interval: float, fit: LineFit) -> tuple[float, float]:
    """Return the power that the mean squared displacement grows with within the window of the fit, and its error.

    Smoothed positions have (nearly) lost the constant that vibrations add to the mean squared displacement, which would
    lower the power of slow but proper diffusion.
    """
    n_steps = len(smoothed) - 1
    curve = displacement_curve(
        smoothed, interval, longest=min(fit.end / (n_steps * interval), 0.5), n_lags=25, samples=SAMPLES_PER_LAG
    )
    start = int(np.searchsorted(curve.lags, max(fit.start, LEAST_BLOCKS_PER_LAG * interval)))
    return power_law(curve, start=min(start, curve.lags.size - 3))


def _flags_of_length(n_frames: int, n_hops: int, min_hops: int, hop_distance: float) -> list[str]:
    flags = []
    if n_frames < SHORT_FRAMES:
        flags.append(f'too short: {n_frames} frames, of which {SHORT_FRAMES} are needed')
    if n_hops < min_hops:
        flags.append(f'too few hops: {n_hops} of {hop_distance:g} Å, of which {min_hops} are needed')
    return flags


def _flags_of_motion(D: Posterior, slope: float, slope_std: float, tolerance: float) -> list[str]:
    flags = []
    if abs(slope - 1.0) > max(tolerance, 2.0 * slope_std):
        flags.append(f'not diffusive: the MSD grows with the power {slope:.2f} ± {slope_std:.2f} of time')
    if D.std > LARGEST_RELATIVE_ERROR * D.mean:
        flags.append(f'not resolved: the error bar is {D.std / D.mean:.0%} of the diffusion coefficient')
    return flags


def _flags_of_fit(fit: LineFit) -> list[str]:
    if fit.p_value >= LEAST_P_VALUE:
        return []
    return [f'bent: the MSD is no straight line from {fit.start:.3g} to {fit.end:.3g} ps (p = {fit.p_value:.1g})']
