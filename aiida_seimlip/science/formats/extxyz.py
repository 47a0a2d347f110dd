"""Extended XYZ, read and written.

A frame is the number of atoms, a line of ``key=value`` and a line for each atom; ``Properties`` names the columns.
Nothing is interpreted here but species, positions, cell and periodicity: every other value and column is handed on
under the name that the file gives it. Numbers are written with as many digits as it takes to get the same bytes back.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

import numpy as np
from ase.data import atomic_numbers, chemical_symbols

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.numerals import to_number

PLAIN_COLUMNS = 'species:S:1:pos:R:3'
"""The columns of a file that names none."""

SPECIES_NAMES = ('species', 'symbols', 'symbol', 'element', 'elements')
POSITION_NAMES = ('pos', 'positions', 'position')
NUMBER_NAMES = ('Z', 'numbers', 'atomic_numbers', 'atomic_number')

_PAIR = re.compile(
    r"""
    (?P<key>"(?:[^"\\]|\\.)*"|[^\s="']+)
    (?:\s*=\s*(?P<value>
        "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | \{[^}]*\} | \[(?:[^\[\]]|\[[^\[\]]*\])*\] | [^\s"']*
    ))?
    """,
    re.VERBOSE,
)
_CLOSING = {'"': '"', "'": "'", '{': '}', '[': ']'}
_TRUTH = {**dict.fromkeys(('T', 'TRUE', '1'), True), **dict.fromkeys(('F', 'FALSE', '0'), False)}
_BARE = re.compile(r'[\w.+-]+')


@dataclass(frozen=True, eq=False)
class ExtxyzFrame:
    """One frame as it stands in the file.

    :param line: of the number of atoms, from 1.
    :param numbers: atomic numbers; shape (n_atoms,).
    :param positions: in Å; shape (n_atoms, 3).
    :param cell: cell vectors in rows, in Å; zeros where the file has none; shape (3, 3).
    :param pbc: periodicity along each cell vector; shape (3,).
    :param info: all other values of the frame, as text without quotes; ``T`` for a key without a value.
    :param columns: all other columns; shape (n_atoms,) or (n_atoms, width), of numbers or of text.
    """

    line: int
    numbers: np.ndarray
    positions: np.ndarray
    cell: np.ndarray
    pbc: np.ndarray
    info: dict[str, str]
    columns: dict[str, np.ndarray]


def iterate_extxyz(lines: Iterable[str], *, name: str | None = None) -> Iterator[ExtxyzFrame]:
    """Yield the frames of a file, one after the other.

    :param lines: of the file.
    :param name: of the file, for messages.
    :raises FormatError: if a frame is not complete, or a number or an element cannot be read.
    """
    numbered = enumerate(lines, start=1)
    for line, text in numbered:
        first = text.strip().lstrip('\ufeff')
        if not first:
            continue
        if not re.fullmatch(r'[1-9]\d{0,8}', first):
            raise FormatError(f'`{first[:40]}` stands where a number of atoms is expected.', name=name, line=line)
        rows = [row for _, row in itertools.islice(numbered, int(first) + 1)]
        if len(rows) <= int(first):
            found = max(len(rows) - 1, 0)
            raise FormatError(f'The file ends after {found} of {first} atoms.', name=name, line=line + len(rows))
        yield _read_frame(rows[0], rows[1:], line, name)


def parse_comment(text: str) -> dict[str, str]:
    """Split a line of ``key=value`` into keys and values, without quotes; a key alone has the value ``T``.

    :param text: the line.
    :raises ValueError: if a key stands twice with different values.
    """
    found: dict[str, str] = {}
    for match in _PAIR.finditer(text):
        key, value = _unquote(match['key']), match['value']
        value = 'T' if value is None else _unquote(value)
        if found.setdefault(key, value) != value:
            raise ValueError(f'`{key}` is given twice with different values.')
    return found


def parse_numbers(text: str) -> np.ndarray | None:
    """Return the numbers of a value, however it is bracketed; None if there is none, or something else among them.

    :param text: such as ``1 2 3``, ``[[1, 2], [3, 4]]`` or ``_JSON [1, 2]``.
    :return: shape (n,).
    """
    words = text.removeprefix('_JSON').translate(_NO_BRACKETS).split()
    try:
        return np.array([to_number(word) for word in words]) if words else None
    except ValueError:
        return None


_NO_BRACKETS = str.maketrans(dict.fromkeys('[](){},', ' '))


def _unquote(text: str) -> str:
    if len(text) > 1 and _CLOSING.get(text[0]) == text[-1]:
        inner = text[1:-1] if text[:2] != '[[' else text
        return re.sub(r'\\(.)', r'\1', inner) if text[0] in '"\'' else inner
    return text


def _read_frame(comment: str, rows: Sequence[str], line: int, name: str | None) -> ExtxyzFrame:
    try:
        info = parse_comment(comment.strip())
        layout = _pop(info, 'Properties')
        if layout is None:  # a plain XYZ file, whose second line may be any sentence
            info = {key: value for key, value in info.items() if f'{key}=' in comment}
        lattice, pbc = _pop(info, 'Lattice'), _pop(info, 'pbc')
        cell = _read_cell(lattice)
        periodic = _read_pbc(pbc, has_cell=lattice is not None)
        names, slices, kinds, width = _read_layout(layout or PLAIN_COLUMNS)
    except ValueError as exception:
        raise FormatError(str(exception), name=name, line=line + 1) from exception
    words = [row.split() for row in rows]
    for index, row in enumerate(words):
        if len(row) != width and (layout or len(row) < width):
            message = f'The line of an atom holds {len(row)} words, but `Properties` names {width} columns.'
            raise FormatError(message, name=name, line=line + 2 + index)
    columns: dict[str, np.ndarray] = {}
    for column, part, kind in zip(names, slices, kinds, strict=True):
        try:
            columns[column] = _read_column(words, part, kind)
        except ValueError as exception:
            raise FormatError(f'The column `{column}`: {exception}', name=name, line=line + 2) from exception
    try:
        numbers, positions = _take_atoms(columns)
    except ValueError as exception:
        raise FormatError(str(exception), name=name, line=line + 1) from exception
    return ExtxyzFrame(line, numbers, positions, cell, periodic, info, columns)


def _pop(info: dict[str, str], key: str) -> str | None:
    """Take out a value whatever the case of its key."""
    for found in [key, *(other for other in info if other.lower() == key.lower())]:
        if found in info:
            return info.pop(found)
    return None


def _read_cell(text: str | None) -> np.ndarray:
    if text is None:
        return np.zeros((3, 3))
    values = parse_numbers(text)
    if values is None or values.size != 9 or not np.all(np.isfinite(values)):
        raise ValueError(f'`Lattice` is `{text[:60]}`, not nine numbers.')
    return values.reshape(3, 3)


def _read_pbc(text: str | None, *, has_cell: bool) -> np.ndarray:
    if text is None:
        return np.full(3, has_cell)
    words = [_TRUTH.get(word.upper()) for word in text.translate(_NO_BRACKETS).split()]
    if len(words) not in (1, 3) or None in words:
        raise ValueError(f'`pbc` is `{text[:60]}`, not three of T and F.')
    return np.resize(np.array(words, dtype=bool), 3)


def _read_layout(text: str) -> tuple[list[str], list[slice], list[str], int]:
    """Return names, columns and kinds of the properties, and the number of columns."""
    fields = text.split(':')
    if len(fields) % 3 or not all(re.fullmatch(r'[1-9]\d{0,3}', count) for count in fields[2::3]):
        raise ValueError(f'`Properties` is `{text[:60]}`, not NAME:TYPE:COLUMNS for each property.')
    kinds = [kind.upper() for kind in fields[1::3]]
    if set(kinds) - set('RISL'):
        raise ValueError(f'`Properties` holds a type other than R, I, S and L: `{text[:60]}`.')
    names = fields[::3]
    if len(set(names)) < len(names):
        raise ValueError(f'`Properties` names `{max(names, key=names.count)}` twice.')
    ends = list(itertools.accumulate(int(count) for count in fields[2::3]))
    return names, [slice(*part) for part in itertools.pairwise([0, *ends])], kinds, ends[-1]


def _read_column(words: list[list[str]], part: slice, kind: str) -> np.ndarray:
    width = part.stop - part.start
    if kind in 'RI':
        flat = [word for row in words for word in row[part]]
        try:
            values = np.array(list(map(float, flat)))
        except ValueError:
            values = np.array([])
        if not len(values) or '_' in ''.join(flat):  # Fortran's exponents; and Python's float takes 1_000
            values = np.array([to_number(word.replace('D', 'E').replace('d', 'e')) for word in flat])
        if kind == 'I' and not np.all(values == np.rint(values)):
            raise ValueError('it holds numbers that are not whole.')
        values = values.astype(int) if kind == 'I' else values
    else:
        values = np.array([word for row in words for word in row[part]])
    return values if width == 1 else values.reshape(-1, width)


def _take_atoms(columns: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Take species and positions out of the columns."""
    lower = {name.lower(): name for name in columns}
    positions = next((columns.pop(lower[name]) for name in POSITION_NAMES if name in lower), None)
    if positions is None or positions.ndim != 2 or positions.shape[1] != 3 or positions.dtype.kind not in 'if':
        raise ValueError('`Properties` names no positions (`pos:R:3`).')
    if not np.all(np.isfinite(positions)):
        raise ValueError('a position is not a finite number.')
    numbers = next((columns.pop(name) for name in NUMBER_NAMES if name in columns), None)
    symbols = next((columns.pop(lower[name]) for name in SPECIES_NAMES if name in lower), None)
    if symbols is not None:
        numbers = _numbers_of(symbols)
    if numbers is None or numbers.ndim != 1:
        raise ValueError('`Properties` names no species (`species:S:1`).')
    if numbers.dtype.kind != 'i' or numbers.min() < 1 or numbers.max() >= len(chemical_symbols):
        raise ValueError('`Properties` names atomic numbers, but a value is none.')
    return numbers, positions.astype(float)


