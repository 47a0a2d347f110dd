"""What can be wrong with the inputs of a campaign: found at submission, told in one sentence that names the input."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiida import orm
from ase.data import atomic_numbers

from aiida_seimlip.calculations.validation import faults_of_labels
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import elements_of, faults_of_structure
from aiida_seimlip.engines.contract import SOCKETS, load_engine
from aiida_seimlip.functions.campaign.planning import exploration_parameters
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions, EngineNames

NAME = re.compile(r'[A-Za-z](\w*[A-Za-z0-9])?', re.ASCII)
"""What AiiDA takes as the name of an input."""


def validate_campaign(inputs: Mapping[str, Any], _: Any) -> str | None:
    """Check the inputs of a campaign against each other.

    :param inputs: all inputs.
    :return: one sentence that names the input at fault, or None if all is well.
    """
    if any(name not in inputs for name in ('species', 'options')):
        return None  # the ports themselves say so
    if ActiveLearningOptions.explain(inputs['options'], 'options'):
        return None
    return next(find_faults(inputs), None)


def find_faults(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield one sentence for each input that is wrong."""
    species = inputs['species'].get_list()
    yield from _faults_of_species(species)
    yield from _faults_of_structures(inputs.get('structures', {}), species)
    yield from _faults_of_beginning(inputs, species)
    yield from _faults_of_coverage(inputs, species)
    yield from _faults_of_quarantine(inputs)
    yield from _faults_of_engines(inputs, species)


def _faults_of_species(species: Sequence[Any]) -> Iterator[str]:
    wrong = [symbol for symbol in species if symbol not in atomic_numbers or symbol == 'X']
    if wrong or not species:
        yield f'Input `species` holds {wrong or "no element"}, but must name chemical elements.'
    elif len(set(species)) < len(species):
        yield f'Input `species` is {list(species)}, but must name each element once.'


def _faults_of_coverage(inputs: Mapping[str, Any], species: Sequence[str]) -> Iterator[str]:
    """Look for elements that no potential can learn of, because no frame holds them."""
    nodes = [*inputs.get('structures', {}).values(), *inputs.get('initial_training', {}).values()]
    present = {element for node in nodes for element in elements_of(node)}
    lacking = [element for element in species if element not in present]
    if nodes and lacking:
        yield (
            f'Input `species` names {", ".join(lacking)}, which occur(s) neither in the input `structures` nor in '
            '`initial_training`: a potential learns only of elements that it has seen.'
        )


def _faults_of_quarantine(inputs: Mapping[str, Any]) -> Iterator[str]:
    for name, batch in inputs.get('quarantine', {}).items():
        kinds = {key: type(node) for key, node in batch.items()} if isinstance(batch, Mapping) else {}
        if kinds != {'frames': FramesData, 'failures': orm.Dict}:
            yield f'Input `quarantine.{name}` must hold `frames` (FramesData) and `failures` (Dict), and nothing else.'


def _faults_of_structures(structures: Mapping[str, orm.Data], species: Sequence[str]) -> Iterator[str]:
    if not structures:
        yield 'Input `structures` is empty: at least one start is needed.'
    for name, node in structures.items():
        if not NAME.fullmatch(name):
            yield f'Input `structures` holds the name {name!r}, but names consist of letters, digits and underscores.'
        if isinstance(node, FramesData) and not node.n_frames:
            yield f'Input `structures.{name}` holds no frames.'
        yield from faults_of_structure(f'structures.{name}', node, periodic='the exploration', moves=True)
        yield from _faults_of_elements(f'structures.{name}', node, species)


def _faults_of_elements(name: str, node: orm.Data, species: Sequence[str]) -> Iterator[str]:
    lacking = [element for element in elements_of(node) if element not in species]
    if lacking:
        yield f'Input `{name}` holds {", ".join(lacking)}, which the input `species` {list(species)} lacks.'


def _faults_of_beginning(inputs: Mapping[str, Any], species: Sequence[str]) -> Iterator[str]:
    training: Mapping[str, FramesData] = inputs.get('initial_training', {})
    for name, node in training.items():
        yield from _faults_of_elements(f'initial_training.{name}', node, species)
        yield from faults_of_labels(f'initial_training.{name}', node)
    potential = inputs.get('initial_potential')
    if potential is None:
        return
    if list(potential.species) != list(species):
        yield (
            f'Input `initial_potential` is for the species {list(potential.species)}, but the input `species` is '
            f'{list(species)}: their order gives the type numbers.'
        )
    if not potential.is_trained:
        yield 'Input `initial_potential` is not trained; leave it out to begin from an untrained potential.'
    if not training:
        yield 'Input `initial_potential` needs `initial_training`: the frames that it was trained on.'


def _faults_of_engines(inputs: Mapping[str, Any], species: Sequence[str]) -> Iterator[str]:
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
        elif is_planned:
            yield from _faults_of_conditions(engine, settings, ActiveLearningOptions.from_node(inputs['options']))


def _faults_of_conditions(engine: Any, settings: Mapping[str, Any], options: ActiveLearningOptions) -> Iterator[str]:
    """Look for conditions that the exploration engine does not understand."""
    given = settings['parameters'].get_dict() if 'parameters' in settings else {}
    held_out = options.held_out.conditions if options.held_out else []
    for condition in [*options.exploration.conditions, *held_out]:
        parameters = orm.Dict(exploration_parameters(options, condition, 1, given))
        error = engine.spec().inputs['parameters'].validate(parameters, ('exploration',))
        if error is not None:
            yield f'Input `exploration.parameters` or `options` is wrong at {condition.label}: {error.message}'
            return
