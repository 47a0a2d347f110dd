"""What an interface is going to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.interface.interface import InterfaceOptions
from aiida_seimlip.science.cost import frames_bytes
from aiida_seimlip.workflows.estimate.plan import LABELLED, Plan, Work

NOTE = 'The steps are the limits of the optimisers; relaxations that converge take a fraction of them.'
RIGID = (
    'Interfaces are those of the crystals as they are given; the minima of a model may match otherwise, and have other '
    'numbers of shifts.'
)


def plan_interface(inputs: Mapping[str, Any]) -> Plan:
    """Return what an interface does at most, until all relaxations have converged.

    :param inputs: of the `InterfaceWorkChain`.
    """
    settings = InterfaceOptions.from_node(inputs['options'])
    crystals = {name: settings.geometry_of(name) for name in settings.crystals}
    crystals |= {name: get_frame(node).to_atoms()[0] for name, node in (inputs.get('structures') or {}).items()}
    interfaces, _ = settings.plan(crystals[settings.film], crystals[settings.substrate])
    points = [len(point.atoms) for point in settings.scan(interfaces)]
    sizes = [(len(interface.bulks[0]), len(interface.bulks[1])) for interface in interfaces]
    layers = [size for pair in sizes for size in pair]
    whole = [sum(pair) for pair in sizes for _ in range(settings.n_relaxed)]
    cells, slabs = (layers, [*layers, *whole]) if settings.has_vacuum else ([*layers, *whole], layers)
    works = []
    scanning = settings.scan_model or f'one model of {len(inputs["models"])}'
    for name in inputs['models']:
        if settings.minimum is not None:
            n_atoms, steps = sum(map(len, crystals.values())), settings.minimum.max_steps
            stored = sum(frames_bytes(1, len(atoms), LABELLED) for atoms in crystals.values())
            works.append(Work(f'relax with {name}', name, 1, steps, atom_steps=steps * n_atoms, n_bytes=stored))
    works.append(
        Work(
            f'scan {len(points)} frames with {scanning}', 'scan', 1, len(points), atom_steps=sum(points), unit='frames',
            n_bytes=sum(frames_bytes(1, size, LABELLED) for size in points),
        )
    )  # fmt: skip
    steps = settings.relaxation_of_ions.max_steps
    for name in inputs['models']:
        for what, frames in (('without vacuum', cells), ('with vacuum', slabs)):
            stored = sum(frames_bytes(1, size, LABELLED) for size in frames)
            label = f'relax {len(frames)} frames {what} with {name}'
            works.append(
                Work(label, name, 1, len(frames) * steps, atom_steps=sum(frames) * steps, n_bytes=stored)
            )  # fmt: skip
    if settings.dynamics is not None:
        n_steps, n_samples = settings.dynamics.n_steps, settings.dynamics.n_steps // settings.dynamics.sample_every
        n_atoms = sum(map(sum, sizes))
        stored = sum(frames_bytes(n_samples, sum(pair), LABELLED) for pair in sizes)
        works += [
            Work(
                f'dynamics of {len(sizes)} interfaces with {name}', name, 1, n_steps * len(sizes),
                atom_steps=n_steps * n_atoms, n_bytes=stored,
            )
            for name in inputs['models']
        ]  # fmt: skip
    return Plan(tuple(works), is_limit=True, notes=(NOTE, RIGID))
