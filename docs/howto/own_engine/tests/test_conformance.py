import pytest
from aiida import orm

from aiida_seimlip.testing import ReferenceContract


class TestMyCode(ReferenceContract):
    engine = 'mycode'

    @pytest.fixture
    def settings(self):
        return {'parameters': orm.Dict({'sigma': 3.4, 'epsilon': 0.0104, 'cutoff': 6.0})}
