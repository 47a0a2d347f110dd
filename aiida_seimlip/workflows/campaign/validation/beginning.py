"""What a campaign begins from: frames that are labelled, a potential, and frames that could not be labelled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiida import orm

from aiida_seimlip.calculations.validation import faults_of_labels
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.workflows.campaign.validation.elements import faults_of_elements


def faults_of_beginning(inputs: Mapping[str, Any], species: Sequence[str]) -> Iterator[str]:
    """Look for frames without labels, and for a potential that does not belong to them."""
    training: Mapping[str, FramesData] = inputs.get('initial_training', {})
    for name, node in training.items():
        yield from faults_of_elements(f'initial_training.{name}', node, species)
        yield from faults_of_labels(f'initial_training.{name}', node)
    potential = inputs.get('initial_potential')
    if potential is None:
        return
    ordered = list if potential.family == 'mtp' else sorted  # only there types are numbers
    if ordered(potential.species) != ordered(species):
        yield (
            f'Input `initial_potential` is for the species {list(potential.species)}, but the input `species` is '
            f'{list(species)}: their order gives the type numbers.'
        )
    if not potential.is_trained:
        yield 'Input `initial_potential` is not trained; leave it out to begin from an untrained potential.'
    if not training:
        yield 'Input `initial_potential` needs `initial_training`: the frames that it was trained on.'


def faults_of_quarantine(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Look for sets that are not frames with the reasons why some of them failed."""
    for name, batch in inputs.get('quarantine', {}).items():
        kinds = {key: type(node) for key, node in batch.items()} if isinstance(batch, Mapping) else {}
        if kinds != {'frames': FramesData, 'failures': orm.Dict}:
            yield f'Input `quarantine.{name}` must hold `frames` (FramesData) and `failures` (Dict), and nothing else.'
