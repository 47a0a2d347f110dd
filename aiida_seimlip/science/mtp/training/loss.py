"""The loss of a potential, with its derivatives by the parameters."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from typing import NamedTuple

import numpy as np

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp import kernel
from aiida_seimlip.science.mtp.evaluate import chunks
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.mtp.training.options import TrainingOptions
from aiida_seimlip.science.neighbours import Pairs, neighbour_list

_ATOMS_PER_CHUNK = 384
_ATOMS_KEEPING_NEIGHBOURS = 100_000
_VOIGT_MULTIPLICITY = np.array([1.0, 1.0, 1.0, 2.0, 2.0, 2.0])
_NO_LOCAL_BASIS = np.empty((0, 0))
_JACOBIAN_BYTES = 2_000_000_000
_AHEAD = 0.1


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
        site_energies, forces, virials = np.empty(n_atoms), np.empty((1, n_atoms, 3)), np.empty((1, n_frames, 6))
        system = kernel.System(
            self.types, self.frame_of_atom, np.zeros((n_atoms, 3)), pairs.first, pairs.neighbours, pairs.vectors
        )
        kernel.evaluate_kernel(
            basis, parameters, system, np.array([0, n_atoms]), np.zeros(1, dtype=np.int64),
            site_energies, forces, virials, _NO_LOCAL_BASIS,
        )  # fmt: skip
        energies = np.add.reduceat(site_energies, self.frames.ptr[:-1])
        return np.concatenate([
            self.energy_factors * (energies - self.energies),
            (self.force_factors * (forces[0] - self.forces)).ravel(),
            (self.virial_factors * (virials[0] - self.virials)).ravel(),
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
        require_labels(frames)
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


def _reference_virials(frames: Frames) -> tuple[np.ndarray, np.ndarray]:
    """Return stresses times volume in eV, zero where unknown, and whether they are known."""
    if frames.stresses is None:
        return np.zeros((len(frames), 6)), np.zeros(len(frames), dtype=bool)
    virials = frames.stresses * frames.volumes[:, None]
    known = np.isfinite(virials).all(axis=1) & frames.pbc.all(axis=1)
    return np.where(known[:, None], virials, 0.0), known


def require_labels(frames: Frames) -> None:
    """Complain about configurations that cannot be trained on."""
    if not len(frames):
        raise ValueError('The training set is empty.')
    predicted = np.flatnonzero(frames.is_predicted)
    if predicted.size:
        raise ValueError(
            f'Energies and forces of {predicted.size} of {len(frames)} training configurations are predictions of a '
            f'potential, which are no labels; the first of them is configuration {predicted[0]}.'
        )
    missing = np.flatnonzero(~frames.labelled)
    if missing.size:
        raise ValueError(
            f'{missing.size} of {len(frames)} training configurations lack an energy or forces, '
            f'the first of them is configuration {missing[0]}.'
        )
