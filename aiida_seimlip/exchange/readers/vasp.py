"""Calculations of VASP: `vasprun.xml` and `OUTCAR`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from aiida_seimlip.exchange.readers.found import SOURCE_INDEX, Part, ReadError, ReadOptions, Tally
from aiida_seimlip.science.formats.vasp.found import ENERGY_KIND, VaspFrames
from aiida_seimlip.science.formats.vasp.outcar import read_outcar
from aiida_seimlip.science.formats.vasp.vasprun import read_vasprun

NOT_TOLD = 'VASP'
"""The method of a file that does not tell which functional it is: whoever knows better is right."""


def is_vasprun(path: Path, head: bytes) -> bool:
    """Tell a vasprun.xml by its root."""
    return b'<modeling' in head[:1000]


def is_outcar(path: Path, head: bytes) -> bool:
    """Tell an OUTCAR by the version of VASP in its first lines."""
    return head.lstrip().startswith(b'vasp.') or b'\n vasp.' in head[:500]


def read_vasprun_file(path: Path, options: ReadOptions) -> Part:
    """Read each calculation of a vasprun.xml as a frame, without those that have not converged.

    :param path: of the file.
    :param options: a method, where the file does not tell it.
    :raises ReadError: if no calculation can be used.
    :raises FormatError: if it is no vasprun.xml.
    """
    return _read(read_vasprun, path, options)


def read_outcar_file(path: Path, options: ReadOptions) -> Part:
    """Read each calculation of an OUTCAR as a frame, without those that have not converged.

    :param path: of the file.
    :param options: a method, where the file does not tell it.
    :raises ReadError: if no calculation can be used.
    :raises FormatError: if it is no OUTCAR.
    """
    return _read(read_outcar, path, options)


def _read(read: Callable[[str | Path], VaspFrames], path: Path, options: ReadOptions) -> Part:
    found = read(path)
    reasons = Counter(found.left_out.values())
    number = len(found.frames)
    if not number:
        told = '; '.join(f'{reason} ({count})' for reason, count in reasons.most_common())
        raise ReadError(f'none of its calculations can be used: {told or "there is none"}')
    tally = Tally(notes=Counter(dict.fromkeys(found.notes, number)))
    tally.notes.update({f'A calculation is left out. {reason}': count for reason, count in reasons.items()})
    for role, key in (('energy', 'free energy'), ('forces', 'forces')):
        tally.used[role] = Counter({key: number})
    frames = found.frames
    if frames.stresses is not None:
        tally.used['stress'] = Counter({'stress': int(np.isfinite(frames.stresses).all(axis=1).sum())})
    is_open = found.method == NOT_TOLD or found.may_be_more
    method = options.method if is_open and options.method else found.method
    frames = frames.computed_by(method, ENERGY_KIND)
    return Part(frames.with_features([{SOURCE_INDEX: str(index)} for index in found.indices]), tally)
