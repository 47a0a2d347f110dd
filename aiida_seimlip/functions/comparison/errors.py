"""Errors of models on the same frames, with paired differences."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.comparison.quantities import find_best, with_interval
from aiida_seimlip.options.comparison.compare import CompareOptions
from aiida_seimlip.options.comparison.results import DifferenceRecord, QuantityRecord, ValueRecord
from aiida_seimlip.options.models.comparison import LABELS
from aiida_seimlip.options.models.comparison_results import (
    AgreementRecord,
    EvaluationComparison,
    ParityRecord,
    SamplePlan,
)
from aiida_seimlip.science.analysis.paired import PairedDifference, PairedDifferences, compare_errors
from aiida_seimlip.science.frames import Frames


class Quantity(NamedTuple):
    """A quantity of which errors are known.

    :param key: begin of its names.
    :param name: in words.
    :param field: of `QuantitiesRecord`.
    :param difference: field of `PairedDifferences`.
    :param unit: of the record.
    :param factor: from the unit of the difference to that of the record.
    """

    key: str
    name: str
    field: str
    difference: str
    unit: str
    factor: float = 1.0


QUANTITIES = (
    Quantity('energy', 'energy', 'energy_mev_per_atom', 'energy_per_atom', 'meV/atom', 1000.0),
    Quantity('force', 'force', 'force_ev_per_angstrom', 'force_component', 'eV/Å'),
    Quantity('stress', 'stress', 'stress_gpa', 'stress_component', 'GPa'),
)
MEASURES = ('rmse', 'mae')
Pairs = Mapping[tuple[str, str], PairedDifferences]


def error_quantities(
    settings: CompareOptions, found: EvaluationComparison, aligned: Mapping[str, Frames]
) -> list[QuantityRecord]:  # fmt: skip
    """Return the errors of all models, and the paired differences of every two.

    :param settings: what was asked for.
    :param found: the errors of each model.
    :param aligned: of `align_frames`.
    """
    models = {name: record for name, record in found.models.items() if record.total is not None}
    pairs = dict(_compare_pairs(settings, found.reference, [name for name in models if name in aligned], aligned))
    records = []
    for quantity in QUANTITIES:
        agreements = {name: getattr(record.total, quantity.field) for name, record in models.items()}
        known = {name: agreement for name, agreement in agreements.items() if agreement is not None}
        differences = {pair: getattr(one, quantity.difference) for pair, one in pairs.items()}
        records += [_record(quantity, measure, known, differences) for measure in MEASURES if known]
    scatters = {name: record.energy_scatter_mev_per_atom for name, record in models.items()}
    values = {name: ValueRecord(value=value) for name, value in scatters.items() if value is not None}
    if values:
        records.append(QuantityRecord(
            key='energy_scatter', name='energy RMSE about the bias', unit='meV/atom', part='errors', goal='lowest',
            values=values,
        ))  # fmt: skip
    return [*records, *_by_element(models, pairs)]


def align_frames(
    plan: SamplePlan, found: EvaluationComparison, frames: Mapping[str, FramesData], given: Mapping[str, FramesData]
) -> dict[str, Frames]:
    """Return what the reference and each model have made of the frames that all of them have evaluated, in order.

    Frames are recognised by their origin, which each has but once.

    :param plan: what each frame is.
    :param found: the errors of each model.
    :param frames: labelled by each model.
    :param given: that carry the labels of the reference, where these are it.
    :return: by the name of the model, and of the reference; empty if they have no frame in common.
    """
    by_origin = {name: _by_origin([node]) for name, node in frames.items()}
    if found.reference == LABELS:
        by_origin[LABELS] = _by_origin(given.values(), labelled=True)
    wanted = [record.origin for record in plan.frames if not record.is_perfect]
    usable = {name: known for name, known in by_origin.items() if known and _is_compared(found, name)}
    if found.reference not in usable:
        return {}
    common = [origin for origin in wanted if all(origin in known for known in usable.values())]
    if not common:
        return {}
    return {name: Frames.concatenate(known[origin] for origin in common) for name, known in usable.items()}


def _is_compared(found: EvaluationComparison, name: str) -> bool:
    return name == found.reference or (name in found.models and found.models[name].total is not None)


def _by_origin(nodes: Any, labelled: bool = False) -> dict[str, Frames]:
    """Return frames by their origin; only those with labels of a reference, if asked for."""
    found: dict[str, Frames] = {}
    for node in nodes:
        frames = node.get_frames(trace=True)
        if frames.origin_uuids is None or frames.origin_indices is None:
            continue
        for place in np.flatnonzero(frames.labelled) if labelled else range(len(frames)):
            found[f'{frames.origin_uuids[place]}:{frames.origin_indices[place]}'] = frames[int(place)]
    return found


def _compare_pairs(
    settings: CompareOptions, reference: str, names: list[str], aligned: Mapping[str, Frames]
) -> Iterator[tuple[tuple[str, str], PairedDifferences]]:
    for one, other in itertools.combinations(names, 2):
        labels = _without_unknown(aligned[reference], aligned[one], aligned[other])
        yield (one, other), compare_errors(
            labels, aligned[one], aligned[other], seed=settings.seed, n_resamples=settings.n_resamples,
            confidence=settings.confidence,
        )  # fmt: skip


def _without_unknown(reference: Frames, *models: Frames) -> Frames:
    """Return the reference without the labels that one of the models has no prediction of."""
    arrays: dict[str, np.ndarray | None] = {}
    for name in ('energies', 'forces', 'stresses'):
        labels = getattr(reference, name)
        predictions = [getattr(model, name) for model in models]
        if labels is None or any(values is None for values in predictions):
            arrays[name] = None
            continue
        known = np.all([np.isfinite(values) for values in predictions], axis=0)
        arrays[name] = np.where(known, labels, np.nan)
    return reference.replace(**arrays)


def _record(
    quantity: Quantity, measure: str, known: Mapping[str, AgreementRecord],
    differences: Mapping[tuple[str, str], PairedDifference], of: str = '',
) -> QuantityRecord:  # fmt: skip
    """Return one measure of the errors of all models."""
    values = {}
    for name, agreement in known.items():
        estimate = getattr(agreement, measure)
        values[name] = ValueRecord(value=estimate.value, low=estimate.low, high=estimate.high)
    records: list[DifferenceRecord] = []
    for (one, other), difference in differences.items():
        if one in values and other in values and difference.n_frames:
            estimate = [quantity.factor * limit for limit in getattr(difference, measure)]
            records.append(with_interval(one, other, estimate, 'lowest'))
    return QuantityRecord(
        key=f'{quantity.key}_{measure}', name=f'{quantity.name} {measure.upper()}', unit=quantity.unit, part='errors',
        of=of, goal='lowest', values=values, differences=records, best=find_best(list(values), records),
    )  # fmt: skip


def _by_element(models: Mapping[str, ParityRecord], pairs: Pairs) -> Iterator[QuantityRecord]:
    symbols = dict.fromkeys(s for record in models.values() for s in record.force_by_element_ev_per_angstrom)
    if len(symbols) < 2:
        return
    force = QUANTITIES[1]
    for symbol in symbols:
        known = {
            name: record.force_by_element_ev_per_angstrom[symbol] for name, record in models.items()
            if symbol in record.force_by_element_ev_per_angstrom
        }  # fmt: skip
        differences = {
            pair: one.force_by_element[symbol] for pair, one in pairs.items() if symbol in one.force_by_element
        }
        yield _record(force, 'rmse', known, differences, of=symbol)
