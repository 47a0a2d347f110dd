"""The text of a potential, split into its fields."""

from __future__ import annotations

import re

import numpy as np

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_cfg.words import BYTE_ORDER_MARK
from aiida_seimlip.science.formats.mlip3_potential.kinds import VERSION, unsupported_kind
from aiida_seimlip.science.formats.numerals import to_number

_LARGEST = 10**6
_ROW = r'\{\s*\d{1,7}(?:\s*,\s*\d{1,7}){3}\s*\}'

_FIELDS = (
    'version', 'potential_name', 'scaling', 'species_count', 'potential_tag', 'radial_basis_type', 'min_dist',
    'max_dist', 'radial_basis_size', 'radial_funcs_count', 'alpha_moments_count', 'alpha_index_basic_count',
    'alpha_index_basic', 'alpha_index_times_count', 'alpha_index_times', 'alpha_scalar_moments',
    'alpha_moment_mapping', 'species_coeffs', 'moment_coeffs',
)  # fmt: skip
_OPTIONAL = ('potential_name', 'scaling', 'species_count', 'potential_tag', 'species_coeffs', 'moment_coeffs')
_SYNONYMS = {'min_val': 'min_dist', 'max_val': 'max_dist', 'basis_size': 'radial_basis_size'}
"""Other names of fields that MLIP reads."""


class Fields:
    """Fields of a potential and the block of its radial coefficients.

    :param data: the text.
    :param name: of the file, for messages.
    :raises FormatError: if it is no text of a potential that is supported.
    """

    def __init__(self, data: bytes, name: str):
        self.name = name
        try:
            self.lines = data.removeprefix(BYTE_ORDER_MARK).decode('ascii').splitlines()
        except UnicodeDecodeError as exception:
            raise FormatError('This is not ASCII text.', name=name, byte=exception.start) from exception
        self.fields: dict[str, tuple[str, int]] = {}
        self.radial: list[list[list[float]]] = []
        self.labels: list[str] = []
        self.radial_line = 0
        self._split()

    def error(self, message: str, line: int | None = None) -> FormatError:
        """Return an error that names a line, by default the last one."""
        return FormatError(message, name=self.name, line=len(self.lines) if line is None else line)

    def _split(self) -> None:
        """Split the text into fields and the block of radial coefficients."""
        if not self.lines or self.lines[0].strip() != 'MTP':
            raise self.error('The first line is not `MTP`.', 1)
        index = 1
        while index < len(self.lines):
            line = self.lines[index].strip()
            index += 1
            if line == 'radial_coeffs':
                self.radial_line = index
                index = self._split_radial(index)
            elif '=' in line:
                key, value = (part.strip() for part in line.split('=', 1))
                key = _SYNONYMS.get(key, key)
                if key not in _FIELDS:
                    raise self._unknown_field(key, index)
                if key in self.fields:
                    raise self.error(f'`{key}` is given twice.', index)
                self.fields[key] = value, index
            elif line:
                raise self.error(f'`{line[:40]}` is not understood.', index)
        missing = [key for key in _FIELDS if key not in self.fields and key not in _OPTIONAL]
        if missing:
            raise self.error(f'The file ends without `{missing[0]}`.')
        self._refuse_other_kinds()

    def _unknown_field(self, key: str, line: int) -> FormatError:
        """Return what to say of a field that is not one of the format."""
        kind = unsupported_kind(key)
        if kind is not None:
            return self.error(f'This is {kind} (`{key[:40]}`), which is not supported.', line)
        return self.error(f'`{key[:40]}` is not a field of a potential.', line)

    def _refuse_other_kinds(self) -> None:
        """Refuse a potential that tells to be of a kind that is not supported."""
        if self.text('version') != VERSION:
            message = f'Version `{self.text("version")[:40]}` of the format is not supported, only {VERSION}.'
            raise self.error(message, self.fields['version'][1])
        for key in ('potential_tag', 'radial_basis_type'):
            value, line = self.fields.get(key, ('', 0))
            kind = unsupported_kind(value)
            if kind is not None:
                raise self.error(f'This is {kind} (`{key} = {value[:40]}`), which is not supported.', line)

    def _split_radial(self, index: int) -> int:
        """Read the radial coefficients that begin with line `index` (from 0); return the first line behind them."""
        while index < len(self.lines):
            line = self.lines[index].strip()
            if re.fullmatch(r'\d+-\d+', line):
                self.labels.append(line)
                self.radial.append([])
            elif line.startswith('{') and self.radial:
                self.radial[-1].append(self.numbers(line, index + 1))
            else:
                break
            index += 1
        return index

    def text(self, key: str) -> str:
        """Return the text of a field."""
        return self.fields[key][0]

    def number(self, key: str) -> float:
        """Return a field that is a finite number."""
        value, line = self.fields[key]
        return self.to_float(value, line)

    def integer(self, key: str) -> int:
        """Return a field that is a positive whole number."""
        value, line = self.fields[key]
        if not re.fullmatch(r'\d{1,7}', value) or not 0 < int(value) <= _LARGEST:
            raise self.error(f'`{key}` is `{value[:40]}`, which is not a sensible number.', line)
        return int(value)

    def to_float(self, value: str, line: int) -> float:
        """Return the finite number that a word of a line is."""
        try:
            number = to_number(value)
        except ValueError:
            number = np.nan
        if not np.isfinite(number):
            raise self.error(f'`{value.strip()[:40]}` is not a finite number.', line)
        return number

    def numbers(self, value: str, line: int) -> list[float]:
        """Read ``{1.0, 2.0}``."""
        if not (value.startswith('{') and value.endswith('}')):
            raise self.error('The braces of a list are not closed.', line)
        return [self.to_float(item, line) for item in value[1:-1].split(',')] if value[1:-1].strip() else []

    def vector(self, key: str, length: int) -> np.ndarray:
        """Return a field that is a list of numbers.

        :param length: how many there must be.
        """
        value, line = self.fields[key]
        vector = np.array(self.numbers(value, line))
        if vector.size != length:
            raise self.error(f'`{key}` holds {vector.size} numbers, expected {length}.', line)
        return vector

    def table(self, key: str, length: int) -> np.ndarray:
        """Read rows of four integers, ``{{0, 1, 0, 0}, {0, 0, 1, 0}}``."""
        value, line = self.fields[key]
        if not re.fullmatch(rf'\{{\s*(?:{_ROW}(?:\s*,\s*{_ROW})*)?\s*\}}', value):
            raise self.error(f'`{key}` is not a list of rows of four integers.', line)
        table = np.array(re.findall(r'\d+', value), dtype=int).reshape(-1, 4)
        if len(table) != length:
            raise self.error(f'`{key}` holds {len(table)} rows, expected {length}.', line)
        return table

    def count(self, key: str) -> int:
        """Read a number that may be zero."""
        return 0 if self.text(key) == '0' else self.integer(key)
