"""Makes executables of the stand-ins that are Python scripts."""

from __future__ import annotations

import shlex
import sys
import uuid
from pathlib import Path

STAND_INS = Path(__file__).parent


def make_program(folder: Path, script: str, **environment: str) -> Path:
    """Write an executable that runs a stand-in with the Python of the tests.

    :param folder: where to write.
    :param script: name of the stand-in, without ``.py``.
    :param environment: variables to set for it.
    """
    path = folder / f'{script}-{uuid.uuid4().hex[:8]}'
    exports = [f'export {name}={shlex.quote(value)}' for name, value in environment.items()]
    call = f'exec {shlex.quote(sys.executable)} {shlex.quote(str(STAND_INS / f"{script}.py"))} "$@"'
    path.write_text('\n'.join(['#!/bin/sh', *exports, call, '']))
    path.chmod(0o755)
    return path
