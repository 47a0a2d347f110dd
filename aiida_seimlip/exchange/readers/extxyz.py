"""Extended XYZ, of whatever program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ase.data import atomic_masses

from aiida_seimlip.exchange.readers.files import open_text
from aiida_seimlip.exchange.readers.found import Part, ReadError, ReadOptions, Record, Tally
from aiida_seimlip.exchange.readers.labels import LOOKS_LIKE_LABEL, role_of, take_labels
from aiida_seimlip.exchange.readers.own import OWN, take_own
from aiida_seimlip.exchange.readers.pack import pack
from aiida_seimlip.science.formats.extxyz import ExtxyzFrame, iterate_extxyz, parse_numbers
from aiida_seimlip.science.units import ASE_VELOCITY_TO_ANGSTROM_PER_PS

LONGEST_FEATURE = 300
"""Longer values are left out by name."""

MOMENTA = 'momenta'


def is_extxyz(path: Path, head: bytes) -> bool:
    """Tell an XYZ file by a number of atoms in the first line, and an element in the third or a name that says so."""
    lines = head.split(b'\n')
    if not re.fullmatch(rb'\s*[1-9]\d{0,8}\s*', lines[0]):
        return False
    names = {'.xyz', '.extxyz'} & {suffix.lower() for suffix in path.suffixes}
    return bool(names) or (len(lines) > 2 and re.search(rb'properties\s*=', lines[1], re.IGNORECASE) is not None)


def read_extxyz(path: Path, options: ReadOptions) -> Part:
    """Read a file.

    :param path: of the file.
    :param options: what the user says about it.
    :raises ReadError: if labels disagree, have the wrong shape or are not known by their name.
    :raises FormatError: if the file is not sound.
    """
    tally = Tally()
    with open_text(path) as handle:
        records = list(_records(iterate_extxyz(handle, name=path.name), options, tally))
    return Part(pack(records), tally)


def _records(frames: Iterator[ExtxyzFrame], options: ReadOptions, tally: Tally) -> Iterator[Record]:
    for index, frame in enumerate(frames):
        try:
            yield _record(frame, options, tally)
        except ReadError as exception:
            raise ReadError(f'frame {index} (line {frame.line}): {exception}') from exception


def _record(frame: ExtxyzFrame, options: ReadOptions, tally: Tally) -> Record:
    own = {key: frame.info.pop(key) for key in OWN if key in frame.info}
    values: dict[str, Any] = {key: _value(key, text, options) for key, text in frame.info.items()}
    momenta = frame.columns.pop(MOMENTA, None)
    values |= frame.columns
    record = Record(frame.numbers, frame.positions, frame.cell, frame.pbc)
    for key in take_labels(record, values, options.keys, tally):
        text = frame.info.get(key)
        if text is None or len(text) > LONGEST_FEATURE:
            tally.left_out[key] += 1
        else:
            record.features[key] = text
    if momenta is not None and momenta.shape == frame.positions.shape:
        record.velocities = momenta / atomic_masses[frame.numbers, None] * ASE_VELOCITY_TO_ANGSTROM_PER_PS
    take_own(record, own)
    return record


def _value(key: str, text: str, options: ReadOptions) -> Any:
    """Return the numbers of what may be a label, the text of all else."""
    if role_of(key, options.keys) is None and not LOOKS_LIKE_LABEL.search(key):
        return text
    numbers = parse_numbers(text)
    return text if numbers is None else numbers if numbers.size > 1 else numbers[0]
