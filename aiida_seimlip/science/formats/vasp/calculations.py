"""The calculations in a `vasprun.xml`, one after the other, and the settings that stand before them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO
from xml.etree import ElementTree

import numpy as np

from aiida_seimlip.science.formats.numerals import to_number
from aiida_seimlip.science.formats.vasp.output import number_of
from aiida_seimlip.science.units import tensor_to_voigt

DEFAULT_NELM = 60
RESPONSE = 'response functions'
"""Block of settings in which VASP 5 states a second ``NELM``, which is not that of the electronic steps."""


class Calculations:
    """Iterates over the calculations of a file; what stands before them is known once the first one has come.

    :param handle: the file.
    """

    def __init__(self, handle: IO[bytes]):
        self.handle = handle
        self.tags: dict[str, str] = {}
        self.numbers: np.ndarray | None = None
        self.potentials: list[str] = []
        self.is_complete = False
        self.problem: str | None = None

    def __iter__(self) -> Iterator[ElementTree.Element]:
        """Yield each calculation that is complete.

        :raises VaspOutputError: if the list of atoms names what is no element.
        """
        try:
            for _, element in ElementTree.iterparse(self.handle):
                if element.tag == 'incar':
                    self.tags = read_tags(element) | self.tags
                elif element.tag == 'parameters':
                    used = {key: value for key, value in read_tags(element).items() if value != '--'}
                    self.tags |= used
                elif element.tag == 'atominfo':
                    self._read_atoms(element)
                elif element.tag == 'calculation':
                    yield element
                    element.clear()
        except (ElementTree.ParseError, OSError, EOFError, UnicodeError, LookupError) as exception:
            self.problem = str(exception)
        else:
            self.is_complete = True

    @property
    def nelm(self) -> int:
        """The most electronic steps allowed.

        :raises ValueError: if it is no number.
        """
        return int(self.tags.get('NELM', DEFAULT_NELM))

    def _read_atoms(self, element: ElementTree.Element) -> None:
        rows = element.findall('array[@name="atoms"]/set/rc')
        self.numbers = np.array([number_of(row.findtext('c', '').strip()) for row in rows], dtype=int)
        types = element.findall('array[@name="atomtypes"]/set/rc')
        self.potentials = [(cells[-1].text or '').strip() for row in types if (cells := row.findall('c'))]


def read_tags(element: ElementTree.Element) -> dict[str, str]:
    """Return the settings in a block by their names, without those of response functions.

    :param element: ``incar`` or ``parameters``.
    """
    tags: dict[str, str] = {}
    for block in (element, *element.iter('separator')):
        if block.get('name') == RESPONSE:
            continue
        for item in block:
            if item.tag in ('i', 'v') and item.get('name'):
                tags.setdefault(item.get('name', ''), (item.text or '').strip())
    return tags


def find(element: ElementTree.Element, path: str) -> ElementTree.Element:
    """Return a part of an element.

    :raises LookupError: if there is none.
    """
    found = element.find(path)
    if found is None:
        raise LookupError(f'There is no `{path}`.')
    return found


def read_rows(element: ElementTree.Element) -> np.ndarray:
    """Return the rows of three numbers of a ``varray``; shape (n_rows, 3).

    :raises ValueError: if they are no such rows.
    """
    rows = np.array([[to_number(word) for word in (row.text or '').split()] for row in element.iter('v')])
    if rows.ndim != 2 or rows.shape[1] != 3:
        raise ValueError(f'`{element.get("name")}` does not hold rows of three numbers')
    return rows


def read_structure(element: ElementTree.Element) -> tuple[np.ndarray, np.ndarray]:
    """Return the cell in Å, shape (3, 3), and the fractional coordinates, shape (n_atoms, 3), of a calculation.

    :raises LookupError: if something is missing.
    :raises ValueError: if a number cannot be read, such as a row of stars.
    """
    structure = find(element, 'structure')
    cell = read_rows(find(structure, 'crystal/varray[@name="basis"]'))
    if cell.shape != (3, 3):
        raise ValueError(f'the cell has {len(cell)} vectors')
    return cell, read_rows(find(structure, 'varray[@name="positions"]'))


def read_energy(element: ElementTree.Element) -> float:
    """Return the free energy of a calculation or an electronic step in eV.

    :raises LookupError: if there is none.
    :raises ValueError: if it cannot be read.
    """
    return to_number(find(element, 'energy/i[@name="e_fr_energy"]').text or '')


def read_pressures(element: ElementTree.Element) -> np.ndarray | None:
    """Return the stress in kbar, positive under compression, in ASE's Voigt order; None if there is none.

    :raises ValueError: if it cannot be read.
    """
    found = element.find('varray[@name="stress"]')
    if found is None:
        return None
    rows = read_rows(found)
    if rows.shape != (3, 3):
        raise ValueError(f'the stress has {len(rows)} rows')
    return tensor_to_voigt(rows)
