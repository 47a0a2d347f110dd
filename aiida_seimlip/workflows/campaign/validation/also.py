"""The settings of what learns from the same labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiida import orm

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.functions.campaign.warnings import empty_potential
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.workflows.campaign.also import ALSO, OWN_PORTS
from aiida_seimlip.workflows.campaign.validation.calls import renamed


def faults_of_also(inputs: Mapping[str, Any], species: Sequence[str]) -> Iterator[str]:
    """Look for an engine that is not installed, and for settings that it or its jobs would refuse at the end."""
    given = inputs.get(ALSO)
    if not given:
        return
    if 'engine' not in given:
        yield f'Input `{ALSO}.engine` is missing: the name of a training engine, such as `mace`.'
        return
    try:
        engine: Any = load_engine('training', given['engine'].value)
    except ValueError as exception:
        yield f'Input `{ALSO}.engine` is wrong: {exception}'
        return
    settings = {name: value for name, value in given.items() if name not in OWN_PORTS}
    fault = engine.explain_settings(ALSO, settings, species=species)
    if fault is not None:
        yield fault
        return
    options = ActiveLearningOptions.from_node(inputs['options'])
    call = dict(settings)
    if engine.needs_start():
        call['start'] = PotentialData.from_mtp(empty_potential(options, species))
    if options.lone_atoms is not None:
        parameters = settings['parameters'].get_dict() if 'parameters' in settings else {}
        call['parameters'] = orm.Dict({**parameters, 'atom_energies': dict.fromkeys(species, 0.0)})
    yield from renamed(engine.faults_of_call(call), ALSO, settings, start='species')
