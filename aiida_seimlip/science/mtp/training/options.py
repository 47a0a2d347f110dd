"""How to train, and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from aiida_seimlip.science.analysis.errors import Errors
from aiida_seimlip.science.mtp.potential import MomentTensorPotential


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
