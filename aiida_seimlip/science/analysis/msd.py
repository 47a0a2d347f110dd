"""Mean squared displacements over all time origins, by fast Fourier transform."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy import fft

SERIES_PER_BATCH = 96
"""Coordinates are transformed this number of series at a time, which bounds the memory."""

SAMPLES_PER_LAG = 1_000_000
"""Variances at one lag are taken from at most about this number of displacements, drawn at even distances in time."""


def mean_squared_displacement(positions: np.ndarray) -> np.ndarray:
    """Return the mean squared displacement along each axis, averaged over ions and time origins.

    MSD(m) = Σ_k (x_{k+m} − x_k)² / (N − m), by the algorithm of Calandrini *et al.*, Collection SFN 12, 201 (2011),
    doi:10.1051/sfn/201112010, section 4.2: the cross term is an autocorrelation, of which only the sum over the ions is
    transformed back.

    :param positions: unwrapped positions in Å; shape (n_frames, n_ions, 3).
    :return: for each lag 0 … n_frames − 1 and axis, in Å²; shape (n_frames, 3). Add the axes for the total.
    """
    n_frames, n_ions, n_axes = positions.shape
    power = np.zeros((n_axes, fft.next_fast_len(2 * n_frames, real=True) // 2 + 1))
    squares = np.zeros((n_axes, n_frames))
    for series, axes in _batches(positions):
        spectrum = fft.rfft(series, fft.next_fast_len(2 * n_frames, real=True), axis=1)
        np.add.at(power, axes, spectrum.real**2 + spectrum.imag**2)
        np.add.at(squares, axes, series**2)
    return (_combine(power, squares, n_frames) / n_ions).T


def ion_mean_squared_displacements(positions: np.ndarray) -> np.ndarray:
    """Return the mean squared displacement of each ion along each axis, averaged over time origins.

    :param positions: unwrapped positions in Å; shape (n_frames, n_ions, 3).
    :return: for each lag, ion and axis, in Å²; shape (n_frames, n_ions, 3).
    """
    n_frames, n_ions, n_axes = positions.shape
    length = fft.next_fast_len(2 * n_frames, real=True)
    result = np.empty((n_ions * n_axes, n_frames))
    start = 0
    for series, _ in _batches(positions):
        spectrum = fft.rfft(series, length, axis=1)
        power = spectrum.real**2 + spectrum.imag**2
        result[start : start + len(series)] = _combine(power, series**2, n_frames)
        start += len(series)
    return result.reshape(n_ions, n_axes, n_frames).transpose(2, 0, 1)


def charge_displacement(positions: np.ndarray, charges: np.ndarray) -> np.ndarray:
    """Return the sum of charge times displacement over the ions, one collective coordinate.

    :param positions: unwrapped positions in Å; shape (n_frames, n_ions, 3).
    :param charges: charges in e; shape (n_ions,).
    :return: in e Å, zero in the first frame; shape (n_frames, 1, 3), as of one ion.
    """
    displacements = np.einsum('fia,i->fa', positions, np.asarray(charges, dtype=float), dtype=float)
    return (displacements - displacements[0])[:, np.newaxis, :]


def collective_mean_squared_displacement(positions: np.ndarray, charges: np.ndarray) -> np.ndarray:
    """Return the mean square of the summed charge displacement along each axis, averaged over time origins.

    :param positions: unwrapped positions in Å; shape (n_frames, n_ions, 3).
    :param charges: charges in e; shape (n_ions,).
    :return: for each lag and axis, in e² Å²; shape (n_frames, 3).
    """
    return mean_squared_displacement(charge_displacement(positions, charges))


def displacement_variance(positions: np.ndarray, lag: int, samples: int = SAMPLES_PER_LAG) -> np.ndarray:
    """Return the variance of single squared displacements over a lag: along x, y, z and of their sum.

    Of the time origins so many are left out, at even distances, that about `samples` displacements remain.

    :param positions: unwrapped positions in Å; shape (n_frames, n_ions, 3).
    :param lag: number of frames between start and end.
    :param samples: number of displacements of single ions to look at.
    :return: shape (4,), in Å⁴.
    """
    n_windows = len(positions) - lag
    stride = max(1, n_windows * positions.shape[1] // samples)
    squares = np.square(positions[lag::stride] - positions[:n_windows:stride], dtype=float)
    total = squares.sum(axis=-1)
    return np.append(squares.reshape(-1, 3).var(axis=0), total.var()) * total.size / max(total.size - 1, 1)


def _batches(positions: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield coordinates as series, relative to their start, and the axis that each is of."""
    n_frames, n_ions, n_axes = positions.shape
    flat = positions.reshape(n_frames, n_ions * n_axes)
    axes = np.tile(np.arange(n_axes), n_ions)
    for start in range(0, axes.size, SERIES_PER_BATCH):
        batch = slice(start, start + SERIES_PER_BATCH)
        yield np.ascontiguousarray((flat[:, batch].astype(float) - flat[0, batch]).T), axes[batch]


def _combine(power: np.ndarray, squares: np.ndarray, n_frames: int) -> np.ndarray:
    """Turn power spectra and squared coordinates into mean squared displacements.

    :param power: squared moduli of the transforms of the zero-padded series; shape (n_series, n_frequencies).
    :param squares: squared coordinates; shape (n_series, n_frames).
    :return: shape (n_series, n_frames).
    """
    length = fft.next_fast_len(2 * n_frames, real=True)
    products = fft.irfft(power, length, axis=1)[:, :n_frames]
    # Σ_k x_k² + x_{k+m}² over k = 0 … N − m − 1: everything twice, less the last m and the first m
    sums = np.cumsum(squares, axis=1)
    heads = np.concatenate([np.zeros((len(squares), 1)), sums[:, :-1]], axis=1)
    tails = np.concatenate([np.zeros((len(squares), 1)), np.cumsum(squares[:, :0:-1], axis=1)], axis=1)
    combined = (2.0 * sums[:, -1:] - heads - tails - 2.0 * products) / np.arange(n_frames, 0, -1)
    return np.maximum(combined, 0.0)
