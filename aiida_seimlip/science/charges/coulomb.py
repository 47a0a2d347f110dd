"""Interactions of shielded charges in periodic cells, as a dense matrix by Ewald's sum."""

from __future__ import annotations

import numpy as np
from ase.units import Bohr, Hartree
from scipy.special import erfc

from aiida_seimlip.science.charges.parameters import Kernel, QeqError
from aiida_seimlip.science.neighbours import neighbour_list
from aiida_seimlip.science.structures.cells import VACUUM, heights, largest_gaps

COULOMB_EV_A = Hartree * Bohr
"""Energy of two elementary charges at a distance of 1 Å in eV (14.3996)."""

ACCURACY = 5.0
"""Sums in real and reciprocal space end where exp(-ACCURACY²) is left, 1e-11."""

SHIELDED_CUTOFF = 15.0
"""Distance in Å up to which what is left of ReaxFF's shielding after its r⁻⁴ term is summed."""

LEAST_DISTANCE = 0.2
"""Atoms that are nearer in Å are at one place."""

VECTORS_PER_BATCH = 1024
"""Reciprocal vectors that are summed at a time."""


def interaction_matrix(
    cell: np.ndarray,
    positions: np.ndarray,
    gammas: np.ndarray | None = None,
    *,
    kernel: Kernel = 'reaxff',
    pbc: np.ndarray | bool = True,
    is_slab: bool = False,
    splitting: float | None = None,
) -> np.ndarray:
    r"""Return the interactions A of charges, which have the energy ½ qᵀ A q, in eV/e²; shape (n_atoms, n_atoms).

    Of point charges A_ij = k Σ 1/r over all images (P. P. Ewald, Ann. Phys. 369, 253 (1921)), those of an atom itself
    included; a cell that is not neutral has an even background. With shielding the kernel instead of 1/r is

    - ``reaxff``: (r³ + γ_ij⁻³)^(-⅓) with γ_ij = √(γ_i γ_j), without ReaxFF's taper function. It differs from 1/r by
      a term in r⁻⁴, which no cutoff suits; it has an Ewald sum of its own;
    - ``gaussian``: erf(a_ij r)/r, of Gaussian charges, with 1/a_ij² = 1/a_i² + 1/a_j² and a_i = γ_i √(π/2), so that the
      kernel of equal atoms becomes γ at r = 0, as that of ReaxFF does.

    :param cell: cell vectors in rows, in Å; shape (3, 3).
    :param positions: in Å; shape (n_atoms, 3).
    :param gammas: shielding of the atoms in 1/Å, None for point charges; shape (n_atoms,).
    :param kernel: how interactions are shielded.
    :param pbc: periodicity along the cell vectors: along all, or along none.
    :param is_slab: whether to add the correction of I.-C. Yeh and M. L. Berkowitz, J. Chem. Phys. 111, 3155 (1999), for
        slabs in vacuum along the third vector, with the term for charged cells of V. Ballenegger, A. Arnold and
        J. J. Cerdà, J. Chem. Phys. 131, 094107 (2009). What is left of the images fades with the exponential of the
        width of the vacuum over that of the cell, which should be equal at least.
    :param splitting: Ewald's parameter in 1/Å, which changes nothing but the time that it takes.
    :raises QeqError: if atoms are at one place, the cell is periodic along some vectors only, or has no vacuum.
    """
    cell, positions = np.asarray(cell, dtype=float), np.asarray(positions, dtype=float)
    periodic = np.broadcast_to(np.asarray(pbc, dtype=bool), 3)
    if not periodic.any():
        if is_slab:
            raise QeqError('A slab needs a periodic cell.')
        return COULOMB_EV_A * _cluster(positions, gammas, kernel)
    if not periodic.all():
        raise QeqError(
            'The cell is periodic along some of its vectors only; a slab needs one that is periodic along all three, '
            'with vacuum along the third, and `is_slab`.'
        )
    volume = abs(float(np.linalg.det(cell)))
    alpha = splitting or 6.0 / volume ** (1.0 / 3.0)
    tails = gammas**-1.5 / np.sqrt(3.0) if gammas is not None and kernel == 'reaxff' else np.zeros(len(positions))
    matrix = _reciprocal(cell, positions, tails, alpha, volume)
    matrix += _real(cell, positions, gammas, kernel=kernel, tails=tails, alpha=alpha)
    matrix[np.diag_indices(len(positions))] -= 2.0 * alpha / np.sqrt(np.pi) - 0.5 * alpha**4 * tails**2
    matrix -= np.pi / (volume * alpha**2)
    if is_slab:
        matrix += _slab(cell, positions, volume)
    return COULOMB_EV_A * matrix


def _cluster(positions: np.ndarray, gammas: np.ndarray | None, kernel: Kernel) -> np.ndarray:
    """Return the interactions of charges without images in 1/Å."""
    first, second = np.triu_indices(len(positions), 1)
    distances = np.linalg.norm(positions[first] - positions[second], axis=1)
    _check_distances(distances)
    matrix = np.zeros((len(positions), len(positions)))
    matrix[first, second] = matrix[second, first] = 1.0 / distances + _shielding(
        distances, first, second, gammas, kernel
    )
    return matrix


