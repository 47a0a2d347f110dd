"""Local order of a metal: which lattice an atom is in, and which plane of it lies along a surface."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase import Atoms

from aiida_seimlip.science.neighbours import neighbour_list

Lattice = Literal['bcc', 'fcc', 'hcp', 'other']
LATTICES: tuple[Lattice, ...] = ('bcc', 'fcc', 'hcp', 'other')
FACES = {'001': (0.0, 0.0, 1.0), '110': (1.0, 1.0, 0.0), '111': (1.0, 1.0, 1.0)}
"""Planes that a grain is told to lie along, and their normals in the axes of the cube."""
BETWEEN_SHELLS = (1.0 + np.sqrt(2.0)) / 2.0
"""A distance between two shells of neighbours, in that of the smaller shell."""
N_DENSE, N_BCC = 12, 14
"""Neighbours that tell a close-packed lattice, and a body-centred one."""
REACH = 1.9
"""Neighbours are looked for up to here, in the median distance of the nearest."""
ORDERED = 0.1
"""Share of the atoms that a lattice needs for the metal to be in it; atoms at a surface are never in one."""
BCC_TEMPLATE = np.array([
    *(np.array(signs) / 2.0 for signs in itertools.product((-1, 1), repeat=3)),
    *(sign * axis for sign in (-1, 1) for axis in np.eye(3)),
])  # fmt: skip
"""Neighbours of an atom in a body-centred lattice in those of the cube's edge; shape (14, 3)."""
FCC_TEMPLATE = np.array([
    vector for vector in itertools.product((-0.5, 0.0, 0.5), repeat=3) if np.count_nonzero(vector) == 2
])  # fmt: skip
"""The same of a face-centred lattice; shape (12, 3)."""


@dataclass(frozen=True, eq=False)
class LocalOrder:
    """What each atom is in.

    :param lattices: names of `LATTICES`; shape (n_atoms,).
    :param axes: vectors of the cube in rows, orthonormal, of atoms in bcc and fcc; not a number of all others; shape
        (n_atoms, 3, 3).
    """

    lattices: np.ndarray
    axes: np.ndarray

    def share(self, lattice: Lattice) -> float:
        """Return the share of the atoms that are in a lattice; not a number if there are none."""
        return float(np.mean(self.lattices == lattice)) if self.lattices.size else float('nan')

    def faces(self, normal: Sequence[float] = (0.0, 0.0, 1.0)) -> tuple[np.ndarray, np.ndarray]:
        """Return the plane of low indices that lies nearest along a surface.

        :param normal: of the surface.
        :return: for each atom a key of `FACES`, empty where its axes are not known, and the angle between the normals
            of the plane and of the surface in degrees.
        """
        unit = np.asarray(normal, dtype=float) / np.linalg.norm(normal)
        along = np.sort(np.abs(self.axes @ unit), axis=1)
        planes = np.array([np.sort(np.array(face) / np.linalg.norm(face)) for face in FACES.values()])
        angles = np.degrees(np.arccos(np.clip(along @ planes.T, -1.0, 1.0)))
        is_known = np.isfinite(angles).all(axis=1)
        nearest = np.where(is_known[:, None], angles, 0.0).argmin(axis=1)
        names = np.where(is_known, np.array(list(FACES))[nearest], '')
        return names, angles[np.arange(len(angles)), nearest]


@dataclass(frozen=True)
class Texture:
    """Which lattice a metal is in, and how it lies.

    :param lattice: of more atoms than any other, of a share of `ORDERED` at least; else ``other``.
    :param share: of the atoms that are in it.
    :param face: plane that lies along the surface in most of them, a key of `FACES`; None if it is not known.
    :param face_share: of the atoms in the lattice in which it does.
    :param angle: median angle between the normals of the plane and of the surface in those, in degrees.
    """

    lattice: Lattice
    share: float
    face: str | None
    face_share: float
    angle: float

    def describe(self) -> str:
        """Return it in words, such as ``bcc(110) along the normal``."""
        if self.face is not None:
            return f'{self.lattice}({self.face}) along the normal'
        return 'in no lattice' if self.lattice == 'other' else self.lattice