def _numbers_of(symbols: np.ndarray) -> np.ndarray:
    if symbols.dtype.kind in 'if':
        return symbols
    different, inverse = np.unique(symbols, return_inverse=True)
    table = []
    for symbol in different:
        number = int(symbol) if symbol.isdigit() else atomic_numbers.get(symbol.capitalize(), 0)
        if not 1 <= number < len(chemical_symbols):
            raise ValueError(f'`{symbol}` is no chemical element.')
        table.append(number)
    return np.array(table)[inverse]


# -- writing ----------------------------------------------------------------------------------------------------------


def write_extxyz_frame(
    handle: TextIO, *, numbers: np.ndarray, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray,
    info: Mapping[str, object], columns: Mapping[str, np.ndarray],
) -> None:  # fmt: skip
    """Write one frame.

    :param handle: text file.
    :param numbers: atomic numbers; shape (n_atoms,).
    :param positions: in Å; shape (n_atoms, 3).
    :param cell: cell vectors in rows, in Å; shape (3, 3); left out where it is zero.
    :param pbc: periodicity along each cell vector; shape (3,).
    :param info: values of the frame: text, numbers, or arrays of numbers.
    :param columns: numbers of the atoms, by name; shape (n_atoms, 3) each.
    """
    layout = 'species:S:1:pos:R:3' + ''.join(f':{name}:R:3' for name in columns)
    words = [f'Lattice="{_join(cell)}"'] if np.any(cell) else []
    words += [f'Properties={layout}', *(f'{_quote(key)}={_value(value)}' for key, value in info.items())]
    words.append(f'pbc="{" ".join("T" if periodic else "F" for periodic in pbc)}"')
    symbols = [chemical_symbols[number] for number in numbers]
    table = np.hstack([positions, *columns.values()]).tolist()
    handle.write(f'{len(symbols)}\n{" ".join(words)}\n')
    handle.writelines(
        f'{symbol:<2} {" ".join(map(repr, row))}\n' for symbol, row in zip(symbols, table, strict=True)
    )  # fmt: skip


def _join(values: np.ndarray) -> str:
    return ' '.join(map(repr, np.ravel(values).tolist()))


def _value(value: object) -> str:
    if isinstance(value, np.ndarray):
        return f'"{_join(value)}"'
    return repr(float(value)) if isinstance(value, float) else _quote(str(value))


def _quote(text: str) -> str:
    if _BARE.fullmatch(text):
        return text
    escaped = text.replace('\\', '\\\\').replace('"', '\\"')
    return '"' + re.sub(r'[\r\n]+', ' ', escaped) + '"'