def _shielding(
    distances: np.ndarray, first: np.ndarray, second: np.ndarray, gammas: np.ndarray | None, kernel: Kernel
) -> np.ndarray:
    """Return what pairs of charges interact by more than point charges do, in 1/Å; shape (n_pairs,)."""
    if gammas is None:
        return np.zeros_like(distances)
    if kernel == 'gaussian':
        widths = 1.0 / gammas**2
        return -erfc(np.sqrt(0.5 * np.pi / (widths[first] + widths[second])) * distances) / distances
    return (distances**3 + (gammas[first] * gammas[second]) ** -1.5) ** (-1.0 / 3.0) - 1.0 / distances


def _real(
    cell: np.ndarray,
    positions: np.ndarray,
    gammas: np.ndarray | None,
    *,
    kernel: Kernel,
    tails: np.ndarray,
    alpha: float,
) -> np.ndarray:
    """Return the sum over near images in 1/Å."""
    size = len(positions)
    cutoff = max(ACCURACY / alpha, _reach(gammas, kernel))
    pairs = neighbour_list(positions, np.array([0, size]), cell[None], np.ones((1, 3), dtype=bool), cutoff)
    distances, first, second = pairs.distances, pairs.centres, pairs.neighbours
    _check_distances(distances)
    values = erfc(alpha * distances) / distances + _shielding(distances, first, second, gammas, kernel)
    if tails.any():
        squares = (alpha * distances) ** 2
        values += tails[first] * tails[second] * (1.0 - (1.0 + squares) * np.exp(-squares)) / distances**4
    matrix = np.zeros((size, size))
    np.add.at(matrix, (first, second), values)
    # what is left of the shielding beyond the cutoff, 2/9 γ_ij⁻⁶ r⁻⁷, as of an even distribution
    matrix += 2.0 * np.pi / abs(np.linalg.det(cell)) * np.outer(tails, tails) ** 2 / cutoff**4
    return np.asarray(matrix)


def _reach(gammas: np.ndarray | None, kernel: Kernel) -> float:
    """Return the distance in Å up to which shielding is summed."""
    if gammas is None:
        return 0.0
    return SHIELDED_CUTOFF if kernel == 'reaxff' else ACCURACY / (0.5 * np.sqrt(np.pi) * float(gammas.min()))


def _reciprocal(cell: np.ndarray, positions: np.ndarray, tails: np.ndarray, alpha: float, volume: float) -> np.ndarray:
    """Return the sum over reciprocal vectors in 1/Å, of 1/r and of the r⁻⁴ term of the shielding."""
    matrix = -(2.0 * np.pi**1.5 * alpha / volume) * np.outer(tails, tails)
    vectors = _half_of_reciprocal_vectors(cell, 2.0 * alpha * ACCURACY)
    for start in range(0, len(vectors), VECTORS_PER_BATCH):
        batch = vectors[start : start + VECTORS_PER_BATCH]
        lengths = np.linalg.norm(batch, axis=1)
        scaled = lengths / (2.0 * alpha)
        point = 8.0 * np.pi / volume * np.exp(-(scaled**2)) / lengths**2
        phases = positions @ batch.T
        waves = np.concatenate([np.cos(phases), np.sin(phases)], axis=1)
        weighted = waves * np.sqrt(np.tile(point, 2))
        matrix += weighted @ weighted.T
        if tails.any():
            smooth = alpha * np.exp(-(scaled**2)) - 0.5 * np.sqrt(np.pi) * lengths * erfc(scaled)
            fourth = 4.0 * np.pi**1.5 / volume * np.maximum(smooth, 0.0)
            weighted = waves * np.sqrt(np.tile(fourth, 2)) * tails[:, None]
            matrix -= weighted @ weighted.T
    return np.asarray(matrix)


def _half_of_reciprocal_vectors(cell: np.ndarray, longest: float) -> np.ndarray:
    """Return one of each pair of opposite reciprocal vectors up to a length in 1/Å, without 0; shape (n, 3)."""
    reciprocal = 2.0 * np.pi * np.linalg.inv(cell).T
    limits = np.floor(longest * np.linalg.norm(cell, axis=1) / (2.0 * np.pi)).astype(int)
    first, second, third = np.meshgrid(*(np.arange(-limit, limit + 1) for limit in limits), indexing='ij')
    is_half = (first > 0) | ((first == 0) & ((second > 0) | ((second == 0) & (third > 0))))
    vectors = np.stack([first[is_half], second[is_half], third[is_half]], axis=1) @ reciprocal
    return np.asarray(vectors[np.linalg.norm(vectors, axis=1) <= longest])


def _slab(cell: np.ndarray, positions: np.ndarray, volume: float) -> np.ndarray:
    """Return the correction for slabs, -2π/V ((z_i - z_j)² + L²/6), in 1/Å."""
    gap = float(largest_gaps(positions, cell)[2])
    if gap < VACUUM:
        raise QeqError(
            f'A slab needs a vacuum of {VACUUM:g} Å at least along the third cell vector, where there are {gap:.1f} Å.'
        )
    height = float(heights(cell)[2])
    fractions = (positions @ np.linalg.inv(cell))[:, 2] % 1.0
    ordered = np.sort(fractions)
    gaps = np.diff(np.append(ordered, ordered[0] + 1.0))
    begin = ordered[(int(np.argmax(gaps)) + 1) % len(ordered)]
    along = ((fractions - begin) % 1.0) * height
    return np.asarray(-2.0 * np.pi / volume * ((along[:, None] - along[None, :]) ** 2 + height**2 / 6.0))


def _check_distances(distances: np.ndarray) -> None:
    if distances.size and distances.min() < LEAST_DISTANCE:
        raise QeqError(f'Two atoms are {distances.min():.2f} Å apart, at one place: there are no charges for that.')
