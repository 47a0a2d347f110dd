"""Writing an archive without the files that stay out of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any, BinaryIO

from aiida.orm.entities import EntityTypes
from aiida.tools.archive import create_archive
from aiida.tools.archive.create import EXPORT_LOGGER
from aiida.tools.archive.implementations.sqlite_zip.main import ArchiveFormatSqlZip
from aiida.tools.archive.implementations.sqlite_zip.writer import ArchiveWriterSqlZip

from aiida_seimlip.data.frames import LEFT_OUT_EXTRA
from aiida_seimlip.exchange.archive.contents import TRAVERSAL_RULES, Contents

LOG_PATHS = ('pathname', 'process', 'processName', 'thread', 'threadName')
"""What log entries keep about the machine and the program that wrote them, which is nobody else's business."""


class ArchiveRefusedError(ValueError):
    """The archive cannot be written; the message says why."""


def write_archive(contents: Contents, path: Path, *, overwrite: bool = False) -> Path:
    """Write a campaign, with what it stands on, to a file.

    A node keeps its place in the graph and its attributes where a file of it stays out; its extra `LEFT_OUT_EXTRA` in
    the archive names these files and the reasons.

    :param contents: as `survey` found them.
    :param path: of the archive.
    :param overwrite: whether a file that is there may be replaced.
    :return: the path.
    :raises ArchiveRefusedError: if a process has not ended, or the file is there already.
    """
    if contents.unsealed:
        pks = ' '.join(str(pk) for pk in contents.unsealed)
        raise ArchiveRefusedError(f'Processes that have not ended cannot go into an archive: {pks}.')
    if path.exists() and not overwrite:
        raise ArchiveRefusedError(f'The file {path} is there already.')
    with _quiet():
        create_archive(
            list(contents.roots), path, overwrite=overwrite, archive_format=_SelectiveFormat(contents),
            **TRAVERSAL_RULES,
        )  # fmt: skip
    return path


class _SelectiveWriter(ArchiveWriterSqlZip):
    """Leaves out files, and says so in the extras of their nodes."""

    def __init__(self, contents: Contents, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._keys = {file.key for file in contents.kept}
        self._left_out: dict[int, dict[str, str]] = {}
        for file in contents.left_out:
            self._left_out.setdefault(file.node, {})[file.path] = file.left_out

    def bulk_insert(self, entity_type: EntityTypes, rows: list[dict[str, Any]], allow_defaults: bool = False) -> None:
        """Write rows of a table."""
        if entity_type == EntityTypes.NODE:
            rows = [self._without_files(row) for row in rows]
        elif entity_type == EntityTypes.LOG:
            rows = [_without_paths(row) for row in rows]
        super().bulk_insert(entity_type, rows, allow_defaults)

    def put_object(self, stream: BinaryIO, *, buffer_size: int | None = None, key: str | None = None) -> str:
        """Write a file, if it goes in."""
        if key is not None and key not in self._keys:
            return key
        return super().put_object(stream, buffer_size=buffer_size, key=key)

    def _without_files(self, row: dict[str, Any]) -> dict[str, Any]:
        reasons = self._left_out.get(row['id'])
        if not reasons:
            return row
        metadata = deepcopy(row['repository_metadata'])
        for path in reasons:
            _remove(metadata, path.split('/'))
        return {**row, 'repository_metadata': metadata, 'extras': {**(row['extras'] or {}), LEFT_OUT_EXTRA: reasons}}


class _SelectiveFormat(ArchiveFormatSqlZip):
    """AiiDA's format, written by `_SelectiveWriter`."""

    def __init__(self, contents: Contents) -> None:
        self._contents = contents

    def open(self, path: str | Path, mode: Any = 'r', *, compression: int = 6, **kwargs: Any) -> Any:
        """Open an archive; only a new one is written selectively."""
        if mode in ('x', 'w'):
            return _SelectiveWriter(self._contents, path, self, mode=mode, compression=compression, **kwargs)
        return super().open(path, mode, compression=compression, **kwargs)


def _without_paths(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the log without the places of source files on this machine, and how they were run."""
    metadata = {name: value for name, value in (row['metadata'] or {}).items() if name not in LOG_PATHS}
    return {**row, 'metadata': metadata}


def _remove(tree: Mapping[str, Any], parts: list[str]) -> None:
    """Remove a file from the metadata of a repository, which are nested by folders."""
    for part in parts[:-1]:
        tree = tree['o'][part]
    del tree['o'][parts[-1]]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep AiiDA from printing tables about what it exports."""
    level = EXPORT_LOGGER.level
    EXPORT_LOGGER.setLevel(logging.WARNING)
    try:
        yield
    finally:
        EXPORT_LOGGER.setLevel(level)
