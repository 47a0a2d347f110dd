"""The ionic steps in a vasprun.xml, as many as are complete: dynamics that was cut off is worth what it has done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO
from xml.etree import ElementTree

import numpy as np

from aiida_seimlip.science.formats.vasp.calculations import Calculations, find, read_energy, read_rows, read_structure


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
    calculations = Calculations(handle)
    steps: list[dict[str, np.ndarray]] = []
    is_complete = True
    try:
        steps.extend(_read_step(element) for element in calculations)
    except (LookupError, ValueError):
        is_complete = False
    nelm, is_complete = calculations.nelm, is_complete and calculations.is_complete
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
    cell, scaled = read_structure(element)
    forces, stress = (read_rows(find(element, f'varray[@name="{name}"]')) for name in ('forces', 'stress'))
    if forces.shape != scaled.shape or stress.shape != (3, 3):
        raise ValueError('forces or stress are not complete')
    return {
        'cells': cell, 'scaled': scaled, 'energies': np.array(read_energy(element)), 'forces': forces,
        'stresses': stress, 'n_electronic': np.array(len(element.findall('scstep'))),
    }  # fmt: skip
