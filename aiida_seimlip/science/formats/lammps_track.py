"""Paths of the mobile ions that LAMMPS writes while it runs: a dump with three columns, and the centre of the rest.

The dump is text with the positions alone, sorted by id, so that any build of LAMMPS writes it and nothing is written
twice. They are unwrapped (``xu yu zu``) in a cell that stays, and wrapped (``x y z``) in one that changes.
"""

from __future__ import annotations

import mmap
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aiida_seimlip.science.analysis.assembly import RecordedPaths, assemble_track
from aiida_seimlip.science.analysis.track import Track
from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.lammps_box import box_from_bounds
from aiida_seimlip.science.formats.lammps_data import follow_cells
from aiida_seimlip.science.frames import Frames

_HEADER = re.compile(
    rb'ITEM: TIMESTEP\n(\d+)\nITEM: NUMBER OF ATOMS\n(\d+)\nITEM: BOX BOUNDS ([^\n]*)\n((?:[^\n]*\n){3})'
    rb'ITEM: ATOMS (xu yu zu|x y z) *\n'
)
_BEGIN = b'ITEM: TIMESTEP\n'


@dataclass(frozen=True, eq=False)
class TrackDump:
    """What the dump holds, in LAMMPS' frame.

    :param steps: MD steps; shape (n_frames,).
    :param cells: in Å; shape (n_frames, 3, 3).
    :param positions: in Å, the origin of the box not subtracted; shape (n_frames, n_ions, 3).
    :param is_unwrapped: whether the positions are unwrapped.
    :param truncated: whether the last frame was incomplete, as a killed job leaves it; it is left out.
    :param problem: why reading ended before the end of the file (NaN after a crash, for example), or None.
    """

    steps: np.ndarray
    cells: np.ndarray
    positions: np.ndarray
    is_unwrapped: bool = True
    truncated: bool = False
    problem: str | None = None


@dataclass(frozen=True)
class _Frame:
    step: int
    cell: np.ndarray
    positions: np.ndarray
    is_unwrapped: bool


class _TruncatedError(Exception):
    """The file ends inside a frame."""


def read_track(path: Path, n_ions: int) -> TrackDump:
    """Read the dump of the mobile ions; what is damaged, and all behind it, is left out and reported.

    :param path: the file; it need not exist, nor be complete.
    :param n_ions: number of mobile ions.
    """
    frames: list[_Frame] = []
    truncated, problem = False, None
    try:
        for frame in _frames(path, n_ions):
            frames.append(frame)
    except _TruncatedError:
        truncated = True
    except FormatError as error:
        problem = str(error)
    return TrackDump(
        steps=np.array([frame.step for frame in frames], dtype=np.int64),
        cells=np.array([frame.cell for frame in frames]).reshape(-1, 3, 3),
        positions=np.array([frame.positions for frame in frames], dtype=np.float32).reshape(-1, n_ions, 3),
        is_unwrapped=all(frame.is_unwrapped for frame in frames),
        truncated=truncated,
        problem=problem,
    )


def _frames(path: Path, n_ions: int) -> Iterator[_Frame]:
    """Yield one frame after the other.

    :raises _TruncatedError: if the file ends within one.
    :raises FormatError: if one is damaged.
    """
    if not path.is_file() or not path.stat().st_size:
        return
    with path.open('rb') as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
        position = 0
        while position < len(content):
            stop = content.find(_BEGIN, position + 1)
            stop = len(content) if stop < 0 else stop
            match = _HEADER.match(content, position, stop)
            is_last = stop == len(content)
            if match is None:
                if is_last:
                    raise _TruncatedError
                raise FormatError('This is no header of a frame.', name=path.name, byte=position)
            yield _frame(match, content[match.end() : stop], n_ions, path.name, is_last=is_last)
            position = stop


