"""A small interphase: argon and neon, condensed and labelled by the Lennard-Jones potential."""

from __future__ import annotations

import sys
from typing import Any

import pytest

ARGON = {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}
LJ = {'calculator': {'name': 'lj', 'kwargs': ARGON}}
DYNAMICS = {'ensemble': 'nvt', 'timestep': 2.0, 'n_steps': 100, 'dump_every': 50, 'thermo_every': 50}

OVERRIDES: dict[str, Any] = {
    'options': {'seed': 3, 'levels': [8], 'left_out': ['pure'], 'lattices': None},
    'campaign': {
        'options': {
            'max_iterations': 2, 'max_labels': 60,
            'untrained': {'level': 6, 'min_dist': 2.0, 'max_dist': 5.0},
            'bootstrap': {'n_perturbed': 4, 'max_labels': None},
            'filters': {'min_distance': 1.5, 'max_grade': 1000.0, 'max_force': None},
            'exploration': {'conditions': [{**DYNAMICS, 'temperature': 20.0}]},
            'held_out': {'n_frames': 4, 'conditions': [{**DYNAMICS, 'temperature': 20.0}]},
        },
        'reference': {'parameters': {**LJ, 'processes': 1}},
        'training': {'parameters': {'iteration_limit': 20}},
    },
}  # fmt: skip
"""What makes seconds of the protocol `laptop`."""


@pytest.fixture
def codes(code) -> dict[str, Any]:
    """Return a code for each job."""
    python = code('seimlip.ase', sys.executable)
    return {
        'condensation': python, 'reference': python, 'teacher': python, 'relaxation': python,
        'training': code('seimlip.mlip3.train', 'seimlip-mlp'), 'exploration': code('seimlip.lammps', 'seimlip-lmp'),
    }  # fmt: skip


@pytest.fixture
def structures() -> dict[str, Any]:
    """Return two starts of different composition."""
    from ase.build import bulk

    from aiida_seimlip.data.frames import FramesData

    mixed = bulk('Ar', 'fcc', a=5.3, cubic=True).repeat((2, 2, 2))
    pure = mixed.copy()
    mixed.symbols[::4] = 'Ne'
    return {'mixed': FramesData.from_atoms([mixed]), 'pure': FramesData.from_atoms([pure])}
