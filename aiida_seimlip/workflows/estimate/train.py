"""What a training is going to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida_seimlip.data.held_out import divide_training
from aiida_seimlip.functions.models.train import elements_of
from aiida_seimlip.options.mace import MaceTrainOptions
from aiida_seimlip.options.models.train import TrainEngines
from aiida_seimlip.science.cost import frames_bytes
from aiida_seimlip.workflows.estimate.plan import LABELLED, Plan, Work, sizes_of


def plan_training(inputs: Mapping[str, Any]) -> Plan:
    """Return the labelling of isolated atoms, the training, and the evaluation of what is held out.

    :param inputs: of `TrainWorkChain`.
    """
    engine = TrainEngines.from_node(inputs['engines']).training
    works = [*_atoms(inputs), _training(engine, inputs), *_judges(engine, inputs)]
    notes = () if engine != 'mace' else (_note_on_mace(inputs),)
    return Plan(tuple(works), is_limit=True, notes=notes)


def _atoms(inputs: Mapping[str, Any]) -> Iterator[Work]:
    if inputs.get('reference'):
        n_atoms = len(elements_of(inputs['frames'].values()))
        n_bytes = n_atoms * frames_bytes(1, 1, LABELLED)
        yield Work('isolated atoms', 'reference', None, n_atoms, n_atoms, unit='frames', n_bytes=n_bytes)


def _training(engine: str, inputs: Mapping[str, Any]) -> Work:
    """Return the jobs: for MACE a member each, whose steps are frames times epochs."""
    if engine != 'mace':
        return Work('training', 'training', 1)
    options = _options(inputs)
    learned, _ = divide_training(inputs['frames'], None, options.validation_fraction, options.seed)
    steps = len(learned) * options.max_num_epochs
    atom_steps = int(learned.sizes.sum()) * options.max_num_epochs * options.committee
    return Work('training', 'training', options.committee, steps, atom_steps)


def _judges(engine: str, inputs: Mapping[str, Any]) -> Iterator[Work]:
    for name, node in (inputs.get('held_out') or {}).items() if engine == 'mace' else ():
        sizes = sizes_of(node)
        n_bytes = sum(frames_bytes(1, size, LABELLED) for size in sizes)
        yield Work(f'judge on {name}', 'evaluation', 1, len(sizes), sum(sizes), unit='frames', n_bytes=n_bytes)


def _note_on_mace(inputs: Mapping[str, Any]) -> str:
    options = _options(inputs)
    learned, validation = divide_training(inputs['frames'], None, options.validation_fraction, options.seed)
    return (
        f'Of {len(learned) + len(validation)} frames {len(validation)} are held out for validation; '
        f'each member does {options.max_num_epochs} epochs at most.'
    )


def _options(inputs: Mapping[str, Any]) -> MaceTrainOptions:
    return MaceTrainOptions.from_node(inputs['training'].get('parameters'))
