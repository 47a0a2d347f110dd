"""The sections of a LAMMPS data file, and the frame that they make."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np
from ase.data import atomic_numbers

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.numerals import to_number
from aiida_seimlip.science.frames import Frames

_HEADER = re.compile(r'^\s*(\d+)\s+(atoms|atom types)\s*$')
_OTHER_HEADER = re.compile(
    r'^\s*\d+\s+((bond|angle|dihedral|improper) types|bonds|angles|dihedrals|impropers|crossterms|'
    r'extra \w+ per atom|extra special per atom|ellipsoids|lines|triangles|bodies)\s*$'
)
_BOUNDS = re.compile(r'^\s*(\S+)\s+(\S+)\s+([xyz])lo\s+\3hi\s*$')
_TILT = re.compile(r'^\s*(\S+)\s+(\S+)\s+(\S+)\s+xy\s+xz\s+yz\s*$')
_SECTIONS = ('Masses', 'Atoms', 'Velocities')
_OTHER_SECTION = re.compile(
    r'(Pair|PairIJ|Bond|Angle|Dihedral|Improper|BondBond|BondAngle|MiddleBondTorsion|EndBondTorsion|AngleTorsion|'
    r'AngleAngleTorsion|BondBond13|AngleAngle) Coeffs|Bonds|Angles|Dihedrals|Impropers|CMAP|'
    r'(Atom|Bond|Angle|Dihedral|Improper) Type Labels'
)
"""Sections that say nothing of the configuration."""

STYLES = {
    'atomic': ('id', 'type', 'x'), 'charge': ('id', 'type', 'q', 'x'), 'molecular': ('id', 'molecule', 'type', 'x'),
    'bond': ('id', 'molecule', 'type', 'x'), 'angle': ('id', 'molecule', 'type', 'x'),
    'full': ('id', 'molecule', 'type', 'q', 'x'),
}  # fmt: skip
"""Columns of each atom style up to the coordinate x; y and z follow, and three image flags may."""

_VELOCITY_UNITS = {'metal': 1.0, 'real': 1000.0}
"""Units of velocities in Å/ps in the units of LAMMPS whose lengths are in Å."""

_WHOLE = re.compile(r'[+-]?\d{1,18}')


class DataFile:
    """The sections of a data file, checked while they are read.

    :param text: of the file.
    :param name: of the file, for messages.
    :param species: chemical symbols in type order.
    :raises FormatError: if the file is cut, or has lines that a data file has not.
    """

    def __init__(self, text: str, name: str, species: Sequence[str]):
        self.name = name
        self.species = species
        self.counts: dict[str, int] = {}
        self.bounds: dict[str, tuple[float, float]] = {}
        self.tilt = (0.0, 0.0, 0.0)
        self.style: str | None = None
        self.sections: dict[str, list[tuple[int, list[str]]]] = {}
        *lines, rest = text.removeprefix('\ufeff').split('\n')
        if rest.strip():
            raise FormatError('The last line has no end: the file is cut.', name=name, line=len(lines) + 1)
        self.velocity_unit = self._velocity_unit(lines[0] if lines else '')
        self._split(lines)

    def _velocity_unit(self, title: str) -> float:
        """Return the unit of velocities in Å/ps, from the units that LAMMPS names in the first line."""
        units = match[1] if (match := re.search(r'units = (\w+)', title)) else 'metal'
        if units not in _VELOCITY_UNITS:
            message = f'The file is in units `{units}`, not {" or ".join(_VELOCITY_UNITS)}.'
            raise FormatError(message, name=self.name, line=1)
        return _VELOCITY_UNITS[units]

    def _split(self, lines: Sequence[str]) -> None:
        rows: list[tuple[int, list[str]]] | None = None
        for number, raw in enumerate(lines[1:], start=2):
            line, _, comment = raw.partition('#')
            line = line.strip()
            if not line:
                continue
            title = line.split()[0]
            if title[0].isalpha() and title not in ('nan', 'inf'):
                rows = self._section(line, comment.strip(), number)
            elif rows is None:
                self._header(line, number)
            else:
                rows.append((number, line.split()))

    def _section(self, title: str, comment: str, number: int) -> list[tuple[int, list[str]]]:
        """Begin a section; return the list that its rows go into."""
        if title not in _SECTIONS and not _OTHER_SECTION.fullmatch(title):
            raise FormatError(f'Unknown section `{title}`.', name=self.name, line=number)
        if title in self.sections:
            raise FormatError(f'Section `{title}` occurs twice.', name=self.name, line=number)
        if title == 'Atoms' and comment:
            self.style = comment.split(maxsplit=1)[0]
        self.sections[title] = []
        return self.sections[title]

    def _header(self, line: str, number: int) -> None:
        if match := _HEADER.match(line):
            self.counts[match[2]] = int(match[1])
        elif match := _BOUNDS.match(line):
            self.bounds[match[3]] = (self._number(match[1], number), self._number(match[2], number))
        elif match := _TILT.match(line):
            self.tilt = (self._number(match[1], number), self._number(match[2], number), self._number(match[3], number))
        elif not _OTHER_HEADER.match(line):
            raise FormatError(f'Unknown header line `{line}`.', name=self.name, line=number)

    def _number(self, token: str, line: int) -> float:
        try:
            value = to_number(token)
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise FormatError(f'`{token}` is not a finite number.', name=self.name, line=line)
        return value

    def _integer(self, token: str, line: int, upper: int, what: str) -> int:
        if not re.fullmatch(r'[+-]?\d{1,18}', token) or not 1 <= int(token) <= upper:
            raise FormatError(f'{what} `{token}` is not an integer from 1 to {upper}.', name=self.name, line=line)
        return int(token)

    def frame(self) -> Frames:
        """Return the configuration.

        :raises FormatError: if something is missing or wrong.
        """
        n_atoms = self._required('atoms')
        n_types = self._required('atom types')
        if n_types > len(self.species):
            raise FormatError(f'{n_types} atom types, but only {len(self.species)} species are known.', name=self.name)
        cell = self._cell()
        columns = STYLES[self._atom_style(n_types)]
        place, x = columns.index('type'), len(columns) - 1
        types = np.zeros(n_atoms, dtype=int)
        positions = np.full((n_atoms, 3), np.nan)
        for index, line, tokens in self._rows('Atoms', n_atoms, (x + 3, x + 6)):
            types[index] = self._integer(tokens[place], line, n_types, 'Type')
            positions[index] = [self._number(token, line) for token in tokens[x : x + 3]]
            if len(tokens) == x + 6:
                positions[index] += np.array([self._image(token, line) for token in tokens[x + 3 :]]) @ cell
        velocities = None
        if 'Velocities' in self.sections:
            velocities = np.full((n_atoms, 3), np.nan)
            for index, line, tokens in self._rows('Velocities', n_atoms, (4,)):
                velocities[index] = [self.velocity_unit * self._number(token, line) for token in tokens[1:]]
        numbers = np.array([atomic_numbers[symbol] for symbol in self.species])[types - 1]
        return Frames(
            numbers=numbers, positions=positions, ptr=np.array([0, n_atoms]), cells=cell[None],
            pbc=np.ones((1, 3), dtype=bool), velocities=velocities,
        )  # fmt: skip

    def _atom_style(self, n_types: int) -> str:
        """Return the style that the file names, else the only one that its columns can mean."""
        if self.style is not None:
            if self.style not in STYLES:
                known = ', '.join(STYLES)
                raise FormatError(f'Atom style `{self.style}` is not supported, only {known}.', name=self.name)
            return self.style
        rows = [tokens for _, tokens in self.sections.get('Atoms', [])]
        possible = [style for style in ('atomic', 'charge', 'molecular', 'full') if _fits(style, rows, n_types)]
        if len(possible) == 1:
            return possible[0]
        if not rows or not possible:
            return 'atomic'  # what is wrong is said of the first row that is
        message = f'The columns of the atoms may be those of the styles {" or ".join(possible)}'
        raise FormatError(f'{message}: name the style, such as `Atoms # {possible[0]}`.', name=self.name)

    def _required(self, key: str) -> int:
        if self.counts.get(key, 0) < 1:
            raise FormatError(f'The header does not say how many {key} there are.', name=self.name)
        return self.counts[key]

    def _cell(self) -> np.ndarray:
        missing = [axis for axis in 'xyz' if axis not in self.bounds]
        if missing:
            raise FormatError(f'The header lacks the bounds of the box along {", ".join(missing)}.', name=self.name)
        bounds = np.array([self.bounds[axis] for axis in 'xyz'])
        lengths = bounds[:, 1] - bounds[:, 0]
        if np.any(lengths <= 0) or not abs(np.prod(lengths)) > 1e-6:
            raise FormatError('The box has no volume.', name=self.name)
        xy, xz, yz = self.tilt
        return np.array([[lengths[0], 0, 0], [xy, lengths[1], 0], [xz, yz, lengths[2]]])

    def _image(self, token: str, line: int) -> int:
        if not re.fullmatch(r'[+-]?\d{1,9}', token):
            raise FormatError(f'Image flag `{token}` is not an integer.', name=self.name, line=line)
        return int(token)

    def _rows(self, section: str, count: int, widths: tuple[int, ...]) -> Iterator[tuple[int, int, list[str]]]:
        """Yield index of the atom, line number and tokens of each row of a section."""
        rows = self.sections.get(section)
        if rows is None:
            raise FormatError(f'Section `{section}` is missing.', name=self.name)
        if len(rows) != count:
            raise FormatError(f'Section `{section}` has {len(rows)} rows, expected {count}.', name=self.name)
        seen = np.zeros(count, dtype=bool)
        for line, tokens in rows:
            if len(tokens) not in widths:
                raise FormatError(f'{len(tokens)} columns in section `{section}`.', name=self.name, line=line)
            index = self._integer(tokens[0], line, count, 'Atom id') - 1
            if seen[index]:
                raise FormatError(f'Atom id {index + 1} occurs twice.', name=self.name, line=line)
            seen[index] = True
            yield index, line, tokens


def _fits(style: str, rows: Sequence[list[str]], n_types: int) -> bool:
    """Return whether rows of atoms can be of a style: in their number of columns and where numbers are whole."""
    columns = STYLES[style]
    x = len(columns) - 1
    if any(len(tokens) not in (x + 3, x + 6) for tokens in rows):
        return False
    whole = [columns.index(name) for name in columns if name in ('id', 'molecule', 'type')]
    for tokens in rows:
        flags = range(x + 3, len(tokens))
        if not all(_WHOLE.fullmatch(tokens[place]) for place in (*whole, *flags)):
            return False
        if not 1 <= int(tokens[columns.index('type')]) <= n_types:
            return False
    return True
