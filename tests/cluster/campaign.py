"""A campaign as small as can be: neon and argon, Lennard-Jones labels, a potential of level 6."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from typing import Any

from ase import Atoms

from tests.workflows.conftest import SPECIES, crystal

MD = {'timestep': 4.0, 'n_steps': 100, 'dump_every': 20, 'thermo_every': 50, 'thermostat_damping': 200.0}
OVERRIDES: dict[str, Any] = {
    'options': {
        'seed': 11, 'max_iterations': 2, 'max_labels': 60,
        'untrained': {'level': 6, 'min_dist': 2.0, 'max_dist': 5.2},
        'bootstrap': {'n_perturbed': 8, 'temperatures': [20.0], 'strain': 0.01, 'ion_stiffness': 0.2},
        'exploration': {'conditions': [{**MD, 'temperature': 15.0}, {**MD, 'temperature': 50.0}], 'rising': False},
        'filters': {'min_distance': 2.0, 'max_force': 5.0},
        'selection': {'max_frames': 6},
        'held_out': None,
    },
    'reference': {
        'parameters': {
            'calculator': {'name': 'lj', 'kwargs': {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}}
        }
    },
    'training': {'parameters': {'iteration_limit': 20}},
}  # fmt: skip


def starts() -> dict[str, Atoms]:
    """Return the structures to begin with."""
    return {'crystal': crystal()}


def build_campaign(codes: Mapping[str, Any], options: Mapping[str, Any] | None = None, **inputs: Any) -> Any:
    """Return a builder of `ActiveLearningWorkChain`.

    :param codes: by socket: reference, training, exploration.
    :param options: replace those of `OVERRIDES`, key by key.
    :param inputs: set on the builder besides.
    """
    from aiida import orm

    from aiida_seimlip.workflows.campaign.active_learning import ActiveLearningWorkChain

    overrides = copy.deepcopy(OVERRIDES)
    overrides['options'] |= options or {}
    structures = {name: orm.StructureData(ase=atoms) for name, atoms in starts().items()}
    builder = ActiveLearningWorkChain.get_builder_from_protocol(
        dict(codes), structures, species=SPECIES, protocol='demo', overrides=overrides
    )
    for name, value in inputs.items():
        setattr(builder, name, value)
    return builder


def wait_for_end(node: Any, daemon: Any, timeout: float = 1200.0) -> None:
    """Wait until a process has terminated.

    :param timeout: s; on a busy machine everything takes many times as long.
    :raises TimeoutError: if it runs longer; the message has the states of what it called and the log of the daemon.
    """
    end = time.monotonic() + timeout
    while not node.is_terminated:
        if time.monotonic() > end:
            raise TimeoutError(f'{node} runs after {timeout} s.\n{describe(node)}\n{daemon.log[-5000:]}')
        time.sleep(1.0)


def describe(node: Any) -> str:
    """Return the states of a process and all that it called, a line each."""
    lines = [
        f'{one.pk} {one.process_label} {one.process_state} {one.exit_status} {one.process_status or ""}'
        for one in [node, *node.called_descendants]
    ]
    return '\n'.join(lines)
