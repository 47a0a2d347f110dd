"""Activation energies: diffusion coefficients at several temperatures, and what they let expect at others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import units
from scipy import stats

from aiida_seimlip.science.analysis.posterior import Posterior

BOLTZMANN_EV = units.kB
"""Boltzmann's constant in eV/K."""

LEAST_P_VALUE = 0.05
"""Points with a lower probability of their deviations from a line are flagged."""


class ArrheniusError(ValueError):
    """The points do not determine a line; the message says why."""


@dataclass(frozen=True, eq=False)
class ArrheniusFit:
    """D(T) = D0 exp(−Ea / kT).

    :param samples: of the joint posterior of ln D0 (D0 in m²/s) and Ea (eV); shape (n_samples, 2).
    :param temperatures: of the points in K; shape (n_points,).
    :param chi_squared: weighted sum of the squared deviations of the points from the line.
    :param p_value: probability of deviations as large as these, if there is a line; 1 for two points.
    :param flags: what speaks against the fit, in plain words.
    """

    samples: np.ndarray
    temperatures: np.ndarray
    chi_squared: float
    p_value: float
    flags: tuple[str, ...]

    @property
    def D0(self) -> Posterior:  # noqa: N802
        """Prefactor in m²/s."""
        return Posterior(np.exp(self.samples[:, 0]))

    @property
    def Ea(self) -> Posterior:  # noqa: N802
        """Activation energy in eV."""
        return Posterior(self.samples[:, 1])

    def sample(self, temperature: float) -> Posterior:
        """Return the posterior of the diffusion coefficient in m²/s at a temperature in K."""
        return Posterior(np.exp(self.samples[:, 0] - self.samples[:, 1] / (BOLTZMANN_EV * temperature)))

    def predict(self, temperature: float) -> tuple[float, float, float]:
        """Return the diffusion coefficient at a temperature, and the limits that hold it with 95 % probability.

        :param temperature: in K.
        :return: median, lower and upper limit in m²/s.
        """
        D = self.sample(temperature)
        return (D.median, *D.interval)


def fit_arrhenius(temperatures: Sequence[float], samples: Sequence[np.ndarray], *, seed: int = 0) -> ArrheniusFit:
    """Fit ln D = ln D0 − Ea / kT to diffusion coefficients known by samples of their posteriors.

    Of each temperature one sample is drawn, and a line put through them by least squares, with the weights 1/σ² of
    ln D; again and again. For normal posteriors of ln D these lines are distributed as the joint posterior of the
    Bayesian linear regression with flat priors, N((XᵀWX)⁻¹XᵀW ln D, (XᵀWX)⁻¹) (Gelman *et al.*, Bayesian Data Analysis,
    3rd ed., section 14.2); skewed posteriors are handed on as they are.

    :param temperatures: in K, at least two different ones.
    :param samples: for each temperature, samples of D in m²/s, all positive; shape (n_samples,) each.
    :param seed: of the order in which samples of different temperatures are combined.
    :raises ArrheniusError: if there are fewer than two temperatures, or a sample is not positive.
    """
    kelvin = np.asarray(temperatures, dtype=float)
    if np.unique(kelvin).size < 2:
        raise ArrheniusError(f'An activation energy needs two temperatures, and there is {np.unique(kelvin).size}.')
    if len(samples) != kelvin.size:
        raise ArrheniusError(f'There are {kelvin.size} temperatures, but samples for {len(samples)}.')
    if np.any(kelvin <= 0.0) or any(not np.all(np.asarray(one) > 0.0) for one in samples):
        raise ArrheniusError('Temperatures and diffusion coefficients must be positive.')
    random = np.random.default_rng(seed)
    n_samples = min(len(one) for one in samples)
    drawn = np.log([random.permutation(one)[:n_samples] for one in samples])  # (n_points, n_samples)
    weights = 1.0 / np.maximum(_widths(samples), np.finfo(float).eps) ** 2
    design = np.column_stack([np.ones_like(kelvin), -1.0 / (BOLTZMANN_EV * kelvin)])
    root = np.sqrt(weights)[:, np.newaxis]
    lines = np.linalg.lstsq(design * root, drawn * root, rcond=None)[0].T
    centres = np.array([np.median(np.log(one)) for one in samples])[:, np.newaxis]
    best = np.linalg.lstsq(design * root, centres * root, rcond=None)[0]
    chi_squared = float(np.sum((root * (centres - design @ best)) ** 2))
    spare = kelvin.size - 2
    p_value = float(stats.chi2.sf(chi_squared, spare)) if spare else 1.0
    flags = () if p_value >= LEAST_P_VALUE else (
        f'bent: the points lie off a line by more than their error bars (χ² = {chi_squared:.1f}, p = {p_value:.1g})',
    )  # fmt: skip
    return ArrheniusFit(lines, kelvin, chi_squared, p_value, flags)


def _widths(samples: Sequence[np.ndarray]) -> np.ndarray:
    """Return half of the central 68 % of ln D for each point."""
    low, high = stats.norm.cdf([-1.0, 1.0])
    return np.array([np.subtract(*np.quantile(np.log(one), [high, low])) / 2.0 for one in samples])
