"""Training of moment tensor potentials by the Levenberg–Marquardt method.

The loss is MLIP-3's: with K configurations of N atoms ::

    loss = 1/K Σ_k [ w_e/N^s (E - E_ref)² + w_f/N^t Σ_i |F_i - F_i,ref|² + w_s/N^s |W - W_ref|² ]

where W is the virial (Frobenius norm, eV), s ``weight_scaling`` and t ``weight_scaling_forces``. Being a sum of squares
whose derivatives by all parameters the kernels give, it is minimised by damped Gauss–Newton steps (J. J. Moré, Lecture
Notes in Mathematics 630, 105 (1978)), bent along the curved valleys of the loss by the second derivative in their own
direction (M. K. Transtrum and J. P. Sethna, arXiv:1201.5885). The energy is linear in the species and moment
coefficients: their block of the normal equations is not damped, so that each step solves for them as if the radial
functions were known (variable projection in the approximation of L. Kaufman, BIT 15, 49 (1975)).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import reduce
from typing import NamedTuple

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from threadpoolctl import threadpool_limits

from aiida_seimlip.science.analysis.errors import Errors, compute_errors
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp import kernel
from aiida_seimlip.science.mtp.evaluate import chunks, evaluate
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.neighbours import Pairs, neighbour_list

MIN_DIST_FACTOR = 0.99
"""Like MLIP-3, the radial functions begin at this fraction of the shortest distance in the training set."""

_ATOMS_PER_CHUNK = 384
_ATOMS_KEEPING_NEIGHBOURS = 100_000
_VOIGT_MULTIPLICITY = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
_NO_LOCAL_BASIS = np.empty((0, 0))
_SMALLEST_DAMPING = 1e-10
_SMALLEST_SCALE = 1e-12
_ROUNDING = 1e-12
_JACOBIAN_BYTES = 1_000_000_000
_AHEAD = 0.1
_LARGEST_BEND = 1.5


@dataclass(frozen=True)
class TrainingOptions:
    """How to train.

    :param energy_weight: weight of energies, in 1/eV².
    :param force_weight: weight of forces, in Å²/eV².
    :param stress_weight: weight of stresses times volume, in 1/eV².
    :param weight_scaling: power of the number of atoms by which the weights of energy and stress are divided.
    :param weight_scaling_forces: power of the number of atoms by which the weights of forces are divided.
    :param scale_by_force: if positive, the weight of the force on an atom is multiplied by ``s/(|F|² + s)``, in eV²/Å².
    :param iteration_limit: largest number of Levenberg–Marquardt steps.
    :param tolerance: training ends when the loss has fallen by less than this fraction within `window` steps.
    :param window: number of steps over which the fall of the loss is judged.
    :param regularisation: ridge on the moment coefficients: the square of each, weighted by this fraction of its
        diagonal element in the normal equations (the loss that its term alone would make), is added to the loss.
    :param damping: first damping of the radial coefficients, as a fraction of the diagonal.
    :param held_out_fraction: fraction of the configurations to hold out for an early stop; the potential of the step
        with the smallest held-out loss is returned.
    :param patience: steps without a smaller held-out loss after which training stops early.
    :param seed: of the first radial coefficients and the choice of configurations to hold out.
    :param update_min_dist: whether to begin the radial functions at 0.99 of the shortest distance in the training set.
        Coefficients known already are converted such that the potential remains the same function.
    :param threads: number of threads, each working on a part of the configurations.
    """

    energy_weight: float = 1.0
    force_weight: float = 0.01
    stress_weight: float = 0.001
    weight_scaling: float = 1.0
    weight_scaling_forces: float = 0.0
    scale_by_force: float = 0.0
    iteration_limit: int = 100
    tolerance: float = 1e-2
    window: int = 10
    regularisation: float = 1e-7
    damping: float = 1e-2
    held_out_fraction: float = 0.0
    patience: int = 20
    seed: int = 0
    update_min_dist: bool = True
    threads: int = 1

    def __post_init__(self) -> None:
        for name in ('energy_weight', 'force_weight', 'stress_weight', 'scale_by_force', 'regularisation'):
            if not getattr(self, name) >= 0.0:
                raise ValueError(f'The training option `{name}` is {getattr(self, name)}, it must not be negative.')
        for name in ('iteration_limit', 'patience', 'window', 'threads'):
            if getattr(self, name) < (0 if name == 'iteration_limit' else 1):
                raise ValueError(f'The training option `{name}` is {getattr(self, name)}, it must be positive.')
        if not 0.0 <= self.held_out_fraction < 1.0:
            raise ValueError(f'The training option `held_out_fraction` is {self.held_out_fraction}, not within [0, 1).')
        if self.energy_weight == self.force_weight == self.stress_weight == 0.0:
            raise ValueError('The weights of energies, forces and stresses are all zero: there is nothing to train on.')


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What came out of training.

    :param potential: the trained potential, without an active set.
    :param loss: its loss on the training configurations, see the module's docstring.
    :param history: loss before the first and after each step; shape (n_iterations + 1,).
    :param held_out_history: loss of the held-out configurations at the same steps, empty if there were none.
    :param errors: on the configurations trained on.
    :param held_out_errors: on those held out, or None.
    :param stop_reason: one sentence.
    :param held_out: indices of the configurations held out.
    :param cpu_seconds: processor time spent, of all threads.
    """

    potential: MomentTensorPotential
    loss: float
    history: np.ndarray
    held_out_history: np.ndarray
    errors: Errors
    held_out_errors: Errors | None
    stop_reason: str
    held_out: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    cpu_seconds: float = 0.0


