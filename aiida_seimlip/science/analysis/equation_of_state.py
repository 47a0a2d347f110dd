"""Equations of state of crystals: energy and pressure by volume, and the bulk modulus that a fit of them gives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.polynomial import Polynomial
from numpy.typing import ArrayLike
from scipy.optimize import least_squares
from scipy.special import hyp1f1

from aiida_seimlip.science.units import EV_PER_A3_TO_GPA

Form = Literal['birch_murnaghan', 'vinet']
"""Third-order Birch–Murnaghan (F. Birch, Phys. Rev. 71, 809 (1947)), or the universal equation of P. Vinet,
J. H. Rose, J. Ferrante and J. R. Smith, J. Phys.: Condens. Matter 1, 1941 (1989)."""

N_PARAMETERS = 4
"""Of either form; as many different volumes determine them."""

ENOUGH_VOLUMES = 5
"""Of fewer different ones it cannot be seen whether the curve follows the energies."""

LARGE_ERROR = 0.1
"""A larger standard error of the bulk modulus, in parts of it, is a doubt."""

SAME_VOLUME = 1e-9
"""Volumes that differ by less, in parts of themselves, are one volume."""

_SINGULAR = 1e-10
_TOLERANCES = {'ftol': 1e-14, 'xtol': 1e-14, 'gtol': 1e-14}


class EquationOfStateError(ValueError):
    """The energies do not lie about a curve with a minimum; the message says more."""


class Parameters(NamedTuple):
    """What either form is of, at zero pressure.

    :param volume: in Å³.
    :param energy: in eV.
    :param bulk_modulus: −V dP/dV in GPa.
    :param derivative: of the bulk modulus with respect to the pressure; no unit.
    """

    volume: float
    energy: float
    bulk_modulus: float
    derivative: float


@dataclass(frozen=True)
class EquationOfState:
    """A fit to energies at several volumes; each ``_error`` is a standard error, nan where it is unknown.

    :param form: that was fitted.
    :param volume: of zero pressure in Å³.
    :param energy: at that volume in eV.
    :param bulk_modulus: at that volume in GPa.
    :param derivative: of the bulk modulus with respect to the pressure, at that volume; no unit.
    :param residual: root of the mean squared deviation of the energies from the curve in eV.
    :param doubts: what speaks against the fit, in sentences.
    """

    form: Form
    volume: float
    volume_error: float
    energy: float
    energy_error: float
    bulk_modulus: float
    bulk_modulus_error: float
    derivative: float
    derivative_error: float
    residual: float
    doubts: tuple[str, ...]

    @property
    def parameters(self) -> Parameters:
        """What `energy` and `pressure` take."""
        return Parameters(self.volume, self.energy, self.bulk_modulus, self.derivative)


def energy(form: Form, volumes: ArrayLike, parameters: Parameters) -> np.ndarray:
    """Return the energies of an equation of state in eV; shape of `volumes`.

    :param form: of the equation.
    :param volumes: in Å³; any shape.
    :param parameters: of the equation.
    :raises ValueError: if the form is unknown or a volume is not positive.
    """
    unit = parameters.bulk_modulus / EV_PER_A3_TO_GPA * parameters.volume
    return parameters.energy + unit * _evaluate(form, volumes, parameters).energy


def pressure(form: Form, volumes: ArrayLike, parameters: Parameters) -> np.ndarray:
    """Return the pressures −dE/dV of an equation of state in GPa; shape of `volumes`.

    :param form: of the equation.
    :param volumes: in Å³; any shape.
    :param parameters: of the equation; their energy plays no part.
    :raises ValueError: if the form is unknown or a volume is not positive.
    """
    return parameters.bulk_modulus * _evaluate(form, volumes, parameters).pressure


def scaled_volumes(volume: float, extent: float, n_points: int) -> np.ndarray:
    """Return volumes about one in equal steps of the volume, from V(1 − extent) to V(1 + extent); shape (n_points,).

    They are symmetric in the volume, not in the linear strain, as in the comparison of codes by K. Lejaeghere *et al.*,
    Science 351, aad3000 (2016), which took seven within 6 %. An odd number has `volume` itself in the middle.

    :param volume: in Å³.
    :param extent: in parts of the volume, between 0 and 1.
    :param n_points: four at least.
    :raises ValueError: if an argument is out of these bounds.
    """
    if not (0.0 < volume < np.inf and 0.0 < extent < 1.0):
        raise ValueError(f'There are no volumes from {volume} Å³ times 1 − {extent} to 1 + {extent} that are positive.')
    if n_points < N_PARAMETERS:
        raise ValueError(f'An equation of state has {N_PARAMETERS} parameters; {n_points} volumes are too few.')
    return volume * (1.0 + extent * np.linspace(-1.0, 1.0, n_points))


def fit_equation_of_state(volumes: ArrayLike, energies: ArrayLike, form: Form) -> EquationOfState:
    """Fit an equation of state to energies by least squares, all with the same weight.

    The Birch–Murnaghan equation is a cubic in V^(−2/3), and is fitted as one; that of Vinet is fitted by the algorithm
    of Levenberg and Marquardt, which starts there. Standard errors are the roots of the diagonal of s²(JᵀJ)⁻¹, with J
    the derivatives of the energies by the parameters, and s² the sum of the squared residuals over the number of points
    less that of parameters: they take the deviations for independent noise, and leave out what another form would give.

    :param volumes: in Å³, in any order, of four different values at least; shape (n_points,).
    :param energies: of the same cell in eV; shape (n_points,).
    :param form: of the equation.
    :raises ValueError: if shapes differ, a number is not finite, a volume is not positive, the form is unknown, or
        there are fewer than four different volumes.
    :raises EquationOfStateError: if the curve that fits best has no minimum.
    """
    v, e = _validated(volumes, energies)
    unit_volume, lowest, unit_energy = float(np.mean(v)), float(np.min(e)), float(np.ptp(e)) or 1.0
    minimum = _minimise(form, v / unit_volume, (e - lowest) / unit_energy)
    if minimum is None:
        raise EquationOfStateError(' '.join(['The curve of the best fit has no minimum.', *_find_bends(v, e)]))
    best, covariance, deviations = minimum
    v0 = np.exp(best[0]) * unit_volume
    units = np.array([v0, unit_energy, unit_energy / unit_volume * EV_PER_A3_TO_GPA, 1.0])
    found = Parameters(float(v0), float(lowest + units[1] * best[1]), float(units[2] * best[2]), float(best[3]))
    errors = Parameters(*(float(error) for error in np.sqrt(np.diag(covariance)) * units))
    return EquationOfState(
        form=form,
        **found._asdict(),
        **{f'{name}_error': error for name, error in errors._asdict().items()},
        residual=float(unit_energy * np.sqrt(np.mean(deviations**2))),
        doubts=(*_find_doubts(v, found, errors), *_find_bends(v, e)),
    )


class _Reduced(NamedTuple):
    """(E − E0) / (B V0), P / B, and the derivative of the first by that of the bulk modulus, at the same volumes."""

    energy: np.ndarray
    pressure: np.ndarray
    by_derivative: np.ndarray


def _birch_murnaghan(eta: np.ndarray, derivative: float) -> _Reduced:
    """Return the third-order Birch–Murnaghan equation at η = (V / V0)^⅓."""
    square = eta**-2.0
    strain = square - 1.0
    return _Reduced(
        0.5625 * (derivative * strain**3 + strain**2 * (6.0 - 4.0 * square)),
        1.5 * (eta**-7.0 - eta**-5.0) * (1.0 + 0.75 * (derivative - 4.0) * strain),
        0.5625 * strain**3,
    )


def _vinet(eta: np.ndarray, derivative: float) -> _Reduced:
    """Return the equation of Vinet *et al.* at η = (V / V0)^⅓.

    Its usual form, 9 (1 − (1 − z) eᶻ) / c² with z = c (1 − η) and c = 3 (B′ − 1) / 2, is 0 / 0 at B′ = 1; by the
    integral of t exp(zt) from 0 to 1, which is ½ ₁F₁(2; 3; z), it is not.
    """
    strain = 1.0 - eta
    z = 1.5 * (derivative - 1.0) * strain
    return _Reduced(
        4.5 * strain**2 * hyp1f1(2.0, 3.0, z), 3.0 * strain / eta**2 * np.exp(z), 4.5 * strain**3 * hyp1f1(3.0, 4.0, z)
    )


def _function(form: Form) -> Callable[[np.ndarray, float], _Reduced]:
    if form not in get_args(Form):
        raise ValueError(f'The form `{form}` of an equation of state is none of {", ".join(get_args(Form))}.')
    return _vinet if form == 'vinet' else _birch_murnaghan


def _evaluate(form: Form, volumes: ArrayLike, parameters: Parameters) -> _Reduced:
    ratio = np.asarray(volumes, dtype=float) / parameters.volume
    if parameters.volume <= 0.0 or not np.all(ratio > 0.0):
        raise ValueError('An equation of state is one of positive volumes.')
    return _function(form)(np.cbrt(ratio), parameters.derivative)


def _validated(volumes: ArrayLike, energies: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return volumes and energies as arrays, by rising volume."""
    v, e = np.asarray(volumes, dtype=float), np.asarray(energies, dtype=float)
    if v.ndim != 1 or v.shape != e.shape:
        raise ValueError(f'Volumes of shape {v.shape} and energies of shape {e.shape} are not two lists of one length.')
    if not (np.all(np.isfinite(v)) and np.all(np.isfinite(e)) and np.all(v > 0.0)):
        raise ValueError('A volume or an energy is not finite, or a volume is not positive.')
    v, e = v[np.argsort(v)], e[np.argsort(v)]
    n_different = len(_distinct(v, e)[0])
    if n_different < N_PARAMETERS:
        raise ValueError(f'An equation of state needs {N_PARAMETERS} different volumes, and there are {n_different}.')
    return v, e


