"""Find cells in which the lattices of two faces nearly coincide."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from aiida_seimlip.science.structures.supercells import StructureError

TURNS = np.array([
    turn for turn in itertools.product((-1, 0, 1), repeat=4) if turn[0] * turn[3] - turn[1] * turn[2] == 1
]).reshape(-1, 2, 2)  # fmt: skip
"""Matrices that turn a reduced basis into all others of the same hand that can be as short; shape (n, 2, 2)."""
SMALL = 1e-6
"""Vectors whose lengths or projections differ by less, in parts, are as short."""
SAME = 1e-4
"""Strains that differ by less belong to matches that are equivalent."""


@dataclass(frozen=True, eq=False)
class LatticeMatch:
    """A cell in the plane that is nearly one of the film and nearly one of the substrate.

    All vectors are in rows in Å, both faces turned about the normal so that the first one of the interface is along x.

    :param film_matrix: of integers, that makes the vectors of the film's cell from those of its face; shape (2, 2).
    :param substrate_matrix: the same of the substrate; shape (2, 2).
    :param film_vectors: of the film without strain; shape (2, 2).
    :param substrate_vectors: of the substrate without strain; shape (2, 2).
    :param vectors: that both have in the interface; shape (2, 2).
    :param angle: by which the film was turned against the substrate, in degrees; the smallest that strains as little.
    """

    film_matrix: np.ndarray
    substrate_matrix: np.ndarray
    film_vectors: np.ndarray
    substrate_vectors: np.ndarray
    vectors: np.ndarray
    angle: float

    @property
    def area(self) -> float:
        """Area of the cell in Å²."""
        return float(np.linalg.det(self.vectors))

    @property
    def n_film(self) -> int:
        """Number of cells of the film's face in it."""
        return round(float(np.linalg.det(self.film_matrix)))

    @property
    def n_substrate(self) -> int:
        """Number of cells of the substrate's face in it."""
        return round(float(np.linalg.det(self.substrate_matrix)))

    @property
    def film_strain(self) -> np.ndarray:
        """Strain of the film in the plane, the stretch less one; symmetric, shape (2, 2)."""
        return _strain(self.film_vectors, self.vectors)

    @property
    def substrate_strain(self) -> np.ndarray:
        """Strain of the substrate in the plane, the stretch less one; symmetric, shape (2, 2)."""
        return _strain(self.substrate_vectors, self.vectors)

    @property
    def misfit(self) -> float:
        """Largest principal strain that turns the film's cell into the substrate's, without its sign."""
        return float(np.abs(principal_stretches(self.film_vectors, self.substrate_vectors) - 1.0).max())


def match_lattices(
    film: np.ndarray, substrate: np.ndarray, *, max_area: float, max_strain: float, film_share: float = 1.0
) -> list[LatticeMatch]:
    """Return cells in which the lattices of two faces nearly coincide, the smallest first.

    All superlattices of both faces are compared, as by A. Zur and T. C. McGill, J. Appl. Phys. 55, 378 (1984), here
    with the principal strains as the measure, and with the hand of both faces kept: a film is turned, not mirrored. A
    match that is larger than another one and strained no less is left out, and so are superlattices of one face that
    have the shape of another one of it.

    :param film: vectors of the face's cell in rows in Å; shape (2, 2).
    :param substrate: the same of the other face.
    :param max_area: of the cell, in Å².
    :param max_strain: largest principal strain between film and substrate.
    :param film_share: of the strain; the substrate takes what is left.
    :raises StructureError: if a cell has no area.
    """
    faces = _right_handed(film), _right_handed(substrate)
    kept: list[LatticeMatch] = []
    limits = (1.0 - max_strain) ** 2, (1.0 + max_strain) ** 2
    areas = [float(np.linalg.det(face)) for face in faces]
    counts = [range(1, int(max_area / area + 1e-9) + 1) for area in areas]
    films = {number: _superlattices(faces[0], number) for number in counts[0]}
    for n_substrate in counts[1]:
        substrates = _superlattices(faces[1], n_substrate)
        ratios = {number: n_substrate * areas[1] / (number * areas[0]) for number in counts[0]}
        near = [films[number] for number in counts[0] if limits[0] <= ratios[number] <= limits[1]]
        found = [_best_match(faces, one, substrates, film_share) for one in near]
        for match in sorted(found, key=lambda match: match.misfit):
            if match.misfit <= max_strain and all(match.misfit < other.misfit - SAME for other in kept):
                kept.append(match)
    return kept


