"""ASE's trajectories and databases."""

from __future__ import annotations

import sqlite3
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms

from aiida_seimlip.exchange.readers.extxyz import LONGEST_FEATURE
from aiida_seimlip.exchange.readers.found import Part, ReadError, ReadOptions, Record, Tally
from aiida_seimlip.exchange.readers.labels import take_labels
from aiida_seimlip.exchange.readers.own import OWN, take_own
from aiida_seimlip.exchange.readers.pack import pack
from aiida_seimlip.science.units import ASE_VELOCITY_TO_ANGSTROM_PER_PS

GEOMETRY = {'numbers', 'positions', 'momenta', 'masses', 'tags', 'initial_magmoms', 'initial_charges'}
"""Columns that say nothing about the labels."""


def is_trajectory(path: Path, head: bytes) -> bool:
    """Tell a trajectory of ASE by its first bytes."""
    return head.startswith(b'- of UlmASE-Trajectory')


def is_database(path: Path, head: bytes) -> bool:
    """Tell a database of ASE, in SQLite or JSON, by its first bytes and by names that it always holds."""
    if head.startswith(b'SQLite format 3\0'):
        return _has_systems(path)
    return head.lstrip().startswith(b'{"') and (b'"calculator_parameters"' in head or b'"__ndarray__"' in head)


def _has_systems(path: Path) -> bool:
    """Tell whether a database has the table of ASE, which ASE would add to one of somebody else."""
    try:
        with closing(sqlite3.connect(f'{path.resolve().as_uri()}?mode=ro', uri=True)) as connection:
            query = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'systems'"
            return bool(connection.execute(query).fetchone()[0])
    except sqlite3.Error:
        return False


def read_trajectory(path: Path, options: ReadOptions) -> Part:
    """Read a trajectory.

    :param path: of the file.
    :param options: what the user says about it.
    :raises ReadError: if it cannot be read, or labels disagree or are not known by their name.
    """
    from ase.io.trajectory import Trajectory

    def images() -> Iterator[tuple[Atoms, Mapping[str, Any]]]:
        with Trajectory(str(path)) as trajectory:
            for image in trajectory:
                yield image, image.info

    return _read(images(), options, 'a trajectory of ASE')


def read_database(path: Path, options: ReadOptions) -> Part:
    """Read a database; pairs of keys and values, and the data of a row, are looked through as well.

    :param path: of the file.
    :param options: what the user says about it.
    :raises ReadError: if it cannot be read, or labels disagree or are not known by their name.
    """
    from ase.db import connect

    def images() -> Iterator[tuple[Atoms, Mapping[str, Any]]]:
        kind = 'db' if path.read_bytes()[:6] == b'SQLite' else 'json'
        for row in connect(str(path), type=kind, use_lock_file=False).select():
            yield row.toatoms(), {**row.data, **row.key_value_pairs}

    return _read(images(), options, 'a database of ASE')


def _read(images: Iterator[tuple[Atoms, Mapping[str, Any]]], options: ReadOptions, what: str) -> Part:
    tally = Tally()
    records: list[Record] = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore')
            for image, info in images:
                records.append(_record(image, info, options, tally))
    except ReadError as exception:
        raise ReadError(f'frame {len(records)}: {exception}') from exception
    except Exception as exception:  # ASE raises whatever happens to go wrong
        reason = ' '.join(str(exception).split())[:200] or type(exception).__name__
        raise ReadError(f'it cannot be read as {what} beyond frame {len(records)}: {reason}') from exception
    return Part(pack(records), tally)


def _record(image: Atoms, info: Mapping[str, Any], options: ReadOptions, tally: Tally) -> Record:
    if 'occupancy' in info:
        raise ReadError('sites are partly occupied, which whole atoms cannot stand for: make ordered cells first.')
    own = {key: info[key] for key in OWN if key in info}
    info = {key: value for key, value in info.items() if key not in OWN}
    values = _join(
        {'calculator': {} if image.calc is None else image.calc.results},
        {'info': info},
        {'columns': {key: array for key, array in image.arrays.items() if key not in GEOMETRY}},
    )
    record = Record(image.numbers, image.positions, image.cell.array, image.pbc)
    for key, value in take_labels(record, values, options.keys, tally).items():
        if isinstance(value, str | int | float | np.number | np.bool_) and len(str(value)) <= LONGEST_FEATURE:
            record.features[key] = str(value)
        else:
            tally.left_out[key] += 1
    take_own(record, own)
    if image.constraints:
        tally.left_out['constraints'] += 1
    if image.has('momenta'):
        record.velocities = image.get_velocities() * ASE_VELOCITY_TO_ANGSTROM_PER_PS
    return record


def _join(*places: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the values of all places by name.

    :raises ReadError: if two places hold different values under one name.
    """
    found: dict[str, Any] = {}
    where: dict[str, str] = {}
    for place in places:
        for name, values in place.items():
            for key, given in values.items():
                value = np.asarray(given) if isinstance(given, list | tuple) else given
                if key in found and not _same(found[key], value):
                    raise ReadError(f'`{key}` stands in {where[key]} and in {name} with different values.')
                found[key], where[key] = value, name
    return found


def _same(one: Any, two: Any) -> bool:
    first, second = np.asarray(one), np.asarray(two)
    if first.shape != second.shape or first.dtype.kind not in 'ifb' or second.dtype.kind not in 'ifb':
        return str(one) == str(two)
    return bool(np.allclose(first, second, rtol=1e-10, equal_nan=True))
