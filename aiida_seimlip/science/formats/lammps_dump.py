"""Trajectories that LAMMPS' ``dump custom`` writes as text."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from ase.data import atomic_numbers

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.source import load_source
from aiida_seimlip.science.frames import Frames

_POSITIONS = (('xu', 'yu', 'zu'), ('x', 'y', 'z'), ('xsu', 'ysu', 'zsu'), ('xs', 'ys', 'zs'))
"""Position columns, the best first; those with ``s`` are fractions of the box."""
_FORCES = ('fx', 'fy', 'fz')
_VELOCITIES = ('vx', 'vy', 'vz')
_VISIBLE = re.compile(rb'\S')


@dataclass(frozen=True, eq=False)
class LammpsDump:
    """A trajectory, in LAMMPS' frame.

    :param frames: the snapshots, atoms in the order of their ids, MD steps in ``origin_steps``; positions are unwrapped
        if the dump has unwrapped columns, and the origin of the box is not subtracted from them.
    :param truncated: whether the last snapshot was incomplete, as a killed job leaves it; it is left out.
    :param problem: why reading ended before the end of the file (only with ``salvage``), or None.
    """

    frames: Frames
    truncated: bool = False
    problem: str | None = None


class _TruncatedError(Exception):
    """The file ends inside a snapshot."""


@dataclass
class _Snapshot:
    step: int
    cell: np.ndarray
    pbc: np.ndarray
    types: np.ndarray
    positions: np.ndarray
    forces: np.ndarray | None
    velocities: np.ndarray | None


def read_dump(
    source: str | Path | bytes | BinaryIO, species: Sequence[str], *, name: str | None = None, salvage: bool = False
) -> LammpsDump:
    """Read a trajectory written by ``dump custom`` or ``write_dump ... custom`` with columns ``id type`` and positions.

    :param source: a path, or the content as bytes or a binary stream.
    :param species: chemical symbols in type order.
    :param name: name of the file for messages; the path by default.
    :param salvage: end at the first damaged snapshot (NaN after a crash, for example) and report it as `problem`,
        instead of raising.
    :raises FormatError: if a snapshot is damaged; one that the end of the file cuts off is left out and reported.
    """
    content, name = load_source(source, name)
    reader = _DumpReader(content, name, species)
    snapshots: list[_Snapshot] = []
    truncated, problem = False, None
    try:
        while not reader.at_end:
            snapshots.append(reader.snapshot())
    except _TruncatedError:
        truncated = True
    except FormatError as error:
        if not salvage:
            raise
        problem = str(error)
    return LammpsDump(frames=_pack(snapshots, species), truncated=truncated, problem=problem)


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


class _DumpReader:
    """Goes through the file snapshot by snapshot."""

    def __init__(self, content: bytes, name: str, species: Sequence[str]):
        self.content = content
        self.name = name
        self.species = species
        self.position = 0
        self.line = 0

    @property
    def at_end(self) -> bool:
        """Whether only white space is left."""
        return _VISIBLE.search(self.content, self.position) is None

    def _error(self, message: str, line: int | None = None) -> FormatError:
        return FormatError(message, name=self.name, line=self.line if line is None else line)

    def _next(self) -> str:
        stop = self.content.find(b'\n', self.position)
        if stop < 0:
            raise _TruncatedError
        raw = self.content[self.position : stop]
        self.line += 1
        try:
            text = raw.decode('ascii')
        except UnicodeDecodeError as error:
            raise FormatError('The content is not text.', name=self.name, byte=self.position + error.start) from error
        self.position = stop + 1
        return text.strip()

    def _integer(self, what: str, lowest: int) -> int:
        text = self._next()
        if not re.fullmatch(r'\d{1,18}', text) or int(text) < lowest:
            raise self._error(f'{what} `{text}` is not an integer from {lowest}.')
        return int(text)

    def snapshot(self) -> _Snapshot:
        """Read one snapshot.

        :raises _TruncatedError: if the file ends within it.
        """
        step, n_atoms, box = None, None, None
        while True:
            item = self._next()
            if item == 'ITEM: TIMESTEP':
                step = self._integer('Time step', 0)
            elif item == 'ITEM: NUMBER OF ATOMS':
                n_atoms = self._integer('Number of atoms', 1)
            elif item.startswith('ITEM: BOX BOUNDS'):
                box = self._box(item.split()[3:])
            elif item == 'ITEM: UNITS':
                if (units := self._next()) != 'metal':
                    raise self._error(f'The dump is in units `{units}`, not metal.')
            elif item == 'ITEM: TIME':
                self._next()
            elif item.startswith('ITEM: ATOMS '):
                break
            else:
                raise self._error(f'`{item[:60]}` is not an item of a dump file.')
        if step is None or n_atoms is None or box is None:
            raise self._error('The snapshot lacks its time step, number of atoms or box.')
        return self._atoms(step, n_atoms, *box, columns=item.split()[2:])

    def _box(self, flags: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return cell, origin and periodicity."""
        try:
            n_columns = 3 if is_tilted(flags) else 2
            return box_from_bounds(flags, np.array([self._floats(self._next().split(), n_columns) for _ in range(3)]))
        except FormatError:
            raise
        except ValueError as error:
            raise self._error(str(error)) from error

    def _floats(self, tokens: list[str], count: int) -> list[float]:
        try:
            values = [float(token) for token in tokens]
        except ValueError:
            values = []
        if len(values) != count or not np.all(np.isfinite(values)):
            raise self._error(f'Expected {count} finite numbers.')
        return values

    def _atoms(
        self, step: int, n_atoms: int, cell: np.ndarray, origin: np.ndarray, pbc: np.ndarray, *, columns: list[str]
    ) -> _Snapshot:
        names = next((names for names in _POSITIONS if set(names) <= set(columns)), None)
        if names is None or not {'id', 'type'} <= set(columns) or len(set(columns)) != len(columns):
            raise self._error('The columns must be distinct and include `id`, `type` and the positions.')
        table = self._table(n_atoms, columns)
        place = {name: index for index, name in enumerate(columns)}
        ids, types = self._whole(table[:, place['id']], 'Id'), self._whole(table[:, place['type']], 'Type')
        if np.any((types < 1) | (types > len(self.species))):
            row = int(np.argmax((types < 1) | (types > len(self.species))))
            message = f'Type {types[row]}, but only {len(self.species)} species are known.'
            raise self._error(message, self._line_of(row, n_atoms))
        order = np.argsort(ids, kind='stable')
        if np.any(np.diff(ids[order]) == 0):
            raise self._error('An atom id occurs twice.')

        def vectors(names: Sequence[str]) -> np.ndarray | None:
            if not set(names) <= set(columns):
                return None
            return table[order][:, np.array([place[name] for name in names])]

        positions = vectors(names)
        assert positions is not None
        if 's' in names[0]:
            positions = positions @ cell + origin
        return _Snapshot(step, cell, pbc, types[order], positions, vectors(_FORCES), vectors(_VELOCITIES))

    def _line_of(self, row: int, n_atoms: int) -> int:
        return self.line - n_atoms + row + 1

    def _whole(self, values: np.ndarray, what: str) -> np.ndarray:
        wrong = values != np.rint(values)
        if np.any(wrong):
            row = int(np.argmax(wrong))
            raise self._error(f'{what} {values[row]} is not an integer.', self._line_of(row, values.size))
        return values.astype(np.int64)

    def _table(self, n_atoms: int, columns: list[str]) -> np.ndarray:
        """Read the rows of all atoms; shape (n_atoms, n_columns)."""
        stop = self.content.find(b'ITEM:', self.position)
        body = self.content[self.position :] if stop < 0 else self.content[self.position : stop]
        n_lines = body.count(b'\n')
        if stop < 0 and n_lines < n_atoms:
            raise _TruncatedError
        if n_lines != n_atoms or not body.endswith(b'\n'):
            if stop < 0 and not body[_nth_newline(body, n_atoms) :].strip():
                body = body[: _nth_newline(body, n_atoms)]
            else:
                raise self._error(f'{n_lines} rows, expected {n_atoms}.')
        try:
            lines = body.decode('ascii').splitlines()
        except UnicodeDecodeError as error:
            raise FormatError('The content is not text.', name=self.name, byte=self.position + error.start) from error
        table = _numbers(lines, len(columns))
        if table is None:
            self._blame(lines, len(columns))
            raise self._error('The rows are not numbers.')  # pragma: no cover
        self.position += len(body)
        self.line += n_atoms
        return table

    def _blame(self, lines: list[str], count: int) -> None:
        """Raise for the first row that is not made of so many finite numbers."""
        for line in lines:
            self.line += 1
            self._floats(line.split(), count)


