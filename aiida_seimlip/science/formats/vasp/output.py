"""What is read of VASP's output files beside what aiida-vasp reads: which element each atom is.

VASP takes the elements from the POTCAR, in its order. Where that is not the order of the POSCAR, every number is that
of another material, and nothing else shows it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import IO
from xml.etree import ElementTree

import numpy as np
from ase.data import atomic_numbers

VRHFIN = re.compile(r'VRHFIN\s*=\s*([A-Z][a-z]?)\s*:')
TITLE = re.compile(r' POTCAR:\s+\S+ ([A-Z][a-z]?)[\s_.]')
"""Title of a potential; each stands twice in the head, and is all that names the element in a short OUTCAR."""

NIONS = re.compile(r'NIONS =\s*(\d+)')
COUNTS = 'ions per type ='
BANNER = re.compile(r'^[EROW#! AINGJ-]+$')
"""Lines of the letters drawn above an error."""

REFUSAL = re.compile(r'Error reading item|Fatal error|ERROR: |I REFUSE')
"""How lines look in which VASP says what it does not accept."""

ALIASES = {'r': 'Zr', 'X': 'Xe'}
"""Elements that VASP writes otherwise in vasprun.xml."""


class VaspOutputError(ValueError):
    """A file does not hold what is looked for; the message says what."""


def group_species(numbers: np.ndarray) -> np.ndarray:
    """Return the order in which atoms go into a POSCAR: by element, and as they were within each.

    With ``order = group_species(numbers)``, atom ``k`` of the POSCAR is atom ``order[k]`` of the frame, and
    ``values[order] = poscar_values`` undoes it.

    :param numbers: atomic numbers; shape (n_atoms,).
    :return: indices; shape (n_atoms,).
    """
    return np.argsort(numbers, kind='stable')


def read_outcar_species(lines: Iterable[str]) -> np.ndarray:
    """Return the atomic number of each atom as the head of an OUTCAR names it.

    :param lines: of the file; none is read beyond the head.
    :raises VaspOutputError: if the file ends before, or tells the numbers of atoms of some elements only.
    """
    elements: list[str] = []
    titles: list[str] = []
    n_atoms = None
    for line in lines:
        if match := VRHFIN.search(line):
            elements.append(match.group(1))
        elif match := TITLE.match(line):
            titles.append(match.group(1))
        elif match := NIONS.search(line):
            n_atoms = int(match.group(1))
        elif COUNTS in line:
            return _expand(elements or titles[: len(titles) // 2], _counts(line), n_atoms)
    raise VaspOutputError('OUTCAR ends before it has told the number of atoms of each element')


def read_vasprun_species(handle: IO[bytes]) -> np.ndarray:
    """Return the atomic number of each atom as a vasprun.xml names it.

    :param handle: the file; nothing is read beyond the list of atoms.
    :raises VaspOutputError: if the file ends before.
    """
    try:
        for _, element in ElementTree.iterparse(handle):
            if element.tag == 'array' and element.get('name') == 'atoms':
                symbols = [row.findtext('c', '').strip() for row in element.iter('rc')]
                return np.array([number_of(symbol) for symbol in symbols])
    except ElementTree.ParseError as exception:
        raise VaspOutputError(f'vasprun.xml cannot be read up to its list of atoms: {exception}') from exception
    raise VaspOutputError('vasprun.xml holds no list of atoms')


def _counts(line: str) -> list[int]:
    try:
        return [int(word) for word in line.split('=')[1].split()]
    except ValueError as exception:
        raise VaspOutputError(f'OUTCAR has no numbers in its line `{line.strip()[:60]}`') from exception


def _expand(elements: list[str], counts: list[int], n_atoms: int | None) -> np.ndarray:
    """Return the atomic number of each atom.

    VASP 6.3 writes the numbers of atoms of the first ten elements only.
    """
    if n_atoms is not None and sum(counts) < n_atoms:
        message = f'OUTCAR tells the elements of {sum(counts)} of its {n_atoms} atoms only'
        raise VaspOutputError(f'{message}: read the vasprun.xml instead')
    if len(elements) != len(counts):
        raise VaspOutputError(f'OUTCAR names {len(elements)} potentials, but counts atoms of {len(counts)} elements')
    return np.repeat([number_of(element) for element in elements], counts)


def number_of(symbol: str) -> int:
    """Return the atomic number of an element as VASP writes it.

    :raises VaspOutputError: if it is none.
    """
    symbol = ALIASES.get(symbol, symbol)
    if symbol not in atomic_numbers:
        raise VaspOutputError(f'`{symbol}` is no chemical element')
    return atomic_numbers[symbol]


def explain_stop(text: str) -> str | None:
    """Return what VASP itself says about why it stopped before it calculated anything, None if it says nothing.

    :param text: what it printed.
    """
    errors = [box for box in re.split(r'^ -{70,}$', text, flags=re.MULTILINE) if 'REFUSE TO CONTINUE' in box]
    if errors:
        lines = [re.sub(r'^\s*\||\|\s*$', '', line).strip() for line in errors[-1].splitlines()]
        words = [line for line in lines if line and not BANNER.match(line) and 'REFUSE TO' not in line]
        return ' '.join(words) or 'it refuses to continue'
    lines = [line.strip() for line in text.splitlines() if REFUSAL.search(line)]
    return lines[-1] if lines else None
