"""Paths of mobile ions through periodic cells, unwrapped, together with the motion of the framework they move in."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_masses, atomic_numbers, chemical_symbols

from aiida_seimlip.science.frames import Frames

FRAMES_PER_BLOCK = 500
"""Trajectories are unwrapped this number of frames at a time."""

LARGEST_STEP = 0.45
"""An atom may move by this share of a cell vector between two frames; further, its way is ambiguous."""

RESTART_TOLERANCE = 0.01
"""Positions in the frame that a run and its continuation share may differ by this length in Å."""


class TrackError(ValueError):
    """The arrays or frames do not describe one continuous trajectory; the message says which and why."""


@dataclass(frozen=True, eq=False)
class Track:
    """Unwrapped paths of mobile ions.

    :param positions: Cartesian coordinates in Å, unwrapped, ions in the order of the start, in single or double
        precision; shape (n_frames, n_ions, 3).
    :param symbols: chemical symbols of the ions.
    :param framework: mass-weighted centre of all other atoms in Å, unwrapped, zeros if there are none; shape
        (n_frames, 3).
    :param cells: cell vectors in rows, in Å; shape (n_frames, 3, 3).
    :param steps: MD steps of the frames, increasing; shape (n_frames,).
    :param timestep: length of an MD step in fs.
    :raises TrackError: if shapes do not fit together, or values are not finite or out of order.
    """

    positions: np.ndarray
    symbols: tuple[str, ...]
    framework: np.ndarray
    cells: np.ndarray
    steps: np.ndarray
    timestep: float

    def __post_init__(self) -> None:
        single = np.asarray(self.positions).dtype == np.float32
        object.__setattr__(self, 'positions', np.asarray(self.positions, dtype=np.float32 if single else float))
        object.__setattr__(self, 'symbols', tuple(self.symbols))
        object.__setattr__(self, 'framework', np.asarray(self.framework, dtype=float))
        object.__setattr__(self, 'cells', np.asarray(self.cells, dtype=float))
        object.__setattr__(self, 'steps', np.asarray(self.steps, dtype=np.int64))
        object.__setattr__(self, 'timestep', float(self.timestep))
        self._validate()

    def _validate(self) -> None:
        n_frames = self.steps.size
        expected = {
            'positions': (n_frames, len(self.symbols), 3), 'framework': (n_frames, 3), 'cells': (n_frames, 3, 3),
            'steps': (n_frames,),
        }  # fmt: skip
        for name, shape in expected.items():
            value = getattr(self, name)
            if value.shape != shape:
                raise TrackError(f'`{name}` has shape {value.shape}, expected {shape}.')
            if not np.all(np.isfinite(value)):
                raise TrackError(f'`{name}` holds values that are not finite.')
        if n_frames < 1:
            raise TrackError('A track needs at least one frame.')
        if np.any(np.diff(self.steps) <= 0):
            raise TrackError(f'The MD steps do not increase after frame {int(np.argmax(np.diff(self.steps) <= 0))}.')
        if not (np.isfinite(self.timestep) and self.timestep > 0):
            raise TrackError(f'The time step of {self.timestep} fs is not positive.')

    # -- construction -------------------------------------------------------------------------------------------------

    @classmethod
    def from_frames(cls, frames: Frames, mobile: Sequence[str], timestep: float) -> Track:
        """Follow the mobile ions through frames of the same atoms; positions may be wrapped into the cell or not.

        :param frames: configurations in order of time, with their MD steps in ``origin_steps``.
        :param mobile: chemical symbols of the ions to follow; the others are the framework.
        :param timestep: length of an MD step in fs.
        :raises TrackError: if the frames hold different atoms, have no MD steps, no mobile ion, or lie too far apart.
        """
        numbers = _common_numbers(frames)
        if frames.origin_steps is None or np.any(frames.origin_steps < 0):
            raise TrackError('The frames do not say at which MD step they were taken.')
        is_mobile = np.isin(numbers, [atomic_numbers[symbol] for symbol in mobile])
        if not is_mobile.any():
            raise TrackError(f'There is no {" or ".join(mobile)} among the atoms of the frames.')
        positions = frames.positions.reshape(len(frames), numbers.size, 3)
        unwrapped = unwrap(positions, frames.cells, pbc=frames.pbc[0])
        return cls(
            positions=unwrapped[:, is_mobile],
            symbols=tuple(chemical_symbols[number] for number in numbers[is_mobile]),
            framework=centre_of_mass(unwrapped[:, ~is_mobile], numbers[~is_mobile]),
            cells=frames.cells,
            steps=frames.origin_steps,
            timestep=timestep,
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Track:
        """Build a track from what `to_arrays` returned."""
        return cls(
            positions=arrays['positions'],
            symbols=tuple(chemical_symbols[number] for number in arrays['numbers']),
            framework=arrays['framework'],
            cells=arrays['cells'],
            steps=arrays['steps'],
            timestep=float(np.asarray(arrays['timestep']).item()),
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return plain arrays for storage, positions in single precision (1e-5 Å at 100 Å)."""
        return {
            'positions': self.positions.astype(np.float32),
            'numbers': np.array([atomic_numbers[symbol] for symbol in self.symbols], dtype=np.int32),
            'framework': self.framework,
            'cells': self.cells,
            'steps': self.steps,
            'timestep': np.array([self.timestep]),
        }

    # -- access -------------------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self.steps.size

    @property
    def n_ions(self) -> int:
        """Number of ions that are followed."""
        return len(self.symbols)

    @property
    def times(self) -> np.ndarray:
        """Times since the first frame in ps; shape (n_frames,)."""
        return (self.steps - self.steps[0]) * self.timestep / 1000.0

    @property
    def duration(self) -> float:
        """Time between the first and the last frame in ps."""
        return float(self.times[-1])

    @property
    def interval(self) -> float:
        """Time between two frames in ps.

        :raises TrackError: if the frames do not follow one another at even distances.
        """
        distances = np.unique(np.diff(self.steps))
        if distances.size != 1:
            raise TrackError(f'The frames lie {distances.tolist()} MD steps apart, which is no single distance.')
        return float(distances[0] * self.timestep / 1000.0)

    @property
    def volumes(self) -> np.ndarray:
        """Cell volumes in Å³; shape (n_frames,)."""
        return np.abs(np.linalg.det(self.cells))

    def __getitem__(self, frames: slice) -> Track:
        """Return some of the frames, such as ``track[1000:]`` or ``track[::10]``."""
        return dataclasses.replace(
            self,
            positions=self.positions[frames],
            framework=self.framework[frames],
            cells=self.cells[frames],
            steps=self.steps[frames],
        )

    def select(self, symbols: Iterable[str]) -> Track:
        """Return the track of some species; the framework stays what it is.

        :param symbols: chemical symbols of the ions to keep.
        :raises TrackError: if there is no such ion.
        """
        wanted = set(symbols)
        keep = np.array([symbol in wanted for symbol in self.symbols], dtype=bool)
        if not keep.any():
            raise TrackError(f'There is no {" or ".join(sorted(wanted))} in the track.')
        kept = tuple(symbol for symbol in self.symbols if symbol in wanted)
        return dataclasses.replace(self, positions=self.positions[:, keep], symbols=kept)

    def drift_free(self) -> Track:
        """Return the track as seen from the framework: its displacement since the first frame is taken off the ions.

        Without a framework the track is returned as it is.
        """
        drift = self.framework - self.framework[0]
        if not drift.any():
            return self
        positions = self.positions.astype(float) - drift[:, np.newaxis, :]
        return dataclasses.replace(self, positions=positions, framework=np.zeros_like(self.framework))

    def join(self, others: Iterable[Track]) -> Track:
        """Append the tracks of runs that continued this one.

        A continuation starts at a step that the run before it has a frame of. Frames of the earlier run from there on
        are dropped, since the continuation repeats them. Positions of the continuation are shifted by whole cell
        vectors where it started from wrapped positions.

        :param others: tracks of the continuations, in order.
        :raises TrackError: if a continuation is of other ions, or starts neither at a step nor at positions of the run
            before it.
        """
        parts = [self]
        for other in others:
            earlier = _until(parts[-1], other)
            parts[-1] = earlier
            parts.append(_aligned(earlier, other))
        bodies = [part[:-1] for part in parts[:-1] if len(part) > 1] + [parts[-1]]
        return dataclasses.replace(
            self,
            positions=np.concatenate([body.positions for body in bodies]),
            framework=np.concatenate([body.framework for body in bodies]),
            cells=np.concatenate([body.cells for body in bodies]),
            steps=np.concatenate([body.steps for body in bodies]),
        )


