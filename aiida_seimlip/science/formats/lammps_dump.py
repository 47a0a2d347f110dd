"""Trajectories that LAMMPS' ``dump custom`` writes as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.lammps_dump_reader import DumpReader, Snapshot, TruncatedDumpError
from aiida_seimlip.science.formats.source import load_source
from aiida_seimlip.science.frames import Frames


@dataclass(frozen=True, eq=False)
class LammpsDump:
    """A trajectory, in LAMMPS' frame.

    :param frames: the snapshots, atoms in the order of their ids, MD steps in ``origin_steps``; positions are unwrapped
        if the dump has unwrapped columns or image flags, and the origin of the box is not subtracted from them.
    :param truncated: whether the last snapshot was incomplete, as a killed job leaves it; it is left out.
    :param problem: why reading ended before the end of the file (only with ``salvage``), or None.
    """

    frames: Frames
    truncated: bool = False
    problem: str | None = None


def read_dump(
    source: str | Path | bytes | BinaryIO,
    species: Sequence[str] | None,
    *,
    name: str | None = None,
    salvage: bool = False,
) -> LammpsDump:
    """Read a trajectory written by ``dump custom`` or ``write_dump ... custom``.

    Its columns must include ``id``, positions, and ``type`` or ``element``. The box may be orthogonal, restricted
    triclinic or general triclinic (``abc origin``).

    :param source: a path, or the content as bytes or a binary stream.
    :param species: chemical symbols in type order; with None, the column ``element`` tells what each atom is.
    :param name: name of the file for messages; the path by default.
    :param salvage: end at the first damaged snapshot (NaN after a crash, for example) and report it as `problem`,
        instead of raising.
    :raises FormatError: if a snapshot is damaged; one that the end of the file cuts off is left out and reported.
    """
    content, name = load_source(source, name)
    reader = DumpReader(content, name, species)
    snapshots: list[Snapshot] = []
    truncated, problem = False, None
    try:
        while not reader.at_end:
            snapshots.append(reader.snapshot())
    except TruncatedDumpError:
        truncated = True
    except FormatError as error:
        if not salvage:
            raise
        problem = str(error)
    return LammpsDump(frames=_pack(snapshots), truncated=truncated, problem=problem)


def _pack(snapshots: list[Snapshot]) -> Frames:
    if not snapshots:
        return Frames.empty()

    def per_atom(name: str) -> np.ndarray | None:
        values = [getattr(snapshot, name) for snapshot in snapshots]
        if all(value is None for value in values):
            return None
        sizes = [snapshot.numbers.size for snapshot in snapshots]
        filled = [np.full((n, 3), np.nan) if v is None else v for n, v in zip(sizes, values, strict=True)]
        return np.concatenate(filled)

    return Frames(
        numbers=np.concatenate([snapshot.numbers for snapshot in snapshots]),
        positions=np.concatenate([snapshot.positions for snapshot in snapshots]),
        ptr=np.concatenate([[0], np.cumsum([snapshot.numbers.size for snapshot in snapshots])]),
        cells=np.array([snapshot.cell for snapshot in snapshots]),
        pbc=np.array([snapshot.pbc for snapshot in snapshots]),
        forces=per_atom('forces'),
        velocities=per_atom('velocities'),
        origin_steps=np.array([snapshot.step for snapshot in snapshots]),
    )
