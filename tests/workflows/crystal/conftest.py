"""Models for crystals."""

import sys

import pytest
from aiida import orm


@pytest.fixture
def emt(code):
    """Return the model EMT, of which derivatives can be taken in the test as well."""
    return {'code': code('seimlip.ase', sys.executable), 'parameters': orm.Dict({'calculator': {'name': 'emt'}})}


@pytest.fixture
def lennard_jones(code):
    """Return a factory of models whose lengths are multiples of the same: ``lennard_jones(1.02)``."""
    python = code('seimlip.ase', sys.executable)

    def factory(scale=1.0, epsilon=0.1):
        kwargs = {'sigma': 2.75 * scale, 'epsilon': epsilon, 'rc': 7.0 * scale, 'smooth': False}
        return {'code': python, 'parameters': orm.Dict({'calculator': {'name': 'lj', 'kwargs': kwargs}})}

    return factory
