"""A campaign of seconds, and its archives: neon and argon, with the forces of Lennard and Jones as the reference."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from aiida import orm
from aiida.engine import run_get_node

from tests.workflows.conftest import SPECIES, crystal

MD = {'timestep': 4.0, 'n_steps': 150, 'dump_every': 15, 'thermo_every': 50, 'thermostat_damping': 200.0}
OVERRIDES = {
    'options': {
        'seed': 11, 'max_iterations': 1, 'max_labels': 60,
        'untrained': {'level': 6, 'min_dist': 2.0, 'max_dist': 5.2},
        'bootstrap': {
            'n_perturbed': 5, 'temperatures': [20.0], 'strain': 0.01, 'ion_stiffness': 0.2,
            'dynamics': {'temperatures': [20.0], 'n_steps': 20, 'sample_every': 10, 'timestep': 4.0},
        },
        'exploration': {'conditions': [{**MD, 'temperature': 50.0}]},
        'filters': {'min_distance': 2.0, 'max_force': 5.0},
        'selection': {'max_frames': 6},
        'held_out': {'conditions': [{**MD, 'temperature': 3.0, 'n_steps': 60}], 'n_frames': 4, 'discard': 0.0},
    },
    'reference': {
        'parameters': {
            'calculator': {'name': 'lj', 'kwargs': {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}}
        }
    },
    'training': {'parameters': {'iteration_limit': 30}},
}  # fmt: skip

_RUN: dict[str, Any] = {}


def toy_codes(code: Callable[..., Any]) -> dict[str, Any]:
    """Return the codes of the programs that come with the package."""
    return {
        'reference': code('seimlip.ase', sys.executable), 'training': code('seimlip.mlip3.train', 'seimlip-mlp'),
        'exploration': code('seimlip.lammps', 'seimlip-lmp'),
    }  # fmt: skip


def toy_campaign(code: Callable[..., Any]) -> orm.WorkChainNode:
    """Return the campaign, which is run once for all tests."""
    if 'node' not in _RUN:
        from aiida_seimlip.workflows.active_learning import ActiveLearningWorkChain

        builder = ActiveLearningWorkChain.get_builder_from_protocol(
            toy_codes(code), {'crystal': orm.StructureData(ase=crystal())}, species=SPECIES, protocol='demo',
            overrides=OVERRIDES,
        )  # fmt: skip
        _, _RUN['node'] = run_get_node(builder)
        assert _RUN['node'].process_state.value == 'finished'
        assert _RUN['node'].exit_status in (0, 400), _RUN['node'].exit_message
    node: orm.WorkChainNode = _RUN['node']
    return node
