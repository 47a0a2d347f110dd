"""What can be wrong with the inputs of the WorkChain ``seimlip.train``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aiida import orm

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SocketWorkChain, load_engine
from aiida_seimlip.functions.models.train import elements_of
from aiida_seimlip.options.models.train import TrainEngines, TrainOptions
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.workflows.model_inputs import faults_of_names

KNOWN_LATER = 'atom_energies'
"""Parameter of a training that the workflow completes where it labels isolated atoms."""


def needs_start(engine: type[SocketWorkChain]) -> bool:
    """Return whether an engine cannot do without a potential to begin with."""
    return bool(engine.spec().inputs['start'].required)


def find_faults(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield one sentence for each input that is wrong.

    :param inputs: of the workflow, whose `engines` and `options` are right.
    """
    try:
        engines = TrainEngines.from_node(inputs['engines'])
        training = load_engine('training', engines.training)
        reference = load_engine('reference', engines.reference)
    except ValueError as exception:
        yield str(exception)
        return
    frames, settings = inputs.get('frames') or {}, dict(inputs['training'])
    if not frames:
        yield 'Input `frames` is empty: at least one set of labelled frames is needed.'
        return
    yield from faults_of_names('held_out', inputs.get('held_out') or {})
    if inputs.get('reference'):
        found = reference.explain_settings('reference', inputs['reference'], species=elements_of(frames.values()))
        if found is not None:
            yield found
        settings['parameters'] = _with_any_energies(settings.get('parameters'), elements_of(frames.values()))
    found = training.explain_settings('training', settings, species=elements_of(frames.values()))
    if found is not None:
        yield found
        return
    call = {**settings, 'training': frames}
    if 'start' in inputs:
        call['start'] = inputs['start']
    elif needs_start(training):
        call['start'] = _any_start(inputs, frames)
    for sentence in training.faults_of_call(call):
        yield _in_words_of_workflow(sentence, frames)


def _in_words_of_workflow(sentence: str, frames: Iterable[str]) -> str:
    """Return what an engine says with the names that the inputs have here."""
    for key in frames:
        sentence = sentence.replace(f'`training.{key}`', f'`frames.{key}`')
    return sentence.replace('`parameters`', '`training.parameters`').replace('Input `training` ', 'Input `frames` ')


def _with_any_energies(parameters: orm.Dict | None, species: list[str]) -> orm.Dict:
    """Return parameters with an energy of each isolated atom, which the workflow is going to find out."""
    content = {} if parameters is None else parameters.get_dict()
    return orm.Dict({**content, KNOWN_LATER: dict.fromkeys(species, 0.0)})


def _any_start(inputs: Mapping[str, Any], frames: Mapping[str, Any]) -> PotentialData:
    settings = TrainOptions.from_node(inputs['options']).untrained
    return PotentialData.from_mtp(untrained(
        settings.level, elements_of(frames.values()), min_dist=settings.min_dist, max_dist=settings.max_dist,
        radial_basis_size=settings.radial_basis_size,
    ))  # fmt: skip
