"""Kernels that were compiled before the source changed."""

from __future__ import annotations

import contextlib
from pathlib import Path

_FOLDER = Path(__file__).parent


def forget_stale_kernels(folder: Path = _FOLDER) -> None:
    """Remove compiled kernels that are older than any module beside them.

    numba looks at the module of a function only, not at those of the functions that it calls.

    :param folder: of the modules; compiled kernels are in its ``__pycache__``.
    """
    changed = max(path.stat().st_mtime for path in folder.glob('*.py'))
    for index in folder.glob('__pycache__/*.nbi'):
        with contextlib.suppress(OSError):  # another process may be faster, or own it
            if index.stat().st_mtime < changed:
                index.unlink()
