"""Calcfunctions that judge a potential by labelled frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.records import DetailedErrorsRecord, ErrorsRecord
from aiida_seimlip.science.analysis.errors import Errors, ErrorStatistics, compute_errors, divide_errors
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

PREDICTED = frozenset({'energies', 'forces'})
"""Arrays of frames that a potential has predicted."""

MAX_ATOMS = 200_000
"""Atoms in the frames of a training set that a potential is judged by at most; of more, some are drawn evenly."""


@calcfunction
def evaluate_errors(potential: PotentialData, frames: FramesData) -> orm.Dict:
    """Return the root-mean-square errors of a potential on labelled frames, as a `DetailedErrorsRecord`.

    :param potential: a trained potential.
    :param frames: with the labels to compare with.
    """
    return _evaluate(potential, frames.get_frames())


@calcfunction
def evaluate_training(potential: PotentialData, **training: FramesData) -> orm.Dict:
    """Return the root-mean-square errors of a potential on what it learned from, as a `DetailedErrorsRecord`.

    :param potential: a trained potential.
    :param training: its training set; of a large one, some frames are drawn evenly.
    """
    frames = Frames.concatenate(node.get_frames() for _, node in sorted(training.items()))
    return _evaluate(potential, sample(frames, MAX_ATOMS))


@calcfunction
def compare_predictions(labelled: FramesData, **predicted: FramesData) -> dict[str, orm.Dict]:
    """Return the root-mean-square errors of what a potential predicted of labelled frames while it was explored with.

    :param labelled: frames with the labels to compare with.
    :param predicted: frames with the energies and forces of the potential, labelled ones and others.
    :return: ``errors`` (`DetailedErrorsRecord`) on the frames that were predicted; nothing if there are none.
    """
    pair = match_predictions(labelled.get_frames(), list(predicted.values()))
    return {} if pair is None else {'errors': orm.Dict(detailed_errors(*pair).model_dump(mode='json'))}


def match_predictions(labelled: Frames, predicted: Sequence[FramesData]) -> tuple[Frames, Frames] | None:
    """Return labelled frames, and the same ones as a potential has predicted them, found by their content.

    :param labelled: frames with labels; those that nobody has predicted are left out.
    :param predicted: frames with energies and forces; sets without energies are passed over.
    :return: without stresses where these were not predicted; None if no frame is left.
    """
    nodes = [node for node in predicted if PREDICTED <= set(node.get_arraynames())]
    known = {value: (node, index) for node in reversed(nodes) for index, value in enumerate(node.hashes)}
    found = [known.get(value) for value in labelled.hashes()]
    chosen = [index for index, place in enumerate(found) if place is not None and labelled.labelled[index]]
    if not chosen:
        return None
    frames = {id(node): node.get_frames() for node in nodes}
    parts = [frames[id(place[0])][[place[1]]] for place in (found[index] for index in chosen) if place is not None]
    pair = labelled[chosen], Frames.concatenate(parts)
    return pair if pair[1].stresses is not None else (pair[0].replace(stresses=None), pair[1])


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

    return _record(len(frames), compute_errors(frames, evaluate(potential, frames)))


def record_errors(reference: Frames, predicted: Frames) -> ErrorsRecord:
    """Return the root-mean-square errors of predictions.

    :param reference: labelled frames.
    :param predicted: the same frames, labelled by the potential.
    """
    return _record(len(reference), compute_errors(reference, predicted))


def detailed_errors(reference: Frames, predicted: Frames) -> DetailedErrorsRecord:
    """Return the root-mean-square errors of predictions, and where they come from.

    :param reference: labelled frames.
    :param predicted: the same frames, labelled by the potential.
    """
    parts = divide_errors(reference, predicted)
    counts = Counter(reference.formulas)
    forces = {symbol: _rms(statistics) for symbol, statistics in parts.force_by_element.items()}
    return DetailedErrorsRecord(
        **_record(len(reference), compute_errors(reference, predicted)).model_dump(),
        by_formula={formula: _record(counts[formula], errors) for formula, errors in parts.by_formula.items()},
        force_by_element={symbol: value for symbol, value in forces.items() if value is not None},
    )


def sample(frames: Frames, max_atoms: int) -> Frames:
    """Return as many frames, drawn evenly, as have no more atoms than wanted; one at least.

    :param frames: any number.
    """
    return frames[draw_evenly(frames, max_atoms)]


def draw_evenly(frames: Frames, max_atoms: int) -> np.ndarray:
    """Return the indices of frames that have, together, no more atoms than wanted; one frame at least.

    :param frames: any number.
    :param max_atoms: if there are no more, all frames are drawn.
    """
    n_atoms = int(frames.ptr[-1])
    if n_atoms <= max_atoms:
        return np.arange(len(frames))
    n_frames = max(1, int(len(frames) * max_atoms / n_atoms))
    return np.unique(np.linspace(0, len(frames) - 1, n_frames).astype(int))


def _evaluate(potential: PotentialData, frames: Frames) -> orm.Dict:
    from aiida_seimlip.science.mtp.evaluate import evaluate

    if potential.family != 'mtp':
        raise ValueError(f'Potentials of the family `{potential.family}` cannot be evaluated in this process.')
    return orm.Dict(detailed_errors(frames, evaluate(potential.get_mtp(), frames)).model_dump(mode='json'))


def _record(n_frames: int, errors: Errors) -> ErrorsRecord:
    return ErrorsRecord(
        n_frames=n_frames,
        energy_mev_per_atom=_rms(errors.energy_per_atom, 1e3),
        force_ev_per_angstrom=_rms(errors.force_component),
        stress_gpa=_rms(errors.stress_pressure, 1.0 / 3.0),
    )


def _rms(statistics: ErrorStatistics, factor: float = 1.0) -> float | None:
    return factor * statistics.rms if np.isfinite(statistics.rms) else None
