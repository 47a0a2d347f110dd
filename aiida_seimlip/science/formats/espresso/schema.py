"""A single point from ``data-file-schema.xml``, which pw.x writes at its end: Quantum ESPRESSO 6.2 and newer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO
from xml.etree import ElementTree

import numpy as np
from ase.data import atomic_numbers

from aiida_seimlip.science.units import tensor_to_voigt

HARTREE = 27.211386245988
"""In eV, as in the source of Quantum ESPRESSO since 6.6 (CODATA 2018)."""

BOHR = 0.529177210903
"""In Å, as in the source of Quantum ESPRESSO since 6.6 (CODATA 2018)."""


class PwOutputError(ValueError):
    """A file of pw.x does not hold what it should; the message says what."""


@dataclass(frozen=True)
class SinglePoint:
    """What pw.x found for one structure.

    :param numbers: atomic numbers, in the order of the atoms.
    :param positions: in Å; shape (n, 3).
    :param cell: rows are the vectors in Å; shape (3, 3).
    :param functional: as the file calls it, such as ``PBE``.
    :param converged: whether the self-consistency cycle converged; None if the file does not say so.
    :param n_steps: electronic steps.
    :param energy: total energy in eV, with ``-TS`` of a smearing: the one of which the forces are the derivative.
    :param forces: in eV/Å; shape (n, 3). None if the file holds none.
    :param stress: in eV/Å³, in ASE's Voigt order and sign. None if the file holds none.
    :param highest_occupation: of the uppermost band at any k-point, between 0 and 1; None where occupations are fixed.
    :param version: of pw.x.
    """

    numbers: np.ndarray
    positions: np.ndarray
    cell: np.ndarray
    functional: str
    converged: bool | None
    n_steps: int | None
    energy: float
    forces: np.ndarray | None
    stress: np.ndarray | None
    highest_occupation: float | None
    version: str


def read_single_point(handle: BinaryIO) -> SinglePoint:
    """Read the file of a single point.

    In it, a stress is the derivative of the energy with the other sign: positive in compression. (So it is on the
    standard output of pw.x.)

    :param handle: of the file.
    :raises PwOutputError: if it is cut off, or lacks the atoms or the energy.
    """
    try:
        root = ElementTree.parse(handle).getroot()
    except ElementTree.ParseError as exception:
        raise PwOutputError(f'data-file-schema.xml is cut off or damaged ({exception})') from exception
    output = root.find('output')
    if output is None:
        raise PwOutputError('data-file-schema.xml holds no output')
    atoms = output.findall('atomic_structure/atomic_positions/atom')
    stress = _array(output, 'stress', (3, 3))
    creator = root.find('general_info/creator')
    converged = output.findtext('convergence_info/scf_conv/convergence_achieved')
    steps = output.findtext('convergence_info/scf_conv/n_scf_steps')
    return SinglePoint(
        numbers=np.array([_number(atom.get('name', '')) for atom in atoms], dtype=np.int64),
        positions=BOHR * np.array([_floats(atom.text) for atom in atoms]).reshape(-1, 3),
        cell=BOHR * np.array([_floats(output.findtext(f'atomic_structure/cell/a{axis}')) for axis in (1, 2, 3)]),
        functional=(output.findtext('dft/functional') or '').strip(),
        converged=None if converged is None else converged.strip().lower() == 'true',
        n_steps=None if steps is None else int(steps),
        energy=HARTREE * _energy(output),
        forces=_scaled(_array(output, 'forces', (len(atoms), 3)), HARTREE / BOHR),
        stress=None if stress is None else -HARTREE / BOHR**3 * tensor_to_voigt(stress),
        highest_occupation=_highest_occupation(output),
        version='' if creator is None else creator.get('VERSION', ''),
    )


def _energy(output: ElementTree.Element) -> float:
    text = output.findtext('total_energy/etot')
    if text is None:
        raise PwOutputError('data-file-schema.xml holds no total energy')
    return _floats(text)[0]


def _number(name: str) -> int:
    """Return the atomic number for the name of a species, which may end in a digit or after an underscore."""
    symbol = name.strip().rstrip('0123456789').split('_')[0].split('-')[0].capitalize()
    if symbol not in atomic_numbers:
        raise PwOutputError(f'data-file-schema.xml names an atom `{name}`, which is no element')
    return int(atomic_numbers[symbol])


def _array(output: ElementTree.Element, name: str, shape: tuple[int, ...]) -> np.ndarray | None:
    text = output.findtext(name)
    if text is None or not text.strip():
        return None
    values = np.array(_floats(text))
    if values.size != np.prod(shape):
        raise PwOutputError(f'data-file-schema.xml holds {values.size} numbers of {name} instead of {np.prod(shape)}')
    return values.reshape(shape)


def _scaled(values: np.ndarray | None, factor: float) -> np.ndarray | None:
    return None if values is None else factor * values


def _floats(text: str | None) -> list[float]:
    try:
        return [float(word) for word in (text or '').split()]
    except ValueError as exception:
        raise PwOutputError(f'data-file-schema.xml holds what is no number: {exception}') from exception


def _highest_occupation(output: ElementTree.Element) -> float | None:
    bands = output.find('band_structure')
    if bands is None or (bands.findtext('occupations_kind') or '').strip() == 'fixed':
        return None
    n_spins = 2 if (bands.findtext('lsda') or '').strip().lower() == 'true' else 1
    uppermost = [
        value for element in bands.iter('occupations')
        for spin in np.array_split(_floats(element.text), n_spins) for value in spin[-1:]
    ]  # fmt: skip
    return max(uppermost, default=None)
