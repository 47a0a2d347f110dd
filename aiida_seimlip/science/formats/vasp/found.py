"""What is found in a file of VASP: labelled frames, and what was left out and why."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import numpy as np

from aiida_seimlip.science.formats import FormatError
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA

KBAR_TO_EV_PER_A3 = 0.1 / EV_PER_A3_TO_GPA
"""Multiply a pressure in kbar by this to get eV/Å³."""

ENERGY_KIND = 'free'
"""Kind of the energies: the free energy, of which VASP's forces are the derivative, not the one for zero smearing."""

PREDICTED = 'No electronic steps: a force field that VASP learned on the fly predicted it.'
NO_FORCES = 'It holds no forces.'
NO_ENERGY = 'It holds no free energy.'
SMALLEST_VOLUME = 1e-6
GZIP_MARK = b'\x1f\x8b'


@dataclass(frozen=True, eq=False)
class VaspFrames:
    """Labelled frames of a file of VASP: a single point, a relaxation or molecular dynamics.

    :param frames: one for each calculation that is kept, with the free energy, the forces and, where the file states
        all of it, the stress.
    :param indices: number of the calculation in the file from 0; shape (n_frames,).
    :param left_out: why other calculations are no labels, by their numbers.
    :param method: what the labels were computed with, such as ``PBE+D3(BJ)``; ``VASP`` if the file does not tell.
    :param is_complete: whether the file reaches its end.
    :param notes: what a user should know, one sentence each.
    :param may_be_more: whether the file leaves out parts of the method, if there were any: meta-GGAs, dispersion.
    """

    frames: Frames
    indices: np.ndarray
    left_out: dict[int, str]
    method: str
    is_complete: bool
    notes: tuple[str, ...] = ()
    may_be_more: bool = False


@dataclass
class Calculation:
    """One ionic step: a configuration and its labels.

    :param cell: cell vectors in rows, in Å; shape (3, 3).
    :param positions: Cartesian coordinates in Å; shape (n_atoms, 3).
    :param energy: free energy in eV.
    :param forces: in eV/Å; shape (n_atoms, 3).
    :param pressures: stress in kbar, positive under compression, in ASE's Voigt order; None if the file has none.
    """

    cell: np.ndarray
    positions: np.ndarray
    energy: float
    forces: np.ndarray
    pressures: np.ndarray | None = None

    def fault(self, n_atoms: int) -> str | None:
        """Return why this is no labelled frame, or None."""
        shapes = {'positions': self.positions.shape, 'forces': self.forces.shape}
        for name, shape in shapes.items():
            if shape != (n_atoms, 3):
                return f'It holds {name} of {shape[0]} atoms, not of {n_atoms}.'
        values = (
            self.cell,
            self.positions,
            self.forces,
            self.energy,
            0.0 if self.pressures is None else self.pressures,
        )
        if not all(np.isfinite(value).all() for value in values):
            return 'It holds numbers that are not finite.'
        if abs(np.linalg.det(self.cell)) < SMALLEST_VOLUME:
            return 'Its cell has no volume.'
        return None


@dataclass
class Collected:
    """Calculations of one file while it is read.

    :param name: of the file, for messages.
    """

    name: str
    kept: dict[int, Calculation] = field(default_factory=dict)
    left_out: dict[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.kept) + len(self.left_out)

    def add(self, calculation: Calculation | str, n_atoms: int) -> None:
        """Take the next calculation, or the reason why it is left out."""
        fault = calculation if isinstance(calculation, str) else calculation.fault(n_atoms)
        if isinstance(calculation, str) or fault is not None:
            self.left_out[len(self)] = fault or ''
        else:
            self.kept[len(self)] = calculation

    def pack(self, numbers: np.ndarray, method: str, is_complete: bool, notes: Sequence[str]) -> VaspFrames:
        """Return what was found.

        :param numbers: atomic numbers, the same for all calculations; shape (n_atoms,).
        :param method: what the labels were computed with.
        :param is_complete: whether the file reaches its end.
        :param notes: what a user should know.
        """
        if not is_complete:
            notes = (*notes, f'The file is cut off: {len(self)} calculation(s) in it are complete.')
        kept = list(self.kept.values())
        unknown = np.full(6, np.nan)
        pressures = np.array([unknown if step.pressures is None else step.pressures for step in kept]).reshape(-1, 6)
        frames = Frames.empty() if not kept else Frames(
            numbers=np.tile(numbers, len(kept)),
            positions=np.concatenate([step.positions for step in kept]),
            ptr=np.arange(len(kept) + 1) * len(numbers),
            cells=np.array([step.cell for step in kept]),
            pbc=np.ones((len(kept), 3), dtype=bool),
            energies=np.array([step.energy for step in kept]),
            forces=np.concatenate([step.forces for step in kept]),
            stresses=None if np.isnan(pressures).all() else -KBAR_TO_EV_PER_A3 * pressures,
        )  # fmt: skip
        return VaspFrames(frames, np.array([*self.kept], dtype=int), self.left_out, method, is_complete, tuple(notes))


def not_converged(n_electronic: int, nelm: int) -> str:
    """Return the reason to leave out a calculation whose electronic steps did not converge.

    :param n_electronic: number of electronic steps.
    :param nelm: the most electronic steps allowed.
    """
    if n_electronic < nelm:
        return f'Not converged: the electronic steps ended after {n_electronic} without having reached EDIFF.'
    return f'Not converged: the electronic steps reached NELM = {nelm}.'


def refuse_band(tags: dict[str, str], name: str) -> None:
    """Refuse a file of an image of a band.

    :param tags: as the INCAR has them.
    :param name: of the file, for the message.
    :raises FormatError: if VASP ran a band.
    """
    if tags.get('IMAGES', '0') != '0':
        raise band_refusal(f'IMAGES = {tags["IMAGES"]}', name)


def band_refusal(sign: str, name: str) -> FormatError:
    """Return the error for a file of an image of a band.

    :param sign: by what it is known.
    :param name: of the file, for the message.
    """
    message = f'This is an image of a band ({sign}), whose forces may be those along the band'
    return FormatError(f'{message}: label the images by single points.', name=name)


def open_maybe_compressed(path: str | Path) -> IO[bytes]:
    """Open a file for reading, whether or not it is compressed by gzip."""
    with Path(path).open('rb') as handle:
        is_compressed = handle.read(2) == GZIP_MARK
    return gzip.open(path, 'rb') if is_compressed else Path(path).open('rb')  # type: ignore[return-value]
