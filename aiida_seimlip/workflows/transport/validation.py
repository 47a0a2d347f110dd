"""What can be wrong with the inputs of a diffusivity: found at submission, told in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import elements_of, faults_of_structure
from aiida_seimlip.engines.contract import SocketWorkChain, load_engine
from aiida_seimlip.functions.transport.diffusivity import dynamics_parameters
from aiida_seimlip.options.transport.diffusivity import DiffusivityOptions, TransportEngines
from aiida_seimlip.workflows.transport.parity import faults_of_evaluation

DYNAMICS = 'dynamics'


def validate_diffusivity(inputs: Mapping[str, Any], _: Any) -> str | None:
    """Check the inputs of a diffusivity against each other.

    :param inputs: all inputs.
    :return: one sentence that names the input at fault, or None if all is well.
    """
    if any(name not in inputs for name in ('structure', 'options')):
        return None  # the ports themselves say so
    if DiffusivityOptions.explain(inputs['options'], 'options'):
        return None
    return next(find_faults(inputs, DiffusivityOptions.from_node(inputs['options'])), None)


def find_faults(inputs: Mapping[str, Any], options: DiffusivityOptions) -> Iterator[str]:
    """Yield one sentence for each input that is wrong.

    :param inputs: all inputs.
    :param options: among them.
    """
    yield from _faults_of_structure(inputs, options)
    yield from _faults_of_potential(inputs)
    yield from _faults_of_engine(inputs, options)
    yield from faults_of_evaluation(inputs)


def _faults_of_structure(inputs: Mapping[str, Any], options: DiffusivityOptions) -> Iterator[str]:
    structure = inputs['structure']
    if isinstance(structure, FramesData) and structure.n_frames != 1:
        yield f'Input `structure` holds {structure.n_frames} frames, but the start is one.'
        return
    yield from faults_of_structure('structure', structure, periodic='molecular dynamics', moves=True)
    elements = elements_of(structure)
    lacking = [symbol for symbol in options.mobile if symbol not in elements]
    if lacking:
        yield f'Input `options` names {", ".join(lacking)} as `mobile`, which the input `structure` lacks.'


def _faults_of_potential(inputs: Mapping[str, Any]) -> Iterator[str]:
    potential = inputs.get('potential')
    if potential is None:
        return
    if not potential.is_trained:
        yield 'Input `potential` is a potential that is not trained.'
    lacking = [element for element in elements_of(inputs['structure']) if element not in potential.species]
    if lacking:
        yield (
            f'Input `structure` holds {", ".join(lacking)}, which the potential of the input `potential`, for '
            f'{list(potential.species)}, does not know.'
        )


def _faults_of_engine(inputs: Mapping[str, Any], options: DiffusivityOptions) -> Iterator[str]:
    name = TransportEngines.from_node(inputs.get('engines')).dynamics
    try:
        engine = load_engine(DYNAMICS, name)
    except ValueError as exception:
        yield f'Input `engines` is wrong: {exception}'
        return
    settings = inputs.get(DYNAMICS, {})
    message = engine.explain_settings(
        DYNAMICS, settings, given_later=('parameters',), species=elements_of(inputs['structure'])
    )
    yield from [message] if message is not None else []
    if message is None:
        yield from _faults_of_runs(engine, inputs, options)


def _faults_of_runs(
    engine: type[SocketWorkChain], inputs: Mapping[str, Any], options: DiffusivityOptions
) -> Iterator[str]:
    """Look for conditions that the engine does not understand, and for anything else that it would refuse."""
    settings = dict(inputs.get(DYNAMICS, {}))
    given = settings['parameters'].get_dict() if 'parameters' in settings else {}
    data = {name: inputs[name] for name in ('structure', 'potential') if name in inputs}
    for temperature in options.temperatures:
        phases = dynamics_parameters(options, temperature, seed=1)
        for phase, content in phases.items():
            error = engine.spec().inputs['parameters'].validate(orm.Dict({**given, **content}), (DYNAMICS,))
            if error is not None:
                yield (
                    f'Input `{DYNAMICS}.parameters` or `options` is wrong for the {phase} at {temperature:g} K: '
                    f'{error.message}'
                )
                return
    first = orm.Dict({**given, **next(iter(phases.values()))})
    error = engine.spec().inputs.validate({**settings, **data, 'parameters': first})
    if error is not None:
        yield f'The engine `{engine.__name__}` refuses the inputs: {error.message}'
