"""Reading of configurations, field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
from ase.data import atomic_numbers

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_cfg.atoms import SECTION, AtomTable
from aiida_seimlip.science.formats.mlip3_cfg.configuration import (
    CARTESIAN,
    DIRECT,
    ESCAPED,
    MV_GRADE,
    VOIGT,
    Configuration,
)
from aiida_seimlip.science.formats.mlip3_cfg.file import CfgFile
from aiida_seimlip.science.formats.mlip3_cfg.pack import pack
from aiida_seimlip.science.formats.mlip3_cfg.words import TruncatedError, Words, decode, show, to_float
from aiida_seimlip.science.formats.source import load_source

_SMALLEST = 1e-6


def read_cfg(
    source: str | Path | BinaryIO | bytes,
    species: Sequence[str],
    *,
    name: str | None = None,
    allow_truncated: bool = False,
) -> CfgFile:
    """Read configurations.

    Like MLIP-3, this takes ``direct_x`` for ``cartes_x``, divides ``Virial`` by the volume and refuses ``Stress``,
    whose sign is ambiguous. Unlike MLIP-3, it refuses a field that is given twice, and leaves out columns of atoms that
    are not known, such as magnetic moments; `CfgFile.left_out_columns` names them. Text that is not UTF-8 is taken as
    Latin-1.

    :param source: path, open binary file, or content.
    :param species: chemical symbols in type order.
    :param name: name of the file for messages; by default its path.
    :param allow_truncated: leave out a last configuration without ``END_CFG``, as a killed program leaves it.
    :raises FormatError: if the content is not sound, or a type number is not in the species list.
    """
    data, name = load_source(source, name)
    unknown = [symbol for symbol in species if symbol not in atomic_numbers]
    if unknown:
        raise FormatError(f'`{unknown[0]}` in the species list is no chemical element.', name=name)
    numbers = np.array([atomic_numbers[symbol] for symbol in species], dtype=np.int32)
    configurations: list[Configuration] = []
    is_truncated = False
    try:
        configurations.extend(_Reader(data, name, species).configurations())
    except TruncatedError:
        if not allow_truncated:
            raise
        is_truncated = True
    return pack(configurations, numbers, name, is_truncated)


class _Reader(Words):
    """Reads one file from front to back."""

    def __init__(self, data: bytes, name: str, species: Sequence[str]):
        super().__init__(data, name)
        self.atoms = AtomTable(self, species)

    def configurations(self) -> Iterator[Configuration]:
        line, counted = 1, 0
        while True:
            word, position = self.token()
            if not word:
                return
            line += self.data.count(b'\n', counted, position)
            counted = position
            if word != b'BEGIN_CFG':
                if self.position == len(self.data) and b'BEGIN_CFG'.startswith(word):
                    raise TruncatedError('The file ends inside BEGIN_CFG.', name=self.name, line=line)
                raise self.error(f'`{show(word)}` stands where BEGIN_CFG is expected.', position)
            try:
                yield self.configuration(Configuration(line))
            except FormatError as exception:
                if self.data.find(b'END_CFG', position) >= 0:
                    raise
                message = f'The file ends inside the configuration that begins in line {line}: {exception.reason}'
                raise TruncatedError(message, name=self.name, line=exception.line) from exception

    def configuration(self, configuration: Configuration) -> Configuration:
        begin = self.position
        seen: set[str] = set()
        while True:
            word, position = self.token()
            if word == b'END_CFG':
                break
            if word in (b'', b'BEGIN_CFG'):
                raise self.error('END_CFG is missing.', position)
            if word not in _FIELDS:
                raise self.error(f'`{show(word)}` is not a field of a configuration.', position)
            kind, method = _FIELDS[word]
            if kind in seen and kind != 'feature':
                raise self.error(f'`{show(word)}` is given twice.', position)
            seen.add(kind)
            method(self, configuration, position)
        if 'atoms' not in seen:
            raise self.error('The configuration has no AtomData.', begin)
        self.finish(configuration, begin)
        return configuration

    def finish(self, configuration: Configuration, position: int) -> None:
        """Do what needs the cell, which may stand anywhere in the configuration."""
        has_volume = len(configuration.cell) == 3
        if configuration.is_virial:
            if not has_volume or configuration.plus_stress is None:
                raise self.error('`Virial:` needs a Supercell of three vectors.', position)
            configuration.plus_stress /= np.abs(np.linalg.det(configuration.cell))
        if 'direct_x' in configuration.columns:
            if not has_volume:
                raise self.error('Direct coordinates need a Supercell of three vectors.', position)
            direct = np.column_stack([configuration.columns.pop(name) for name in DIRECT])
            configuration.columns.update(zip(CARTESIAN, (direct @ configuration.cell).T, strict=True))

    def read_size(self, configuration: Configuration, position: int) -> None:
        raw, position = self.token()
        if not re.fullmatch(rb'0*[1-9][0-9]{0,11}', raw):
            raise self.error(f'`Size` holds `{show(raw)}`, which is not a number of atoms.', position)
        configuration.size = int(raw)

    def read_supercell(self, configuration: Configuration, position: int) -> None:
        end = SECTION.search(self.data, self.position)
        words = self.data[self.position : end.start() if end else None].split()
        if len(words) not in (3, 6, 9):
            raise self.error(f'`Supercell` holds {len(words)} numbers, not 3 for each cell vector.', position)
        configuration.cell = np.array([self.number('Supercell') for _ in words]).reshape(-1, 3)
        if np.linalg.matrix_rank(configuration.cell, tol=_SMALLEST) < len(configuration.cell):
            raise self.error('The vectors of `Supercell` are not independent.', position)

    def read_energy(self, configuration: Configuration, position: int) -> None:
        configuration.energy = self.number('Energy')

    def read_stress(self, configuration: Configuration, position: int) -> None:
        names = decode(self.rest_of_line()).split()
        if sorted(names) != sorted(VOIGT):
            raise self.error(f'The components of the stress are {names}, not {list(VOIGT)}.', position)
        values = {name: self.number('PlusStress') for name in names}
        configuration.plus_stress = np.array([values[name] for name in VOIGT])

    def read_virial(self, configuration: Configuration, position: int) -> None:
        self.read_stress(configuration, position)
        configuration.is_virial = True

    def refuse_stress(self, configuration: Configuration, position: int) -> None:
        raise self.error(
            '`Stress:` is refused, because its sign is ambiguous: give the virial as PlusStress.', position
        )

    def read_feature(self, configuration: Configuration, position: int) -> None:
        """Read a feature as MLIP-3 does: its value is what follows the character behind the name.

        Where that character ends the line, the value stands in the next one. If the next one begins another field,
        MLIP-3 takes it all the same; here the value is empty instead.
        """
        line = self.line()
        words = line.split(maxsplit=1)
        if not words:
            raise self.error('A feature has no name.', position)
        key = decode(words[0])
        for character, escaped in ESCAPED.items():
            key = key.replace(escaped, character)
        value = words[1].strip() if len(words) > 1 else b''
        ends_with_name = line.rstrip(b'\r').endswith(words[0])
        if ends_with_name and not _NEXT_FIELD.match(self.data, self.position):
            self.position = min(self.position + 1, len(self.data))
            value = self.rest_of_line()
        self.add_feature(configuration, key, decode(value), position)

    def read_features(self, configuration: Configuration, position: int) -> None:
        for key in decode(self.rest_of_line()).split():
            raw, start = self.token()
            self.add_feature(configuration, key, decode(raw), start)

    def read_atoms(self, configuration: Configuration, position: int) -> None:
        self.atoms.read(configuration, position)

    def add_feature(self, configuration: Configuration, key: str, value: str, position: int) -> None:
        known = configuration.features.get(key)
        if key == MV_GRADE and (known is not None or np.isnan(to_float(value.encode()))):
            raise self.error(f'The feature {MV_GRADE} holds `{value}`, which is not one number.', position)
        configuration.features[key] = value if known is None else f'{known}\n{value}'


_FIELDS = {
    b'Size': ('size', _Reader.read_size),
    b'Supercell': ('cell', _Reader.read_supercell),
    b'SuperCell': ('cell', _Reader.read_supercell),
    b'AtomData:': ('atoms', _Reader.read_atoms),
    b'Atomic_data:': ('atoms', _Reader.read_atoms),
    b'Energy': ('energy', _Reader.read_energy),
    b'PlusStress:': ('stress', _Reader.read_stress),
    b'Virial:': ('stress', _Reader.read_virial),
    b'Stress:': ('stress', _Reader.refuse_stress),
    b'Feature': ('feature', _Reader.read_feature),
    b'Features:': ('feature', _Reader.read_features),
}
_NEXT_FIELD = re.compile(rb'\r?\n[ \t]*(?:END_CFG|BEGIN_CFG|' + rb'|'.join(_FIELDS) + rb')(?:\s|\Z)')
