"""Calcfunctions that judge a potential by labelled frames."""

from __future__ import annotations

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.records import ErrorsRecord
from aiida_seimlip.science.analysis.errors import ErrorStatistics, compute_errors
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.potential import MomentTensorPotential


@calcfunction
def evaluate_errors(potential: PotentialData, frames: FramesData) -> orm.Dict:
    """Return the root-mean-square errors of a potential on labelled frames, as an `ErrorsRecord`.

    :param potential: a trained potential.
    :param frames: with the labels to compare with.
    """
    errors = predict_errors(potential, frames.get_frames())
    if errors is None:
        raise ValueError(f'Potentials of the family `{potential.family}` cannot be evaluated in this process.')
    return orm.Dict(errors.model_dump(mode='json'))


def predict_errors(potential: PotentialData, frames: Frames) -> ErrorsRecord | None:
    """Return the root-mean-square errors of a potential on labelled frames.

    :param potential: a trained potential.
    :param frames: with the labels to compare with.
    :return: None if potentials of this family cannot be evaluated here.
    """
    return errors_of_mtp(potential.get_mtp(), frames) if potential.family == 'mtp' else None


def errors_of_mtp(potential: MomentTensorPotential, frames: Frames) -> ErrorsRecord:
    """Return the root-mean-square errors of a moment tensor potential on labelled frames.

    :param potential: a trained potential.
    :param frames: with the labels to compare with.
    """
    from aiida_seimlip.science.mtp.evaluate import evaluate

    errors = compute_errors(frames, evaluate(potential, frames))
    return ErrorsRecord(
        n_frames=len(frames),
        energy_mev_per_atom=_rms(errors.energy_per_atom, 1e3),
        force_ev_per_angstrom=_rms(errors.force_component),
        stress_gpa=_rms(errors.stress_pressure, 1.0 / 3.0),
    )


def _rms(statistics: ErrorStatistics, factor: float = 1.0) -> float | None:
    return factor * statistics.rms if np.isfinite(statistics.rms) else None