def _distinct(v: np.ndarray, e: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the different ones of rising volumes, and the mean energy at each."""
    groups = np.cumsum(np.diff(v, prepend=v[:1]) > SAME_VOLUME * v)
    counts = np.bincount(groups)
    return np.bincount(groups, v) / counts, np.bincount(groups, e) / counts


def _minimise(form: Form, v: np.ndarray, e: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return (ln V0, E0, B, B′) that fit best, their covariance, the deviations; None if the curve has no minimum."""
    function = _function(form)

    def deviations(x: np.ndarray) -> np.ndarray:
        return x[1] + x[2] * np.exp(x[0]) * function(np.cbrt(v / np.exp(x[0])), x[3]).energy - e

    def jacobian(x: np.ndarray) -> np.ndarray:
        v0 = np.exp(x[0])
        reduced = function(np.cbrt(v / v0), x[3])
        # E − E0 is V0 times a function of V / V0
        by_log_volume = x[2] * (v0 * reduced.energy + v * reduced.pressure)
        return np.column_stack([by_log_volume, np.ones_like(v), v0 * reduced.energy, x[2] * v0 * reduced.by_derivative])

    best = _fit_birch_murnaghan(v, e)
    if form != 'birch_murnaghan' and best is not None:
        found = least_squares(deviations, best, jacobian, method='lm', x_scale='jac', **_TOLERANCES)
        best = found.x if found.success and found.x[2] > 0.0 else None
    return None if best is None else (best, _covariance(jacobian(best), deviations(best)), deviations(best))


def _fit_birch_murnaghan(v: np.ndarray, e: np.ndarray) -> np.ndarray | None:
    """Return (ln V0, E0, B, B′) of the cubic in V^(−2/3) that fits best, None if it has no minimum."""
    cubic = Polynomial.fit(v ** (-2.0 / 3.0), e, 3)
    slope, curvature, third = (cubic.deriv(order) for order in (1, 2, 3))
    roots = np.asarray(slope.roots(), dtype=complex)
    minima = [float(y.real) for y in roots if y.imag == 0.0 and y.real > 0.0 and float(curvature(y.real)) > 0.0]
    if not minima:
        return None
    v0 = minima[0] ** -1.5
    bulk_modulus = float(curvature(minima[0])) / (2.25 * v0 ** (7.0 / 3.0))
    derivative = 4.0 + 8.0 * float(third(minima[0])) / (27.0 * v0**3 * bulk_modulus)
    return np.array([np.log(v0), cubic(minima[0]), bulk_modulus, derivative])


def _covariance(jacobian: np.ndarray, deviations: np.ndarray) -> np.ndarray:
    """Return s²(JᵀJ)⁻¹, nan if it is unknown."""
    lengths = np.linalg.norm(jacobian, axis=0)
    spare = len(deviations) - N_PARAMETERS
    _, singular, rows = np.linalg.svd(jacobian / lengths, full_matrices=False)
    if spare < 1 or singular[-1] < _SINGULAR * singular[0]:
        return np.full((N_PARAMETERS, N_PARAMETERS), np.nan)
    inverse = rows.T / singular**2 @ rows / np.outer(lengths, lengths)
    return float(np.sum(deviations**2)) / spare * inverse


def _find_doubts(v: np.ndarray, found: Parameters, errors: Parameters) -> list[str]:
    """Return what speaks against a fit, but for the energies themselves."""
    doubts = []
    if not v[0] < found.volume < v[-1]:
        limits = f'{v[0]:.4g} to {v[-1]:.4g} Å³'
        doubts.append(f'The volume of zero pressure, {found.volume:.4g} Å³, is outside of the range of {limits}.')
    n_different = len(_distinct(v, v)[0])
    if n_different < ENOUGH_VOLUMES:
        doubts.append(f'There are only {n_different} different volumes, and {N_PARAMETERS} parameters.')
    if errors.bulk_modulus > LARGE_ERROR * found.bulk_modulus:
        doubts.append(f'The bulk modulus is uncertain by {errors.bulk_modulus / found.bulk_modulus:.0%}.')
    return doubts


def _find_bends(v: np.ndarray, e: np.ndarray) -> list[str]:
    """Say where the energies are the least convex, if they are not."""
    v, e = _distinct(v, e)
    shares = (v[1:-1] - v[:-2]) / (v[2:] - v[:-2])
    heights = e[1:-1] - (1.0 - shares) * e[:-2] - shares * e[2:]
    highest = np.argmax(heights)
    if heights[highest] <= 4.0 * np.finfo(float).eps * np.max(np.abs(e)):
        return []
    return [
        f'The energies are not convex: at {v[highest + 1]:.4g} Å³ the energy is {heights[highest]:.2g} eV above the '
        'line between its neighbours.'
    ]
