"""Calcfunction of `EvaluateWorkChain`: the errors of models on a test set."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.model_jobs import if_known
from aiida_seimlip.functions.models.agreement import Pair, agreement_record, bias_doubts, quantities_record
from aiida_seimlip.functions.models.comparison import Evaluated, compare_with_reference
from aiida_seimlip.options.models.comparison_results import (
    EvaluationComparison,
    FrameRecord,
    ParityRecord,
    QuantitiesRecord,
)
from aiida_seimlip.options.models.evaluate import EvaluateOptions
from aiida_seimlip.science.analysis.parity import Parity, find_parity
from aiida_seimlip.science.analysis.spread import find_spread


@calcfunction
def measure_errors(options: orm.Dict, plan: orm.Dict, sample: FramesData, **groups: Any) -> dict[str, orm.Dict]:
    """Compare models with the reference on all frames, on those of each composition, temperature and source.

    :param options: as `EvaluateOptions`.
    :param plan: a `SamplePlan`.
    :param sample: the frames.
    :param groups: ``models`` and ``training``: what there is of each model by its name; see `Evaluated.of`.
    :return: ``properties`` as an `EvaluationComparison`.
    """
    settings = EvaluateOptions.from_node(options)
    evaluated = Evaluated.of(settings, plan, sample, groups)
    expected = [record.index for record in evaluated.compared if record.index not in evaluated.reference.failures]
    spread = find_spread(evaluated.reference.among(expected))
    energy = if_known(1000.0 * spread.energy_per_atom)
    comparison = EvaluationComparison(
        **evaluated.head(settings), spread_energy_mev_per_atom=energy,
        spread_force_ev_per_angstrom=if_known(spread.force_component),
        models={
            name: errors_of(settings, evaluated, name) for name in evaluated.models if name != settings.reference
        },
    )  # fmt: skip
    if len({record.formula for record in evaluated.compared}) > 1:
        comparison.doubts.append(
            'The R² of energies of several compositions says how well their differences are known, which a constant '
            'for each element does as well: see that of each composition, and compare the RMSE with the spread.'
        )
    return {'properties': orm.Dict(comparison.model_dump(mode='json'))}


def errors_of(settings: EvaluateOptions, evaluated: Evaluated, name: str) -> ParityRecord:
    """Return the errors of a model.

    :param settings: what was asked for.
    :param evaluated: what there is of all models.
    :param name: of the model.
    """
    record = compare_with_reference(evaluated, name, ParityRecord, partial(fill_parity, settings))
    if record.failure is not None:
        return record
    total = record.total
    energy = None if total is None or total.energy_mev_per_atom is None else total.energy_mev_per_atom.rmse.value
    record.doubts += bias_doubts(record.energy_bias_mev_per_atom, energy)
    return record


def fill_parity(settings: EvaluateOptions, record: ParityRecord, pair: Pair) -> None:
    """Compare what a model and the reference make of the same frames.

    :param settings: what was asked for.
    :param record: of the model, which is given its numbers.
    :param pair: of frames.
    :raises ValueError: if a value of the reference has no prediction.
    """
    compare: Callable[..., Parity] = partial(
        find_parity, pair.reference, pair.predicted, seed=settings.seed, n_resamples=settings.n_resamples,
        confidence=settings.confidence,
    )  # fmt: skip
    parity = compare(labels=[frame.source for frame in pair.records])
    record.energy_bias_mev_per_atom = pair.energy_bias
    record.energy_scatter_mev_per_atom = pair.energy_scatter
    record.total = quantities_record(parity.total)
    record.by_formula = {formula: quantities_record(part) for formula, part in parity.by_formula.items()}
    record.by_source = {str(source): quantities_record(part) for source, part in parity.by_label.items()}
    elements = {symbol: agreement_record(part) for symbol, part in parity.force_by_element.items()}
    record.force_by_element_ev_per_angstrom = {symbol: part for symbol, part in elements.items() if part is not None}
    record.by_temperature_k = _by_temperature(compare, pair)
    record.worst = pair.worst(settings.n_worst)


def _by_temperature(compare: Callable[..., Parity], pair: Pair) -> dict[str, QuantitiesRecord]:
    """Return the errors on the frames of each temperature, the lowest first; frames that were given have none."""
    labels: list[Hashable] = [_temperature(frame) for frame in pair.records]
    if not any(labels):
        return {}
    found = compare(labels=labels).by_label
    known = sorted((label for label in found if label), key=lambda label: float(str(label)))
    return {str(label): quantities_record(found[label]) for label in known}


def _temperature(frame: FrameRecord) -> str:
    return '' if frame.temperature_k is None else f'{frame.temperature_k:g}'
