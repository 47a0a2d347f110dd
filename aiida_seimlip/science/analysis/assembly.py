"""The track of a run from what its program has recorded, whole at both ends, so that a continuation can be joined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase.data import atomic_masses, atomic_numbers, chemical_symbols

from aiida_seimlip.science.analysis.track import Track, unwrap
from aiida_seimlip.science.frames import Frames


@dataclass(frozen=True, eq=False)
class RecordedPaths:
    """What a program has recorded of the mobile ions, in order of time.

    :param steps: MD steps; shape (n_frames,).
    :param cells: in Å; shape (n_frames, 3, 3).
    :param positions: in Å, wrapped or not; shape (n_frames, n_ions, 3).
    :param framework: mass-weighted centre of all other atoms in Å, unwrapped; shape (n_frames, 3).
    :param is_unwrapped: whether the positions are the paths, in a cell that stays; else they are wrapped and unwrapped
        step by step.
    """

    steps: np.ndarray
    cells: np.ndarray
    positions: np.ndarray
    framework: np.ndarray
    is_unwrapped: bool


def assemble_track(
    paths: RecordedPaths,
    start: Frames,
    final: Frames,
    *,
    mobile: Sequence[str],
    first_step: int,
    timestep: float,
    masses: Mapping[str, float] | None = None,
) -> Track:
    """Put the track of a run together.

    It begins with the start as it was given, and ends with the last frame of the run, wherever the wall time came: so a
    continuation has a frame in common with it.

    :param paths: what was recorded; frames up to the start and behind the last frame are left out.
    :param start: the one frame that the run started from.
    :param final: its last frame, with its MD step; empty where there is none.
    :param mobile: chemical symbols of the ions.
    :param first_step: MD step of the start.
    :param timestep: in fs.
    :param masses: in u, of the elements that do not have their standard atomic mass.
    :raises TrackError: if the cell changes and the frames lie too far apart to be unwrapped.
    """
    is_mobile = np.isin(start.numbers, [atomic_numbers[symbol] for symbol in mobile])
    weights = _masses(start.numbers, masses or {})[~is_mobile]

    def ends(frame: Frames, step: int) -> RecordedPaths:
        rest = frame.positions[~is_mobile]
        centre = np.average(rest, axis=0, weights=weights) if weights.size else np.zeros(3)
        ions = frame.positions[is_mobile]
        return RecordedPaths(np.array([step]), frame.cells, ions[np.newaxis], centre[np.newaxis], paths.is_unwrapped)

    last = None if not len(final) or final.origin_steps is None else int(final.origin_steps[0])
    inner = (paths.steps > first_step) & (paths.steps < (np.inf if last is None else last))
    middle = RecordedPaths(
        paths.steps[inner], paths.cells[inner], paths.positions[inner], paths.framework[inner], paths.is_unwrapped
    )
    parts = [ends(start, first_step), middle]
    if last is not None and last > first_step:
        parts.append(ends(final, last))
    cells = np.concatenate([part.cells for part in parts])
    if paths.is_unwrapped:
        positions = np.concatenate([part.positions.astype(np.float32) for part in parts])
    else:
        positions = np.concatenate([part.positions.astype(float) for part in parts])
        wrapped = wrap(positions, cells)
        positions = unwrap(wrapped, cells) + (positions[0] - wrapped[0])
    return Track(
        positions=positions,
        symbols=tuple(chemical_symbols[number] for number in start.numbers[is_mobile]),
        framework=np.concatenate([part.framework for part in parts]),
        cells=cells,
        steps=np.concatenate([part.steps for part in parts]),
        timestep=timestep,
    )


def wrap(positions: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Wrap positions into cells.

    :param positions: in Å; shape (n_frames, n_atoms, 3).
    :param cells: cell vectors in rows, in Å; shape (n_frames, 3, 3).
    """
    scaled = positions @ np.linalg.inv(cells)
    wrapped: np.ndarray = (scaled - np.floor(scaled)) @ cells
    return wrapped


def _masses(numbers: np.ndarray, masses: Mapping[str, float]) -> np.ndarray:
    table = np.array(atomic_masses)
    for symbol, mass in masses.items():
        table[atomic_numbers[symbol]] = mass
    found: np.ndarray = table[numbers]
    return found