def unwrap(
    positions: np.ndarray, cells: np.ndarray, pbc: Sequence[bool] | np.ndarray = (True, True, True)
) -> np.ndarray:
    """Unwrap trajectories in cells that may change, preserving what an observer in the cell sees.

    Each step of an atom is the difference of its wrapped positions, taken to its nearest image in the cell at the end
    of the step; the path is the sum of the steps. Counting crossings of the border and multiplying by the present cell
    instead makes the noise of the cell grow with the distance, and with it the diffusivity: von Bülow, Bullerjahn and
    Hummer, J. Chem. Phys. 153, 021101 (2020), doi:10.1063/5.0008316, whose scheme for rectangular boxes is applied here
    along the cell vectors.

    :param positions: Cartesian positions in Å, relative to the corner of the cell; wrapped into it or not; shape
        (n_frames, n_atoms, 3).
    :param cells: cell vectors in rows, in Å; shape (n_frames, 3, 3).
    :param pbc: periodicity along each cell vector.
    :return: unwrapped positions in Å, which begin as given; shape (n_frames, n_atoms, 3).
    :raises TrackError: if an atom moves by more than 0.45 of a cell vector between two frames.
    """
    positions = np.asarray(positions, dtype=float)
    unwrapped = np.empty_like(positions)
    unwrapped[:1] = positions[:1]
    for start in range(1, len(positions), FRAMES_PER_BLOCK):
        block = slice(start, start + FRAMES_PER_BLOCK)
        steps = positions[block] - positions[start - 1 : start - 1 + len(positions[block])]
        scaled = steps @ np.linalg.inv(cells[block])
        images = np.floor(scaled + 0.5) * np.asarray(pbc, dtype=float)
        furthest = (np.abs(scaled - images) * np.asarray(pbc)).max(axis=(1, 2), initial=0.0)
        if np.any(furthest > LARGEST_STEP):
            frame = start + int(np.argmax(furthest))
            raise TrackError(
                f'Between frames {frame - 1} and {frame} an atom moves by {furthest.max():.2f} of a cell vector: '
                'the frames lie too far apart, or the cell is too small, to tell which way it went.'
            )
        unwrapped[block] = unwrapped[start - 1] + np.cumsum(steps - images @ cells[block], axis=0)
    return unwrapped


