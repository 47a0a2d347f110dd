"""Models that workflows compare: what they are given, and what can be wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from aiida import orm

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.model import ModelOptions
from aiida_seimlip.science.structures.crystals import CRYSTALS

ENGINE = 'engine'
"""Input of a model that an engine of the socket `reference` evaluates."""
NAME = re.compile(r'[A-Za-z](_?[A-Za-z0-9])*_?')
"""What may be the name of a model or a structure, which becomes part of the names of links."""
GIVEN = ('code', 'parameters', 'potential', 'options')
"""What a model that an ASE calculator runs may be given."""

MODELS_HELP = (
    'The models by name, each with `code` (a Python interpreter with ASE), `parameters` (its `calculator`), '
    '`potential` where the calculator is given one, and `options` of the scheduler; or with `engine`, the name of an '
    'engine for the socket `reference`, and the settings of that engine.'
)

NO_CALCULATOR = CalculatorOptions(name='emt')
"""Stands for any calculator, where it does not matter."""

Job = Callable[[CalculatorOptions], dict[str, Any]]
"""The parameters of a job of `seimlip.ase` with a calculator."""


def cells_of(crystals: Sequence[str]) -> FramesData:
    """Return the primitive cells of phases of the package, for the checks of models; not to be stored.

    :param crystals: their names.
    """
    return FramesData.from_atoms([CRYSTALS[name].primitive() for name in crystals])


def faults_of_names(place: str, names: Iterable[str]) -> Iterator[str]:
    """Yield a sentence on the first name that cannot become part of the name of a link.

    :param place: the input that holds the names, for the message.
    :param names: in it.
    """
    wrong = [name for name in names if not NAME.fullmatch(name)]
    if wrong:
        yield (
            f'Input `{place}` holds the name `{wrong[0]}`: names are made of letters, digits and single underscores, '
            'and begin with a letter.'
        )


def faults_of_model(
    place: str, model: Mapping[str, Any], job: Job, frames: FramesData, source: str = 'structures'
) -> Iterator[str]:
    """Yield one sentence for each thing that is wrong with a model.

    :param place: where it was given, for the message.
    :param model: as in the input `models`; what is given later may be missing.
    :param job: that it is to do.
    :param frames: that it is to work on.
    :param source: name of the input that they come from.
    """
    if ENGINE in model:
        yield from _faults_of_engine(place, model, job, frames, source)
        return
    unknown = [key for key in model if key not in GIVEN]
    if unknown:
        yield f'Input `{place}.{unknown[0]}` is not known (known are {", ".join(GIVEN)}).'
    missing = [key for key in ('code', 'parameters') if key not in model]
    if missing:
        yield f'Input `{place}.{missing[0]}` is missing.'
        return
    fault = ModelOptions.explain(model['parameters'], f'{place}.parameters')
    if fault is not None:
        yield fault
        return
    inputs = {key: model[key] for key in ('code', 'potential') if key in model}
    calculator = ModelOptions.from_node(model['parameters']).calculator
    inputs |= {'parameters': orm.Dict(job(calculator)), 'frames': frames}
    for found in AseCalculation.find_faults(inputs):
        yield _renamed(found, place, source)


def _faults_of_engine(place: str, model: Mapping[str, Any], job: Job, frames: FramesData, source: str) -> Iterator[str]:
    """Yield what is wrong with a model that an engine evaluates, which can do nothing else."""
    if job(NO_CALCULATOR)['task'] != 'single_point':
        yield (
            f'Input `{place}.{ENGINE}` evaluates frames as they are, and relaxes nothing: give crystals at the minimum '
            'of the reference, and set `minimum` of input `options` to none.'
        )
        return
    try:
        engine = load_engine('reference', model[ENGINE].value)
    except ValueError as exception:
        yield f'Input `{place}.{ENGINE}`: {exception}'
        return
    settings = {key: value for key, value in model.items() if key != ENGINE}
    fault = engine.explain_settings(place, settings, species=frames.elements)
    if fault is not None:
        yield fault
        return
    for found in engine.faults_of_call({**settings, 'frames': frames}):
        yield _renamed(found, place, source)


def _renamed(sentence: str, place: str, source: str) -> str:
    """Return a sentence on the inputs of a job with the names of the inputs of the workflow."""
    names = {name: f'{place}.{name}' for name in ('code', 'parameters', 'potential')} | {'frames': source}
    return re.sub(r'`(code|parameters|potential|frames)`', lambda match: f'`{names[match[1]]}`', sentence)
