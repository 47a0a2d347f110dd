"""Velocities of ions in blocks of time, relative to the framework or to the cell."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Literal, get_args

import numpy as np

from aiida_seimlip.science.analysis.block_averages import LEAST_BLOCKS, BlockMean, BlockMeans, block_average
from aiida_seimlip.science.analysis.track import Track

RelativeTo = Literal['framework', 'laboratory']
"""What ions move relative to: the centre of the atoms that the track does not follow, or the cell."""

N_BLOCKS = 20
"""Number of blocks that the shortest run is cut into at first."""

STRAY = 4.0
"""A drift across the field of more standard errors than this is a doubt."""


class FieldError(ValueError):
    """Tracks cannot be analysed as motion in a field; the message says why."""


def take_ions(track: Track, ions: Sequence[int] | np.ndarray) -> Track:
    """Return the track of some of its ions; the framework stays what it is.

    :param track: of all ions.
    :param ions: their indices in the track, or a mask; shape (n,).
    :raises FieldError: if there is none.
    """
    chosen = np.arange(track.n_ions)[np.asarray(ions)] if len(ions) else np.empty(0, dtype=int)
    if not chosen.size:
        raise FieldError('There are no ions to follow.')
    symbols = tuple(track.symbols[ion] for ion in chosen)
    return dataclasses.replace(track, positions=track.positions[:, chosen], symbols=symbols)


def as_runs(tracks: Track | Sequence[Track]) -> list[Track]:
    """Return one or several runs as a list.

    :raises FieldError: if there is none, or they are of different ions.
    """
    runs = [tracks] if isinstance(tracks, Track) else list(tracks)
    if not runs:
        raise FieldError('There is no run.')
    for index, run in enumerate(runs):
        if run.symbols != runs[0].symbols:
            raise FieldError(f'Run {index} does not hold the ions of the first one.')
    return runs


def directions(
    field: Sequence[float] | np.ndarray, direction: Sequence[float] | np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the field, and the unit vector along which to look.

    :raises FieldError: if they are no vectors, or there is no direction.
    """
    vector = np.asarray(field, dtype=float)
    wanted = vector if direction is None else np.asarray(direction, dtype=float)
    if vector.shape != (3,) or wanted.shape != (3,) or not np.isfinite([vector, wanted]).all():
        raise FieldError('The field and the direction are vectors of three numbers.')
    length = float(np.linalg.norm(wanted))
    if length == 0.0:
        raise FieldError('Without a field, the direction to look along must be given.')
    return vector, wanted / length


def block_velocities(
    runs: Sequence[Track],
    weights: Sequence[np.ndarray],
    along: np.ndarray,
    *,
    n_blocks: int,
    skip_ps: float,
    relative_to: RelativeTo,
) -> tuple[BlockMeans, float, float]:
    """Return mean velocities of weighted ions, the final length of a block and the time used in all, in ps.

    Components are along the direction, two across it, and x, y and z. What does not fill a block is left out at the
    beginning of a run.
    """
    if relative_to not in get_args(RelativeTo):
        raise FieldError(f'`relative_to` is {relative_to!r}, but must be `framework` or `laboratory`.')
    if n_blocks < LEAST_BLOCKS:
        raise FieldError(f'{n_blocks} blocks are too few: at least {LEAST_BLOCKS} are needed.')
    interval = runs[0].interval
    if any(not np.isclose(run.interval, interval, rtol=1e-9) for run in runs):
        raise FieldError('The runs have their frames at different distances in time.')
    skipped = int(np.ceil(skip_ps / interval - 1e-9))
    length = min(len(run) - 1 - skipped for run in runs) // n_blocks
    if length < 1:
        raise FieldError(f'The shortest run has too few frames for {n_blocks} blocks after {skip_ps:g} ps.')
    basis = np.concatenate([_basis(along), np.eye(3)])
    blocks = []
    for run, weight in zip(runs, weights, strict=True):
        path = np.einsum('fia,i->fa', run.positions, weight, dtype=float)
        if relative_to == 'framework':
            path -= weight.sum() * (run.framework - run.framework[0])
        ends = path[skipped + (len(path) - 1 - skipped) % length :: length]
        blocks.append(np.diff(ends, axis=0) @ basis.T / (length * interval))
    means = block_average(blocks)
    joined = len(blocks[0]) // means.blocks_per_run[0]
    return means, joined * length * interval, float(sum(map(len, blocks)) * length * interval)


def _basis(along: np.ndarray) -> np.ndarray:
    """Return three orthonormal vectors in rows, of which the first is given."""
    across = np.cross(along, np.eye(3)[np.argmin(np.abs(along))])
    across /= np.linalg.norm(across)
    return np.array([along, across, np.cross(along, across)])


def axes(means: BlockMeans) -> tuple[BlockMean, BlockMean, BlockMean]:
    """Return the components of `block_velocities` along x, y and z."""
    x, y, z = means.components[3:]
    return x, y, z


def doubts(means: BlockMeans, what: str) -> Iterator[str]:
    """Yield what speaks against a mean."""
    along, *across = means.components[:3]
    if along.is_zero():
        yield f'The {what} along the field is not resolved: zero is within its error.'
    if means.is_correlated:
        yield f'Blocks are correlated ({means.correlation:.2f}), so that errors are too small: the runs are too short.'
    if means.is_widened:
        yield f'The runs differ by more than their own errors explain (p = {means.p_value:.1g}).'
    if any(abs(component.value) > STRAY * component.std_error > 0.0 for component in across):
        yield f'There is a {what} across the field.'