def find_local_order(atoms: Atoms, members: np.ndarray | None = None) -> LocalOrder:
    """Find the lattice of each atom by common neighbour analysis, and how it lies.

    The signatures of pairs are those of J. D. Honeycutt and H. C. Andersen, J. Phys. Chem. 91, 4950 (1987); the cut-off
    adapts to each atom, as by A. Stukowski, Modelling Simul. Mater. Sci. Eng. 20, 045021 (2012). The axes fit the
    neighbours of an atom best by least squares, over all rotations.

    :param atoms: the structure.
    :param members: indices of the atoms of the metal, which alone count as neighbours; None for all.
    """
    metal = atoms if members is None else atoms[np.asarray(members)]
    size = len(metal)
    lattices = np.full(size, 'other', dtype='<U5')
    axes = np.full((size, 3, 3), np.nan)
    vectors = _nearest(metal, N_BCC)
    is_there = np.isfinite(vectors).all(axis=(1, 2))
    dense = np.isfinite(vectors[:, :N_DENSE]).all(axis=(1, 2))
    if dense.any():
        kinds = _close_packed(vectors[dense, :N_DENSE])
        lattices[dense] = kinds
    rest = np.flatnonzero(is_there & (lattices == 'other'))
    if rest.size:
        lattices[rest[_body_centred(vectors[rest])]] = 'bcc'
    for lattice, count, template in (('bcc', N_BCC, BCC_TEMPLATE), ('fcc', N_DENSE, FCC_TEMPLATE)):
        for index in np.flatnonzero(lattices == lattice):
            axes[index] = fit_axes(vectors[index, :count], template)
    return LocalOrder(lattices, axes)


def find_texture(order: LocalOrder, normal: Sequence[float] = (0.0, 0.0, 1.0)) -> Texture:
    """Return which lattice a metal is in, and which of its planes lies along a surface.

    :param order: of the atoms, one at least.
    :param normal: of the surface.
    """
    lattice: Lattice = max(LATTICES[:-1], key=order.share)
    if order.share(lattice) < ORDERED:
        lattice = 'other'
    inside = order.lattices == lattice
    names, angles = (values[inside] for values in order.faces(normal))
    counts = {face: int(np.count_nonzero(names == face)) for face in FACES}
    face = max(counts, key=counts.__getitem__)
    if not counts[face]:
        return Texture(lattice, order.share(lattice), None, float('nan'), float('nan'))
    share = counts[face] / int(inside.sum())
    return Texture(lattice, order.share(lattice), face, share, float(np.median(angles[names == face])))


def describe_change(begin: Texture, end: Texture, metal: str = 'the metal') -> str:
    """Return a sentence on what became of the order of a metal.

    :param begin: at the beginning.
    :param end: at the end.
    :param metal: what it is called.
    """
    names = begin.describe(), end.describe()
    subject = metal[:1].upper() + metal[1:]
    if names[0] == names[1]:
        return f'{subject} was {names[0]}, and still is.'
    return f'{subject} was {names[0]}, and is {names[1].removesuffix(" along the normal")} at the end.'


def fit_axes(vectors: np.ndarray, template: np.ndarray) -> np.ndarray:
    """Return the axes of the cube whose lattice fits the neighbours of an atom best.

    Each neighbour belongs to the nearest vector of the template; both are found in turn, from two neighbours that are
    as far from parallel as those of the template.

    :param vectors: of the neighbours in Å; shape (n, 3).
    :param template: the same number of vectors in edges of the cube; shape (n, 3).
    :return: vectors in rows, right-handed and orthonormal; shape (3, 3).
    """
    scale = np.linalg.norm(vectors, axis=1).sum() / np.linalg.norm(template, axis=1).sum()
    given = vectors / scale
    best, least = np.full((3, 3), np.nan), np.inf
    for other in range(1, len(given)):
        for start in _guesses(given[0], given[other], template):
            axes, error = _refine(given, template, start)
            if error < least - 1e-9:
                best, least = axes, error
        if least < 0.02 * len(given):
            break
    return best


def _guesses(first: np.ndarray, second: np.ndarray, template: np.ndarray) -> list[np.ndarray]:
    """Return axes that make two neighbours one pair of vectors of the template or another, as far as angles agree."""
    lengths = np.linalg.norm(template, axis=1)
    one = int(np.abs(lengths - np.linalg.norm(first)).argmin())
    cosine = first @ second / np.linalg.norm(first) / np.linalg.norm(second)
    found = []
    for other in range(len(template)):
        angle = template[one] @ template[other] / lengths[one] / lengths[other]
        if other != one and abs(angle) < 0.95 and abs(angle - cosine) < 0.3:
            found.append(_frame(template[one], template[other]).T @ _frame(first, second))
    return found


