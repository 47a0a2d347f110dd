"""Files as they lie there: their first bytes, their text, compressed or not, and the hash of their content."""

from __future__ import annotations

import bz2
import codecs
import gzip
import hashlib
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TextIO, cast

HEAD = 4096
"""Number of bytes by which a file is recognised."""

BLOCK = 1 << 20
PICKLES = (b'\x80\x02', b'\x80\x03', b'\x80\x04', b'\x80\x05')
"""How a file begins that Python has pickled, as models of PyTorch of long ago are."""

LATIN_1 = 'seimlip-latin-1'
"""Name under which Python finds what to do with bytes that are no UTF-8."""


def _as_latin_1(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode('latin-1'), error.end


codecs.register_error(LATIN_1, _as_latin_1)
_OPENERS: dict[bytes, Callable[..., object]] = {b'\x1f\x8b': gzip.open, b'BZh': bz2.open, b'\xfd7zXZ\x00': lzma.open}


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading, through a decompressor where its first bytes say so."""
    with path.open('rb') as handle:
        magic = handle.read(6)
    opener = next((opener for begin, opener in _OPENERS.items() if magic.startswith(begin)), None)
    return path.open('rb') if opener is None else cast('BinaryIO', opener(path, 'rb'))


def open_text(path: Path) -> TextIO:
    """Open a file as text; bytes that are no UTF-8 are read as Latin-1 rather than refused."""
    return io.TextIOWrapper(cast('io.BufferedReader', open_binary(path)), encoding='utf-8-sig', errors=LATIN_1)


def read_head(path: Path) -> bytes:
    """Return the first bytes of the content, without a byte order mark; nothing of a folder."""
    if path.is_dir():
        return b''
    with open_binary(path) as handle:
        return handle.read(HEAD).removeprefix(b'\xef\xbb\xbf')


def is_model(path: Path, head: bytes) -> bool:
    """Tell a model of PyTorch by the names of what is packed in it; nothing of it is loaded."""
    if head.startswith(PICKLES):
        return True
    if not head.startswith(b'PK'):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith('/data.pkl') for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as it lies there, or of all files in a folder and their names."""
    digest = hashlib.sha256()
    if path.is_dir():
        for inner in sorted(inner for inner in path.rglob('*') if inner.is_file()):
            digest.update(f'{inner.relative_to(path)}\0{sha256_of(inner)}\0'.encode())
        return digest.hexdigest()
    with path.open('rb') as handle:
        while block := handle.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
