"""The arrays of `Frames`: what they are called, their types and shapes, and the hash of their content."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import numpy as np

HASH_DECIMALS = 6
"""Positions and cells are rounded to 1e-6 Å before a frame is hashed."""

PER_ATOM = ('numbers', 'positions', 'forces', 'velocities')
PER_FRAME = (
    'cells', 'pbc', 'energies', 'stresses', 'grades', 'methods', 'energy_kinds', 'features', 'origin_uuids',
    'origin_indices', 'origin_steps',
)  # fmt: skip
TEXTS = ('methods', 'energy_kinds', 'features')
"""Arrays of texts of any length; an empty text is an unknown."""

LABELS = ('energies', 'forces', 'stresses', 'methods', 'energy_kinds')
ENERGY_KINDS = ('', 'free', 'sigma0')

DTYPES: dict[str, Any] = {
    'numbers': np.int32, 'positions': float, 'ptr': np.int64, 'cells': float, 'pbc': bool, 'energies': float,
    'forces': float, 'stresses': float, 'grades': float, 'velocities': float, 'methods': str, 'energy_kinds': str,
    'features': str, 'origin_uuids': 'U36', 'origin_indices': np.int64, 'origin_steps': np.int64,
}  # fmt: skip
TRAILING = {
    'positions': (3,), 'forces': (3,), 'velocities': (3,), 'cells': (3, 3), 'pbc': (3,), 'stresses': (6,),
}  # fmt: skip


def unknown_array(name: str, length: int) -> np.ndarray:
    """Return an array of unknown values."""
    shape = (length, *TRAILING.get(name, ()))
    unknown = {**dict.fromkeys(TEXTS, ''), 'origin_uuids': '', 'origin_indices': -1, 'origin_steps': -1}
    fill: object = unknown.get(name, np.nan)
    return np.full(shape, fill, dtype=DTYPES[name])


def content_hashes(
    numbers: np.ndarray, positions: np.ndarray, ptr: np.ndarray, cells: np.ndarray, pbc: np.ndarray
) -> list[str]:
    """Return a content hash for each frame (see `Frames.hashes`)."""
    scale = 10.0**HASH_DECIMALS
    numbers = numbers.astype('<i8')
    positions = np.rint(positions * scale).astype('<i8')
    cells = np.rint(cells * scale).astype('<i8')
    pbc = pbc.astype('<i8')
    return [
        hashlib.sha256(
            b''.join((
                numbers[start:stop].tobytes(), cells[index].tobytes(), pbc[index].tobytes(),
                positions[start:stop].tobytes(),
            ))
        ).hexdigest()
        for index, (start, stop) in enumerate(itertools.pairwise(ptr))
    ]  # fmt: skip
