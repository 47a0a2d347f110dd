"""Calcfunctions that lay out a campaign: starts, first frames, and the parameters of each exploration.

They hold every random number of a campaign: each run gets a seed of its own, derived from the seed in the options.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import cycle, islice
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.functions.campaign.warnings import empty_potential
from aiida_seimlip.options.ase import MdOptions
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.exploration import ExplorationConditions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.seeds import derive_seed
from aiida_seimlip.science.structures.thermal import thermal_perturbations


class Purpose(IntEnum):
    """What a seed is for: the first step on its path."""

    PERTURB = 0
    DYNAMICS = 1
    EXPLORE = 2
    HELD_OUT = 3
    STRAIN = 4
    CHOOSE = 5


@calcfunction
def prepare_starts(**structures: Any) -> dict[str, FramesData]:
    """Make one node of one frame of each start.

    :param structures: `StructureData`, or `FramesData` of any number of frames.
    :return: a frame for each, under the same name, with its index appended where there are many.
    """
    return {name: FramesData(frame) for key, node in structures.items() for name, frame in name_frames(key, node)}


@calcfunction
def generate_untrained(species: orm.List, options: orm.Dict) -> PotentialData:
    """Make a moment tensor potential without coefficients.

    :param species: chemical symbols in type order.
    :param options: of the campaign (`ActiveLearningOptions`).
    """
    settings = ActiveLearningOptions.from_node(options)
    return PotentialData.from_mtp(empty_potential(settings, species.get_list()))


@calcfunction
def plan_bootstrap(options: orm.Dict, **starts: FramesData) -> dict[str, orm.Data]:
    """Lay out the frames of the first training set.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param starts: one frame each.
    :return: ``perturbed`` (frames to label), ``dynamics_starts`` and ``dynamics`` (frames to run reference dynamics
        from, and how), as far as the options ask for them.
    """
    settings = ActiveLearningOptions.from_node(options)
    frames = [starts[name].get_frames(trace=True) for name in sorted(starts)]
    outputs: dict[str, orm.Data] = {}
    if settings.bootstrap.n_perturbed:
        outputs['perturbed'] = FramesData(_perturb(settings, frames))
    if settings.bootstrap.dynamics is not None:
        dynamics = settings.bootstrap.dynamics
        temperatures = [temperature for temperature in dynamics.temperatures for _ in frames]
        outputs['dynamics_starts'] = FramesData(Frames.concatenate(frames * len(dynamics.temperatures)))
        outputs['dynamics'] = orm.Dict(
            MdOptions(
                temperature=temperatures, n_steps=dynamics.n_steps, sample_every=dynamics.sample_every,
                timestep=dynamics.timestep, friction=dynamics.friction, velocities='create',
                seed=derive_seed(settings.seed, Purpose.DYNAMICS),
            ).to_dict()
        )  # fmt: skip
    return outputs


@calcfunction
def plan_explorations(options: orm.Dict, iteration: orm.Int, **groups: Any) -> dict[str, Any]:
    """Lay out the explorations of one iteration: each start under all conditions.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param iteration: number of the iteration.
    :param groups: ``starts`` (frames by name) and, if wanted, ``engine`` with ``parameters`` of the program,
        ``left_out`` with ``names``: the starts that are explored no more, and ``length`` with ``part``: that of their
        steps that all explorations do.
    :return: ``plan`` and ``parameters`` for each exploration in it.
    """
    settings = ActiveLearningOptions.from_node(options)
    return _plan(settings, settings.exploration.conditions, (Purpose.EXPLORE, iteration.value), groups)


@calcfunction
def plan_held_out(options: orm.Dict, **groups: Any) -> dict[str, Any]:
    """Lay out the explorations that the held-out frames are drawn from.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param groups: as in `plan_explorations`.
    :return: as in `plan_explorations`.
    """
    settings = ActiveLearningOptions.from_node(options)
    if settings.held_out is None:
        raise ValueError('The options ask for no held-out frames.')
    path = (Purpose.HELD_OUT, settings.first_iteration) if settings.first_iteration else (Purpose.HELD_OUT,)
    return _plan(settings, settings.held_out.conditions, path, groups)


def exploration_parameters(
    settings: ActiveLearningOptions, conditions: ExplorationConditions, seed: int, engine: Mapping[str, Any]
) -> dict[str, Any]:
    """Return all parameters of an exploration.

    :param settings: of the campaign.
    :param conditions: of the run.
    :param seed: of the run.
    :param engine: what else the program is told; it cannot overrule the conditions.
    """
    known = {key: value for key, value in conditions.to_dict().items() if value is not None}
    return {
        **engine, **known, 'seed': seed, 'threshold_save': settings.exploration.threshold_save,
        'threshold_break': settings.exploration.threshold_break,
    }  # fmt: skip


def shorten(condition: ExplorationConditions, length: float) -> ExplorationConditions:
    """Return a condition of fewer steps, of which the last one is kept in any case.

    :param condition: that of the whole run.
    :param length: the part of its steps.
    """
    if length == 1:
        return condition
    n_steps = max(1, round(length * condition.n_steps))
    every = {name: getattr(condition, name) for name in ('dump_every', 'thermo_every')}
    kept = {name: min(value, n_steps) for name, value in every.items() if value is not None}
    return condition.model_copy(update={'n_steps': n_steps, **kept})


def _plan(
    settings: ActiveLearningOptions,
    conditions: Sequence[ExplorationConditions],
    path: tuple[int, ...],
    groups: Mapping[str, Any],
) -> dict[str, Any]:
    engine = groups.get('engine', {}).get('parameters')
    left_out = groups.get('left_out', {}).get('names')
    names = set() if left_out is None else set(left_out.get_list())
    length = groups['length']['part'].value if 'length' in groups else 1.0
    conditions = [shorten(condition, length) for condition in conditions]
    explorations, parameters = [], {}
    for number, (index, condition, position, start) in enumerate(_pairs(conditions, sorted(groups['starts']))):
        if start in names:
            continue
        key = f'run_{number:03d}'
        seed = derive_seed(settings.seed, *path, position, index)
        content = exploration_parameters(settings, condition, seed, {} if engine is None else engine.get_dict())
        parameters[key] = orm.Dict(content)
        explorations.append({
            'key': key, 'start': start, 'condition': condition.label, 'condition_index': index, 'seed': seed,
            'temperature': condition.temperature, 'ensemble': condition.ensemble, 'pressure': condition.pressure,
            'n_steps_asked': condition.n_steps, 'length': length,
        })  # fmt: skip
    return {'plan': orm.Dict({'explorations': explorations}), 'parameters': parameters}


def _pairs(
    conditions: Sequence[ExplorationConditions], starts: Sequence[str]
) -> Iterator[tuple[int, ExplorationConditions, int, str]]:
    for index, condition in enumerate(conditions):
        for position, start in enumerate(starts):
            yield index, condition, position, start


def name_frames(name: str, node: orm.Data) -> Iterator[tuple[str, Frames]]:
    """Yield each frame of an input, without labels, and its name: with its index appended where there are many.

    :param name: of the input.
    :param node: `StructureData`, or `FramesData` of any number of frames.
    """
    frames = _frames_of(node).without_labels()
    for index in range(len(frames)):
        yield (name if len(frames) == 1 else f'{name}_{index:03d}'), frames[index]


def _frames_of(node: orm.Data) -> Frames:
    if isinstance(node, FramesData):
        return node.get_frames(trace=True)
    frames = get_frame(node)
    return frames.replace(origin_uuids=np.array([node.uuid]), origin_indices=np.array([0]))


def _perturb(settings: ActiveLearningOptions, frames: Sequence[Frames]) -> Frames:
    """Return perturbed copies of each frame, with seeds of their own."""
    options = settings.bootstrap
    images = []
    for position, frame in enumerate(frames):
        images += thermal_perturbations(
            frame.to_atoms()[0], list(islice(cycle(options.temperatures), options.n_perturbed)), strain=options.strain,
            seed=derive_seed(settings.seed, Purpose.PERTURB, position), bond_stiffness=options.bond_stiffness,
            unit_stiffness=options.unit_stiffness, ion_stiffness=options.ion_stiffness,
        )  # fmt: skip
    return Frames.from_atoms(images)
