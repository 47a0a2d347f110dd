"""The table of atoms of a configuration."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from aiida_seimlip.science.formats.mlip3_cfg.configuration import CARTESIAN, COLUMNS, DIRECT, FORCES, Configuration
from aiida_seimlip.science.formats.mlip3_cfg.words import Words, decode, show, to_float

SECTION = re.compile(rb'\n[ \t]*[A-Z]')
"""Where the next field begins."""

_GHOST = {b'true': b'1', b'false': b'0'}
_NAME = re.compile(r'[A-Za-z_][A-Za-z0-9_.:/-]*')


class AtomTable:
    """Reads the table of atoms at which the words have arrived.

    :param words: of the file.
    :param species: chemical symbols in type order.
    """

    def __init__(self, words: Words, species: Sequence[str]):
        self.words = words
        self.species = species

    def read(self, configuration: Configuration, position: int) -> None:
        """Read the columns of a configuration.

        :param configuration: to read into; its size must be known.
        :param position: where the table begins.
        :raises FormatError: if it is not sound.
        """
        if not configuration.size:
            raise self.words.error('AtomData stands before Size.', position)
        names = self._column_names(position)
        start = self.words.position
        end = SECTION.search(self.words.data, start)
        self.words.position = end.start() if end else len(self.words.data)
        words = self.words.data[start : self.words.position].split()
        self._check_count(words, configuration.size, len(names), start)
        for name in (name for name in names if name not in COLUMNS):
            words[names.index(name) :: len(names)] = [b'0'] * configuration.size
            configuration.left_out.append(name)
        if 'ghost' in names:
            column = slice(names.index('ghost'), None, len(names))
            words[column] = [_GHOST.get(word, b'nan') for word in words[column]]
        table = self._finite_numbers(words, start).reshape(configuration.size, len(names))
        configuration.columns = {
            name: values for name, values in zip(names, table.T, strict=True) if name in COLUMNS
        }  # fmt: skip
        configuration.columns.setdefault('type', np.zeros(configuration.size))
        self._check_ids(configuration.columns.pop('id', None), names, start)
        self._check_types(configuration.columns['type'], names, start)

    def _column_names(self, position: int) -> list[str]:
        """Return the names in the heading, known or not."""
        names = decode(self.words.rest_of_line()).split()
        for name in names:
            if name not in COLUMNS and not _NAME.fullmatch(name):
                raise self.words.error(f'`{show(name.encode())}` is no name of a column of AtomData.', position)
        if len(set(names)) < len(names):
            raise self.words.error('A column of AtomData is given twice.', position)
        if {*names} & {*CARTESIAN, *DIRECT} not in ({*CARTESIAN}, {*DIRECT}):
            message = 'AtomData must have x, y and z of either Cartesian or direct coordinates.'
            raise self.words.error(message, position)
        if len({*names} & {*FORCES}) not in (0, 3):
            raise self.words.error('AtomData must have all of fx, fy and fz, or none.', position)
        if 'type' not in names and len(self.species) > 1:
            message = f'AtomData has no column `type`, but there are {len(self.species)} species.'
            raise self.words.error(message, position)
        return names

    def _check_count(self, words: list[bytes], size: int, n_columns: int, start: int) -> None:
        expected = f'Size announces {size} rows of {n_columns} values'
        if len(words) > size * n_columns:
            _, excess = self.words.nth_token(size * n_columns, start)
            raise self.words.error(f'AtomData goes on here, but {expected}.', excess)
        if len(words) < size * n_columns:
            raise self.words.error(
                f'AtomData ends here after {len(words)} values, but {expected}.', self.words.position
            )

    def _finite_numbers(self, words: list[bytes], start: int) -> np.ndarray:
        try:
            values = np.array(list(map(float, words)))
        except ValueError:
            values = np.array(list(map(to_float, words)))
        if b'_' in self.words.data[start : self.words.position]:  # Python's float takes 1_000
            values = np.array(list(map(to_float, words)))
        wrong = np.flatnonzero(~np.isfinite(values))
        if wrong.size:
            raw, position = self.words.nth_token(int(wrong[0]), start)
            raise self.words.error(f'AtomData holds `{show(raw)}`, which is not a valid value.', position)
        return values

    def _check_ids(self, ids: np.ndarray | None, names: list[str], start: int) -> None:
        if ids is None:
            return
        wrong = np.flatnonzero(ids != np.arange(1, len(ids) + 1))
        if wrong.size:
            raw, position = self.words.nth_token(int(wrong[0]) * len(names) + names.index('id'), start)
            raise self.words.error(f'The ids are not 1 to {len(ids)} in order: `{show(raw)}` is out of turn.', position)

    def _check_types(self, types: np.ndarray, names: list[str], start: int) -> None:
        wrong = np.flatnonzero((types < 0) | (types >= len(self.species)) | (types != np.rint(types)))
        if wrong.size:
            raw, position = self.words.nth_token(int(wrong[0]) * len(names) + names.index('type'), start)
            known = ', '.join(f'{index} = {symbol}' for index, symbol in enumerate(self.species))
            raise self.words.error(f'Type `{show(raw)}` is not in the species list ({known}).', position)
