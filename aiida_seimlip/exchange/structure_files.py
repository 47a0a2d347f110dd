"""The kinds of files with structures that ASE mistakes or does not know, recognised by their content."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ase import Atoms

from aiida_seimlip.science.formats.lammps_data import read_data
from aiida_seimlip.science.formats.lammps_dump import read_dump
from aiida_seimlip.science.formats.lammps_elements import (
    elements_of_data,
    look_for_elements,
    looks_like_data,
    looks_like_dump,
)
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg

HEAD = 8000
"""So many bytes of a file tell what it is."""

CIF = 'CIF'

Species = Sequence[str] | None
Reader = Callable[[Path, Species], list[Atoms]]


class StructureFileError(ValueError):
    """A file cannot be used as a structure; the message is the rest of a sentence that begins with the file."""


class Kind(NamedTuple):
    """A kind of files.

    :param title: what it is called in messages.
    :param matches: tells it by its first bytes, as text.
    :param read: returns the configurations of a file; with the elements of the types, if these are known.
    """

    title: str
    matches: Callable[[str], bool]
    read: Reader


def find_kind(path: Path) -> Kind | None:
    """Return the kind of a file, None if it is for ASE to find out.

    :param path: of the file.
    """
    with path.open('rb') as handle:
        head = handle.read(HEAD).decode('utf-8', errors='replace').lstrip('\ufeff')
    return next((kind for kind in KINDS if kind.matches(head)), None)


# -- LAMMPS -----------------------------------------------------------------------------------------------------------


def _read_data(path: Path, species: Species) -> list[Atoms]:
    text = _text(path)
    if not species:
        species = _told(elements_of_data, text)
    _check_count(species, re.search(r'^\s*(\d+)\s+atom types', text, re.MULTILINE))
    return read_data(text.encode(), species, name=path.name).to_atoms()


def _read_dump(path: Path, species: Species) -> list[Atoms]:
    content = path.read_bytes()
    if not species:
        _told(look_for_elements, content.decode('utf-8', errors='replace'))
    dump = read_dump(content, species or None, name=path.name)
    if dump.truncated:
        raise StructureFileError('ends inside a snapshot: it is cut.')
    return dump.frames.to_atoms()


def _told(find: Callable[[str], Any], text: str) -> Any:
    """Return the elements that a file tells.

    :raises StructureFileError: if it does not.
    """
    try:
        return find(text)
    except ValueError as exception:
        raise StructureFileError(
            f'does not tell its elements: {exception}. Name them in the order of the types, such as `--species Li,F`.'
        ) from exception


def _check_count(species: Sequence[str], match: re.Match[str] | None) -> None:
    if match and int(match[1]) > len(species):
        raise StructureFileError(
            f'has {match[1]} types, but {len(species)} species are named: {", ".join(species)}. Name one for each type.'
        )


# -- MLIP -------------------------------------------------------------------------------------------------------------


def _read_mlip(path: Path, species: Species) -> list[Atoms]:
    if not species:
        raise StructureFileError(
            'is a set of configurations of MLIP, which numbers types: name their elements, such as `--species Li,F`.'
        )
    return read_cfg(path, species, name=path.name).frames.without_labels().to_atoms()


# -- POSCAR -----------------------------------------------------------------------------------------------------------


def _is_poscar(head: str) -> bool:
    """Tell a POSCAR by a scaling factor and three vectors from the second line on."""
    lines = head.splitlines()
    if len(lines) < 8 or not re.fullmatch(r'\s*-?[\d.eE+-]+(\s+[\d.eE+-]+){0,2}\s*(#.*|!.*)?', lines[1]):
        return False
    return all(len(numbers) == 3 for numbers in map(_numbers, lines[2:5])) and bool(_counts(lines[5:7]))


def _numbers(line: str) -> list[float]:
    try:
        return [float(word) for word in line.split()[:3]]
    except ValueError:
        return []


def _counts(lines: Sequence[str]) -> bool:
    return any(re.fullmatch(r'\s*\d+(\s+\d+)*\s*([!#].*)?', line) for line in lines)


def _read_poscar(path: Path, species: Species) -> list[Atoms]:
    from ase.io import read

    lines = _text(path).splitlines()
    if _counts(lines[5:6]):  # VASP 4: numbers of atoms, and no line with the elements before
        n_kinds = len(re.split('[!#]', lines[5])[0].split())
        if not species:
            raise StructureFileError(
                f'names no elements for its {n_kinds} kind(s) of atoms, as VASP 4 did: add a line with them before the '
                'numbers of atoms, or name them, such as `--species Li,F`.'
            )
        if len(species) != n_kinds:
            raise StructureFileError(f'has {n_kinds} kind(s) of atoms, but {len(species)} species are named.')
        lines.insert(5, ' '.join(species))
    found = read(io.StringIO('\n'.join(lines) + '\n'), format='vasp')
    return [found] if isinstance(found, Atoms) else list(found)


# -- CIF --------------------------------------------------------------------------------------------------------------


def _is_cif(head: str) -> bool:
    """Tell a CIF by the first word that is no comment."""
    return bool(re.match(r'(\s*(#[^\n]*\n)?)*data_', head, re.IGNORECASE))


def _read_cif(path: Path, species: Species) -> list[Atoms]:
    from ase.io import read

    found = read(path, format='cif', index=':', do_not_split_by_at_sign=True)
    return [found] if isinstance(found, Atoms) else list(found)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding='utf-8-sig')
    except UnicodeDecodeError as exception:
        raise StructureFileError('is not UTF-8 text.') from exception


KINDS = (
    Kind('LAMMPS data file', looks_like_data, _read_data),
    Kind('LAMMPS dump', looks_like_dump, _read_dump),
    Kind('configurations of MLIP', lambda head: head.lstrip().startswith('BEGIN_CFG'), _read_mlip),
    Kind('POSCAR', _is_poscar, _read_poscar),
    Kind(CIF, _is_cif, _read_cif),
)