def train(
    potential: MomentTensorPotential,
    training: Frames,
    options: TrainingOptions | None = None,
    *,
    callback: Callable[[int, float, MomentTensorPotential], None] | None = None,
) -> TrainingResult:
    """Train a potential, from scratch or on from its present coefficients.

    :param potential: trained (then training goes on from there) or untrained (then radial functions are made up from
        the seed).
    :param training: configurations with energies and forces; stresses count where they are known.
    :param options: how to train; the defaults of `TrainingOptions` if None.
    :param callback: called before the first and after every step with the number of the step, the loss and the
        potential.
    :raises ValueError: if configurations have no energy or no forces.
    :raises FramesError: if an element is not among the potential's species.
    """
    options = options or TrainingOptions()
    started = time.process_time()
    training.types(potential.species)
    _require_labels(training)
    start = prepare(potential, training, options)
    kept, held_out = _split(len(training), options)
    loss = Loss(start, training[kept], options)
    held_out_loss = Loss(start, training[held_out], options) if held_out.size else None
    with threadpool_limits(1, user_api='blas'), ThreadPoolExecutor(options.threads) as pool:
        fit = _Minimiser(loss, held_out_loss, start, options, pool=pool, callback=callback).run()
        trained = start.with_parameters(fit.parameters)
    return TrainingResult(
        potential=trained,
        loss=fit.loss,
        history=np.array(fit.history),
        held_out_history=np.array(fit.held_out_history),
        errors=compute_errors(training[kept], evaluate(trained, training[kept], threads=options.threads)),
        held_out_errors=(
            compute_errors(training[held_out], evaluate(trained, training[held_out])) if held_out.size else None
        ),
        stop_reason=fit.stop_reason,
        held_out=held_out,
        cpu_seconds=time.process_time() - started,
    )


def prepare(potential: MomentTensorPotential, training: Frames, options: TrainingOptions) -> MomentTensorPotential:
    """Return the potential from which training starts: with coefficients, and adapted to the shortest distance.

    :param potential: trained or untrained.
    :param training: configurations that it will be trained on.
    :param options: how to train.
    """
    min_dist = potential.min_dist
    if options.update_min_dist:
        parts = (training[chunk].shortest_distances(potential.max_dist) for chunk in chunks(training))
        shortest = min(float(part.min()) for part in parts)
        if np.isfinite(shortest):
            min_dist = MIN_DIST_FACTOR * shortest
    if potential.is_trained:
        return with_min_dist(potential, min_dist)
    return initial_guess(potential.replace(min_dist=min_dist), options.seed)


def initial_guess(potential: MomentTensorPotential, seed: int) -> MomentTensorPotential:
    """Make up radial functions for an untrained potential; its linear coefficients become zero.

    The function μ is the Chebyshev polynomial of order μ with random admixtures that differ between pairs of species.
    The scaling is chosen such that basis functions lie between -1 and 1.

    :param potential: its range of distances and sizes are used.
    :param seed: of the random admixtures.
    """
    shape = (potential.n_species, potential.n_species, potential.radial_funcs_count, potential.radial_basis_size)
    radial = np.random.default_rng(seed).normal(0.0, 0.3, shape)
    for mu in range(potential.radial_funcs_count):
        radial[:, :, mu, mu % potential.radial_basis_size] += 1.0
    return potential.replace(
        scaling=(potential.max_dist - potential.min_dist) ** -2,
        radial_coeffs=radial,
        species_coeffs=np.zeros(potential.n_species),
        moment_coeffs=np.zeros(potential.n_moments),
        active_set=None,
    )


