"""Extrapolation grades, active sets and selection by D-optimality.

Each equation is a vector b of derivatives by the parameters: of one atom's energy (neighbourhood mode), or of a
frame's energy (configuration mode). The active set holds as many equations as there are parameters, chosen so that the
volume they span is largest. The grade γ of an equation is the largest coefficient, up to its sign, when it is expressed
by the active set: the potential interpolates where γ ≤ 1.

E. V. Podryabinkin and A. V. Shapeev, Comput. Mater. Sci. 140, 171 (2017); E. Podryabinkin et al., J. Chem. Phys. 159,
084112 (2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import Evaluator, chunks, local_basis
from aiida_seimlip.science.mtp.expansion import Expansion
from aiida_seimlip.science.mtp.maxvol import THRESHOLD, MaxVol
from aiida_seimlip.science.mtp.potential import ActiveSet, MomentTensorPotential

Mode = Literal['nbh', 'cfg']

WEIGHTS: dict[str, dict[str, float]] = {
    'nbh': {
        'energy_weight': 0.0, 'force_weight': 0.0, 'stress_weight': 0.0, 'site_en_weight': 1.0, 'weight_scaling': 2.0,
    },
    'cfg': {
        'energy_weight': 1.0, 'force_weight': 0.0, 'stress_weight': 0.0, 'site_en_weight': 0.0, 'weight_scaling': 2.0,
    },
}  # fmt: skip
"""MLIP-3's weights of the equations in the two modes."""

BATCH_SIZE = 9999
"""Number of candidates that are offered to the active set at once, as in MLIP-3."""


@dataclass(frozen=True, eq=False)
class Grades:
    """Extrapolation grades.

    :param frame: the highest grade in each frame; shape (n_frames,).
    :param atom: the grade of each atom's neighbourhood, or None in configuration mode; shape (n_atoms,).
    """

    frame: np.ndarray
    atom: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Selection:
    """Candidates that enlarge the volume of the active set.

    :param indices: selected candidates in order; shape (n_selected,).
    :param equations: for each of them the numbers of its equations in the active set, MLIP-3's ``selected_eqn_inds``.
    :param n_from_training: number of frames in the active set before the candidates were offered.
    """

    indices: np.ndarray
    equations: tuple[tuple[int, ...], ...]
    n_from_training: int


class Grader:
    """Grade frames from derivatives that their evaluation yields on the way, as molecular dynamics does.

    :param potential: with an active set.
    :param evaluator: of the same potential, whose threads share the atoms.
    :raises ValueError: if there is no active set, or it is one of forces or stresses.
    """

    def __init__(self, potential: MomentTensorPotential, evaluator: Evaluator) -> None:
        active_set = _active_set(potential)
        self.mode = check_weights(active_set.weights)
        self._weights = active_set.weights
        self._inverse = active_set.inverse
        self._columns = [evaluator.columns(species) for species in range(potential.n_species)]
        self._expansion = Expansion(active_set, self._columns)
        self._workers = evaluator.workers

    def grade(self, types: np.ndarray, local: np.ndarray) -> tuple[float, np.ndarray | None]:
        """Return the grade of one frame, and those of its atoms in neighbourhood mode.

        :param types: type number of each atom from 0; shape (n_atoms,).
        :param local: `Evaluation.local`; shape (n_atoms, n_local).
        """
        if self.mode == 'nbh':
            atoms = self.atom_grades(types, local)
            return float(atoms.max(initial=0.0)), atoms
        total = np.zeros(self._inverse.shape[1])
        for species, columns in enumerate(self._columns):
            total[columns] += local[types == species].sum(axis=0)
        total *= _scale(self._weights, types.size)
        return float(np.abs(self._inverse @ total).max()), None

    def atom_grades(self, types: np.ndarray, local: np.ndarray) -> np.ndarray:
        """Return the grade of each atom's neighbourhood; shape (n_atoms,).

        :param types: type number of each atom from 0; shape (n_atoms,).
        :param local: `Evaluation.local`; shape (n_atoms, n_local).
        """
        return self._expansion.largest(types, local, self._workers)


