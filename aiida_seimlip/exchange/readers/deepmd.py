"""Folders of DeePMD."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from aiida_seimlip.exchange.readers.found import SOURCE_FILE, SOURCE_INDEX, Part, ReadOptions, Tally
from aiida_seimlip.science.formats.deepmd import is_deepmd, read_deepmd

VIRIAL = 'virial.npy'


def is_folder(path: Path, head: bytes) -> bool:
    """Tell a folder of DeePMD by the files in it, or in folders below it."""
    return path.is_dir() and is_deepmd(path)


def read_folder(path: Path, options: ReadOptions) -> Part:
    """Read all systems in a folder.

    :param path: of the folder.
    :param options: names the elements of the types, where the folder does not.
    :raises FormatError: if a system is not sound.
    """
    found = read_deepmd(path, options.species or None)
    frames = found.frames
    tally = Tally(notes=Counter(dict.fromkeys(found.notes, len(frames))))
    if frames.energies is not None:
        tally.used['energy'] = Counter({'energy.npy': int(np.isfinite(frames.energies).sum())})
    if frames.forces is not None:
        known = frames.frame_of_atom[np.isfinite(frames.forces).all(axis=1)]
        tally.used['forces'] = Counter({'force.npy': np.unique(known).size})
    if frames.stresses is not None:
        tally.used['stress'] = Counter({VIRIAL: int(np.isfinite(frames.stresses).all(axis=1).sum())})
    elif any(path.rglob(VIRIAL)):
        tally.lost[VIRIAL] = len(frames)
    name = path.resolve().name
    features = [
        {SOURCE_FILE: name if system == '.' else f'{name}/{system}', SOURCE_INDEX: str(index)}
        for system, index in found.sources
    ]
    return Part(frames.with_features(features), tally)
