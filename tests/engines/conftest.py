"""A small world for engines: neon and argon, with the forces of Lennard and Jones."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aiida_seimlip.testing import world
from aiida_seimlip.testing.world import DYNAMICS, LENNARD_JONES, SPECIES, image, labelled
from tests.espresso.fixtures import SCHEDULER

__all__ = ('DYNAMICS', 'LENNARD_JONES', 'SPECIES', 'image', 'labelled', 'recorded')


MACE = {
    'atom_energies': {'Ne': 0.0, 'Ar': 0.0}, 'r_max': 5.5, 'num_channels': 8, 'max_num_epochs': 40, 'max_ell': 1,
    'num_radial_basis': 6, 'validation_fraction': 0.08, 'default_dtype': 'float64',
}  # fmt: skip
"""Settings with which MACE learns the forces of this world in a few seconds."""


@pytest.fixture(autouse=True)
def _keep_reports(reports_in_database: None) -> None:
    """Keep what processes report, which many tests look at."""


@pytest.fixture(scope='session')
def trained() -> Any:
    """Return a trained moment tensor potential of level 6 with its active set, and its training frames."""
    return world.trained()


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


def recorded_with_derivatives() -> dict[str, Any]:
    """Return the same with the frames of which forces and stresses are tested."""
    from aiida_seimlip.data.frames import FramesData

    found = recorded()
    found['sources']['derivatives'] = FramesData.from_atoms(
        [labelled(atoms) for atoms in world.derivative_images(image(1))[1:]]
    )
    return found


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
        ('reference', 'replay'): recorded_with_derivatives,
        ('reference', 'vasp'): lambda: {
            'code': request.getfixturevalue('vasp_code'), 'options': orm.Dict(VASP_SCHEDULER),
            'parameters': orm.Dict({'potential_family': request.getfixturevalue('potcar_family')}),
        },
        ('reference', 'quantumespresso'): lambda: {
            'code': request.getfixturevalue('pw_code'), 'options': orm.Dict(SCHEDULER),
            'parameters': orm.Dict({'potential_family': request.getfixturevalue('pseudo_family'), 'kspacing': 1.5}),
        },
        ('training', 'mlip3'): lambda: {
            'code': code('seimlip.mlip3.train', 'seimlip-mlp'), 'parameters': orm.Dict({'iteration_limit': 30}),
        },
        ('training', 'mace'): lambda: {
            'code': request.getfixturevalue('mace_code'), 'parameters': orm.Dict(MACE),
        },
        ('selection', 'mlip3'): lambda: {'code': code('seimlip.mlip3.select', 'seimlip-mlp')},
        ('exploration', 'lammps'): lambda: {'code': code('seimlip.lammps', 'seimlip-lmp')},
        ('path', 'ase'): lambda: {
            'code': code('seimlip.ase', sys.executable),
            'parameters': orm.Dict({'calculator': {'name': 'lj', 'kwargs': LENNARD_JONES}, 'fmax': 0.01}),
        },
        ('path', 'vasp'): lambda: {
            'code': request.getfixturevalue('vasp_code'), 'options': orm.Dict(VASP_SCHEDULER),
            'parameters': orm.Dict({'potential_family': request.getfixturevalue('potcar_family'), 'fmax': 0.01}),
        },
        ('condensation', 'ase'): lambda: {
            'code': code('seimlip.ase', sys.executable),
            'parameters': orm.Dict({'calculator': {'name': 'lj', 'kwargs': LENNARD_JONES}}),
        },
        ('dynamics', 'ase'): lambda: {
            'code': code('seimlip.ase', sys.executable), 'parameters': orm.Dict({'calculator': {'name': 'mtp'}}),
        },
        ('dynamics', 'lammps'): lambda: {'code': code('seimlip.lammps', 'seimlip-lmp')},
    }  # fmt: skip
    return lambda socket, name: known[socket, name]()
