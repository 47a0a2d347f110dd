"""Folders of DeePMD with their `set.*/*.npy`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from aiida_seimlip.exchange.readers.found import Part, ReadOptions, Tally
from aiida_seimlip.science.formats.deepmd import is_deepmd, read_deepmd

ROLES = {'energies': ('energy', 'energy.npy'), 'forces': ('forces', 'force.npy'), 'stresses': ('stress', 'virial.npy')}


def is_folder(path: Path, head: bytes) -> bool:
    """Tell a folder of systems by their `type.raw`."""
    return is_deepmd(path)


def read_folder(path: Path, options: ReadOptions) -> Part:
    """Read all systems in a folder.

    :param path: of the folder.
    :param options: species in type order, for systems that do not name them, and the method.
    :raises FormatError: if it is not sound.
    """
    found = read_deepmd(path, options.species or None)
    frames = found.frames
    tally = Tally(notes=Counter(dict.fromkeys(found.notes, len(frames))))
    for name, (role, key) in ROLES.items():
        values = getattr(frames, name)
        if values is not None:
            known = np.isfinite(values).reshape(len(values), -1).all(axis=1)
            count = np.logical_and.reduceat(known, frames.ptr[:-1]) if name == 'forces' else known
            tally.used[role] = Counter({key: int(count.sum())})
    features = [{'source_system': system, 'source_index': str(index)} for system, index in found.sources]
    return Part(frames.with_features(features), tally)
