"""File formats: one module for each, reading into and writing from the package's own data structures."""

from __future__ import annotations


class FormatError(ValueError):
    """A file does not hold what its format demands; the message names the file and the line or byte.

    :param message: what is wrong, one sentence.
    :param name: name of the file.
    :param line: line number, from 1.
    :param byte: offset of the byte, from 0; for binary content.
    """

    def __init__(self, message: str, *, name: str | None = None, line: int | None = None, byte: int | None = None):
        self.reason = message
        self.name = name
        self.line = line
        self.byte = byte
        place = ([name] if name else []) + ([f'line {line}'] if line else [])
        place += [f'byte {byte}'] if byte is not None else []
        super().__init__(f'{", ".join(place)}: {message}' if place else message)
