"""The settings of the engines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiida import orm

from aiida_seimlip.data.potential import COMMITTEE
from aiida_seimlip.engines.contract import SOCKETS, load_engine
from aiida_seimlip.functions.campaign.planning import exploration_parameters
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions, EngineNames


def faults_of_engines(inputs: Mapping[str, Any], species: Sequence[str]) -> Iterator[str]:
    """Look for engines that are not installed, and for settings that they do not understand."""
    names = EngineNames.from_node(inputs.get('engines'))
    for socket in SOCKETS:
        try:
            engine = load_engine(socket, getattr(names, socket))
        except ValueError as exception:
            yield f'Input `engines` is wrong: {exception}'
            continue
        settings = inputs.get(socket, {})
        is_planned = socket == 'exploration'
        later = ('parameters',) if is_planned else ()
        message = engine.explain_settings(socket, settings, given_later=later, species=species)
        if message is not None:
            yield message
        elif socket == 'training':
            yield from _faults_of_lone_atoms(engine, names.training, settings, inputs['options'], species)
            yield from _faults_of_thresholds(engine, settings, ActiveLearningOptions.from_node(inputs['options']))
        elif is_planned:
            yield from _faults_of_conditions(engine, settings, ActiveLearningOptions.from_node(inputs['options']))
        elif socket == 'reference' and not inputs.get('initial_training'):
            yield from _faults_of_bootstrap(engine, names.reference, ActiveLearningOptions.from_node(inputs['options']))


def _faults_of_lone_atoms(
    engine: Any, name: str, settings: Mapping[str, Any], options: orm.Dict, species: Sequence[str]
) -> Iterator[str]:
    """Look for a training engine that cannot begin from energies of lone atoms."""
    if ActiveLearningOptions.from_node(options).lone_atoms is None:
        return
    given = settings['parameters'].get_dict() if 'parameters' in settings else {}
    parameters = orm.Dict({**given, 'atom_energies': dict.fromkeys(species, 0.0)})
    if engine.explain_settings('training', {**settings, 'parameters': parameters}, species=species) is not None:
        yield (
            f'Input `options` asks for `lone_atoms`, but the training engine `{name}` cannot begin from their energies.'
        )


def _faults_of_thresholds(engine: Any, settings: Mapping[str, Any], options: ActiveLearningOptions) -> Iterator[str]:
    """Look for thresholds within what a potential with an active set knows."""
    mode, save = engine.selection_mode(settings), options.exploration.threshold_save
    if mode is not None and mode != COMMITTEE and save < 1:
        yield (
            f'Input `options` sets `exploration.threshold_save` to {save:g}, but up to a grade of 1 a potential with '
            'an active set interpolates: take 1 at least.'
        )


def _faults_of_bootstrap(engine: Any, name: str, options: ActiveLearningOptions) -> Iterator[str]:
    """Look for dynamics that the reference engine cannot run."""
    if options.bootstrap.dynamics is not None and not engine.supports_dynamics:
        yield (
            f'Input `options` asks for dynamics in `bootstrap`, but the reference engine `{name}` runs none: set '
            '`bootstrap.dynamics` to null, and let `bootstrap.n_perturbed` frames of each start be labelled.'
        )


def _faults_of_conditions(engine: Any, settings: Mapping[str, Any], options: ActiveLearningOptions) -> Iterator[str]:
    """Look for conditions that the exploration engine does not understand."""
    given = settings['parameters'].get_dict() if 'parameters' in settings else {}
    held_out = options.held_out.conditions if options.held_out else []
    for condition in [*options.exploration.conditions, *held_out]:
        planned = exploration_parameters(options, condition, 1, given)
        overruled = [name for name, value in given.items() if planned[name] != value]
        if overruled:
            yield (
                f'Input `exploration.parameters` sets `{overruled[0]}` to {given[overruled[0]]!r}, but the input '
                f'`options` sets it to {planned[overruled[0]]!r} at {condition.label}, which counts: set it there.'
            )
            return
        parameters = orm.Dict(planned)
        error = engine.spec().inputs['parameters'].validate(parameters, ('exploration',))
        if error is not None:
            yield f'Input `exploration.parameters` or `options` is wrong at {condition.label}: {error.message}'
            return