def _frame(match: re.Match[bytes], body: bytes, n_ions: int, name: str, *, is_last: bool) -> _Frame:
    where = match.start()
    if int(match[2]) != n_ions:
        raise FormatError(f'There are {int(match[2])} ions, expected {n_ions}.', name=name, byte=where)
    values = _numbers(body)
    if is_last and (not body.endswith(b'\n') or values is None or values.size < 3 * n_ions):
        raise _TruncatedError
    if values is None or values.size != 3 * n_ions:
        raise FormatError(f'The positions are not {n_ions} rows of three numbers.', name=name, byte=where)
    bounds = _numbers(match[4])
    if bounds is None or bounds.size % 3 or not np.all(np.isfinite(values)) or not np.all(np.isfinite(bounds)):
        raise FormatError('The frame holds values that are not finite numbers.', name=name, byte=where)
    try:
        cell = box_from_bounds(match[3].decode('ascii', 'replace').split(), bounds.reshape(3, -1))[0]
    except (ValueError, IndexError) as error:
        raise FormatError(str(error), name=name, byte=where) from error
    positions = values.reshape(n_ions, 3).astype(np.float32)
    return _Frame(int(match[1]), cell, positions, match[5].startswith(b'xu'))


def _numbers(text: bytes) -> np.ndarray | None:
    """Return all numbers of a text, None if there is anything else in it."""
    with warnings.catch_warnings():
        warnings.simplefilter('error', DeprecationWarning)
        try:
            return np.fromstring(text, sep=' ')
        except (ValueError, DeprecationWarning):
            return None


def read_framework(text: str) -> dict[int, np.ndarray]:
    """Return the centre of the framework in Å, shape (3,), by MD step.

    :param text: what ``fix ave/time`` wrote, as far as it did; rows that are cut or not finite are left out.
    """
    found: dict[int, np.ndarray] = {}
    for line in text.splitlines(keepends=True):
        values = None if line.startswith('#') or not line.endswith('\n') else _numbers(line.encode())
        if values is not None and values.size == 4 and np.all(np.isfinite(values)):
            found[int(values[0])] = values[1:]
    return found


def assemble_lammps_track(
    dump: TrackDump,
    framework: Mapping[int, np.ndarray],
    start: Frames,
    final: Frames,
    *,
    mobile: Sequence[str],
    first_step: int,
    timestep: float,
    masses: Mapping[str, float] | None = None,
) -> Track:
    """Put the track of a run together, in LAMMPS' frame, see `assemble_track`.

    :param dump: the positions of the ions.
    :param framework: centre of the other atoms by MD step, in Å; where there are others, frames without it are left
        out.
    :param start: the one frame that the run started from, in LAMMPS' frame.
    :param final: its last frame, with its MD step; empty where there is none.
    :param mobile: chemical symbols of the ions.
    :param first_step: MD step of the start.
    :param timestep: in fs.
    :param masses: in u, of the elements that do not have their standard atomic mass.
    :raises TrackError: if the cell changes and the frames lie too far apart to be unwrapped.
    """
    cells = follow_cells(np.concatenate([dump.cells, final.cells]), start.cells[0])
    has_others = dump.positions.shape[1] < start.numbers.size
    known = [index for index, step in enumerate(dump.steps) if int(step) in framework or not has_others]
    centres = [framework.get(int(dump.steps[index]), np.zeros(3)) for index in known]
    paths = RecordedPaths(
        dump.steps[known], cells[known], dump.positions[known], np.reshape(centres, (-1, 3)), dump.is_unwrapped
    )
    if len(final):
        final = final.replace(cells=cells[-1:])
    return assemble_track(paths, start, final, mobile=mobile, first_step=first_step, timestep=timestep, masses=masses)


def from_lammps_orientation(track: Track, rotation: np.ndarray) -> Track:
    """Turn a track back from LAMMPS' frame.

    :param track: in LAMMPS' frame.
    :param rotation: the matrix that brought the start there, see `lammps_data.lammps_frame`; shape (3, 3).
    """
    back = np.asarray(rotation, dtype=float).T
    if np.array_equal(back, np.eye(3)):
        return track
    return Track(
        positions=(track.positions @ back).astype(track.positions.dtype), symbols=track.symbols,
        framework=track.framework @ back, cells=track.cells @ back, steps=track.steps, timestep=track.timestep,
    )  # fmt: skip
