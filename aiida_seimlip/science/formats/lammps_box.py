"""The box of a snapshot, as LAMMPS' dumps give it."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np


def box_from_bounds(flags: Sequence[str], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return cell, origin and periodicity of a box as a dump gives it: by bounds that enclose a tilted one.

    :param flags: words behind ``ITEM: BOX BOUNDS``.
    :param rows: the three lines that follow, in Å; shape (3, 2), or (3, 3) with tilts.
    :raises ValueError: if the box has no volume, or is neither orthogonal nor a restricted triclinic one.
    """
    xy, xz, yz = rows[:, 2] if is_tilted(flags) else (0.0, 0.0, 0.0)
    low = rows[:, 0] - [min(0.0, xy, xz, xy + xz), min(0.0, yz), 0.0]
    high = rows[:, 1] - [max(0.0, xy, xz, xy + xz), max(0.0, yz), 0.0]
    lengths = high - low
    if not np.all(lengths > 0) or not np.prod(lengths) > 1e-6:
        raise ValueError('The box has no volume.')
    cell = np.array([[lengths[0], 0.0, 0.0], [xy, lengths[1], 0.0], [xz, yz, lengths[2]]])
    return cell, low, np.array([flag == 'pp' for flag in flags[-3:]])


def general_box(flags: Sequence[str], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return cell, origin and periodicity of a general triclinic box.

    :param flags: words behind ``ITEM: BOX BOUNDS``: ``abc origin`` and three boundary conditions.
    :param rows: the three lines that follow: a cell vector and a component of the origin each, in Å; shape (3, 4).
    :raises ValueError: if the box has no volume, or the boundary conditions are none.
    """
    if len(flags) != 5 or any(not re.fullmatch('[pfsm]{2}', flag) for flag in flags[2:]):
        raise ValueError('The boundary conditions of the box are not understood.')
    cell, origin = rows[:, :3], rows[:, 3]
    if not abs(np.linalg.det(cell)) > 1e-6:
        raise ValueError('The box has no volume.')
    return cell, origin, np.array([flag == 'pp' for flag in flags[2:]])


def is_tilted(flags: Sequence[str]) -> bool:
    """Return whether the lines behind these flags hold tilts.

    :param flags: words behind ``ITEM: BOX BOUNDS``.
    :raises ValueError: if the box is neither orthogonal nor a restricted triclinic one.
    """
    tilted = list(flags[:3]) == ['xy', 'xz', 'yz']
    flags = flags[3:] if tilted else flags
    if len(flags) != 3 or any(not re.fullmatch('[pfsm]{2}', flag) for flag in flags):
        raise ValueError('The box is neither orthogonal nor a restricted triclinic one.')
    return tilted
