"""What can be wrong with the inputs of `DistillationWorkChain`: found at submission, told in one sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from aiida_seimlip.data.labels import explain_predictions
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions, EngineNames
from aiida_seimlip.options.campaign.distillation import DistillationEngines, DistillationOptions
from aiida_seimlip.science.frames import PREDICTION
from aiida_seimlip.workflows.campaign.validation import validate_campaign
from aiida_seimlip.workflows.campaign.validation.methods import describe_reference

PORTS = (
    'options', 'engines', 'reference', 'training', 'exploration', 'selection', 'bootstrap_structures',
    'bootstrap_candidates',
)  # fmt: skip
"""Inputs of a campaign, whose sentences name them."""

WEIGHING = 'mlip3'
"""Engine of the trainings that knows weights of sets."""


def validate_distillation(inputs: Mapping[str, Any], _: Any) -> str | None:
    """Check the inputs against each other.

    :param inputs: all inputs.
    :return: one sentence that names the input at fault, or None if all is well.
    """
    campaign = inputs.get('campaign') or {}
    if any(name not in inputs for name in ('species', 'options')) or 'options' not in campaign:
        return None  # the ports themselves say so
    explained = (
        DistillationOptions.explain(inputs['options'], 'options'),
        ActiveLearningOptions.explain(campaign['options'], 'options'),
    )
    if any(explained):
        return None
    return next(find_faults(inputs), None)


def find_faults(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield sentences that say which input is wrong.

    :param inputs: all inputs, whose options are right.
    """
    campaign = {**inputs['campaign'], 'species': inputs['species'], 'structures': inputs.get('structures') or {}}
    engines = DistillationEngines.from_node(inputs.get('engines'))
    names = EngineNames.from_node(campaign.get('engines'))
    if names.training != WEIGHING:
        yield (
            f'Input `campaign.engines` trains the student with `{names.training}`, but labels of both kinds are '
            f'weighed in trainings with `{WEIGHING}` only.'
        )
        return
    yield from _faults_of_reference(inputs, engines)
    yield from _faults_of_tuning(inputs, engines)
    is_made_here = engines.tuning is not None and 'potential' not in campaign.get('reference', {})
    if not is_made_here:
        fault = validate_campaign(campaign, None)
        yield from () if fault is None else [_renamed(fault)]
        yield from _faults_of_methods(inputs, campaign, engines)


def find_doubts(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield a sentence for each thing that is likely to go wrong.

    :param inputs: that pass all checks.
    """
    options = ActiveLearningOptions.from_node(inputs['campaign']['options'])
    settings = DistillationOptions.from_node(inputs['options'])
    if options.held_out is None and settings.fresh_share > 0:
        yield (
            'Input `campaign.options` asks for no `held_out` frames, so that the reference labels none of fresh '
            'explorations: the errors are those of the frames that MaxVol has chosen, the strangest ones.'
        )
    engines = DistillationEngines.from_node(inputs.get('engines'))
    if engines.tuning is None and settings.max_student_force_error is None:
        yield (
            'The teacher is not trained (`engines.tuning`), so that its errors stay what they are in all rounds: set '
            '`max_student_force_error` in the input `options` to end with the errors of the student instead.'
        )


def _faults_of_reference(inputs: Mapping[str, Any], engines: DistillationEngines) -> Iterator[str]:
    try:
        engine = load_engine('reference', engines.reference)
    except ValueError as exception:
        yield f'Input `engines.reference`: {exception}'
        return
    settings = inputs.get('reference') or {}
    fault = engine.explain_settings('reference', settings, species=inputs['species'].get_list())
    yield from () if fault is None else [fault]
    given, limit = inputs.get('initial_reference') or {}, DistillationOptions.from_node(inputs['options']).max_labels
    n_given = sum(node.n_frames for node in given.values())
    if limit is not None and n_given >= limit:
        yield (
            f'Input `initial_reference` holds {n_given} labels: `max_labels` ({limit}) in the input `options` must be '
            'a larger number.'
        )
    for name, node in given.items():
        predictions = explain_predictions(f'initial_reference.{name}', node)
        if predictions is not None:
            yield predictions
        elif not node.is_labelled:
            yield f'Input `initial_reference.{name}` holds frames without energy or forces.'


def _faults_of_tuning(inputs: Mapping[str, Any], engines: DistillationEngines) -> Iterator[str]:
    settings = inputs.get('tuning') or {}
    if engines.tuning is None:
        if settings:
            yield 'Input `tuning` is given, but no engine of that name in the input `engines`.'
        return
    try:
        engine = load_engine('training', engines.tuning)
    except ValueError as exception:
        yield f'Input `engines.tuning`: {exception}'
        return
    fault = engine.explain_settings('tuning', settings, species=inputs['species'].get_list())
    yield from () if fault is None else [fault]
    if 'potential' not in inputs['campaign'].get('reference', {}) and not inputs.get('initial_reference'):
        yield (
            'Input `campaign.reference.potential` is missing: the teacher that is to be trained; or give labels of the '
            'reference in `initial_reference`, from which the first one is made.'
        )


def _faults_of_methods(
    inputs: Mapping[str, Any], campaign: Mapping[str, Any], engines: DistillationEngines
) -> Iterator[str]:
    """Refuse a teacher that goes by the name of the reference: nobody could tell their labels apart."""
    teacher = describe_reference(campaign)[0]
    engine: Any = load_engine('reference', engines.reference)
    reference = engine.describe_labels(inputs.get('reference') or {})[0]
    if reference.startswith(PREDICTION):
        yield (
            'Input `reference.potential` is a potential, and what it predicts is no label; if it is meant as the '
            'reference, name the method in `reference.parameters.calculator.method_label`.'
        )
    if teacher and teacher == reference:
        yield (
            f'The teacher (`campaign.reference`) and the input `reference` both label by `{teacher}`: name one of them '
            'otherwise with `method_label` of its calculator, so that their labels can be told apart.'
        )


def _renamed(fault: str) -> str:
    """Return a sentence about the inputs of a campaign with the names that they have here."""
    return re.sub(rf'`({"|".join(PORTS)})(?=[`.])', r'`campaign.\1', fault)