def grade(potential: MomentTensorPotential, frames: Frames) -> Grades:
    """Return how far a potential has to extrapolate in each frame.

    :param potential: with an active set.
    :param frames: configurations of the potential's species.
    :raises ValueError: if there is no active set, or it is one of forces or stresses.
    :raises FramesError: if an element is not among the potential's species.
    """
    evaluator = Evaluator(potential)
    grader = Grader(potential, evaluator)
    types = frames.types(potential.species)
    of_frames, of_atoms = [np.empty(0)], [np.empty(0)]
    for chunk in chunks(frames):
        part = frames[chunk]
        local = evaluator.compute_frames(part, with_local=True).local
        assert local is not None
        part_types = types[frames.ptr[chunk.start] : frames.ptr[chunk.stop]]
        if grader.mode == 'nbh':
            atoms = grader.atom_grades(part_types, local)
            of_atoms.append(atoms)
            of_frames.append(np.maximum.reduceat(atoms, part.ptr[:-1]))
        else:
            bounds = zip(part.ptr[:-1], part.ptr[1:], strict=True)
            of_frames.append(np.array([grader.grade(part_types[i:j], local[i:j])[0] for i, j in bounds]))
    return Grades(np.concatenate(of_frames), np.concatenate(of_atoms) if grader.mode == 'nbh' else None)


def build_active_set(
    potential: MomentTensorPotential,
    training: Frames,
    mode: Mode = 'nbh',
    *,
    weights: Mapping[str, float] | None = None,
) -> MomentTensorPotential:
    """Return the potential with the active set that its training set makes.

    :param potential: a trained potential; an active set that it has is not used.
    :param training: configurations of the potential's species.
    :param mode: ``nbh`` or ``cfg``.
    :param weights: weights of the equations as in `ActiveSet.weights`, instead of those of `mode`.
    :raises ValueError: if the potential is not trained, the training set is empty, or the weights are not supported.
    :raises FramesError: if an element is not among the potential's species.
    """
    if not len(training):
        raise ValueError('The training set has no frames to build an active set from.')
    if weights is None and mode not in WEIGHTS:
        raise ValueError(f'The mode `{mode}` is neither `nbh` nor `cfg`.')
    selector = Selector(potential, WEIGHTS[mode] if weights is None else weights)
    selector.offer(training)
    return potential.replace(active_set=selector.active_set(training))


def select(
    potential: MomentTensorPotential,
    training: Frames,
    candidates: Frames,
    *,
    swap_limit: int = 0,
    batch_size: int = BATCH_SIZE,
) -> Selection:
    """Select the candidates that enlarge the volume of the active set, as ``mlp select_add`` does.

    The training set is offered to the active set first, then the candidates, then the training set once more.

    :param potential: with an active set.
    :param training: the training set.
    :param candidates: configurations of the potential's species.
    :param swap_limit: limit of the number of exchanges for candidates in each batch; 0 for none.
    :param batch_size: number of candidates that are offered at once; they take 16 bytes per atom and parameter.
    :raises ValueError: if there is no active set, or it is one of forces or stresses.
    :raises FramesError: if an element is not among the potential's species.
    """
    selector = Selector.from_active_set(potential)
    selector.offer(training)
    n_from_training = len(selector.selected)
    first = selector.n_offered
    for start in range(0, len(candidates), batch_size):
        selector.offer(candidates[start : start + batch_size], max_swaps=swap_limit or None)
    selector.offer(training)
    chosen = selector.selected
    chosen = chosen[(chosen >= first) & (chosen < first + len(candidates))]
    equations = tuple(tuple(np.sort(selector.equations[selector.owners == frame]).tolist()) for frame in chosen)
    return Selection(chosen - first, equations, n_from_training)


def check_weights(weights: Mapping[str, float]) -> Mode:
    """Return the mode that the weights of an active set stand for.

    :raises ValueError: if the equations are not those of neighbourhoods alone or of energies alone.
    """
    active = {name for name, weight in weights.items() if weight and name != 'weight_scaling'}
    if active == {'site_en_weight'}:
        return 'nbh'
    if active == {'energy_weight'}:
        return 'cfg'
    names = ', '.join(sorted(active)) or 'none'
    raise ValueError(f'Active sets with these weights are not supported: {names}; site_en_weight or energy_weight are.')


