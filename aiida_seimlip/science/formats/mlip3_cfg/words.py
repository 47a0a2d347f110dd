"""The words of a ``.cfg`` file, one after the other, and where each stands."""

from __future__ import annotations

import itertools
import re

import numpy as np

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.numerals import to_number

BYTE_ORDER_MARK = b'\xef\xbb\xbf'

_TOKEN = re.compile(rb'\S+')


class TruncatedError(FormatError):
    """The file ends inside a configuration."""


class Words:
    """Content of a file and how far it has been read.

    :param data: the content; a byte order mark is skipped.
    :param name: of the file, for messages.
    """

    def __init__(self, data: bytes, name: str):
        self.data = data
        self.name = name
        self.position = len(BYTE_ORDER_MARK) if data.startswith(BYTE_ORDER_MARK) else 0

    def error(self, message: str, position: int) -> FormatError:
        """Return an error that names the line of a position."""
        return FormatError(message, name=self.name, line=self.data.count(b'\n', 0, position) + 1)

    def token(self) -> tuple[bytes, int]:
        """Return the next word and where it begins; an empty word at the end of the file."""
        match = _TOKEN.search(self.data, self.position)
        if match is None:
            self.position = len(self.data)
            return b'', self.position
        self.position = match.end()
        return match.group(), match.start()

    def nth_token(self, index: int, start: int) -> tuple[bytes, int]:
        """Return the word number `index` (from 0) after `start` and where it begins."""
        match = next(itertools.islice(_TOKEN.finditer(self.data, start), index, None))
        return match.group(), match.start()

    def line(self) -> bytes:
        """Return the rest of the line, with its blanks, and go to its end."""
        start, end = self.position, self.data.find(b'\n', self.position)
        self.position = len(self.data) if end < 0 else end
        return self.data[start : self.position]

    def rest_of_line(self) -> bytes:
        """Return the rest of the line without blanks at its ends, and go to its end."""
        return self.line().strip()

    def number(self, name: str) -> float:
        """Read a finite number.

        :param name: of the quantity, for the message.
        :raises FormatError: if the next word is none.
        """
        raw, position = self.token()
        value = to_float(raw)
        if not np.isfinite(value):
            raise self.error(f'`{name}` holds `{show(raw)}`, which is not a finite number.', position)
        return value


def to_float(raw: bytes) -> float:
    """Return the number, or NaN if it is none."""
    try:
        return to_number(raw.decode('latin-1'))
    except ValueError:
        return np.nan


def show(raw: bytes) -> str:
    """Return a word of a file in a form that can be printed."""
    return ascii(raw[:40].decode('latin-1'))[1:-1]


def decode(raw: bytes) -> str:
    """Return text of a file: UTF-8, and Latin-1 if it is not that, as every byte is a character there."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode('latin-1')
