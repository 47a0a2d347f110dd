"""What can be wrong with the inputs of runs in a field: found at submission, told in one sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from aiida import orm

from aiida_seimlip.data.charges import faults_of_charges, load_charges, store_charges
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import elements_of, faults_of_structure, get_frame
from aiida_seimlip.engines.contract import SocketWorkChain, load_engine
from aiida_seimlip.functions.interface.plan import (
    charges_by_label,
    equilibration_parameters,
    explain_charges,
    find_mobile,
    labels_of,
    production_parameters,
)
from aiida_seimlip.options.interface.field import FieldOptions
from aiida_seimlip.options.transport.diffusivity import TransportEngines
from aiida_seimlip.science.structures.labels import LabelError, explain_shared_label
from aiida_seimlip.workflows.transport.parity import faults_of_evaluation

DYNAMICS = 'dynamics'


def validate_field(inputs: Mapping[str, Any], _: Any) -> str | None:
    """Check the inputs of runs in a field against each other.

    :param inputs: all inputs.
    :return: one sentence that names the input at fault, or None if all is well.
    """
    if any(name not in inputs for name in ('structure', 'options', 'potential')):
        return None  # the ports themselves say so
    if FieldOptions.explain(inputs['options'], 'options'):
        return None
    return next(find_faults(inputs, FieldOptions.from_node(inputs['options'])), None)


def find_faults(inputs: Mapping[str, Any], options: FieldOptions) -> Iterator[str]:
    """Yield one sentence for each input that is wrong.

    :param inputs: all inputs.
    :param options: among them.
    """
    faults = list(_faults_of_structure(inputs))
    yield from faults
    if not faults:
        yield from _faults_of_labels(inputs, options)
        yield from _faults_of_engine(inputs, options)
        yield from faults_of_evaluation(inputs)


def _faults_of_structure(inputs: Mapping[str, Any]) -> Iterator[str]:
    structure, potential = inputs['structure'], inputs['potential']
    if isinstance(structure, FramesData) and structure.n_frames != 1:
        yield f'Input `structure` holds {structure.n_frames} frames, but the start is one.'
        return
    yield from faults_of_structure('structure', structure, periodic='molecular dynamics', moves=True)
    if not potential.is_trained:
        yield 'Input `potential` is a potential that is not trained.'
    lacking = [element for element in elements_of(structure) if element not in potential.species]
    if lacking:
        yield (
            f'Input `structure` holds {", ".join(lacking)}, which the potential of the input `potential`, for '
            f'{list(potential.species)}, does not know.'
        )


def _faults_of_labels(inputs: Mapping[str, Any], options: FieldOptions) -> Iterator[str]:
    """Look for rules that hold for no atom, ions that are not there, and charges that no field may act on."""
    structure = inputs['structure']
    try:
        labels = labels_of(structure, options)
    except LabelError as exception:
        yield f'Input `options` is wrong in its `labels`: {exception}'
        return
    symbols = get_frame(structure).to_atoms()[0].get_chemical_symbols()
    strange = [
        name
        for name in options.mobile
        if not find_mobile(labels, symbols, options.model_copy(update={'mobile': [name]})).any()
    ]
    strange += sorted({label for part in options.parts.values() for label in part} - set(labels))
    if strange:
        yield f'Input `options` names {", ".join(strange)}, of which the input `structure` has no atom.'
    yield from _faults_of_charges(inputs, options, labels)


def _faults_of_charges(inputs: Mapping[str, Any], options: FieldOptions, labels: tuple[str, ...]) -> Iterator[str]:
    sources = [name for name in ('charges', 'qeq') if getattr(options, name) is not None]
    given = (['the input `charges`'] if 'charges' in inputs else []) + [f'`{name}` of `options`' for name in sources]
    if len(given) != 1:
        what = f'{" and ".join(given)} are given' if given else 'none is given'
        yield f'One source of charges is needed: the input `charges`, or `charges` or `qeq` of `options`; {what}.'
        return
    frame = get_frame(inputs['structure'])
    symbols = list(frame.to_atoms()[0].symbols)
    if options.qeq is not None:
        lacking = sorted(set(symbols) - set(options.qeq.parameters['elements']))
        if lacking:
            yield f'Input `options` has no parameters of charge equilibration (`qeq`) for {", ".join(lacking)}.'
        shared = explain_shared_label(frame, labels) if options.qeq.average == 'label' else None
        if shared is not None:
            yield f'Input `options` is wrong: {shared}'
        return
    if 'charges' in inputs:
        faults = list(faults_of_charges('charges', inputs['charges'], len(symbols)))
        yield from faults
        if faults:
            return
        name, charges = 'charges', load_charges(inputs['charges'])
    else:
        try:
            name, charges = 'options', charges_by_label(labels, symbols, options.charges or {})
        except LabelError as exception:
            yield f'Input `options` is wrong in its `charges`: {exception}'
            return
    reason = explain_charges(frame, labels, charges)
    if reason is not None:
        yield f'Input `{name}` is wrong: {reason}'


def _faults_of_engine(inputs: Mapping[str, Any], options: FieldOptions) -> Iterator[str]:
    name = TransportEngines.from_node(inputs.get('engines')).dynamics
    try:
        engine = load_engine(DYNAMICS, name)
    except ValueError as exception:
        yield f'Input `engines` is wrong: {exception}'
        return
    if not getattr(engine, 'knows_fields', False):
        yield f'Input `engines` names `{name}`, an engine that knows no electric field; `lammps` does.'
        return
    message = engine.explain_settings(
        DYNAMICS, inputs.get(DYNAMICS, {}), given_later=('parameters',), species=elements_of(inputs['structure'])
    )
    yield from [message] if message is not None else []
    if message is None:
        yield from _faults_of_runs(engine, inputs, options)


def _faults_of_runs(engine: type[SocketWorkChain], inputs: Mapping[str, Any], options: FieldOptions) -> Iterator[str]:
    """Look for an engine without fields, and for anything else that it would refuse."""
    settings = dict(inputs.get(DYNAMICS, {}))
    own = settings['parameters'].get_dict() if 'parameters' in settings else {}
    elements = elements_of(inputs['structure'])
    phases = {'production': production_parameters(options, options.fields[0], 1, elements)}
    equilibration = equilibration_parameters(options, 1)
    if equilibration is not None:
        phases['equilibration'] = equilibration
    for phase, content in phases.items():
        error = engine.spec().inputs['parameters'].validate(orm.Dict({**own, **content}), (DYNAMICS,))
        if error is not None:
            yield f'Input `{DYNAMICS}.parameters` or `options` is wrong for the {phase}: {error.message}'
            return
    neutral = store_charges(np.zeros(get_frame(inputs['structure']).numbers.size))
    first = orm.Dict({**own, **phases['production'], 'velocities': 'create'})
    data = {'structure': inputs['structure'], 'potential': inputs['potential'], 'charges': neutral}
    error = engine.spec().inputs.validate({**settings, **data, 'parameters': first})
    if error is not None:
        yield f'The engine `{engine.__name__}` refuses the inputs: {error.message}'