def with_min_dist(potential: MomentTensorPotential, min_dist: float) -> MomentTensorPotential:
    """Begin the radial functions of a trained potential at another distance without changing the potential.

    A polynomial in one Chebyshev argument is a polynomial of the same degree in any other, so this is exact.

    :param potential: a trained potential.
    :param min_dist: in Å.
    """
    if min_dist == potential.min_dist:
        return potential
    if potential.radial_coeffs is None:
        return potential.replace(min_dist=min_dist)
    size = potential.radial_basis_size
    x = np.cos(np.pi * (np.arange(size) + 0.5) / size)
    r = 0.5 * ((potential.max_dist - min_dist) * x + potential.max_dist + min_dist)
    old_x = (2 * r - potential.min_dist - potential.max_dist) / (potential.max_dist - potential.min_dist)
    vandermonde = np.polynomial.chebyshev.chebvander
    convert = np.linalg.solve(vandermonde(x, size - 1), vandermonde(old_x, size - 1))
    return potential.replace(min_dist=min_dist, radial_coeffs=potential.radial_coeffs @ convert.T, active_set=None)


def grow(trained: MomentTensorPotential, larger: MomentTensorPotential, seed: int = 0) -> MomentTensorPotential:
    """Start a potential of a higher level or with more species from a trained one.

    Radial functions are taken over, and those that the trained potential lacks are made up as for an untrained one.
    Moment coefficients are zero: training, which solves for them before its first step, finds at least as good ones
    as the trained potential had, since the scalar moments of a level hold those of all lower levels.

    :param trained: where to start from.
    :param larger: an untrained potential with at least the species and radial functions of the trained one.
    :param seed: of the radial functions that are made up.
    :raises ValueError: if the larger potential lacks species or radial functions, or has another cut-off.
    """
    if trained.radial_coeffs is None or trained.species_coeffs is None:
        raise ValueError('The potential to grow from is not trained: it has no coefficients.')
    missing = [symbol for symbol in trained.species if symbol not in larger.species]
    if missing:
        raise ValueError(f'The larger potential lacks the species {", ".join(missing)} of the trained one.')
    for name in ('radial_funcs_count', 'radial_basis_size'):
        if getattr(larger, name) < getattr(trained, name):
            raise ValueError(f'The larger potential has a smaller `{name}` than the trained one.')
    if larger.max_dist != trained.max_dist:
        raise ValueError(f'The cut-offs differ: {trained.max_dist} Å and {larger.max_dist} Å.')
    guess = initial_guess(larger.replace(min_dist=trained.min_dist), seed)
    assert guess.radial_coeffs is not None and guess.species_coeffs is not None
    place = np.array([larger.species.index(symbol) for symbol in trained.species])
    taken = trained.radial_coeffs * (trained.scaling / guess.scaling)
    guess.radial_coeffs[
        np.ix_(place, place, np.arange(trained.radial_funcs_count), np.arange(larger.radial_basis_size))
    ] = np.pad(taken, ((0, 0), (0, 0), (0, 0), (0, larger.radial_basis_size - trained.radial_basis_size)))
    guess.species_coeffs[place] = trained.species_coeffs
    return guess


class NormalEquations(NamedTuple):
    """Loss with its first and (Gauss–Newton's) second derivatives, halved, by the parameters.

    :param loss: Σ r²/K with weighted residuals r.
    :param gradient: Jᵀr/K; shape (n_parameters,).
    :param matrix: JᵀJ/K; shape (n_parameters, n_parameters).
    """

    loss: float
    gradient: np.ndarray
    matrix: np.ndarray

    def plus(self, other: NormalEquations) -> NormalEquations:
        """Return the sums of both."""
        return NormalEquations(self.loss + other.loss, self.gradient + other.gradient, self.matrix + other.matrix)

    def over(self, number: float) -> NormalEquations:
        """Return all parts divided by a number."""
        return NormalEquations(self.loss / number, self.gradient / number, self.matrix / number)


