"""The active set behind the text of a potential."""

from __future__ import annotations

import re

import numpy as np

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.mtp.potential import ActiveSet, MomentTensorPotential

ACTIVE_SET_MARK = b'\n#MVS_v1.1\n'
"""Begin of the active set. A file without it is a checkpoint or an untrained potential and cannot grade."""

WEIGHTS = ('energy_weight', 'force_weight', 'stress_weight', 'site_en_weight', 'weight_scaling')


class ActiveSetReader:
    """Reads what stands behind the mark of the active set.

    :param data: content of the file.
    :param position: of the first byte behind the mark.
    :param name: of the file, for messages.
    :param potential: to which the active set belongs.
    """

    def __init__(self, data: bytes, position: int, name: str, potential: MomentTensorPotential):
        self.data = data
        self.position = position
        self.name = name
        self.potential = potential

    def error(self, message: str) -> FormatError:
        """Return an error that names the byte that is read."""
        return FormatError(message, name=self.name, byte=self.position)

    def read(self) -> ActiveSet:
        """Return the active set.

        :raises FormatError: if it is not sound.
        """
        n = self.potential.n_parameters
        weights = {key: self._weight(key) for key in WEIGHTS}
        self._mark(b'#')
        matrix, inverse = self._matrix(n, 'A'), self._matrix(n, 'A⁻¹')
        self._mark(b'\n#\n')
        origins = np.array([self._origin() for _ in range(n)], dtype=int).reshape(n, 2)
        self._mark(b'#\n')
        begin = self.position
        try:
            cfg = read_cfg(self.data[begin:], self.potential.species, name=self.name)
        except FormatError as exception:
            message = f'The active configurations are not sound (line {exception.line} of them): {exception.reason}'
            raise self.error(message) from exception
        if origins[:, 0].max() >= len(cfg.frames):
            raise self.error(f'The active set refers to more than its {len(cfg.frames)} configurations.')
        return ActiveSet(matrix, inverse, origins, cfg.frames, weights, tuple(cfg.features))

    def _line(self) -> bytes:
        end = self.data.find(b'\n', self.position)
        if end < 0:
            raise self.error('The file ends inside the active set.')
        return self.data[self.position : end]

    def _mark(self, mark: bytes) -> None:
        if not self.data.startswith(mark, self.position):
            raise self.error(f'The mark {mark.decode()!r} of the active set is missing.')
        self.position += len(mark)

    def _weight(self, key: str) -> float:
        line = self._line()
        words = line.split()
        try:
            value = float(words[1]) if len(words) == 2 and words[0] == key.encode() else np.nan
        except ValueError:
            value = np.nan
        if not np.isfinite(value):
            raise self.error(f'`{key}` of the active set is missing or no number.')
        self.position += len(line) + 1
        return value

    def _matrix(self, n: int, label: str) -> np.ndarray:
        size = 8 * n * n
        if len(self.data) < self.position + size:
            raise self.error(f'The file ends inside the matrix {label} of the active set.')
        matrix = np.frombuffer(self.data, '<f8', n * n, self.position).reshape(n, n).astype(float)
        wrong = np.flatnonzero(~np.isfinite(matrix))
        if wrong.size:
            self.position += 8 * int(wrong[0])
            raise self.error(f'The matrix {label} of the active set holds a value that is not finite.')
        self.position += size
        return matrix

    def _origin(self) -> tuple[int, int]:
        line = self._line()
        if not re.fullmatch(rb'(-1|\d{1,9}) (-1|\d{1,9})', line):
            raise self.error('A row of the active set lacks its configuration and equation.')
        self.position += len(line) + 1
        configuration, equation = line.split()
        return int(configuration), int(equation)
