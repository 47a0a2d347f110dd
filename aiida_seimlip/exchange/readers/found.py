"""What is asked of a reader, and what it hands back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from aiida_seimlip.science.frames import Frames

ENERGY_KINDS = {
    'free': 'the free energy, which belongs to the forces',
    'sigma0': 'extrapolated to zero smearing',
}

SOURCE_FILE, SOURCE_INDEX = 'source_file', 'source_index'
"""Features that say which file a frame was read from, and where in it it stood, from 0."""


class ReadError(ValueError):
    """A file cannot be taken in; the message names it, says why, and what to do."""


@dataclass(frozen=True)
class LabelKeys:
    """Names under which a file keeps energies, forces and stresses; None for those that are known.

    :param energy: name of the energy of a frame, in eV.
    :param forces: name of the forces, in eV/Å.
    :param stress: name of the stress, in eV/Å³ with ASE's sign (positive under tension).
    :param virial: name of the virial, −V·stress, in eV.
    :param ignored: names that look like labels, and are left out.
    """

    energy: str | None = None
    forces: str | None = None
    stress: str | None = None
    virial: str | None = None
    ignored: frozenset[str] = frozenset()

    @property
    def chosen(self) -> dict[str, str]:
        """The names that were given, by what they stand for."""
        given = {'energy': self.energy, 'forces': self.forces, 'stress': self.stress, 'virial': self.virial}
        return {role: key for role, key in given.items() if key is not None}


@dataclass(frozen=True)
class ReadOptions:
    """What the user says about a file.

    :param species: chemical symbols in type order, for formats that hold numbers of types.
    :param keys: names of the labels.
    :param method: what calculated the labels, such as ``PBE``; empty if the file says so, or nobody knows.
    :param energy_kind: one of `ENERGY_KINDS`; empty if the file says so, or nobody knows.
    """

    species: tuple[str, ...] = ()
    keys: LabelKeys = field(default_factory=LabelKeys)
    method: str = ''
    energy_kind: str = ''


@dataclass
class Record:
    """One frame on its way into `Frames`; what is unknown is None or empty.

    :param numbers: atomic numbers; shape (n_atoms,).
    :param positions: in Å; shape (n_atoms, 3).
    :param cell: in Å; shape (3, 3).
    :param pbc: shape (3,).
    :param energy: in eV.
    :param energy_kind: one of `ENERGY_KINDS`, or empty.
    :param forces: in eV/Å; shape (n_atoms, 3).
    :param stress: in eV/Å³, in ASE's order and sign; shape (6,).
    :param velocities: in Å/ps; shape (n_atoms, 3).
    :param grade: extrapolation grade.
    :param step: MD step, -1 where unknown.
    :param origin: uuid and index of the node that the frame came from.
    :param method: what calculated the labels.
    :param features: what else is known about the frame, as text.
    """

    numbers: np.ndarray
    positions: np.ndarray
    cell: np.ndarray
    pbc: np.ndarray
    energy: float = np.nan
    energy_kind: str = ''
    forces: np.ndarray | None = None
    stress: np.ndarray | None = None
    velocities: np.ndarray | None = None
    grade: float = np.nan
    step: int = -1
    origin: tuple[str, int] = ('', -1)
    method: str = ''
    features: dict[str, str] = field(default_factory=dict)


@dataclass
class Tally:
    """What became of the names in a file.

    :param used: for each kind of label, the names that it was taken from, and in how many frames.
    :param left_out: names that are not taken over, and in how many frames.
    :param lost: names of stresses and virials that cannot be used, and in how many frames.
    :param notes: sentences for the user, and in how many frames each holds.
    """

    used: dict[str, Counter[str]] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)

    def use(self, role: str, key: str) -> None:
        """Count a name that a label was taken from."""
        self.used.setdefault(role, Counter())[key] += 1

    def add(self, other: Tally) -> None:
        """Take over what another file has told."""
        for role, counter in other.used.items():
            self.used.setdefault(role, Counter()).update(counter)
        self.left_out.update(other.left_out)
        self.lost.update(other.lost)
        self.notes.update(other.notes)


@dataclass(frozen=True, eq=False)
class Part:
    """What one file holds.

    :param frames: its frames, in order.
    :param tally: what became of the names in it.
    """

    frames: Frames
    tally: Tally


@dataclass(frozen=True)
class Source:
    """A file that frames were read from.

    :param name: without its folder.
    :param kind: how the format is called.
    :param sha256: of the content.
    :param n_frames: number of frames in it.
    """

    name: str
    kind: str
    sha256: str
    n_frames: int


@dataclass(frozen=True, eq=False)
class Found:
    """All that was read.

    :param frames: of all files, in order.
    :param sources: the files.
    :param tally: what became of the names in them.
    """

    frames: Frames
    sources: tuple[Source, ...]
    tally: Tally
