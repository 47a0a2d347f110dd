"""Calcfunctions that lay out the runs of a diffusivity."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.transport.diffusivity import DiffusivityOptions
from aiida_seimlip.options.transport.results import temperature_key
from aiida_seimlip.science.seeds import derive_seed
from aiida_seimlip.science.structures.cells import describe_vacuum


class Purpose(IntEnum):
    """What a seed is for: the first step on its path."""

    VELOCITIES = 0
    ESTIMATE = 1
    FIT = 2


@calcfunction
def prepare_start(structure: orm.Data) -> FramesData:
    """Make one frame at rest, without labels, of the start.

    :param structure: `StructureData`, or `FramesData` of one frame.
    :raises ValueError: if there are several frames.
    """
    if isinstance(structure, FramesData):
        frames = structure.get_frames(trace=True)
    else:
        frames = get_frame(structure)
    if len(frames) != 1:
        raise ValueError(f'The start must be one frame, but there are {len(frames)}.')
    at_rest = np.zeros_like(frames.positions)
    return FramesData(frames.without_labels().replace(velocities=at_rest, grades=None))


def warn_about_vacuum(structure: orm.Data, settings: DiffusivityOptions) -> list[str]:
    """Return a sentence if the start has a vacuum and the cell is free to change: nothing holds it there.

    :param structure: one frame, or a structure.
    :param settings: of the diffusivity.
    """
    frame, ensemble = get_frame(structure), settings.dynamics.ensemble
    width = describe_vacuum(frame.positions, frame.cells[0]) if frame.pbc.all() else None
    if width is None or not ensemble.startswith('npt'):
        return []
    return [
        f'The start has {width}, where nothing holds the cell that `{ensemble}` sets free: it may swell, tilt or '
        'collapse. Run it at constant volume (`nvt`).'
    ]


@calcfunction
def plan_diffusivity(options: orm.Dict, **groups: Any) -> dict[str, Any]:
    """Lay out the runs: at each temperature as many as there are replicas, each with a seed of its own.

    A seed depends on the seed of the options, the temperature and the number of the replica: who adds temperatures or
    replicas gets the same runs as before, and new ones.

    :param options: of the diffusivity (`DiffusivityOptions`).
    :param groups: if wanted, ``engine`` with ``parameters`` of the program.
    :return: ``plan`` (``runs``: ``key``, ``temperature``, ``replica``, ``seed``), and ``parameters`` of ``parity`` and
        of each ``<key>_equilibration`` and ``<key>_production``.
    """
    settings = DiffusivityOptions.from_node(options)
    engine = groups['engine']['parameters'].get_dict() if 'engine' in groups else {}
    runs, parameters = [], {}
    for temperature in settings.temperatures:
        for replica in range(settings.replicas):
            key = temperature_key(temperature, replica)
            seed = derive_seed(settings.seed, Purpose.VELOCITIES, millikelvin(temperature), replica)
            runs.append({'key': key, 'temperature': temperature, 'replica': replica, 'seed': seed})
            parameters.update({
                f'{key}_{phase}': orm.Dict({**engine, **content})
                for phase, content in dynamics_parameters(settings, temperature, seed).items()
            })  # fmt: skip
    first = next(iter(parameters.values())).get_dict()
    parameters['parity'] = orm.Dict({**first, 'ensemble': 'nve', 'n_steps': 0, 'velocities': 'keep', 'mobile': []})
    return {'plan': orm.Dict({'runs': runs}), 'parameters': parameters}


def dynamics_parameters(settings: DiffusivityOptions, temperature: float, seed: int) -> dict[str, dict[str, Any]]:
    """Return the parameters of the jobs of a run, as `DynamicsOptions`.

    :param settings: of the diffusivity.
    :param temperature: in K.
    :param seed: of the run.
    :return: ``equilibration``, unless it has no steps, and ``production``.
    """
    dynamics = settings.dynamics
    names = ('ensemble', 'pressure', 'timestep', 'thermostat_damping', 'barostat_damping', 'thermo_every')
    common = {'temperature': temperature, 'seed': seed, **{name: getattr(dynamics, name) for name in names}}
    production = {
        **common, 'velocities': 'create', 'n_steps': dynamics.production_steps, 'mobile': settings.mobile,
        'track_every': dynamics.track_every, 'dump_every': dynamics.dump_every,
    }  # fmt: skip
    if not dynamics.equilibration_steps:
        return {'production': production}
    equilibration = {
        **production, 'n_steps': dynamics.equilibration_steps, 'mobile': [],
        'dump_every': dynamics.equilibration_steps,
    }  # fmt: skip
    return {'equilibration': equilibration, 'production': {**production, 'velocities': 'keep'}}


def millikelvin(temperature: float) -> int:
    """Return a temperature as a step of the path to a seed.

    :param temperature: in K.
    """
    return round(1000.0 * temperature)
