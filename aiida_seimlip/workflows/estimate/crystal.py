"""What a property of crystals is going to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.crystal.elastic import ElasticOptions
from aiida_seimlip.options.crystal.equation_of_state import EquationOfStateOptions
from aiida_seimlip.options.crystal.phonon import PhononOptions
from aiida_seimlip.options.crystal.property import PropertyOptions
from aiida_seimlip.options.crystal.relaxation import RelaxationOptions
from aiida_seimlip.science.cost import frames_bytes
from aiida_seimlip.workflows.estimate.plan import LABELLED, Plan, Work

OPTIONS: dict[str, type[PropertyOptions]] = {
    'relax': RelaxationOptions, 'eos': EquationOfStateOptions, 'elastic': ElasticOptions, 'phonon': PhononOptions,
}  # fmt: skip
"""Models of the options of the properties in an atlas, by name."""


def plan_property(options_class: type[PropertyOptions], inputs: Mapping[str, Any]) -> Plan:
    """Return what a property of crystals does at most, until all relaxations have converged.

    :param options_class: model of the options of the property.
    :param inputs: of the `CrystalPropertyWorkChain`.
    """
    settings = options_class.from_node(inputs['options'])
    crystals = [settings.geometry_of(name) for name in settings.crystals]
    crystals += [get_frame(node).to_atoms()[0] for node in (inputs.get('structures') or {}).values()]
    n_atoms = sum(map(len, crystals))
    sizes = [size for atoms in crystals for size in settings.sizes_of_frames(atoms)]
    n_bytes = sum(frames_bytes(1, size, LABELLED) for size in sizes)
    works = []
    for name in inputs['models']:
        socket = name
        if settings.minimum is not None:
            steps = settings.minimum.max_steps
            stored = sum(frames_bytes(1, len(atoms), LABELLED) for atoms in crystals)
            works.append(Work(f'relax with {name}', socket, 1, steps, atom_steps=steps * n_atoms, n_bytes=stored))
        for ions in settings.ions_of_frames:
            label = f'{len(sizes)} frames, ions {ions}, with {name}'
            per_frame = 1 if ions == 'clamped' else settings.max_steps_of_ions
            works.append(
                Work(label, socket, 1, len(sizes) * per_frame, atom_steps=sum(sizes) * per_frame, n_bytes=n_bytes)
            )
    note = 'The steps are the limits of the optimisers; relaxations that converge take a fraction of them.'
    return Plan(tuple(works), is_limit=True, notes=(note,))


def plan_atlas(inputs: Mapping[str, Any]) -> Plan:
    """Return what all properties do at most.

    :param inputs: of `AtlasWorkChain`.
    """
    shared = {key: inputs[key] for key in ('structures', 'models') if key in inputs}
    plans = {
        name: plan_property(options, {**shared, 'options': inputs[name]})
        for name, options in OPTIONS.items() if name in inputs
    }  # fmt: skip
    works = [replace(work, name=f'{name}: {work.name}') for name, plan in plans.items() for work in plan.works]
    notes = tuple(dict.fromkeys(note for plan in plans.values() for note in plan.notes))
    return Plan(tuple(works), is_limit=True, notes=notes)