def _frame(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return orthonormal vectors in rows, the first along one vector, the second in the plane of both."""
    x = first / np.linalg.norm(first)
    z = np.cross(first, second)
    norm = np.linalg.norm(z)
    if norm < 1e-6:
        return np.full((3, 3), np.nan)
    z /= norm
    return np.array([x, np.cross(z, x), z])


def _refine(given: np.ndarray, template: np.ndarray, axes: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the rotation of least squares near another one and its error (W. Kabsch, Acta Cryst. A 32, 922 (1976))."""
    if not np.isfinite(axes).all():
        return axes, np.inf
    for _ in range(3):
        turned = template @ axes
        pairs = np.linalg.norm(given[:, None] - turned[None], axis=2).argmin(axis=1)
        left, _, right = np.linalg.svd(template[pairs].T @ given)
        left[:, -1] *= np.sign(np.linalg.det(left @ right))
        axes = left @ right
    error = float(((given - template[pairs] @ axes) ** 2).sum())
    return axes, error if len(set(pairs.tolist())) == len(pairs) else error + len(pairs)


def _nearest(atoms: Atoms, count: int) -> np.ndarray:
    """Return the vectors to the nearest neighbours, from near to far; infinite where there are fewer; (n, count, 3)."""
    found = np.full((len(atoms), count, 3), np.inf)
    if not len(atoms):
        return found
    ptr, cells, pbc = np.array([0, len(atoms)]), atoms.cell.array[None], atoms.pbc[None]
    cutoff = 4.0
    while True:
        pairs = neighbour_list(atoms.positions, ptr, cells, pbc, cutoff)
        nearest = np.full(len(atoms), np.inf)
        np.minimum.at(nearest, pairs.centres, pairs.distances)
        typical = float(np.median(nearest))
        if (np.isfinite(typical) and REACH * typical <= cutoff) or cutoff > 20.0:
            break
        cutoff = REACH * typical if np.isfinite(typical) else 2.0 * cutoff
    order = np.lexsort((pairs.distances, pairs.centres))
    centres = pairs.centres[order]
    ranks = np.arange(order.size) - np.searchsorted(centres, centres)
    kept = ranks < count
    found[centres[kept], ranks[kept]] = pairs.vectors[order][kept]
    return found


def _close_packed(vectors: np.ndarray) -> np.ndarray:
    """Return fcc, hcp or other of atoms with 12 neighbours; shape (n,)."""
    cutoffs = BETWEEN_SHELLS * np.linalg.norm(vectors, axis=2).mean(axis=1)
    signatures = _signatures(vectors, cutoffs)
    n_fcc, n_hcp = (np.all(signatures == kind, axis=2).sum(axis=1) for kind in ((4, 2, 1), (4, 2, 2)))
    return np.select([n_fcc == N_DENSE, (n_fcc == 6) & (n_hcp == 6)], ['fcc', 'hcp'], 'other')


def _body_centred(vectors: np.ndarray) -> np.ndarray:
    """Return which atoms with 14 neighbours are in a body-centred lattice; shape (n,)."""
    lengths = np.linalg.norm(vectors, axis=2)
    edges = (lengths[:, :8].sum(axis=1) / np.sqrt(0.75) + lengths[:, 8:].sum(axis=1)) / N_BCC
    signatures = _signatures(vectors, BETWEEN_SHELLS * edges)
    n_near, n_far = (np.all(signatures == kind, axis=2).sum(axis=1) for kind in ((6, 6, 6), (4, 4, 4)))
    return np.asarray((n_near == 8) & (n_far == 6))


def _signatures(vectors: np.ndarray, cutoffs: np.ndarray) -> np.ndarray:
    """Return for each neighbour: common neighbours, bonds among them, and bonds of the largest cluster of bonds.

    :param vectors: to the neighbours; shape (n, k, 3).
    :param cutoffs: of bonds in Å; shape (n,).
    :return: shape (n, k, 3).
    """
    apart = np.linalg.norm(vectors[:, :, None] - vectors[:, None], axis=3)
    bonded = (apart < cutoffs[:, None, None]) & ~np.eye(vectors.shape[1], dtype=bool)
    both = bonded[:, :, :, None] & bonded[:, :, None, :] & bonded[:, None]
    degrees = both.sum(axis=3)
    reach = both | np.eye(vectors.shape[1], dtype=bool)
    for _ in range(3):
        reach = np.matmul(reach.astype(np.float32), reach.astype(np.float32)) > 0
    clusters = np.matmul(reach.astype(np.float32), degrees[..., None].astype(np.float32))[..., 0]
    counts = [bonded.sum(axis=2), degrees.sum(axis=2) // 2, np.rint(clusters.max(axis=2) / 2)]
    return np.stack(counts, axis=-1).astype(int)
