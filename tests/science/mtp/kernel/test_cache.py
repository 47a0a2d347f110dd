"""Compiled kernels are never older than their source."""

import os
import subprocess
import sys
import time

import pytest

CALLER = """
from numba import njit
from pair.called import called

@njit(cache=True)
def caller():
    return called() + 1

print(caller())
"""
CALLED = """
from numba import njit

@njit(cache=True)
def called():
    return {value}
"""
FORGET = """
from pathlib import Path
from aiida_seimlip.science.mtp.kernel.cache import forget_stale_kernels
forget_stale_kernels(Path('pair'))
"""


@pytest.mark.parametrize(('before', 'expected'), [(FORGET, '21'), ('', '11')], ids=['forgotten', 'numba alone'])
def test_a_function_called_from_another_module_is_compiled_anew(tmp_path, before, expected):
    """numba alone goes on with the old one."""
    folder = tmp_path / 'pair'
    folder.mkdir()
    (folder / 'caller.py').write_text(CALLER)
    environment = {**os.environ, 'PYTHONDONTWRITEBYTECODE': '1'}
    environment.pop('NUMBA_CACHE_DIR', None)

    def run(value):
        (folder / 'called.py').write_text(CALLED.format(value=value))
        process = subprocess.run(
            [sys.executable, '-c', before + 'import pair.caller'], cwd=tmp_path, env=environment, text=True,
            capture_output=True, check=True, timeout=120,
        )  # fmt: skip
        return process.stdout.strip()

    assert run(10) == '11'
    time.sleep(0.05)  # longer than the tick of the clock of a file system
    assert run(20) == expected
