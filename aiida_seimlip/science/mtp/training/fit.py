"""Training a potential."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from threadpoolctl import threadpool_limits

from aiida_seimlip.science.analysis.errors import compute_errors
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.mtp.training.loss import Loss, require_labels
from aiida_seimlip.science.mtp.training.minimise import Minimiser
from aiida_seimlip.science.mtp.training.options import TrainingOptions, TrainingResult
from aiida_seimlip.science.mtp.training.start import prepare


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
    require_labels(training)
    start = prepare(potential, training, options)
    kept, held_out = _split(len(training), options)
    loss = Loss(start, training[kept], options)
    held_out_loss = Loss(start, training[held_out], options) if held_out.size else None
    with threadpool_limits(1, user_api='blas'), ThreadPoolExecutor(options.threads) as pool:
        fit = Minimiser(loss, held_out_loss, start, options, pool=pool, callback=callback).run()
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


def _split(n_frames: int, options: TrainingOptions) -> tuple[np.ndarray, np.ndarray]:
    """Choose configurations to train on and to hold out; both in order."""
    n_held_out = round(options.held_out_fraction * n_frames)
    if options.held_out_fraction > 0.0:
        n_held_out = min(max(n_held_out, 1), n_frames - 1)
    order = np.random.default_rng(options.seed).permutation(n_frames)
    return np.sort(order[n_held_out:]), np.sort(order[:n_held_out])
