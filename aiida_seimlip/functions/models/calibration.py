"""Calcfunctions of `CalibrationWorkChain`: errors of forces by the grade, and a potential that knows them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from scipy.stats import spearmanr

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.labels import describe_method
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.evaluation import draw_evenly
from aiida_seimlip.options.models.calibration import CalibrationOptions
from aiida_seimlip.options.models.calibration_results import (
    CalibrationResults,
    CrossCheckRecord,
    CurveRecord,
    LeftOutFrame,
)
from aiida_seimlip.science.analysis.calibration import Abscissa, CalibrationError
from aiida_seimlip.science.analysis.conformal import Sample, calibrate_and_verify
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

WIDE = 0.03
"""A share that is above what it should be by more than this, beyond the limits of chance, is called a wide bound."""
WEAK = 0.1
"""An abscissa whose rank correlation with the errors is lower hardly tells them."""


@calcfunction
def calibrate_errors(
    options: orm.Dict, potential: PotentialData, frames: FramesData, **groups: Any
) -> dict[str, orm.Data]:
    """Learn from labelled frames how large the errors of the forces of a potential are at a grade.

    :param options: as `CalibrationOptions`.
    :param potential: a moment tensor potential with an active set.
    :param frames: labelled by a reference; those that the potential has learned from, and copies, are left out.
    :param groups: ``training``: sets of frames that it has learned from, by name; ``other``: a second `potential`.
    :return: ``properties`` (as `CalibrationResults`) and ``points`` (see there).
    """
    settings = CalibrationOptions.from_node(options)
    training, other = groups.get('training', {}), groups.get('other', {}).get('potential')
    given = frames.get_frames()
    left_out = dict(find_unusable(given, training))
    used = np.array([index for index in range(len(given)) if index not in left_out], dtype=int)
    used = used[draw_evenly(given[used], settings.max_atoms)]
    chosen = given[used]
    results = CalibrationResults(
        potential_uuid=potential.uuid, methods=_methods_of(chosen), n_frames=len(chosen),
        n_atoms=int(chosen.ptr[-1]),
        left_out=[LeftOutFrame(index=index, reason=reason) for index, reason in sorted(left_out.items())],
    )  # fmt: skip
    points = _evaluate(chosen, potential, other)
    points['frames'] = used[chosen.frame_of_atom]
    try:
        results.grade = _curve(settings, points, 'grades', potential.graded_by or 'atom_grade', results)
        if other is not None:
            curve = _curve(settings, points, 'disagreements', 'disagreement', results)
            results.cross_check = CrossCheckRecord(other_uuid=other.uuid, curve=curve)
    except CalibrationError as exception:
        results.failure = str(exception)
    results.doubts = list(find_doubts(results, training))
    node = orm.ArrayData()
    for name, array in points.items():
        node.set_array(name, array)
    return {'properties': orm.Dict(results.model_dump(mode='json')), 'points': node}


@calcfunction
def store_calibration(potential: PotentialData, properties: orm.Dict) -> PotentialData:
    """Return a potential with its calibration: a new node with the same file.

    :param potential: that was calibrated.
    :param properties: as `CalibrationResults`, with a calibration by the grade.
    :raises ValueError: if they are of another potential, or hold no calibration.
    """
    results = CalibrationResults.model_validate(properties.get_dict())
    if results.grade is None or results.potential_uuid != potential.uuid:
        raise ValueError('There is no calibration of this potential to store.')
    return potential.with_calibration(results.grade.calibration)


def find_unusable(frames: Frames, training: Mapping[str, FramesData]) -> Iterator[tuple[int, str]]:
    """Yield the index of each frame that errors must not be learned from, and why.

    :param frames: some of them labelled.
    :param training: sets of frames that the potential has learned from, by name.
    """
    learned = {value: name for name, node in sorted(training.items()) for value in node.hashes}
    seen: dict[str, int] = {}
    for index, (value, is_labelled) in enumerate(zip(frames.hashes(), frames.labelled, strict=True)):
        if not is_labelled:
            yield index, 'it has no label of a reference'
        elif value in learned:
            yield index, f'a potential has learned from it: it is in the training set `{learned[value]}`'
        elif value in seen:
            yield index, f'it is the same as frame {seen[value]}'
        seen.setdefault(value, index)


def find_doubts(results: CalibrationResults, training: Mapping[str, FramesData]) -> Iterator[str]:
    """Yield what speaks against a calibration, in sentences.

    :param results: what was found.
    :param training: sets of frames that the potential has learned from, by name.
    """
    if not training:
        yield 'Nobody has said what the potential learned from: errors on frames that it knows are too small.'
    if len(results.methods) > 1:
        yield f'The frames are labelled by several methods: {", ".join(map(describe_method, results.methods))}.'
    known = {method for node in training.values() for method in node.methods if method}
    others = sorted(set(results.methods) - known)
    if known and others:
        yield (
            f'The frames are labelled by {", ".join(map(describe_method, others))}, the training set by '
            f'{", ".join(map(describe_method, sorted(known)))}: the errors hold how these differ.'
        )
    curves = {'grade': results.grade, 'disagreement': results.cross_check.curve if results.cross_check else None}
    for name, curve in curves.items():
        if curve is not None:
            yield from (f'Quantiles by the {name}: {doubt}' for doubt in _doubts_of_curve(curve))


def _doubts_of_curve(curve: CurveRecord) -> Iterator[str]:
    untested = [f'{100 * one.level:g} %' for one in curve.coverage if one.share is None]
    if untested:
        yield f'{curve.n_frames} frames are too few to test on held-out halves how often {", ".join(untested)} holds.'
    for one in curve.coverage:
        if one.high is not None and one.high < one.level:
            yield (
                f'on held-out halves {100 * (one.share or 0.0):.1f} % of the errors were below the quantile of '
                f'{100 * one.level:g} %, {100 * (one.low or 0.0):.1f} to {100 * one.high:.1f} % with chance.'
            )
        elif one.low is not None and one.low > one.level + WIDE:
            yield (
                f'on held-out halves {100 * (one.share or 0.0):.1f} % of the errors were below the quantile of '
                f'{100 * one.level:g} %: with as few frames it is a wide bound.'
            )
    begins = (0.0, *curve.upper_ends[:-1])
    for low, high, one in zip(begins, curve.upper_ends, curve.coverage_by_bin, strict=False):
        if one.high is not None and one.high < one.level:
            yield (
                f'between {low:.3g} and {high:.3g} only {100 * (one.share or 0.0):.1f} % of the errors were below the '
                f'quantile of {100 * one.level:g} %: there they are larger than told.'
            )
    if curve.rank_correlation is None or curve.rank_correlation < WEAK:
        yield 'errors hardly rise with it, so that it tells little more than how large errors are on average.'


def _evaluate(frames: Frames, potential: PotentialData, other: PotentialData | None) -> dict[str, np.ndarray]:
    """Return grades, errors of forces and disagreements of each atom."""
    from aiida_seimlip.science.mtp.evaluate import evaluate

    mtp = potential.get_mtp()
    predicted = _forces(evaluate(mtp, frames))
    errors = np.linalg.norm(predicted - _forces(frames), axis=1)
    found = {'grades': grades_of_atoms(mtp, frames), 'force_errors': errors}
    if other is not None:
        difference = predicted - _forces(evaluate(other.get_mtp(), frames))
        found['disagreements'] = np.linalg.norm(difference, axis=1)
    return found


def grades_of_atoms(potential: MomentTensorPotential, frames: Frames) -> np.ndarray:
    """Return the grade of each atom, that of its frame where atoms have none; shape (n_atoms,).

    :param potential: with an active set.
    :param frames: any number.
    """
    from aiida_seimlip.science.mtp.grade import grade

    found = grade(potential, frames)
    return found.frame[frames.frame_of_atom] if found.atom is None else found.atom


def _methods_of(frames: Frames) -> list[str]:
    """Return the methods that labelled frames, as far as they are known."""
    return [] if frames.methods is None else sorted({str(method) for method in frames.methods if method})


def _forces(frames: Frames) -> np.ndarray:
    if frames.forces is None:
        raise ValueError('There are no forces.')
    return frames.forces


def _curve(
    settings: CalibrationOptions, points: Mapping[str, np.ndarray], name: str, abscissa: Abscissa,
    results: CalibrationResults,
) -> CurveRecord:  # fmt: skip
    """Return the quantiles of the errors by one of the arrays."""
    one = Sample(points[name], points['force_errors'], points['frames'])
    found, by_bin = calibrate_and_verify(
        one, seed=settings.seed, abscissa=abscissa, levels=settings.levels, max_bins=settings.max_bins
    )
    is_constant = np.ptp(one.values) == 0.0 or np.ptp(one.errors) == 0.0
    correlation = None if is_constant else float(spearmanr(one.values, one.errors).statistic)
    return CurveRecord.of(replace(found, method=' and '.join(results.methods)), by_bin, correlation)
