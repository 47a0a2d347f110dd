"""Reading of a dump of LAMMPS snapshot by snapshot."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_numbers

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.lammps_box import box_from_bounds, general_box, is_tilted
from aiida_seimlip.science.formats.numerals import to_number

_POSITIONS = (('xu', 'yu', 'zu'), ('x', 'y', 'z'), ('xsu', 'ysu', 'zsu'), ('xs', 'ys', 'zs'))
"""Position columns, the best first; those with ``s`` are fractions of the box."""
_IMAGES = ('ix', 'iy', 'iz')
"""How often each atom has crossed the box, which wrapped positions leave out."""
_PLACEHOLDER = 'C'
"""What LAMMPS writes as the element of every atom where none was set."""
_FORCES = ('fx', 'fy', 'fz')
_VELOCITIES = ('vx', 'vy', 'vz')
_VISIBLE = re.compile(rb'\S')


class TruncatedDumpError(Exception):
    """The file ends inside a snapshot."""


@dataclass
class Snapshot:
    """One snapshot, atoms in the order of their ids.

    :param step: MD step.
    :param cell: cell vectors in rows, in Å; shape (3, 3).
    :param pbc: periodicity along each; shape (3,).
    :param numbers: atomic numbers; shape (n_atoms,).
    :param positions: in Å; shape (n_atoms, 3).
    :param forces: in eV/Å, None if the dump has none; shape (n_atoms, 3).
    :param velocities: in Å/ps, None if the dump has none; shape (n_atoms, 3).
    """

    step: int
    cell: np.ndarray
    pbc: np.ndarray
    numbers: np.ndarray
    positions: np.ndarray
    forces: np.ndarray | None
    velocities: np.ndarray | None


class DumpReader:
    """Goes through the file snapshot by snapshot.

    :param content: of the file.
    :param name: of the file, for messages.
    :param species: chemical symbols in type order; None where the dump tells the elements.
    """

    def __init__(self, content: bytes, name: str, species: Sequence[str] | None):
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
            raise TruncatedDumpError
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

    def snapshot(self) -> Snapshot:
        """Read one snapshot.

        :raises TruncatedDumpError: if the file ends within it.
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
        is_general = flags[:2] == ['abc', 'origin']
        try:
            n_columns = 4 if is_general else 3 if is_tilted(flags) else 2
            rows = np.array([self._floats(self._next().split(), n_columns) for _ in range(3)])
            return general_box(flags, rows) if is_general else box_from_bounds(flags, rows)
        except FormatError:
            raise
        except ValueError as error:
            raise self._error(str(error)) from error

    def _floats(self, tokens: list[str], count: int) -> list[float]:
        try:
            values = [to_number(token) for token in tokens]
        except ValueError:
            values = []
        if len(values) != count or not np.all(np.isfinite(values)):
            raise self._error(f'Expected {count} finite numbers.')
        return values

    def _atoms(
        self, step: int, n_atoms: int, cell: np.ndarray, origin: np.ndarray, pbc: np.ndarray, *, columns: list[str]
    ) -> Snapshot:
        names = next((names for names in _POSITIONS if set(names) <= set(columns)), None)
        if names is None or 'id' not in columns or not {'type', 'element'} & {*columns}:
            raise self._error('The columns must include `id`, the positions, and `type` or `element`.')
        if len(set(columns)) != len(columns):
            raise self._error('The columns must be distinct.')
        table, elements = self._table(n_atoms, columns)
        place = {name: index for index, name in enumerate(columns)}
        ids = self._whole(table[:, place['id']], 'Id')
        types = self._whole(table[:, place['type']], 'Type') if 'type' in place else None
        numbers = self._numbers(types, elements, n_atoms)
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
        if 'u' not in names[0]:
            for vector, flag in zip(cell, _IMAGES, strict=True):
                if flag in place:
                    positions = positions + self._whole(table[order, place[flag]], 'Image flag')[:, None] * vector
        return Snapshot(step, cell, pbc, numbers[order], positions, vectors(_FORCES), vectors(_VELOCITIES))

    def _numbers(self, types: np.ndarray | None, elements: list[str] | None, n_atoms: int) -> np.ndarray:
        """Return the atomic number of each row: by its type, else by its element; both must agree."""
        by_element = None if elements is None else np.array([atomic_numbers.get(symbol, 0) for symbol in elements])
        if self.species is None or types is None:
            if by_element is None or elements is None:
                raise self._error('The dump has no column `element`: name the elements of its types.')
            if np.any(by_element < 1):
                row = int(np.argmax(by_element < 1))
                raise self._error(f'`{elements[row][:20]}` is no element.', self._line_of(row, n_atoms))
            if {*elements} == {_PLACEHOLDER} and types is not None and len({*types.tolist()}) > 1:
                raise self._error('All types are called C, as LAMMPS does where no elements were set: name them.')
            return by_element
        wrong = (types < 1) | (types > len(self.species))
        if np.any(wrong):
            row = int(np.argmax(wrong))
            message = f'Type {types[row]}, but only {len(self.species)} species are known.'
            raise self._error(message, self._line_of(row, n_atoms))
        by_type: np.ndarray = np.array([atomic_numbers[symbol] for symbol in self.species])[types - 1]
        differ = np.zeros(n_atoms, dtype=bool) if by_element is None else by_element != by_type
        if elements is not None and np.any(differ) and {*elements} != {_PLACEHOLDER}:
            row = int(np.argmax(differ))
            message = (
                f'Type {types[row]} is {elements[row][:20]} here, but {self.species[types[row] - 1]} was named for it.'
            )
            raise self._error(message, self._line_of(row, n_atoms))
        return by_type

    def _line_of(self, row: int, n_atoms: int) -> int:
        return self.line - n_atoms + row + 1

    def _whole(self, values: np.ndarray, what: str) -> np.ndarray:
        wrong = values != np.rint(values)
        if np.any(wrong):
            row = int(np.argmax(wrong))
            raise self._error(f'{what} {values[row]} is not an integer.', self._line_of(row, values.size))
        return values.astype(np.int64)

    def _table(self, n_atoms: int, columns: list[str]) -> tuple[np.ndarray, list[str] | None]:
        """Read the rows of all atoms; shape (n_atoms, n_columns), with 0 for what is text, and the elements if told."""
        stop = self.content.find(b'ITEM:', self.position)
        body = self.content[self.position :] if stop < 0 else self.content[self.position : stop]
        n_lines = body.count(b'\n')
        if stop < 0 and n_lines < n_atoms:
            raise TruncatedDumpError
        if n_lines != n_atoms or not body.endswith(b'\n'):
            if stop < 0 and not body[_nth_newline(body, n_atoms) :].strip():
                body = body[: _nth_newline(body, n_atoms)]
            else:
                raise self._error(f'{n_lines} rows, expected {n_atoms}.')
        try:
            lines = body.decode('ascii').splitlines()
        except UnicodeDecodeError as error:
            raise FormatError('The content is not text.', name=self.name, byte=self.position + error.start) from error
        elements = None
        if 'element' in columns:
            elements, lines = self._take_elements(lines, columns)
        table = _numbers(lines, len(columns))
        if table is None:
            self._blame(lines, len(columns))
            raise self._error('The rows are not numbers.')  # pragma: no cover
        self.position += len(body)
        self.line += n_atoms
        return table, elements

    def _take_elements(self, lines: list[str], columns: list[str]) -> tuple[list[str], list[str]]:
        """Return the elements of all rows, and the rows with 0 in their place."""
        place = columns.index('element')
        rows = [line.split() for line in lines]
        for number, row in enumerate(rows, start=1):
            if len(row) != len(columns):
                raise self._error(f'Expected {len(columns)} values.', self.line + number)
        elements = [row[place] for row in rows]
        return elements, [' '.join([*row[:place], '0', *row[place + 1 :]]) for row in rows]

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
