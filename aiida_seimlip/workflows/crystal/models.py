"""Models that workflows on crystals compare: what they are given, and what can be wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from aiida import orm

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.crystal.property import ModelOptions
from aiida_seimlip.science.structures.crystals import CRYSTALS

GIVEN = ('code', 'parameters', 'potential', 'options')
"""What a model that an ASE calculator runs may be given."""

MODELS_HELP = (
    'The models by name, each with `code` (a Python interpreter with ASE), `parameters` (its `calculator`), '
    '`potential` where the calculator is given one, and `options` of the scheduler.'
)


Job = Callable[[CalculatorOptions], dict[str, Any]]
"""The parameters of a job of `seimlip.ase` with a calculator."""


def cells_of(crystals: Sequence[str]) -> FramesData:
    """Return the primitive cells of phases of the package, for the checks of models; not to be stored.

    :param crystals: their names.
    """
    return FramesData.from_atoms([CRYSTALS[name].primitive() for name in crystals])


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
    names = {'code': f'{place}.code', 'parameters': f'{place}.parameters', 'potential': f'{place}.potential',
             'frames': source}  # fmt: skip
    for found in AseCalculation.find_faults(inputs):
        yield re.sub(r'`(code|parameters|potential|frames)`', lambda match: f'`{names[match[1]]}`', found)
