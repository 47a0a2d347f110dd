"""The path through the Brillouin zone along which bands are shown."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from ase import Atoms

from aiida_seimlip.science.analysis.phonons.displacements import PhononError, needs_phonons

LEAST_POINTS = 2
"""A segment of a path has its two ends at least."""


@dataclass(frozen=True, eq=False)
class BandSegment:
    """Phonons along a straight line between two points of high symmetry.

    :param labels: of its ends, such as ``('Γ', 'X')``.
    :param q_points: in fractional coordinates of the primitive cell, both ends included; shape (n_points, 3).
    :param distances: along the path, from its beginning, in 1/Å without 2π; shape (n_points,). A segment begins at the
        distance where the one before ends, also where the path jumps.
    :param frequencies: in THz, in ascending order, imaginary ones negative; shape (n_points, n_branches).
    """

    labels: tuple[str, str]
    q_points: np.ndarray
    distances: np.ndarray
    frequencies: np.ndarray


@dataclass(frozen=True, eq=False)
class BandStructure:
    """Phonons along a path through the Brillouin zone.

    :param segments: in their order. The path jumps where the label of an end differs from that of the next beginning.
    :param points: of high symmetry on the path by label, in fractional coordinates of the primitive cell; shape (3,)
        each.
    """

    segments: tuple[BandSegment, ...]
    points: dict[str, np.ndarray]

    @property
    def q_points(self) -> np.ndarray:
        """Those of all segments; shape (n_points, 3)."""
        return np.concatenate([segment.q_points for segment in self.segments])

    @property
    def distances(self) -> np.ndarray:
        """Those of all segments; shape (n_points,)."""
        return np.concatenate([segment.distances for segment in self.segments])

    @property
    def frequencies(self) -> np.ndarray:
        """Those of all segments; shape (n_points, n_branches)."""
        return np.concatenate([segment.frequencies for segment in self.segments])

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Distances and labels of the points of high symmetry; two labels with a bar between them where it jumps."""
        ticks: list[tuple[float, str]] = []
        last = ''
        for segment in self.segments:
            first, end = segment.labels
            if not ticks:
                ticks.append((float(segment.distances[0]), first))
            elif first != last:
                ticks[-1] = (ticks[-1][0], f'{last}|{first}')
            ticks.append((float(segment.distances[-1]), end))
            last = end
        return ticks


@dataclass(frozen=True, eq=False)
class BandPath:
    """Points of high symmetry, and which of them are joined.

    :param points: by label, in fractional coordinates of a primitive cell; shape (3,) each.
    :param lines: labels of both ends.
    """

    points: dict[str, np.ndarray]
    lines: tuple[tuple[str, str], ...]

    def sample(self, cell: np.ndarray, n_points: int) -> list[np.ndarray]:
        """Return points along each line, at about the same distances on all.

        :param cell: vectors of the primitive cell in rows in Å; shape (3, 3).
        :param n_points: on the longest line, both ends included.
        :return: fractional coordinates for each line; shape (n_points of the line, 3).
        :raises PhononError: if the number of points leaves out an end.
        """
        if n_points < LEAST_POINTS:
            raise PhononError(f'A segment of a path with {n_points} points has no two ends.')
        lengths = [path_distances(np.array(self._ends(line)), cell)[-1] for line in self.lines]
        spacing = max(lengths) / (n_points - 1)
        numbers = [max(LEAST_POINTS, 1 + round(length / spacing)) for length in lengths]
        return [np.linspace(*self._ends(line), number) for line, number in zip(self.lines, numbers, strict=True)]

    def _ends(self, line: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
        return self.points[line[0]], self.points[line[1]]


def find_path(primitive: Atoms, symprec: float) -> BandPath:
    """Find the path of a crystal after Y. Hinuma et al., Comput. Mater. Sci. 128, 140 (2017), by seekpath.

    Seekpath names points in the coordinates of its own primitive cell, which may have other vectors and another
    orientation than the one given; here they are in those of the one given.

    :param primitive: the primitive cell, or a larger one of the same crystal.
    :param symprec: tolerance in Å of the search for symmetry.
    :raises PhononError: if seekpath's cell is not one of the same lattice.
    """
    with needs_phonons():
        import seekpath
        from spglib import get_symmetry_dataset

    structure = (primitive.cell.array, primitive.get_scaled_positions(), primitive.numbers)
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', DeprecationWarning)
        found = seekpath.get_path(structure, symprec=symprec)
    dataset = get_symmetry_dataset(structure, symprec=symprec)
    if dataset is None:
        raise PhononError(f'No space group is found with symprec {symprec} Å: choose another.')
    standard = np.array(found['primitive_lattice']) @ dataset.std_rotation_matrix
    exact = primitive.cell.array @ np.linalg.inv(standard)
    vectors = np.rint(exact)
    if np.abs(exact - vectors).max() > 0.1 or round(np.linalg.det(vectors)) == 0:
        raise PhononError('The standard cell of seekpath does not have the lattice of the primitive cell.')
    lines = tuple((_label(first), _label(last)) for first, last in found['path'])
    on_path = {label for line in lines for label in line}
    points = {_label(name): vectors @ np.array(point) for name, point in found['point_coords'].items()}
    return BandPath({label: point for label, point in points.items() if label in on_path}, lines)


def path_distances(q_points: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """Return the distances of points from the first along a line through them, in 1/Å without 2π.

    :param q_points: in fractional coordinates; shape (n_points, 3).
    :param cell: vectors of the primitive cell in rows in Å; shape (3, 3).
    :return: shape (n_points,).
    """
    steps = np.linalg.norm(np.diff(q_points, axis=0) @ np.linalg.inv(cell).T, axis=1)
    return np.concatenate([[0.0], np.cumsum(steps)])


def _label(name: str) -> str:
    """Return a label of seekpath with Γ as a letter."""
    return 'Γ' if name == 'GAMMA' else name
