"""Ionic conductivities from diffusion: Nernst–Einstein, collective, and their ratio."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import constants

from aiida_seimlip.science.analysis.diffusion import A2_PER_PS_TO_M2_PER_S, LEAST_FRAMES, DiffusionError
from aiida_seimlip.science.analysis.msd import SAMPLES_PER_LAG, charge_displacement
from aiida_seimlip.science.analysis.posterior import Posterior, displacement_curve, first_straight, of_one_path
from aiida_seimlip.science.analysis.track import Track

A3_TO_M3 = 1e-30
"""Multiply a volume in Å³ by this to get m³."""

S_PER_M_TO_S_PER_CM = 0.01
"""Multiply a conductivity in S/m by this to get S/cm."""


def carrier_density(n_carriers: float, volume: float) -> float:
    """Return the number of charge carriers per volume in m⁻³.

    Which ions count must fit the diffusion coefficient it is used with: all mobile ions with that of all mobile ions;
    one defect only with that of the defect.

    :param n_carriers: in the cell.
    :param volume: of the cell in Å³.
    :raises ValueError: if the volume is not positive.
    """
    if not volume > 0.0:
        raise ValueError(f'The volume of {volume} Å³ is not positive.')
    return n_carriers / (volume * A3_TO_M3)


def nernst_einstein(
    diffusivity: float | np.ndarray, density: float, charge: float, temperature: float
) -> float | np.ndarray:
    """Return the conductivity σ = n z² e² D / kT in S/m of carriers that move independently.

    :param diffusivity: of the carriers in m²/s: a number, or samples of its posterior.
    :param density: of the carriers in m⁻³.
    :param charge: of a carrier in e.
    :param temperature: in K.
    """
    return diffusivity * (density * (charge * constants.e) ** 2 / (constants.k * temperature))


def collective_conductivity(
    track: Track,
    charges: float | Mapping[str, float],
    temperature: float,
    *,
    seed: int,
    fit_window: tuple[float, float] = (0.02, 0.1),
    n_lags: int = 25,
) -> Posterior:
    """Return the conductivity in S/m with all correlations between the ions.

    σ = lim d⟨(Σ_i z_i e Δr_i(t))²⟩/dt / (6 V k T), Einstein's form of the Green–Kubo relation: Helfand, Phys. Rev.
    119, 1 (1960), doi:10.1103/PhysRev.119.1. Displacements are relative to the framework, which then carries no
    current. All ions together are one path, so that only lags up to a tenth of the track can be averaged well, and the
    posterior is skewed (`of_one_path`).

    :param track: of the mobile ions, at even time steps.
    :param charges: of the ions in e: one number, or one for each chemical symbol.
    :param temperature: in K.
    :param seed: of the samples.
    :param fit_window: earliest start and end of the fit as shares of the duration.
    :param n_lags: number of lags.
    :raises DiffusionError: if the track has fewer than 50 frames, or no charge moves.
    :raises KeyError: if `charges` lacks a chemical symbol.
    """
    slope = _collective_slope(track.drift_free(), charges_of(track, charges), seed, fit_window, n_lags)
    volume = float(track.volumes.mean()) * A3_TO_M3
    return slope * (constants.e**2 * A2_PER_PS_TO_M2_PER_S / (6.0 * volume * constants.k * temperature))


def haven_ratio(
    track: Track,
    charges: float | Mapping[str, float] = 1.0,
    *,
    seed: int,
    fit_window: tuple[float, float] = (0.05, 0.3),
    collective_window: tuple[float, float] = (0.02, 0.1),
    n_lags: int = 25,
) -> Posterior:
    """Return the Haven ratio: conductivity by Nernst–Einstein over the collective one, from the same track.

    H = Σ_i z_i² D_i / D_σ: 1 for ions that move independently, below 1 where they push each other on, such as in
    vacancy hops (H is then Bardeen and Herring's correlation factor) or chains. Errors of numerator and denominator are
    treated as independent, of which the latter dominates.

    :param track: of the mobile ions, at even time steps.
    :param charges: of the ions in e: one number, or one for each chemical symbol.
    :param seed: of the samples.
    :param fit_window: of the motion of single ions, as shares of the duration.
    :param collective_window: of the collective motion, as shares of the duration.
    :param n_lags: number of lags.
    :raises DiffusionError: if the track has fewer than 50 frames, or no charge moves.
    :raises KeyError: if `charges` lacks a chemical symbol.
    """
    track = track.drift_free()
    values = charges_of(track, charges)
    single, collective = np.random.SeedSequence(seed).generate_state(2)
    alone = _slope(track, track.positions * values[:, np.newaxis], int(single), fit_window, n_lags) * track.n_ions
    together = _collective_slope(track, values, int(collective), collective_window, n_lags)
    return Posterior(alone.samples / together.samples)


def charges_of(track: Track, charges: float | Mapping[str, float] | np.ndarray) -> np.ndarray:
    """Return the charge of each ion in e; shape (n_ions,).

    :param track: of the ions.
    :param charges: in e: one number, one for each chemical symbol, or one for each ion.
    :raises KeyError: if `charges` lacks a chemical symbol.
    :raises ValueError: if there is neither one charge nor one for each ion.
    """
    if isinstance(charges, Mapping):
        return np.array([charges[symbol] for symbol in track.symbols], dtype=float)
    values = np.asarray(charges, dtype=float)
    if values.ndim and values.shape != (track.n_ions,):
        raise ValueError(f'There are {values.size} charges for {track.n_ions} ions.')
    return np.array(np.broadcast_to(values, (track.n_ions,)))


def _collective_slope(
    track: Track, charges: np.ndarray, seed: int, window: tuple[float, float], n_lags: int
) -> Posterior:
    """Return the slope of the mean squared displacement of all charge, in e² Å²/ps."""
    slope = _slope(track, charge_displacement(track.positions, charges), seed, window, n_lags)
    return of_one_path(slope, np.random.default_rng([seed, 1]))


def _slope(track: Track, positions: np.ndarray, seed: int, window: tuple[float, float], n_lags: int) -> Posterior:
    """Return the slope of a mean squared displacement, in its unit per ps."""
    if len(track) < LEAST_FRAMES:
        raise DiffusionError(f'The track has {len(track)} frames, of which at least {LEAST_FRAMES} are needed.')
    curve = displacement_curve(positions, track.interval, longest=window[1], n_lags=n_lags, samples=SAMPLES_PER_LAG)
    if np.any(curve.msd[:, -1] <= 0.0):
        raise DiffusionError('No charge of the track moves.')
    _, fit = first_straight(curve, np.random.default_rng(seed), earliest=window[0] * track.duration)
    return fit.slope
