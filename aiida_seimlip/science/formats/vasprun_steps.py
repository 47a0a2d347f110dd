"""The ionic steps in a vasprun.xml, as many as are complete: dynamics that was cut off is worth what it has done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO
from xml.etree import ElementTree

import numpy as np


@dataclass(frozen=True)
class VasprunSteps:
    """The steps of molecular dynamics with VASP, in the units of the file.

    :param cells: cell vectors in rows, in Å; shape (n_steps, 3, 3).
    :param scaled: fractional coordinates, each between 0 and 1; shape (n_steps, n_atoms, 3).
    :param energies: free energies in eV, which belong to the forces; shape (n_steps,).
    :param forces: in eV/Å; shape (n_steps, n_atoms, 3).
    :param stresses: in kbar, positive under compression; shape (n_steps, 3, 3).
    :param n_electronic: number of electronic steps; shape (n_steps,).
    :param nelm: the most electronic steps allowed.
    :param is_complete: whether the file is read to its end.
    """

    cells: np.ndarray
    scaled: np.ndarray
    energies: np.ndarray
    forces: np.ndarray
    stresses: np.ndarray
    n_electronic: np.ndarray
    nelm: int
    is_complete: bool

    def __len__(self) -> int:
        return len(self.energies)

    @property
    def positions(self) -> np.ndarray:
        """Cartesian coordinates in Å; shape (n_steps, n_atoms, 3)."""
        cartesian: np.ndarray = np.einsum('sai,sij->saj', self.scaled, self.cells)
        return cartesian

    @property
    def converged(self) -> np.ndarray:
        """Whether the electronic steps of each step ended before NELM; shape (n_steps,)."""
        below: np.ndarray = self.n_electronic < self.nelm
        return below


def read_vasprun_steps(handle: IO[bytes]) -> VasprunSteps:
    """Read the steps of a vasprun.xml up to its end, or to the last one that is complete.

    :param handle: the file.
    """
    steps: list[dict[str, np.ndarray]] = []
    nelm, is_complete = 0, True
    try:
        for _, element in ElementTree.iterparse(handle):
            if element.tag == 'i' and element.get('name') == 'NELM' and not steps:
                nelm = int(element.text or 0)
            elif element.tag == 'calculation':
                steps.append(_read_step(element))
                element.clear()
    except (ElementTree.ParseError, LookupError, ValueError):
        is_complete = False
    if not steps:
        empty = np.empty((0, 0, 3))
        return VasprunSteps(empty, empty, np.empty(0), empty, empty, np.empty(0), nelm, False)
    arrays = {name: np.array([step[name] for step in steps]) for name in steps[0]}
    return VasprunSteps(**arrays, nelm=nelm, is_complete=is_complete)


def _read_step(element: ElementTree.Element) -> dict[str, np.ndarray]:
    """Read one step.

    :raises LookupError: if something is missing.
    :raises ValueError: if a number cannot be read, such as a row of stars.
    """
    structure = _find(element, 'structure')
    return {
        'cells': _read_rows(_find(structure, 'crystal/varray[@name="basis"]')),
        'scaled': _read_rows(_find(structure, 'varray[@name="positions"]')),
        'energies': np.array(float(_find(element, 'energy/i[@name="e_fr_energy"]').text or '')),
        'forces': _read_rows(_find(element, 'varray[@name="forces"]')),
        'stresses': _read_rows(_find(element, 'varray[@name="stress"]')),
        'n_electronic': np.array(len(element.findall('scstep'))),
    }


def _find(element: ElementTree.Element, path: str) -> ElementTree.Element:
    found = element.find(path)
    if found is None:
        raise LookupError(f'There is no `{path}`.')
    return found


def _read_rows(element: ElementTree.Element) -> np.ndarray:
    return np.array([[float(word) for word in (row.text or '').split()] for row in element.iter('v')])
