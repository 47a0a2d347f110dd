"""Limits in the options that leave a campaign nothing to do, whatever its programs find."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions


def faults_of_budgets(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Look for a limit of labels that is reached before the first exploration, or is too small for its purpose."""
    options = ActiveLearningOptions.from_node(inputs['options'])
    training = inputs.get('initial_training', {})
    n_given = sum(node.n_frames for node in training.values())
    n_made = count_bootstrap(inputs, options) if options.has_bootstrap(training) else 0
    yield from _faults_of_shares(inputs, options)
    n_labels = n_given + n_made
    if options.max_labels is None or n_labels < options.max_labels or (n_made and n_labels == options.max_labels):
        return
    parts = {'the input `initial_training` holds': n_given, 'the bootstrap makes': n_made}
    what = ', and '.join(f'{name} {count}' for name, count in parts.items() if count)
    yield (
        f'Input `options` allows {options.max_labels} labels (`max_labels`), but {what} already: '
        'nothing could be learned from the explorations.'
    )


def _faults_of_shares(inputs: Mapping[str, Any], options: ActiveLearningOptions) -> Iterator[str]:
    """Look for a limit of the bootstrap that is smaller than what its parts are to have at least."""
    limit, least = options.bootstrap.max_labels, options.bootstrap.min_per_start
    n_sources = _count_frames(inputs, 'structures') + _count_frames(inputs, 'bootstrap_structures')
    if limit is not None and limit < least * n_sources:
        yield (
            f'Input `options` allows the bootstrap {limit} labels (`bootstrap.max_labels`), but {n_sources} starts and '
            f'`bootstrap_structures` are to have {least} each at least (`bootstrap.min_per_start`).'
        )


def count_bootstrap(inputs: Mapping[str, Any], options: ActiveLearningOptions) -> int:
    """Return the number of labels that the bootstrap makes at most."""
    n_starts, bootstrap = _count_frames(inputs, 'structures'), options.bootstrap
    n_candidates = n_starts * bootstrap.n_perturbed + _count_frames(inputs, 'bootstrap_candidates')
    n_candidates += _count_frames(inputs, 'bootstrap_structures') * len(bootstrap.structures.strains)
    n_chosen = n_candidates if bootstrap.max_labels is None else min(bootstrap.max_labels, n_candidates)
    dynamics = bootstrap.dynamics
    n_samples = 0 if dynamics is None else len(dynamics.temperatures) * (dynamics.n_steps // dynamics.sample_every)
    return n_chosen + n_starts * n_samples


def _count_frames(inputs: Mapping[str, Any], name: str) -> int:
    return sum(getattr(node, 'n_frames', 1) for node in inputs.get(name, {}).values())


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