def centre_of_mass(positions: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the mass-weighted centre of some atoms in each frame, zeros if there are none.

    :param positions: unwrapped positions in Å; shape (n_frames, n_atoms, 3).
    :param numbers: atomic numbers; shape (n_atoms,).
    :return: shape (n_frames, 3), in Å.
    """
    if not len(numbers):
        return np.zeros((len(positions), 3))
    masses = atomic_masses[np.asarray(numbers)]
    return np.einsum('fai,a->fi', positions, masses / masses.sum())


def _common_numbers(frames: Frames) -> np.ndarray:
    """Return the atomic numbers that all frames share, in order."""
    if not len(frames):
        raise TrackError('There are no frames.')
    size = int(frames.sizes[0])
    if np.any(frames.sizes != size):
        frame = int(np.argmax(frames.sizes != size))
        raise TrackError(f'Frame {frame} holds {frames.sizes[frame]} atoms, the first one {size}.')
    numbers = frames.numbers.reshape(-1, size)
    if np.any(numbers != numbers[0]):
        raise TrackError(f'The atoms of frame {int(np.argmax(np.any(numbers != numbers[0], axis=1)))} are others.')
    return numbers[0]


def _until(earlier: Track, later: Track) -> Track:
    """Cut a track after the frame that its continuation starts with."""
    if earlier.symbols != later.symbols or earlier.timestep != later.timestep:
        raise TrackError('The continuation follows other ions, or has another time step.')
    matches = np.flatnonzero(earlier.steps == later.steps[0])
    if not matches.size:
        raise TrackError(
            f'The continuation starts at step {later.steps[0]}, of which the run before it, from step '
            f'{earlier.steps[0]} to {earlier.steps[-1]}, has no frame.'
        )
    return earlier[: int(matches[0]) + 1]


def _aligned(earlier: Track, later: Track) -> Track:
    """Shift a continuation by whole cell vectors to where the run before it ended."""
    cell = earlier.cells[-1]
    gap = later.positions[0].astype(float) - earlier.positions[-1]
    images = np.rint(gap @ np.linalg.inv(cell))
    residual = np.abs(gap - images @ cell).max(initial=0.0)
    if residual > RESTART_TOLERANCE or np.abs(later.cells[0] - cell).max() > RESTART_TOLERANCE:
        raise TrackError(f'The continuation at step {later.steps[0]} does not start where the run before it was.')
    return dataclasses.replace(
        later,
        positions=(later.positions - (images @ cell)).astype(later.positions.dtype),
        framework=later.framework - (later.framework[0] - earlier.framework[-1]),
    )
