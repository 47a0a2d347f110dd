"""Which elements the types of LAMMPS' files are, as far as the files say so."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ase.data import atomic_masses, atomic_numbers, chemical_symbols

MASS_TOLERANCE = 0.1
"""Largest difference in u between a mass in a file and that of an element; files round to one decimal, or none."""

OWN_TITLE = re.compile(r'atom types: ((?:[A-Z][a-z]? ?)+)$')
"""How `lammps_data.write_data` ends its first line."""

_MASS = re.compile(r'^\s*(\d+)\s+([-+.\deE]+)\s*(?:#\s*(\S+))?')
_TITLE = re.compile(r'^\s*([A-Z][A-Za-z ]*?)\s*(?:#\s*(\S+))?\s*$')


def looks_like_data(head: str) -> bool:
    """Return whether a text begins as a data file does: with counts of atoms and bounds of a box.

    :param head: the first lines.
    """
    has_atoms = re.search(r'^\s*\d+\s+atoms\s*(#.*)?$', head, re.MULTILINE)
    return bool(has_atoms and re.search(r'\bxlo\s+xhi\b', head))


def looks_like_dump(head: str) -> bool:
    """Return whether a text begins as a dump does.

    :param head: the first lines.
    """
    return bool(re.match(r'\s*ITEM: (TIMESTEP|UNITS|TIME)\b', head))


def elements_of_data(text: str) -> list[str]:
    """Return the chemical symbols of the types of a data file, in order.

    They come from the first line, as this package writes it, else from names behind the masses, else from the masses.

    :param text: of the file.
    :raises ValueError: if the file does not say which elements its types are; the message says why.
    """
    lines = text.splitlines()
    own = OWN_TITLE.search(lines[0].strip()) if lines else None
    if own and all(symbol in atomic_numbers for symbol in own[1].split()):
        return own[1].split()
    rows = _masses(lines)
    if not rows:
        raise ValueError('it has no masses that would tell the elements of its types')
    if sorted(rows) != list(range(1, len(rows) + 1)):
        raise ValueError('its masses are not those of the types from 1 on')
    values = {mass for mass, _ in rows.values()}
    named = [rows[number][1] for number in sorted(rows)]
    if all(name in atomic_numbers and name != 'X' for name in named):
        return [str(name) for name in named]
    if values == {1.0}:
        raise ValueError('all its masses are 1, which tells no element')
    return [_element(number, rows[number][0]) for number in sorted(rows)]


def _masses(lines: list[str]) -> Mapping[int, tuple[float, str | None]]:
    rows: dict[int, tuple[float, str | None]] = {}
    inside = False
    for line in lines:
        title = _TITLE.match(line)
        if title:
            if inside:
                break
            inside = title[1] == 'Masses'
        elif inside and (match := _MASS.match(line)):
            try:
                rows[int(match[1])] = (float(match[2]), match[3])
            except ValueError:
                return {}
    return rows


def _element(number: int, mass: float) -> str:
    near = [
        symbol
        for symbol, atomic_number in atomic_numbers.items()
        if atomic_number and symbol in chemical_symbols and abs(atomic_masses[atomic_number] - mass) <= MASS_TOLERANCE
    ]
    if len(near) != 1:
        found = f'that of {" or ".join(near)}' if near else 'that of no element'
        raise ValueError(f'the mass {mass:g} of type {number} is {found}')
    return near[0]


def look_for_elements(text: str) -> None:
    """Look whether a dump has a column ``element``.

    :param text: of the file.
    :raises ValueError: if it has none.
    """
    columns = re.search(r'^ITEM: ATOMS (.*)$', text, re.MULTILINE)
    if columns and 'element' not in columns[1].split():
        raise ValueError('it numbers its types, and has no column `element` that would tell which they are')
