"""Where the readers of formats get their content from."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO


def load_source(source: str | Path | BinaryIO | bytes, name: str | None = None) -> tuple[bytes, str]:
    """Return the content of a file and its name for messages.

    :param source: path, open binary file, or content.
    :param name: name for messages; by default the path.
    """
    if isinstance(source, bytes):
        return source, name or 'content'
    if isinstance(source, str | Path):
        return Path(source).read_bytes(), name or str(source)
    return source.read(), name or str(getattr(source, 'name', 'content'))
