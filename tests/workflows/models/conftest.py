"""Models whose errors are known, and starts."""

import sys

import pytest
from aiida import orm
from ase.build import bulk

from aiida_seimlip.data.frames import FramesData

SIGMA = 3.4


@pytest.fixture
def python(code):
    """Return a Python interpreter with ASE."""
    return code('seimlip.ase', sys.executable)


@pytest.fixture
def lennard_jones(python):
    """Return a factory of models of argon, whose energies and forces are multiples: ``lennard_jones(1.1)``."""

    def factory(depth=1.0, **options):
        kwargs = {'sigma': SIGMA, 'epsilon': 0.0104 * depth, 'rc': 8.0}
        calculator = {'name': 'lj', 'kwargs': kwargs, **options}
        return {'code': python, 'parameters': orm.Dict({'calculator': calculator})}

    return factory


@pytest.fixture
def dynamics(python, lennard_jones):
    """Return the settings of dynamics with ASE and the shallower model."""
    return {
        'engines': {'dynamics': 'ase'}, 'dynamics': {'code': python, 'parameters': lennard_jones()['parameters']},
    }  # fmt: skip


@pytest.fixture
def argon():
    """Return argon in a cell of 4 atoms."""
    return FramesData.from_atoms([bulk('Ar', a=5.3, cubic=True)])


@pytest.fixture
def neon():
    """Return neon in a cell of 8 atoms, which the models take for argon in a wider cell."""
    return FramesData.from_atoms([bulk('Ne', a=5.4, cubic=True) * (2, 1, 1)])
