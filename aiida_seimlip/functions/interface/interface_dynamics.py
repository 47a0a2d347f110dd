"""Calcfunctions of `InterfaceWorkChain` on dynamics: where it starts, and what became of the layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.model_jobs import NOT_REACHED
from aiida_seimlip.options.interface.interface import InterfaceOptions
from aiida_seimlip.options.interface.interface_dynamics import InterfaceDynamicsOptions
from aiida_seimlip.options.interface.interface_results import (
    InterfaceComparison,
    InterfaceDynamicsComparison,
    InterfaceDynamicsRecord,
    InterfaceEntry,
    TextureRecord,
)
from aiida_seimlip.science.analysis.layers import LayerProfile, layer_profile
from aiida_seimlip.science.analysis.order import (
    LATTICES,
    LocalOrder,
    Texture,
    describe_change,
    find_local_order,
    find_texture,
)
from aiida_seimlip.science.frames import Frames

LAST = 0.25
"""Share of the samples that tells what there is at the end."""


@calcfunction
def choose_starts(properties: orm.Dict, relaxed: FramesData, results: orm.Dict, model: orm.Str) -> FramesData:
    """Return the interfaces of lowest energy that a model has relaxed, in the order of the interfaces.

    :param properties: as `InterfaceComparison`.
    :param relaxed: what the job has made that relaxed the interfaces.
    :param results: of that job.
    :param model: its name.
    """
    found = InterfaceComparison.model_validate(properties.get_dict())
    places = {index: place for place, index in enumerate(results['indices'])}
    frames = relaxed.get_frames()
    chosen = []
    begin = 0
    for entry in found.interfaces:
        record = entry.models.get(model.value)
        if record is not None and record.best is not None:
            chosen.append(places[begin + 2 + record.best])
        begin += 2 + len(entry.candidates) if entry.candidates else 0
    origin = {
        'origin_uuids': np.full(len(chosen), relaxed.uuid), 'origin_indices': np.array(chosen, dtype=int),
        'origin_steps': None,
    }  # fmt: skip
    return FramesData(frames[chosen].without_labels().replace(**origin) if chosen else Frames.empty())


@calcfunction
def measure_dynamics(options: orm.Dict, properties: orm.Dict, **groups: Any) -> dict[str, orm.Data]:
    """Return profiles of layers and the order of a metal along trajectories.

    :param options: as `InterfaceOptions`, with `dynamics`.
    :param properties: as `InterfaceComparison`.
    :param groups: ``models``: by name ``starts`` and the outputs of the job of dynamics, as far as there are.
    :return: ``dynamics`` as `InterfaceDynamicsComparison`, ``profiles``: arrays by model and interface, see
        `profile_arrays`.
    """
    settings = InterfaceOptions.from_node(options).dynamics
    found = InterfaceComparison.model_validate(properties.get_dict())
    assert settings is not None
    runs: list[InterfaceDynamicsRecord] = []
    arrays: dict[str, np.ndarray] = {}
    for model, outputs in groups['models'].items():
        entries = [
            (number, entry) for number, entry in enumerate(found.interfaces)
            if model in entry.models and entry.models[model].best is not None
        ]  # fmt: skip
        starts = outputs['starts'].get_frames().to_atoms()
        failures = outputs['failures'].get_dict() if 'failures' in outputs else {}
        samples = list(_samples(outputs, len(starts)))
        for place, (number, entry) in enumerate(entries):
            record = InterfaceDynamicsRecord(interface=entry.name, model=model)
            runs.append(record)
            record.failure = failures.get(str(place))
            steps, images = samples[place]
            if not images:
                record.failure = record.failure or NOT_REACHED
                continue
            record.times_ps = [step * settings.timestep / 1000.0 for step in (0.0, *steps)]
            _find_order(record, found, entry, [starts[place], *images])
            arrays |= {
                f'{model}_{number}_{name}': array for name, array in profile_arrays(settings, starts[place], images)
            }
    comparison = InterfaceDynamicsComparison(runs=runs)
    made: dict[str, orm.Data] = {'dynamics': orm.Dict(comparison.model_dump(mode='json'))}
    return {**made, 'profiles': orm.ArrayData(arrays)} if arrays else made


def profile_arrays(
    settings: InterfaceDynamicsOptions, start: Atoms, images: Sequence[Atoms]
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the arrays of profiles by name.

    ``heights`` in Å; ``begin_density_X`` and ``end_density_X`` of each element X in 1/Å³, ``begin_coordination`` and
    ``end_coordination``: of the relaxed interface, and the mean of the last quarter of the samples.

    :param settings: bins and the distance of neighbours.
    :param start: the relaxed interface.
    :param images: samples of the dynamics.
    """
    shared = {'bin_width': settings.bin_width, 'cutoff': settings.cutoff}
    parts: dict[str, LayerProfile] = {
        'begin': layer_profile([start], **shared), 'end': layer_profile(_last(images), **shared)
    }  # fmt: skip
    yield 'heights', parts['begin'].heights
    for name, profile in parts.items():
        yield f'{name}_coordination', profile.coordination
        for symbol, density in profile.densities.items():
            yield f'{name}_density_{symbol}', density


def _find_order(
    record: InterfaceDynamicsRecord, found: InterfaceComparison, entry: InterfaceEntry, images: Sequence[Atoms]
) -> None:
    """Enter what became of the metal, if there is one.

    :param record: to enter it into.
    :param found: which side is which crystal.
    :param entry: how many atoms each side has.
    :param images: the relaxed interface, and the samples.
    """
    sides = {
        found.film: np.arange(entry.n_substrate_atoms, entry.n_substrate_atoms + entry.n_film_atoms),
        found.substrate: np.arange(entry.n_substrate_atoms),
    }
    metals = {name: members for name, members in sides.items() if len(set(images[0].numbers[members])) == 1}
    if not metals:
        return
    record.metal, members = next(iter(metals.items()))
    orders = [find_local_order(atoms, members) for atoms in images]
    record.shares = {lattice: [order.share(lattice) for order in orders] for lattice in LATTICES}
    begin, end = find_texture(orders[0]), find_texture(_joined(_last(orders)))
    record.begin, record.end = _texture(begin), _texture(end)
    record.sentence = describe_change(begin, end, metal=images[0].symbols[members[0]])


def _samples(outputs: Mapping[str, Any], n_starts: int) -> Iterator[tuple[list[int], list[Atoms]]]:
    """Yield the steps and the samples of each trajectory, none where there are none."""
    if 'labelled' not in outputs:
        yield from (([], []) for _ in range(n_starts))
        return
    frames = outputs['labelled'].get_frames()
    indices, steps = np.array(outputs['results']['indices']), frames.origin_steps
    for place in range(n_starts):
        chosen = np.flatnonzero(indices == place)
        yield [int(steps[index]) for index in chosen], frames[chosen].to_atoms() if chosen.size else []


def _last(images: Sequence[Any]) -> Sequence[Any]:
    """Return the last part of the samples."""
    return images[-max(int(np.ceil(LAST * len(images))), 1) :]


def _joined(orders: Sequence[LocalOrder]) -> LocalOrder:
    return LocalOrder(
        np.concatenate([order.lattices for order in orders]), np.concatenate([order.axes for order in orders])
    )


def _texture(texture: Texture) -> TextureRecord:
    known = texture.face is not None
    return TextureRecord(
        lattice=texture.lattice, share=texture.share, face=texture.face,
        face_share=texture.face_share if known else None, angle_degrees=texture.angle if known else None,
    )  # fmt: skip
