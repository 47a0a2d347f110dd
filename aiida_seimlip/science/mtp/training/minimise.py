"""The Levenberg–Marquardt method for the loss of a potential."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.mtp.training.loss import Loss, NormalEquations
from aiida_seimlip.science.mtp.training.options import TrainingOptions

_SMALLEST_DAMPING = 1e-10
_SMALLEST_SCALE = 1e-12
_ROUNDING = 1e-12
_LARGEST_BEND = 1.5


class Fit(NamedTuple):
    """Where the minimisation ended."""

    parameters: np.ndarray
    loss: float
    history: list[float]
    held_out_history: list[float]
    stop_reason: str


class Minimiser:
    """Levenberg–Marquardt steps from a start to a stop."""

    _MAX_REJECTIONS = 15

    def __init__(
        self,
        loss: Loss,
        held_out: Loss | None,
        start: MomentTensorPotential,
        options: TrainingOptions,
        *,
        pool: ThreadPoolExecutor,
        callback: Callable[[int, float, MomentTensorPotential], None] | None,
    ) -> None:
        self.loss = loss
        self.held_out = held_out
        self.start = start
        self.options = options
        self.pool = pool
        self.callback = callback
        self.n_radial = start.n_species**2 * start.radial_funcs_count * start.radial_basis_size
        self.damping = options.damping
        self.scale = np.zeros(self.n_radial)
        self.history: list[float] = []
        self.held_out_history: list[float] = []
        self.best: tuple[float, np.ndarray] | None = None

    def run(self) -> Fit:
        """Solve for the linear coefficients, then step until there is a reason to stop."""
        parameters = self.start.parameters
        if self.options.iteration_limit > 0:
            parameters = self._solve_linear(parameters)
        equations = self.loss.normal_equations(parameters, self.pool)
        self._record(parameters, equations.loss)
        reason = f'The limit of {self.options.iteration_limit} iterations is reached.'
        for _ in range(self.options.iteration_limit):
            step = self._step(parameters, equations)
            if step is None:
                reason = 'No step makes the loss smaller.'
                break
            parameters = step
            equations = self.loss.normal_equations(parameters, self.pool)
            self._record(parameters, equations.loss)
            stop = self._reason_to_stop()
            if stop is not None:
                reason = stop
                break
        loss = self.history[-1]
        if self.best is not None:
            index = int(np.argmin(self.held_out_history))
            parameters, loss = self.best[1], self.history[index]
        return Fit(parameters, loss, self.history, self.held_out_history, reason)

    def _record(self, parameters: np.ndarray, loss: float) -> None:
        self.history.append(loss)
        if self.held_out is not None:
            held_out = self.held_out.value(parameters, self.pool)
            self.held_out_history.append(held_out)
            if self.best is None or held_out < self.best[0]:
                self.best = (held_out, parameters)
        if self.callback is not None:
            self.callback(len(self.history) - 1, loss, self.start.with_parameters(parameters))

    def _reason_to_stop(self) -> str | None:
        options, history = self.options, self.history
        if len(history) > options.window and history[-1] > (1.0 - options.tolerance) * history[-1 - options.window]:
            return f'The loss fell by less than {options.tolerance:g} of its value in {options.window} iterations.'
        steps = len(self.held_out_history) - 1
        if steps > 0 and steps - int(np.argmin(self.held_out_history)) >= options.patience:
            return f'The loss of the held-out configurations did not fall in {options.patience} iterations.'
        return None

    def _ridge(self, equations: NormalEquations) -> np.ndarray:
        """Return the weights of the squares of the parameters that are added to the loss; shape (n_parameters,)."""
        weights = self.options.regularisation * np.diag(equations.matrix)
        weights[: self.n_radial + self.start.n_species] = 0.0
        return weights

    def _solve_linear(self, parameters: np.ndarray) -> np.ndarray:
        """Return the parameters with the best linear coefficients for the present radial functions."""
        equations = self.loss.normal_equations(parameters, self.pool)
        ridge = self._ridge(equations)
        linear = slice(self.n_radial, None)
        gradient = equations.gradient + ridge * parameters
        solution = parameters.copy()
        solution[linear] += _Factorised(equations.matrix[linear, linear], ridge[linear]).solve(-gradient[linear])
        return solution

    def _step(self, parameters: np.ndarray, equations: NormalEquations) -> np.ndarray | None:
        """Return parameters with a smaller loss, or None if even short steps do not lead to one."""
        ridge = self._ridge(equations)
        gradient = equations.gradient + ridge * parameters
        objective = equations.loss + float(ridge @ parameters**2)
        self.scale = np.maximum(np.diag(equations.matrix)[: self.n_radial], 0.5 * self.scale)
        growth = 2.0
        for _ in range(self._MAX_REJECTIONS):
            damping = ridge.copy()
            damping[: self.n_radial] += self.damping * np.maximum(self.scale, _SMALLEST_SCALE * self.scale.max())
            try:
                damped = _Factorised(equations.matrix, damping)
            except LinAlgError:
                self.damping *= 10.0
                continue
            straight = damped.solve(-gradient)
            step = self._bend(parameters, straight, damped)
            if step is not None:
                reached = self.loss.value(parameters + step, self.pool) + float(ridge @ (parameters + step) ** 2)
                if reached < objective:
                    promised = -(2.0 * gradient + equations.matrix @ straight + ridge * straight) @ straight
                    gain = (objective - reached) / promised
                    self.damping = max(_SMALLEST_DAMPING, self.damping * max(0.2, 1.0 - (2.0 * gain - 1.0) ** 3))
                    return parameters + step
            self.damping *= growth
            growth *= 2.0
        return None

    def _bend(self, parameters: np.ndarray, straight: np.ndarray, damped: _Factorised) -> np.ndarray | None:
        """Add the second-order term to a step; return None if it is too large for the expansion to hold."""
        if not self.loss.has_curvature:
            return straight
        bend = damped.solve(-self.loss.curvature(parameters, straight, self.pool))
        lengths = [float(self.scale @ vector[: self.n_radial] ** 2) ** 0.5 for vector in (bend, straight)]
        return straight + 0.5 * bend if 2.0 * lengths[0] <= _LARGEST_BEND * lengths[1] else None


class _Factorised:
    """Damped normal equations, scaled to a diagonal of ones and factorised.

    Parameters without any influence (zeros on the diagonal) stay as they are. The numbers of atoms of each species, for
    example, are proportional to each other if all configurations have the same composition, so that a tiny ridge (far
    above the rounding errors of the matrix) chooses the solution with the smallest change.

    :raises LinAlgError: if the matrix is not positive definite for all that.
    """

    def __init__(self, matrix: np.ndarray, damping: np.ndarray) -> None:
        damped = matrix + np.diag(damping)
        diagonal = np.diag(damped)
        self._scale = np.where(diagonal > 0.0, 1.0 / np.sqrt(np.where(diagonal > 0.0, diagonal, 1.0)), 0.0)
        scaled = damped * self._scale[:, None] * self._scale
        scaled[np.diag_indices_from(scaled)] = 1.0 + _ROUNDING
        self._factor = cho_factor(scaled)

    def solve(self, right: np.ndarray) -> np.ndarray:
        """Return the solution for a right-hand side; shape (n_parameters,)."""
        return self._scale * cho_solve(self._factor, self._scale * right)
