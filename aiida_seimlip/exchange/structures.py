"""Structures from files of any program: what is read is what the file means, or it is refused in one sentence."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ase import Atoms

from aiida_seimlip.exchange.cif import compare_with_statements
from aiida_seimlip.exchange.structure_files import CIF, StructureFileError, find_kind
from aiida_seimlip.science.structures.occupancy import explain_occupancies
from aiida_seimlip.science.structures.sanity import as_right_handed, explain_geometry

__all__ = ['StructureFile', 'StructureFileError', 'read_structure', 'read_structures']


@dataclass(frozen=True)
class StructureFile:
    """What a file holds.

    :param images: the configurations, in order; constraints of the file are attached.
    :param notes: sentences that a user should read.
    """

    images: list[Atoms]
    notes: list[str] = field(default_factory=list)


def read_structure(path: str | Path, species: Sequence[str] | None = None, *, index: int | None = None) -> Atoms:
    """Read one structure.

    :param path: of the file.
    :param species: chemical symbols of the types, where the file numbers types.
    :param index: of the configuration, from 0; negative values count from the end. Without it, the file must hold one.
    :raises StructureFileError: if it cannot be used; the message is one sentence that names the file.
    """
    (atoms,) = read_structures(path, species, index=index, is_single=True).images
    return atoms


def read_structures(
    path: str | Path, species: Sequence[str] | None = None, *, index: int | None = None, is_single: bool = False,
    allow_disorder: bool = False,
) -> StructureFile:  # fmt: skip
    """Read all configurations of a file, or one of them.

    LAMMPS' data files and dumps, MLIP's configurations and POSCARs are recognised by their content, whatever they are
    called; all else is what ASE takes it for.

    :param path: of the file.
    :param species: chemical symbols of the types, where the file numbers types.
    :param index: of the configuration, from 0; negative values count from the end.
    :param is_single: refuse several configurations.
    :param allow_disorder: take sites that are occupied in part, or by several elements, as ASE does: with the
        occupancies in ``info``.
    :raises StructureFileError: if it cannot be used; the message is one sentence that names the file.
    """
    path = Path(path)
    try:
        images, notes = _read(path, species)
        images, numbers = _choose(images, index, is_single)
        for number, atoms in zip(numbers, images, strict=True):
            fault = (None if allow_disorder else explain_occupancies(atoms)) or (
                None if allow_disorder and explain_occupancies(atoms) else explain_geometry(atoms)
            )
            if fault is not None:
                where = '' if len(numbers) == 1 else f'in configuration {number}, '
                raise StructureFileError(f'cannot be used: {where}{fault}.')
    except StructureFileError as exception:
        raise StructureFileError(f'The file {path} {exception}') from exception
    turned = [as_right_handed(atoms) for atoms in images]
    if any(atoms is not None for atoms in turned):
        notes.append('Its cell vectors are left-handed: all three are turned round, and no atom is moved.')
    return StructureFile([new or old for new, old in zip(turned, images, strict=True)], notes)


def _choose(images: list[Atoms], index: int | None, is_single: bool) -> tuple[list[Atoms], list[int]]:
    """Return the configurations that are wanted, and their numbers."""
    if not images:
        raise StructureFileError('holds no configuration.')
    if index is not None:
        if not -len(images) <= index < len(images):
            raise StructureFileError(f'holds no configuration {index}: there are {len(images)}, numbered from 0.')
        return [images[index]], [index % len(images)]
    if is_single and len(images) > 1:
        raise StructureFileError(
            f'holds {len(images)} configurations, but exactly one is needed: name it as FILE@INDEX, from 0; -1 is the '
            'last.'
        )
    return images, list(range(len(images)))


def _read(path: Path, species: Sequence[str] | None) -> tuple[list[Atoms], list[str]]:
    """Return the configurations of a file, and what its reader has said.

    :raises StructureFileError: if it cannot be read.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        try:
            kind = find_kind(path)
            images = _read_with_ase(path) if kind is None else kind.read(path, species)
            said = [str(warning.message) for warning in caught]
            is_cif = kind is not None and kind.title == CIF
            fault, more = compare_with_statements(path, images, said) if is_cif else (None, [])
        except StructureFileError:
            raise
        except Exception as exception:  # readers raise whatever they happen to raise
            reason = ' '.join(str(exception).split()) or type(exception).__name__
            raise StructureFileError(f'cannot be read as a structure: {reason.rstrip(".")}.') from exception
    notes = [
        f'{" ".join(str(warning.message).split()).rstrip(".")}.'
        for warning in caught
        if not issubclass(warning.category, DeprecationWarning | ResourceWarning)
    ]
    if fault is not None:
        raise StructureFileError(f'cannot be used: it {fault}.')
    return images, list(dict.fromkeys([*notes, *more]))


def _read_with_ase(path: Path) -> list[Atoms]:
    from ase.io import read
    from ase.io.formats import UnknownFileTypeError

    try:
        found = read(path, index=':', do_not_split_by_at_sign=True)
    except UnknownFileTypeError as exception:
        raise StructureFileError('is of no kind of file with structures that is known.') from exception
    except StopIteration as exception:
        raise StructureFileError('ends before its first configuration.') from exception
    return [found] if isinstance(found, Atoms) else list(found)
