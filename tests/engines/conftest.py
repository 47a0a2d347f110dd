"""A small world for engines: neon and argon, with the forces of Lennard and Jones."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones

SPECIES = ('Ne', 'Ar')
LENNARD_JONES = {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}


def image(seed: int, scale: float = 0.15, strain: float = 0.02) -> Atoms:
    """Return a displaced and strained cell of eight atoms, monoclinic so that no symmetry hides a mistake."""
    rng = np.random.default_rng(seed)
    atoms = bulk('Ar', a=5.3, cubic=True) * (2, 1, 1)
    atoms.symbols[::4] = 'Ne'
    cell = atoms.cell.array
    cell[2, 0] = 1.0
    atoms.set_cell(cell @ (np.eye(3) + rng.normal(scale=strain, size=(3, 3))), scale_atoms=True)
    atoms.positions += rng.normal(scale=scale, size=(8, 3))
    return atoms


def labelled(atoms: Atoms) -> Atoms:
    """Return the same cell with the labels that the reference program ought to give."""
    atoms.calc = LennardJones(**LENNARD_JONES)
    atoms.get_potential_energy()
    atoms.get_stress()
    return atoms


@pytest.fixture(scope='session')
def trained() -> Any:
    """Return a trained moment tensor potential of level 6 with its active set, and its training frames."""
    from aiida_seimlip.science.frames import Frames
    from aiida_seimlip.science.mtp.grade import build_active_set
    from aiida_seimlip.science.mtp.levels import untrained
    from aiida_seimlip.science.mtp.training import TrainingOptions, train

    frames = Frames.from_atoms([labelled(image(seed)) for seed in range(12)])
    start = untrained(6, SPECIES, min_dist=2.0, max_dist=5.2)
    potential = train(start, frames, TrainingOptions(iteration_limit=40)).potential
    return build_active_set(potential, frames), frames


@pytest.fixture
def potential(trained) -> Any:
    """Return the trained potential as a node."""
    from aiida_seimlip.data.potential import PotentialData

    return PotentialData.from_mtp(trained[0]).store()


@pytest.fixture
def training(trained) -> dict[str, Any]:
    """Return the training set in two nodes."""
    from aiida_seimlip.data.frames import FramesData

    return {'one': FramesData(trained[1][:5]).store(), 'two': FramesData(trained[1][5:]).store()}


DYNAMICS = {'temperature': 30.0, 'n_steps': 20, 'sample_every': 10, 'seed': 4, 'timestep': 4.0}
"""Settings of reference dynamics, from the images 1 and 2."""


def recorded() -> dict[str, Any]:
    """Return what an earlier campaign has left: labelled frames in two sets, and samples of dynamics."""
    from aiida import orm

    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.science.frames import Frames

    sets = {'one': [1, 5], 'two': [3, 2]}
    starts = FramesData.from_atoms([image(1), image(2)])
    samples = Frames.from_atoms([labelled(image(seed)) for seed in (21, 22, 23, 24)]).replace(
        origin_uuids=np.full(4, starts.uuid), origin_indices=np.array([0, 0, 1, 1]),
        origin_steps=np.array([10, 20, 10, 20]),
    )  # fmt: skip
    return {
        'sources': {
            name: FramesData.from_atoms([labelled(image(seed)) for seed in seeds]) for name, seeds in sets.items()
        },
        'trajectories': {
            'first': {'frames': starts, 'dynamics': orm.Dict(DYNAMICS), 'samples': FramesData(samples)},
        },
    }  # fmt: skip


VASP_SCHEDULER = {'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 1}, 'withmpi': False}


@pytest.fixture
def settings(code, request) -> Callable[[str, str], dict[str, Any]]:
    """Return a function that gives an engine its settings, with the programs that come with the package."""
    from aiida import orm

    known = {
        ('reference', 'ase'): lambda: {
            'code': code('seimlip.ase', sys.executable),
            'parameters': orm.Dict({'calculator': {'name': 'lj', 'kwargs': LENNARD_JONES}}),
        },
        ('reference', 'replay'): recorded,
        ('reference', 'vasp'): lambda: {
            'code': request.getfixturevalue('vasp_code'), 'options': orm.Dict(VASP_SCHEDULER),
            'parameters': orm.Dict({'potential_family': request.getfixturevalue('potcar_family')}),
        },
        ('training', 'mlip3'): lambda: {
            'code': code('seimlip.mlip3.train', 'seimlip-mlp'), 'parameters': orm.Dict({'iteration_limit': 30}),
        },
        ('selection', 'mlip3'): lambda: {'code': code('seimlip.mlip3.select', 'seimlip-mlp')},
        ('exploration', 'lammps'): lambda: {'code': code('seimlip.lammps', 'seimlip-lmp')},
        ('path', 'ase'): lambda: {
            'code': code('seimlip.ase', sys.executable),
            'parameters': orm.Dict({'calculator': {'name': 'lj', 'kwargs': LENNARD_JONES}}),
        },
        ('path', 'vasp'): lambda: {
            'code': request.getfixturevalue('vasp_code'), 'options': orm.Dict(VASP_SCHEDULER),
            'parameters': orm.Dict({'potential_family': request.getfixturevalue('potcar_family')}),
        },
        ('dynamics', 'ase'): lambda: {
            'code': code('seimlip.ase', sys.executable), 'parameters': orm.Dict({'calculator': {'name': 'mtp'}}),
        },
        ('dynamics', 'lammps'): lambda: {'code': code('seimlip.lammps', 'seimlip-lmp')},
    }  # fmt: skip
    return lambda socket, name: known[socket, name]()
