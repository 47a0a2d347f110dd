"""Shapes of periodic cells: how thin they are, how empty, and how far a run has taken them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

SWELLING = 1.2
"""Ratio of volumes from which a cell has swelled, or, the other way round, shrunk."""
VACUUM = 6.0
"""Width in Å of a slab without atoms from which on it is a vacuum."""
TILT = 10.0
"""Degrees by which an angle has to become sharper for a cell to have tilted."""

FLAT = 0.75
"""Ratio of smallest heights below which a cell has become flat."""


def heights(cell: np.ndarray) -> np.ndarray:
    """Return the distances between opposite faces of a cell in Å; shape (3,).

    :param cell: cell vectors in rows, in Å; shape (3, 3).
    """
    lengths: np.ndarray = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    return lengths


def largest_gaps(positions: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return the width in Å of the widest slab without atoms, parallel to each pair of faces of a cell; shape (3,).

    :param positions: of the atoms, of which there is at least one, in Å; shape (n_atoms, 3).
    :param cell: cell vectors in rows, in Å; shape (3, 3).
    """
    scaled = np.sort((positions @ np.linalg.inv(cell)) % 1.0, axis=0)
    gaps = np.diff(np.concatenate([scaled, scaled[:1] + 1.0]), axis=0).max(axis=0)
    widths: np.ndarray = gaps * heights(cell)
    return widths


def describe_vacuum(positions: np.ndarray, cell: np.ndarray) -> str | None:
    """Say how wide the vacuum in a periodic cell is, and along which vector; None if there is none.

    :param positions: of the atoms in Å; shape (n_atoms, 3).
    :param cell: cell vectors in rows, in Å; shape (3, 3).
    """
    if not len(positions):
        return None
    gaps = largest_gaps(positions, cell)
    axis = int(np.argmax(gaps))
    return f'a vacuum of {gaps[axis]:.1f} Å along {"abc"[axis]}' if gaps[axis] > VACUUM else None


def sharpest_angle(cell: np.ndarray) -> float:
    """Return the smallest angle between two lines along cell vectors in degrees; it is 90 at most.

    :param cell: cell vectors in rows; shape (3, 3).
    """
    directions = cell / np.linalg.norm(cell, axis=1)[:, None]
    cosines = np.abs([directions[i - 2] @ directions[i - 1] for i in range(3)])
    return float(np.degrees(np.arccos(np.minimum(cosines.max(), 1.0))))


@dataclass(frozen=True)
class CellExtremes:
    """How far the cell of a run has gone.

    :param start_volume: in Å³, as the others.
    :param start_angle: sharpest angle of the start in degrees, see `sharpest_angle`.
    :param start_height: smallest height of the start in Å.
    """

    start_volume: float
    start_angle: float
    start_height: float
    smallest_volume: float
    largest_volume: float
    sharpest_angle: float
    smallest_height: float

    @classmethod
    def of(cls, cells: np.ndarray) -> Self:
        """Return the extremes of the cells of a run.

        :param cells: that of the start first; those that are not finite are left out; in Å; shape (n_cells, 3, 3).
        """
        cells = cells[np.isfinite(cells).all(axis=(1, 2))]
        volumes = np.abs(np.linalg.det(cells))
        angles = [sharpest_angle(cell) for cell in cells]
        smallest = [float(heights(cell).min()) for cell in cells]
        return cls(
            float(volumes[0]), angles[0], smallest[0], float(volumes.min()), float(volumes.max()), min(angles),
            min(smallest),
        )  # fmt: skip

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the extremes of a run that went on in several parts.

        :param parts: in order, at least one.
        """
        first = parts[0]
        return cls(
            first.start_volume, first.start_angle, first.start_height,
            min(part.smallest_volume for part in parts), max(part.largest_volume for part in parts),
            min(part.sharpest_angle for part in parts), min(part.smallest_height for part in parts),
        )  # fmt: skip

    def explain(self, cutoff: float) -> Iterator[str]:
        """Yield what has become of the cell, as parts of a sentence about it; nothing if it stayed what it was.

        :param cutoff: of the potential in Å.
        """
        grown, shrunk = self.largest_volume / self.start_volume, self.smallest_volume / self.start_volume
        if grown > SWELLING:
            yield f'swelled to {grown:.2f} times its volume'
        if shrunk < 1.0 / SWELLING:
            yield f'shrank to {shrunk:.2f} of its volume'
        if self.sharpest_angle < self.start_angle - TILT:
            yield f'tilted to an angle of {self.sharpest_angle:.0f}°'
        if self.smallest_height < cutoff <= self.start_height:
            yield f'became {self.smallest_height:.2f} Å thin, less than the cut-off of {cutoff:g} Å'
        elif self.smallest_height < 2.0 * cutoff <= self.start_height:
            yield f'became {self.smallest_height:.2f} Å thin, less than twice the cut-off of {cutoff:g} Å'
        elif self.smallest_height < FLAT * self.start_height:
            yield f'became {self.smallest_height:.2f} Å thin, from {self.start_height:.2f} Å'

    @property
    def has_flowed(self) -> bool:
        """Whether the cell has kept its volume and lost its shape, as one does whose content flows."""
        is_tilted = self.sharpest_angle < self.start_angle - TILT
        is_flat = self.smallest_height < FLAT * self.start_height
        volumes = self.smallest_volume / self.start_volume, self.largest_volume / self.start_volume
        return (is_tilted or is_flat) and volumes[0] > 1.0 / SWELLING and volumes[1] < SWELLING
