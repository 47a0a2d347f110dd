"""The conformance kit: what an engine of a socket has to do, as tests that it inherits.

A package that registers an engine ``seimlip.<socket>.<engine>`` holds it to the contract of its socket by a class in a
test file, run by pytest with AiiDA's fixtures (``pytest_plugins = ['aiida.tools.pytest_fixtures']``)::

    class TestMyCode(ReferenceContract):
        engine = 'mycode'

        @pytest.fixture
        def settings(self, aiida_code_installed):
            return {'code': aiida_code_installed(...), 'parameters': orm.Dict({...})}

The engines of this package are held to the same classes.
"""

from __future__ import annotations

try:
    import pytest
except ImportError as error:
    raise ImportError('aiida_seimlip.testing is made of tests: it needs pytest (pip install pytest).') from error

_MODULES = ('condensation', 'dynamics', 'engine', 'exploration', 'path', 'reference', 'selection', 'training')
pytest.register_assert_rewrite(*(f'{__name__}.{module}' for module in _MODULES))

from aiida_seimlip.testing.condensation import CondensationContract  # noqa: E402
from aiida_seimlip.testing.dynamics import DynamicsContract  # noqa: E402
from aiida_seimlip.testing.engine import EngineContract  # noqa: E402
from aiida_seimlip.testing.exploration import ExplorationContract  # noqa: E402
from aiida_seimlip.testing.path import PathContract  # noqa: E402
from aiida_seimlip.testing.reference import ReferenceContract  # noqa: E402
from aiida_seimlip.testing.selection import SelectionContract  # noqa: E402
from aiida_seimlip.testing.training import TrainingContract  # noqa: E402

__all__ = (
    'CondensationContract', 'DynamicsContract', 'EngineContract', 'ExplorationContract', 'PathContract',
    'ReferenceContract', 'SelectionContract', 'TrainingContract',
)  # fmt: skip