class _Chunk:
    """Some configurations, the weights of their labels and their neighbours."""

    def __init__(self, potential: MomentTensorPotential, frames: Frames, options: TrainingOptions, keep: bool) -> None:
        assert frames.energies is not None and frames.forces is not None
        self.frames = frames
        self.cutoff = potential.max_dist
        self.types = frames.types(potential.species).astype(np.int64)
        self.frame_of_atom = frames.frame_of_atom.astype(np.int64)
        sizes = frames.sizes.astype(float)
        self.energies = frames.energies
        self.forces = frames.forces
        self.energy_factors = np.sqrt(options.energy_weight / sizes**options.weight_scaling)
        force_weights = np.repeat(options.force_weight / sizes**options.weight_scaling_forces, frames.sizes)
        if options.scale_by_force > 0.0:
            force_weights *= options.scale_by_force / ((self.forces**2).sum(axis=1) + options.scale_by_force)
        self.force_factors = np.sqrt(force_weights)[:, None]
        self.virials, known = _reference_virials(frames)
        stress_weights = np.where(known, options.stress_weight / sizes**options.weight_scaling, 0.0)
        self.virial_factors = np.sqrt(stress_weights[:, None] * _VOIGT_MULTIPLICITY)
        self._pairs = self._find_pairs() if keep else None

    @property
    def n_residuals(self) -> int:
        """Number of energies, components of forces and components of virials."""
        return 7 * len(self.frames) + 3 * self.types.size

    def _find_pairs(self) -> Pairs:
        frames = self.frames
        return neighbour_list(frames.positions, frames.ptr, frames.cells, frames.pbc, self.cutoff)

    def residuals(self, basis: kernel.Basis, parameters: kernel.Parameters, pairs: Pairs | None = None) -> np.ndarray:
        """Return the weighted differences of energies, forces and virials, one after the other."""
        pairs = pairs or self._pairs or self._find_pairs()
        n_atoms, n_frames = self.types.size, len(self.frames)
        site_energies, forces, virials = np.empty(n_atoms), np.zeros((n_atoms, 3)), np.zeros((n_frames, 6))
        kernel.evaluate_kernel(
            basis, parameters, self.types, self.frame_of_atom, pairs.first, pairs.neighbours, pairs.vectors,
            site_energies, forces, virials, _NO_LOCAL_BASIS,
        )  # fmt: skip
        energies = np.add.reduceat(site_energies, self.frames.ptr[:-1])
        return np.concatenate([
            self.energy_factors * (energies - self.energies),
            (self.force_factors * (forces - self.forces)).ravel(),
            (self.virial_factors * (virials - self.virials)).ravel(),
        ])  # fmt: skip

    def jacobian(self, basis: kernel.Basis, parameters: kernel.Parameters, pairs: Pairs | None = None) -> np.ndarray:
        """Return the derivatives of the residuals by the parameters; shape (n_residuals, n_parameters)."""
        pairs = pairs or self._pairs or self._find_pairs()
        n_parameters = parameters.radial.size + parameters.species.size + parameters.moments.size
        jacobian = np.zeros((self.n_residuals, n_parameters))
        energies, forces, virials = np.split(jacobian, [len(self.frames), len(self.frames) + 3 * self.types.size])
        kernel.jacobian_kernel(
            basis, parameters, self.types, self.frame_of_atom, pairs.first, pairs.neighbours, pairs.vectors,
            energies, forces, virials,
        )  # fmt: skip
        energies *= self.energy_factors[:, None]
        forces *= np.repeat(self.force_factors, 3, axis=0)
        virials *= self.virial_factors.reshape(-1, 1)
        return jacobian

    def linearise(self, basis: kernel.Basis, parameters: kernel.Parameters) -> tuple[np.ndarray, np.ndarray]:
        """Return the residuals and their derivatives by the parameters."""
        pairs = self._pairs or self._find_pairs()
        return self.residuals(basis, parameters, pairs), self.jacobian(basis, parameters, pairs)