class Selector:
    """An active set in the making.

    Frames are numbered in the order in which they are offered, beginning with those of an active set that exists.

    :param potential: a trained potential.
    :param weights: weights of the equations as in `ActiveSet.weights`.
    """

    def __init__(self, potential: MomentTensorPotential, weights: Mapping[str, float]) -> None:
        self.mode = check_weights(weights)
        self.weights = {**WEIGHTS[self.mode], **weights}
        self.n_offered = 0
        self.owners = np.full(potential.n_parameters, -1)
        self.equations = np.full(potential.n_parameters, -1)
        self._potential = potential
        self._maxvol = MaxVol.empty(potential.n_parameters)

    @classmethod
    def from_active_set(cls, potential: MomentTensorPotential) -> Selector:
        """Continue with the active set of a potential."""
        active_set = _active_set(potential)
        selector = cls(potential, active_set.weights)
        selector.n_offered = len(active_set.frames)
        selector.owners, selector.equations = active_set.origins.T.copy()
        selector._maxvol = MaxVol(active_set.matrix, active_set.inverse)
        return selector

    @property
    def selected(self) -> np.ndarray:
        """Numbers of the frames with an equation in the active set, in order."""
        return np.unique(self.owners[self.owners >= 0])

    def offer(self, frames: Frames, *, max_swaps: int | None = None) -> None:
        """Exchange equations of the active set for those of `frames` that enlarge its volume."""
        if not len(frames):
            return
        owners, equations = self._labels(frames)
        for row, position in self._maxvol.maximize(self._rows(frames), threshold=THRESHOLD, max_swaps=max_swaps):
            for mine, offered in ((self.owners, owners), (self.equations, equations)):
                mine[position], offered[row] = offered[row], mine[position]
        self.n_offered += len(frames)

    def _rows(self, frames: Frames) -> np.ndarray:
        """Return the equations of frames; shape (n_equations, n_parameters)."""
        rows = local_basis(self._potential, frames)
        if self.mode == 'nbh':
            return rows
        scales = np.array([_scale(self.weights, size) for size in frames.sizes])
        return np.add.reduceat(rows, frames.ptr[:-1]) * scales[:, None]

    def _labels(self, frames: Frames) -> tuple[np.ndarray, np.ndarray]:
        """Return the frame and the number (see `_first_equation`) of each equation."""
        if self.mode == 'cfg':
            return self.n_offered + np.arange(len(frames)), np.zeros(len(frames), dtype=int)
        atoms = np.arange(frames.ptr[-1]) - np.repeat(frames.ptr[:-1], frames.sizes)
        return self.n_offered + frames.frame_of_atom, atoms + np.repeat(_first_equation(frames.sizes), frames.sizes)

    def active_set(self, offered: Frames) -> ActiveSet:
        """Return the active set, made of the frames that were `offered` to an empty one."""
        selected = self.selected
        is_filled = self.owners >= 0
        positions = np.where(is_filled, np.searchsorted(selected, self.owners), -1)
        return ActiveSet(
            matrix=self._maxvol.matrix,
            inverse=self._maxvol.inverse,
            origins=np.column_stack([positions, self.equations]),
            frames=offered[selected],
            weights=dict(self.weights),
        )


def _first_equation(n_atoms: np.ndarray) -> np.ndarray:
    """Return MLIP-3's number of the equation of a frame's first atom, after those of energy, forces and stress."""
    return 1 + 3 * n_atoms + 9


def _scale(weights: Mapping[str, float], n_atoms: int) -> float:
    """Return the factor of a frame's energy equation."""
    return weights['energy_weight'] / n_atoms ** (weights['weight_scaling'] / 2.0)


def _active_set(potential: MomentTensorPotential) -> ActiveSet:
    """Return the active set of a potential, which must have one."""
    if potential.active_set is None:
        raise ValueError('The potential has no active set, so it cannot tell where it extrapolates.')
    return potential.active_set