def principal_stretches(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Return the principal stretches that turn cells into others.

    :param begin: vectors in rows; shape (..., 2, 2).
    :param end: the same of the other cells.
    :return: descending; shape (..., 2).
    """
    change = np.linalg.solve(begin, end)
    squares, product = (change**2).sum(axis=(-2, -1)), np.linalg.det(change)
    total, apart = np.sqrt(squares + 2.0 * product), np.sqrt(np.maximum(squares - 2.0 * product, 0.0))
    return np.stack([(total + apart) / 2.0, (total - apart) / 2.0], axis=-1)


def reduce_vectors(vectors: np.ndarray) -> np.ndarray:
    """Return the matrix of integers that makes the shortest two vectors of the same lattice and hand (Gauss).

    :param vectors: in rows; shape (2, 2).
    :return: shape (2, 2), determinant 1.
    """
    turn = np.eye(2, dtype=int)
    while True:
        first, second = turn @ vectors
        if first @ first > second @ second * (1.0 + SMALL):
            turn = np.array([[0, 1], [-1, 0]]) @ turn
            continue
        along = float(first @ second / (first @ first))
        if abs(along) < 0.5 + SMALL:
            return turn
        turn[1] -= round(along) * turn[0]


def _superlattices(face: np.ndarray, n_cells: int) -> np.ndarray:
    """Return a matrix for each superlattice of so many cells that has another shape, which makes short vectors.

    :return: shape (n, 2, 2).
    """
    found: dict[tuple[float, ...], np.ndarray] = {}
    for first in (number for number in range(1, n_cells + 1) if n_cells % number == 0):
        for shift in range(n_cells // first):
            matrix = np.array([[first, shift], [0, n_cells // first]])
            matrix = reduce_vectors(matrix @ face) @ matrix
            vectors = matrix @ face
            found.setdefault(tuple(np.round(vectors @ vectors.T, 5).ravel()), matrix)
    return np.array(list(found.values()))


def _best_match(
    faces: tuple[np.ndarray, np.ndarray], films: np.ndarray, substrates: np.ndarray, film_share: float
) -> LatticeMatch:
    """Return the way to lay one of several superlattices of the film on one of the substrate that strains least.

    Of several that strain as little the film is turned least.

    :param films: matrices of the film's superlattices; shape (n, 2, 2).
    :param substrates: those of the substrate; shape (m, 2, 2).
    """
    ends = (TURNS[:, None] @ substrates).reshape(-1, 2, 2)
    stretches = principal_stretches((films @ faces[0])[:, None], (ends @ faces[1])[None])
    strains = np.abs(stretches - 1.0).max(axis=-1)
    equal = np.argwhere(strains < strains.min() + SMALL)
    film, rotation, stretch, one, other = min(
        (_laid(films[one] @ faces[0], ends[other] @ faces[1], one, other) for one, other in equal),
        key=lambda laid: (round(abs(_angle(laid[1])), 4), -_angle(laid[1])),
    )
    turned = film @ rotation
    vectors = turned @ (np.eye(2) + film_share * (stretch - np.eye(2)))
    x, y = vectors[0] / np.linalg.norm(vectors[0])
    axes = np.array([[x, -y], [y, x]])
    return LatticeMatch(
        film_matrix=films[one], substrate_matrix=ends[other], film_vectors=turned @ axes,
        substrate_vectors=ends[other] @ faces[1] @ axes, vectors=vectors @ axes,
        angle=_angle(rotation),
    )  # fmt: skip


def _laid(
    film: np.ndarray, end: np.ndarray, one: int, other: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, int]:
    """Return a cell of the film, its rotation and stretch to a cell of the substrate, and what they were made of."""
    left, sizes, right = np.linalg.svd(np.linalg.solve(film, end))
    return film, left @ right, right.T @ np.diag(sizes) @ right, one, other


def _angle(rotation: np.ndarray) -> float:
    """Return the angle of a rotation in degrees."""
    return float(np.degrees(np.arctan2(rotation[0, 1], rotation[0, 0])))


def _right_handed(vectors: np.ndarray) -> np.ndarray:
    """Return the vectors of a face, after a look at them."""
    cell = np.asarray(vectors, dtype=float)
    if not np.linalg.det(cell) > 1e-6:
        raise StructureError('The cell of a face has no area, or its vectors are left-handed.')
    return cell


def _strain(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.solve(begin, end)) - np.eye(2)