class Loss:
    """The loss of potentials of one form on given configurations.

    Neighbours and the Jacobian are kept as long as they fit into some hundred megabytes. Otherwise neighbours are found
    anew in each evaluation, the Jacobian is never held for more than a chunk of configurations, and there is no
    `curvature`.

    :param potential: gives the form (moments, range of distances, scaling); its coefficients are not used.
    :param frames: configurations with energies and forces.
    :param options: weights and number of threads.
    """

    def __init__(self, potential: MomentTensorPotential, frames: Frames, options: TrainingOptions) -> None:
        _require_labels(frames)
        self._potential = potential
        self._basis = kernel.make_basis(potential)
        self._n_frames = len(frames)
        keep = frames.numbers.size <= _ATOMS_KEEPING_NEIGHBOURS
        size = max(1, min(_ATOMS_PER_CHUNK, -(-frames.numbers.size // options.threads)))
        parts = [_Chunk(potential, frames[chunk], options, keep) for chunk in chunks(frames, size)]
        self._shares = [share for index in range(options.threads) if (share := parts[index :: options.threads])]
        n_residuals = sum(part.n_residuals for part in parts)
        self.has_curvature = n_residuals * potential.n_parameters * 8 <= _JACOBIAN_BYTES
        self._linearised: list[list[tuple[np.ndarray, np.ndarray]]] = []

    def _parameters(self, parameters: np.ndarray) -> kernel.Parameters:
        return kernel.make_parameters(self._potential.with_parameters(parameters))

    def value(self, parameters: np.ndarray, pool: ThreadPoolExecutor) -> float:
        """Return the loss.

        :param parameters: shape (n_parameters,).
        :param pool: threads to use.
        """
        arrays = self._parameters(parameters)

        def work(share: list[_Chunk]) -> float:
            return sum(float(r @ r) for r in (chunk.residuals(self._basis, arrays) for chunk in share))

        return sum(pool.map(work, self._shares)) / self._n_frames

    def normal_equations(self, parameters: np.ndarray, pool: ThreadPoolExecutor) -> NormalEquations:
        """Return the loss with its derivatives.

        :param parameters: shape (n_parameters,).
        :param pool: threads to use.
        """
        arrays = self._parameters(parameters)
        self._linearised = [[] for _ in self._shares]  # frees the memory of the last ones first

        def equations(chunk: _Chunk, kept: list[tuple[np.ndarray, np.ndarray]]) -> NormalEquations:
            residuals, jacobian = chunk.linearise(self._basis, arrays)
            if self.has_curvature:
                kept.append((residuals, jacobian))
            return NormalEquations(float(residuals @ residuals), jacobian.T @ residuals, jacobian.T @ jacobian)

        def work(share: list[_Chunk], kept: list[tuple[np.ndarray, np.ndarray]]) -> NormalEquations:
            return reduce(NormalEquations.plus, (equations(chunk, kept) for chunk in share))

        return reduce(NormalEquations.plus, pool.map(work, self._shares, self._linearised)).over(self._n_frames)

    def curvature(self, parameters: np.ndarray, direction: np.ndarray, pool: ThreadPoolExecutor) -> np.ndarray:
        """Return Jᵀr″/K with the second derivatives r″ of the residuals along a direction; shape (n_parameters,).

        :param parameters: those of the last call of `normal_equations`.
        :param direction: a step of the parameters.
        :param pool: threads to use.
        """
        ahead = self._parameters(parameters + _AHEAD * direction)

        def work(share: list[_Chunk], kept: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
            total = np.zeros(direction.size)
            for chunk, (residuals, jacobian) in zip(share, kept, strict=True):
                slope = (chunk.residuals(self._basis, ahead) - residuals) / _AHEAD
                total += jacobian.T @ (2.0 / _AHEAD * (slope - jacobian @ direction))
            return total

        return sum(pool.map(work, self._shares, self._linearised), np.zeros(direction.size)) / self._n_frames


class _Fit(NamedTuple):
    """Where the minimisation ended."""

    parameters: np.ndarray
    loss: float
    history: list[float]
    held_out_history: list[float]
    stop_reason: str


class _Minimiser:
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

    def run(self) -> _Fit:
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
        return _Fit(parameters, loss, self.history, self.held_out_history, reason)

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


def _reference_virials(frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    """Return stresses times volume in eV, zero where unknown, and whether they are known."""
    if frames.stresses is None:
        return np.zeros((len(frames), 6)), np.zeros(len(frames), dtype=bool)
    virials = frames.stresses * frames.volumes[:, None]
    known = np.isfinite(virials).all(axis=1) & frames.pbc.all(axis=1)
    return np.where(known[:, None], virials, 0.0), known


def _require_labels(frames: Frames) -> None:
    """Complain about configurations that cannot be trained on."""
    if not len(frames):
        raise ValueError('The training set is empty.')
    missing = np.flatnonzero(~frames.labelled)
    if missing.size:
        raise ValueError(
            f'{missing.size} of {len(frames)} training configurations lack an energy or forces, '
            f'the first of them is configuration {missing[0]}.'
        )


def _split(n_frames: int, options: TrainingOptions) -> tuple[np.ndarray, np.ndarray]:
    """Choose configurations to train on and to hold out; both in order."""
    n_held_out = round(options.held_out_fraction * n_frames)
    if options.held_out_fraction > 0.0:
        n_held_out = min(max(n_held_out, 1), n_frames - 1)
    order = np.random.default_rng(options.seed).permutation(n_frames)
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])
