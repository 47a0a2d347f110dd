"""What can be wrong with the calculator of a job, as far as it can be known before the job runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from aiida_seimlip.calculations.validation import faults_of_potential
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.calculator import CalculatorOptions

LOOK_SECONDS = 120.0
"""How long the import of a calculator may take here."""

ABSENT = 'absent'
"""What `look_for` returns of a module that cannot be imported here."""

_LOOK = """
import importlib, inspect, json, sys
module, attribute, kwargs = json.loads(sys.argv[1])
def end(answer):
    sys.stdout = sys.__stdout__
    print(json.dumps(answer))
    sys.exit()
sys.stdout = sys.stderr
try:
    found = getattr(importlib.import_module(module), attribute, None)
except Exception:
    end('absent')
if not callable(found):
    end(f'the module `{module}` has no class or function `{attribute}`')
try:
    signature = inspect.signature(found)
except (TypeError, ValueError):
    end(None)
try:
    signature.bind(**kwargs)
except TypeError as error:
    end(f'`{module}:{attribute}` does not take these keyword arguments: {error}')
end(None)
"""


def faults_of_calculator(calculator: CalculatorOptions, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Look for a potential that the calculator does not take, for one that it lacks, and for what it cannot be made of.

    :param calculator: of the input `parameters`.
    :param inputs: of the process, of which `potential` is looked at.
    """
    yield from _faults_of_potential_port(calculator, inputs.get('potential'))
    fault = explain_target(calculator)
    if fault not in (None, ABSENT):
        yield f'Input `parameters` names the calculator `{calculator.name}`, but {fault}.'


def explain_target(calculator: CalculatorOptions) -> str | None:
    """Say what is wrong with a calculator that is named by its module, and with its keyword arguments.

    It is imported in a process of its own, so that nothing that it does or loads stays here.

    :param calculator: that is known by name, in which case nothing is done, or is not.
    :return: part of a sentence; `ABSENT` if the module cannot be imported here, so that nobody can say; None if all is
        well.
    """
    if ':' not in calculator.name:
        return None
    return _look_for(calculator.name, json.dumps(calculator.all_kwargs, sort_keys=True))


def faults_of_periodicity(name: str, frames: FramesData, calculator: CalculatorOptions) -> Iterator[str]:
    """Look for frames none of which the calculator can take; single ones fail by themselves in the job.

    :param name: of the input.
    :param frames: that it holds.
    :param calculator: of the input `parameters`.
    """
    if not frames.n_frames:
        return
    found = set(np.unique(frames.get_frames().pbc.sum(axis=1)).tolist())
    if found & set(calculator.takes_axes):
        return
    yield (
        f'Input `{name}` holds frames that are periodic in {_list(sorted(found))} directions, but the calculator '
        f'`{calculator.name}` takes {_list(calculator.takes_axes)}: it would calculate another system. Keep the vacuum '
        'in the cell and set `pbc` to true, or choose another calculator.'
    )


def faults_of_species(name: str, elements: tuple[str, ...], potential: PotentialData | None) -> Iterator[str]:
    """Look for elements that the potential does not know.

    :param name: of the input that holds the elements.
    :param elements: chemical symbols.
    :param potential: None if there is none.
    """
    if potential is None:
        return
    lacking = [element for element in elements if element not in potential.species]
    if lacking:
        yield (
            f'Input `{name}` holds {", ".join(lacking)}, which the input `potential` does not know: its species are '
            f'{list(potential.species)}.'
        )


def _faults_of_potential_port(calculator: CalculatorOptions, potential: PotentialData | None) -> Iterator[str]:
    port = calculator.known.potential
    if potential is None:
        if port is not None and port.is_required:
            yield f'Input `potential` is missing: the calculator `{calculator.name}` needs one.'
        elif port is not None and calculator.known.runs_model and port.argument not in calculator.kwargs:
            yield (
                f'Input `potential` is missing: the calculator `{calculator.name}` needs one, or a model file in '
                f'`calculator.kwargs.{port.argument}`.'
            )
        return
    if port is None:
        yield f'Input `potential` is given, but the calculator `{calculator.name}` of `parameters` takes none.'
        return
    given = [name for name in (port.argument, port.species_argument) if name in calculator.kwargs]
    if given:
        yield (
            f'Input `parameters` names `calculator.kwargs.{given[0]}`, which is taken from the input `potential`: '
            'leave one of them out.'
        )
    if potential.family not in port.families:
        yield (
            f'Input `potential` is a potential of the family `{potential.family}`, but the calculator '
            f'`{calculator.name}` understands {", ".join(f"`{family}`" for family in port.families)}.'
        )
        return
    if calculator.known.runs_model and not (calculator.trust_model or potential.is_torchscript):
        yield (
            'Input `potential` holds a model that is not in TorchScript, which can run any code on the computer of the '
            'job: add `trust_model: true` to the calculator if you know who made it.'
        )
    yield from faults_of_potential('potential', potential, family=potential.family)


@lru_cache(maxsize=64)
def _look_for(target: str, kwargs: str) -> str | None:
    """Return what `explain_target` does.

    :param target: ``module:attribute``.
    :param kwargs: keyword arguments as JSON.
    """
    module, _, attribute = target.partition(':')
    argument = json.dumps([module, attribute, json.loads(kwargs)])
    try:
        process = subprocess.run(
            [sys.executable, '-c', _LOOK, argument], capture_output=True, text=True, check=True, timeout=LOOK_SECONDS
        )
        answer: str | None = json.loads(process.stdout)
    except (subprocess.SubprocessError, ValueError):  # it crashes or hangs here; it may be sound on the other computer
        return ABSENT
    return answer


def _list(numbers: Any) -> str:
    return ' or '.join(str(number) for number in numbers)