def _nth_newline(body: bytes, count: int) -> int:
    """Return the position behind the newline number `count`."""
    position = 0
    for _ in range(count):
        position = body.find(b'\n', position) + 1
    return position


def _numbers(lines: list[str], n_columns: int) -> np.ndarray | None:
    """Return the numbers in the lines, or None if they are not `n_columns` finite ones each."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of rows that are empty: counted below
            table = np.loadtxt(lines, ndmin=2, comments=None, encoding=None)
    except ValueError:
        return None
    return table if table.shape == (len(lines), n_columns) and np.all(np.isfinite(table)) else None


def _pack(snapshots: list[_Snapshot], species: Sequence[str]) -> Frames:
    if not snapshots:
        return Frames.empty()
    numbers = np.array([atomic_numbers[symbol] for symbol in species])

    def per_atom(name: str) -> np.ndarray | None:
        values = [getattr(snapshot, name) for snapshot in snapshots]
        if all(value is None for value in values):
            return None
        sizes = [snapshot.types.size for snapshot in snapshots]
        filled = [np.full((n, 3), np.nan) if v is None else v for n, v in zip(sizes, values, strict=True)]
        return np.concatenate(filled)

    return Frames(
        numbers=numbers[np.concatenate([snapshot.types for snapshot in snapshots]) - 1],
        positions=np.concatenate([snapshot.positions for snapshot in snapshots]),
        ptr=np.concatenate([[0], np.cumsum([snapshot.types.size for snapshot in snapshots])]),
        cells=np.array([snapshot.cell for snapshot in snapshots]),
        pbc=np.array([snapshot.pbc for snapshot in snapshots]),
        forces=per_atom('forces'),
        velocities=per_atom('velocities'),
        origin_steps=np.array([snapshot.step for snapshot in snapshots]),
    )
