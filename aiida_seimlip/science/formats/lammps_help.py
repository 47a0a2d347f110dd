"""What LAMMPS says of itself when it is called with ``-h``: its version, packages and styles."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.formats.lammps_dialects import find_dialects

_VERSION = re.compile(r'^Large-scale Atomic/Molecular Massively Parallel Simulator - (.+?)\s*$', re.MULTILINE)
_SECTION = r'^{}:\s*\n\s*\n?((?:.*\S.*\n?)*)'
_MACHINE_LEARNING = re.compile(
    r'^(mlip|mtp|mliap|snap|pod|pace|mace|symmetrix|nequip|allegro|deepmd|uf3|nep|quip|hdnnp|agni)\b'
)


@dataclass(frozen=True)
class LammpsHelp:
    """What a LAMMPS is made of.

    :param version: such as ``22 Jul 2025 - Update 4``.
    :param packages: installed packages, as printed.
    :param pair_styles: names of all pair styles, as printed.
    """

    version: str
    packages: tuple[str, ...]
    pair_styles: tuple[str, ...]

    @property
    def dialects(self) -> tuple[str, ...]:
        """Names of the dialects that this LAMMPS speaks, see `lammps_dialects.DIALECTS`."""
        return tuple(find_dialects(self.pair_styles))


def machine_learning_styles(pair_styles: Collection[str]) -> tuple[str, ...]:
    """Return those pair styles that are of machine-learning potentials, in order.

    :param pair_styles: names of pair styles.
    """
    return tuple(style for style in pair_styles if _MACHINE_LEARNING.match(style))


def parse_help(text: str, *, name: str = 'help.txt') -> LammpsHelp:
    """Read what ``lmp -h`` prints.

    :param text: all of it.
    :param name: name of the file for messages.
    :raises FormatError: if it does not come from LAMMPS, or ends before the pair styles.
    """
    version = _VERSION.search(text)
    if version is None:
        raise FormatError('There is no line with the name and version of LAMMPS.', name=name)
    styles = re.search(_SECTION.format(r'\* Pair styles'), text, re.MULTILINE)
    if styles is None:
        raise FormatError('There is no list of pair styles.', name=name)
    packages = re.search(_SECTION.format('Installed packages'), text, re.MULTILINE)
    return LammpsHelp(
        version=version[1],
        packages=tuple(packages[1].split()) if packages else (),
        pair_styles=tuple(styles[1].split()),
    )
