"""Limits in the options that leave a campaign nothing to do, whatever its programs find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions


def faults_of_budgets(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Look for a limit of labels that is reached before the first exploration."""
    options = ActiveLearningOptions.from_node(inputs['options'])
    if options.max_labels is None:
        return
    training = inputs.get('initial_training', {})
    n_labels = sum(node.n_frames for node in training.values()) if training else count_bootstrap(inputs, options)
    if n_labels > options.max_labels or (training and n_labels == options.max_labels):
        what = 'the input `initial_training` holds' if training else 'the bootstrap makes'
        yield (
            f'Input `options` allows {options.max_labels} labels (`max_labels`), but {what} {n_labels} already: '
            'nothing could be learned from the explorations.'
        )


def count_bootstrap(inputs: Mapping[str, Any], options: ActiveLearningOptions) -> int:
    """Return the number of labels that the bootstrap makes."""
    n_starts = sum(getattr(node, 'n_frames', 1) for node in inputs.get('structures', {}).values())
    dynamics = options.bootstrap.dynamics
    n_samples = 0 if dynamics is None else len(dynamics.temperatures) * (dynamics.n_steps // dynamics.sample_every)
    return n_starts * (options.bootstrap.n_perturbed + n_samples)


def faults_of_filters(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Look for starts that are themselves what the filters drop: so will be all that is found from them."""
    limit = ActiveLearningOptions.from_node(inputs['options']).filters.min_distance
    for name, node in inputs.get('structures', {}).items():
        try:
            frames = node if isinstance(node, FramesData) else FramesData(get_frame(node))
        except ValueError:
            continue  # said elsewhere
        shortest = frames.base.attributes.get('shortest_distance_min', None)
        if shortest is not None and shortest < limit:
            yield (
                f'Input `structures.{name}` has atoms {shortest:.2f} Å apart, but the input `options` drops candidates '
                f'below {limit:g} Å (`filters.min_distance`): nothing that is met from there would be learned.'
            )
