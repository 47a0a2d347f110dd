"""The packed arrays of `Frames` in a file of NumPy, as ``frames export`` writes them."""

from __future__ import annotations

import dataclasses
import zipfile
from pathlib import Path

import numpy as np

from aiida_seimlip.exchange.readers.found import Part, ReadError, ReadOptions, Tally
from aiida_seimlip.science.frames import Frames, FramesError


def is_packed(path: Path, head: bytes) -> bool:
    """Tell a file by the arrays that are always there."""
    if not head.startswith(b'PK'):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return {'numbers.npy', 'positions.npy', 'ptr.npy', 'cells.npy'} <= set(archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def read_packed(path: Path, options: ReadOptions) -> Part:
    """Read a file.

    :param path: of the file.
    :param options: not needed.
    :raises ReadError: if an array is not what it is called.
    """
    names = {field.name for field in dataclasses.fields(Frames)}
    tally = Tally()
    try:
        with np.load(path, allow_pickle=False) as archive:
            frames = Frames(**{name: archive[name] for name in archive.files if name in names})
            tally.left_out.update(name for name in archive.files if name not in names)
    except (ValueError, OSError, EOFError, TypeError, zipfile.BadZipFile, FramesError) as exception:
        raise ReadError(f'its arrays are not frames: {exception}') from exception
    return Part(frames, tally)
