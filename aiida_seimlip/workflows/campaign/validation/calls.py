"""What the jobs of a campaign would refuse, asked of their engines before the first one is paid."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.functions.campaign.planning import exploration_parameters
from aiida_seimlip.functions.campaign.warnings import empty_potential
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions, EngineNames


def faults_of_calls(inputs: Mapping[str, Any], species: Sequence[str]) -> Iterator[str]:
    """Look for what will be refused once it comes to it.

    :param inputs: all inputs of a campaign, of which each is right by itself.
    :param species: chemical symbols in type order.
    """
    names = EngineNames.from_node(inputs.get('engines'))
    yield from _faults_of_training(inputs, names.training, species)
    yield from _faults_of_bootstrap(inputs, names.reference)
    for name, node in inputs['structures'].items():
        start = _first_frame(node)
        call = {**_plan_exploration(inputs, names.training), 'structure': start, 'species': species}
        found = load_engine('exploration', names.exploration).faults_of_call(call)
        here = {'structure': f'structures.{name}', 'potential': 'initial_potential'}
        yield from renamed(found, 'exploration', inputs.get('exploration', {}), **here)


def _faults_of_bootstrap(inputs: Mapping[str, Any], engine: str) -> Iterator[str]:
    """Look for a structure that the reference would refuse in the bootstrap, if there is one."""
    options = ActiveLearningOptions.from_node(inputs['options'])
    if not options.has_bootstrap(inputs.get('initial_training', {})):
        return
    settings = inputs.get('reference', {})
    for group in ('structures', 'bootstrap_structures', 'bootstrap_candidates'):
        for name, node in inputs.get(group, {}).items():
            call = {**settings, 'frames': _first_frame(node)}
            found = load_engine('reference', engine).faults_of_call(call)
            yield from renamed(found, 'reference', settings, frames=f'{group}.{name}')


def _faults_of_training(inputs: Mapping[str, Any], engine: str, species: Sequence[str]) -> Iterator[str]:
    """Look for a training set or a start that the first training would refuse."""
    options = ActiveLearningOptions.from_node(inputs['options'])
    settings, potential = inputs.get('training', {}), inputs.get('initial_potential')
    call: dict[str, Any] = dict(settings)
    is_start = potential is not None and options.warm_start
    loaded: Any = load_engine('training', engine)
    if is_start:
        call['start'] = potential
    elif loaded.needs_start():
        call['start'] = PotentialData.from_mtp(empty_potential(options, species))
    if options.lone_atoms is not None:
        given = settings['parameters'].get_dict() if 'parameters' in settings else {}
        call['parameters'] = orm.Dict({**given, 'atom_energies': dict.fromkeys(species, 0.0)})
    prefix = 'initial_' if options.continues is None else ''  # as the campaign names them, and weights do
    is_first = potential is None or options.train_first or potential.lacks_grades
    if inputs.get('initial_training') and is_first and not options.has_bootstrap(inputs['initial_training']):
        call['training'] = {prefix + name: node for name, node in inputs['initial_training'].items()}
    found = loaded.faults_of_call(call)
    start = 'initial_potential' if is_start else 'species'
    for fault in renamed(found, 'training', settings, training='initial_training', start=start):
        yield fault.replace(f'`initial_training.{prefix}', '`initial_training.') if prefix else fault


def _plan_exploration(inputs: Mapping[str, Any], training: str) -> dict[str, Any]:
    """Return what is known of the inputs of the first exploration, beside its start.

    :param training: name of the engine that makes its potential.
    """
    options = ActiveLearningOptions.from_node(inputs['options'])
    settings, potential = inputs.get('exploration', {}), inputs.get('initial_potential')
    given = settings['parameters'].get_dict() if 'parameters' in settings else {}
    parameters = orm.Dict(exploration_parameters(options, options.exploration.conditions[0], 1, given))
    engine: Any = load_engine('training', training)
    found = {
        **settings, 'parameters': parameters, 'selection_mode': engine.selection_mode(inputs.get('training', {})),
    }  # fmt: skip
    return found if potential is None or potential.lacks_grades else {**found, 'potential': potential}


def _first_frame(node: orm.Data) -> FramesData:
    """Return the first frame of a start, whose labels are of no interest."""
    if isinstance(node, FramesData):
        return FramesData(node.get_frames()[0].without_labels())
    return FramesData(get_frame(node))


def renamed(faults: Iterator[str], socket: str, settings: Mapping[str, Any], **names: str) -> Iterator[str]:
    """Yield sentences of an engine with the names that its inputs have here.

    :param socket: of the engine.
    :param settings: what the user gave for it.
    :param names: of its data, by the name that the engine has for them.
    """
    known = {**{name: f'{socket}.{name}' for name in ('code', 'parameters', 'potential', *settings)}, **names}
    known['metadata.options'] = f'{socket}.options'
    pattern = re.compile('`(' + '|'.join(re.escape(name) for name in known) + ')(?=[`.])')
    for fault in faults:
        yield pattern.sub(lambda found: f'`{known[found[1]]}', fault)
