"""When a program has to stop by itself."""

import pytest

from aiida_seimlip.calculations.walltime import time_limit


@pytest.mark.parametrize(('wallclock', 'limit'), [(None, None), (60, 55.0), (3600, 3480.0), (86400, 86280.0), (4, 2.0)])
def test_time_limit(wallclock, limit):
    assert time_limit(wallclock) == limit
