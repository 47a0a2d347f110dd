"""Calcfunction of `ComparisonWorkChain`: all that was found of several models, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.functions.comparison.barriers import barrier_quantities
from aiida_seimlip.functions.comparison.crystals import crystal_doubts, crystal_quantities
from aiida_seimlip.functions.comparison.dynamics import seconds_per_step, speed_quantities, structure_quantities
from aiida_seimlip.functions.comparison.errors import align_frames, error_quantities
from aiida_seimlip.options.barrier.results import ComparisonRecord
from aiida_seimlip.options.comparison.compare import CompareOptions
from aiida_seimlip.options.comparison.results import CompareResults, CostRecord, QuantityRecord, SpeedRecord
from aiida_seimlip.options.models.comparison_results import EvaluationComparison, SamplePlan

SHORT = 2.0
"""A run that takes less, in s, says little of the speed."""


@calcfunction
def put_side_by_side(options: orm.Dict, **groups: Any) -> orm.Dict:
    """Put all that was found of several models side by side.

    :param options: as `CompareOptions`.
    :param groups: as far as there are: ``errors`` with ``properties`` and ``plan`` of a `seimlip.evaluate`, ``frames``
        labelled by each model, and ``given`` with labels; ``crystals``: `properties` by the name of the property;
        ``paths``: a `ComparisonRecord` by the name of the path; ``runs``: `results` of each run that came to its end,
        by model and number; ``dynamics`` with ``start``, ``engines`` (Dict: facts of each model) and ``rdf``; ``notes``
        with ``missing`` and ``methods`` (Dict).
    :return: as `CompareResults`.
    """
    settings = CompareOptions.from_node(options)
    notes = groups.get('notes', {})
    results = CompareResults(
        reference=settings.reference, confidence=settings.confidence,
        missing=notes['missing'].get_dict() if 'missing' in notes else {},
        methods=notes['methods'].get_dict() if 'methods' in notes else {},
    )  # fmt: skip
    if 'errors' in groups:
        _add_errors(settings, results, groups)
    properties = {name: node.get_dict() for name, node in groups.get('crystals', {}).items()}
    results.quantities += crystal_quantities(properties, settings.confidence)
    results.crystal_reference = next((found.get('reference') for found in properties.values()), None)
    results.doubts += dict.fromkeys(crystal_doubts(properties))
    paths = groups.get('paths', {})
    results.paths = {name: ComparisonRecord.model_validate(node.get_dict()) for name, node in paths.items()}
    results.quantities += barrier_quantities(results.paths, settings.confidence)
    if 'dynamics' in groups:
        _add_dynamics(settings, results, groups)
    results.costs = _find_costs(results.quantities)
    results.doubts += _find_doubts(settings, results)
    return orm.Dict(results.model_dump(mode='json'))


def _add_errors(settings: CompareOptions, results: CompareResults, groups: Mapping[str, Any]) -> None:
    found = EvaluationComparison.model_validate(groups['errors']['properties'].get_dict())
    plan = SamplePlan.model_validate(groups['errors']['plan'].get_dict())
    aligned = align_frames(plan, found, groups.get('frames', {}), groups.get('given', {}))
    results.quantities += error_quantities(settings, found, aligned)
    results.error_reference = found.reference
    results.methods |= {name: method for name, method in found.methods.items() if method}
    results.doubts += found.doubts
    for name, record in found.models.items():
        reasons = [record.failure] if record.failure is not None else record.doubts
        results.doubts += [f'{name}: {reason}' for reason in reasons]


def _add_dynamics(settings: CompareOptions, results: CompareResults, groups: Mapping[str, Any]) -> None:
    assert settings.dynamics is not None
    given = groups['dynamics']
    facts = given['engines'].get_dict()
    n_atoms = int(get_frame(given['start']).sizes[0])
    runs = {
        name: [node.get_dict() for _, node in sorted(found.items())] for name, found in groups.get('runs', {}).items()
    }
    for name, found in runs.items():
        mean = sum(map(seconds_per_step, found)) / len(found)
        results.speeds[name] = SpeedRecord(**facts[name], n_atoms=n_atoms, n_runs=len(found), seconds_per_step=mean)
    results.quantities += speed_quantities(runs, settings.dynamics.timestep, n_atoms, settings.confidence)
    if 'rdf' in given:
        results.quantities += structure_quantities(given['rdf'], list(facts), settings.reference, settings.confidence)


def _find_costs(quantities: Sequence[QuantityRecord]) -> list[CostRecord]:
    """Return error and speed of each model that has both, and which models are better in both."""
    by_key = {(one.key, one.of): one for one in quantities}
    errors, speeds = by_key.get(('force_rmse', '')), by_key.get(('ns_per_day', ''))
    if errors is None or speeds is None:
        return []
    names = [name for name in errors.values if name in speeds.values]
    wins = [
        {(one.better, one.other if one.better == one.one else one.one) for one in quantity.differences if one.better}
        for quantity in (errors, speeds)
    ]
    costs = [
        CostRecord(
            model=name, force_rmse_ev_per_angstrom=errors.values[name], ns_per_day=speeds.values[name],
            beaten_by=sorted(winner for winner, loser in wins[0] & wins[1] if loser == name and winner is not None),
        )
        for name in names
    ]  # fmt: skip
    return sorted(costs, key=lambda cost: -cost.ns_per_day.value)


def _find_doubts(settings: CompareOptions, results: CompareResults) -> Iterator[str]:
    if len({speed.computer for speed in results.speeds.values()}) > 1:
        yield 'Speeds were measured on different computers: they say nothing of the models alone.'
    if len({speed.engine for speed in results.speeds.values()}) > 1:
        yield 'Speeds are those of model and program: not all models ran in the same program.'
    if settings.dynamics is not None and settings.dynamics.repeats < 2 and results.speeds:
        yield 'Each model ran once, so that the errors of the speeds are not known: none is called the fastest.'
    n_steps = settings.dynamics.n_steps if settings.dynamics is not None else 0
    if any(one.seconds_per_step * n_steps < SHORT for one in results.speeds.values()):
        yield f'Some runs took less than {SHORT:g} s: what a program does once is a part of their speeds.'
