"""Who computes what a campaign learns from: predictions are no labels, and methods are mixed where that is meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida_seimlip.data.labels import describe_potential, faults_of_mixture, note_unknown
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions, EngineNames
from aiida_seimlip.science.frames import PREDICTION

LABELLED = ('initial_training', 'bootstrap_candidates')
"""Inputs whose frames may have labels that are learned from."""
MIXTURE = (
    'If these are two names of one method, give it the same one (`method_label` of the calculator, `--method` of '
    '`aiida-seimlip frames import`); if a mixture is meant, set `allow_mixed_methods` in the input `options`.'
)


def faults_of_methods(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Look for a reference that is a potential, and for labels that do not go together.

    :param inputs: of the campaign, whose engines are installed and understand their settings.
    """
    method, kind = describe_reference(inputs)
    if method.startswith(PREDICTION):
        potential = describe_potential(method.removeprefix(PREDICTION))
        yield (
            f'Input `reference.potential` is {potential}, and what a potential predicts is no label; if it is meant as '
            'the reference, name the method in `reference.parameters.calculator.method_label`.'
        )
    if not ActiveLearningOptions.from_node(inputs['options']).allow_mixed_methods:
        for name in LABELLED:
            for fault in faults_of_mixture(name, inputs.get(name, {}), method, kind):
                yield f'{fault} {MIXTURE}'


def warn_about_methods(inputs: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each doubt about labels that go together by permission, or because nobody knows better.

    :param inputs: of the campaign.
    """
    method, kind = describe_reference(inputs)
    found: list[str] = []
    for name in LABELLED:
        unknown = note_unknown(name, inputs.get(name, {}), method)
        found += faults_of_mixture(name, inputs.get(name, {}), method, kind)
        found += [] if unknown is None else [unknown]
    return found


def describe_reference(inputs: Mapping[str, Any]) -> tuple[str, str]:
    """Return the method and the kind of energy of the labels that the reference is going to make; empty if unknown."""
    engine: Any = load_engine('reference', EngineNames.from_node(inputs.get('engines')).reference)
    described: tuple[str, str] = engine.describe_labels(inputs.get('reference', {}))
    return described
