"""Profiles along the normal of layers: how many atoms of each element there are, and how many neighbours they have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from aiida_seimlip.science.neighbours import neighbour_list


@dataclass(frozen=True, eq=False)
class LayerProfile:
    """A profile along the normal of the first two cell vectors.

    :param heights: middles of the bins in Å; shape (n_bins,).
    :param densities: number of atoms of each element per volume in 1/Å³, by its symbol; shape (n_bins,) each.
    :param coordination: mean number of neighbours of the atoms of a bin, not a number where there are none; shape
        (n_bins,).
    """

    heights: np.ndarray
    densities: Mapping[str, np.ndarray]
    coordination: np.ndarray


def layer_profile(images: Sequence[Atoms], *, bin_width: float = 0.5, cutoff: float = 3.5) -> LayerProfile:
    """Return the mean profile of structures with the same atoms in cells of the same height.

    :param images: periodic; heights count along the normal of the first two vectors, from the origin of the cell.
    :param bin_width: largest height of a bin in Å.
    :param cutoff: atoms that are nearer are neighbours, in Å.
    :raises ValueError: if there is none.
    """
    if not images:
        raise ValueError('A profile needs one structure at least.')
    first = images[0]
    height = first.get_volume() / float(np.linalg.norm(np.cross(*first.cell.array[:2])))
    n_bins = int(np.ceil(height / bin_width - 1e-9))
    kinds = sorted(set(first.numbers.tolist()))
    counts = {kind: np.zeros(n_bins) for kind in kinds}
    n_atoms, n_neighbours, volume = np.zeros(n_bins), np.zeros(n_bins), 0.0
    for atoms in images:
        bins = (atoms.get_scaled_positions()[:, 2] % 1.0 * n_bins).astype(int) % n_bins
        ptr = np.array([0, len(atoms)])
        pairs = neighbour_list(atoms.positions, ptr, atoms.cell.array[None], atoms.pbc[None], cutoff)
        neighbours = np.bincount(pairs.centres, minlength=len(atoms))
        volume += atoms.get_volume() / n_bins
        n_atoms += np.bincount(bins, minlength=n_bins)
        n_neighbours += np.bincount(bins, weights=neighbours, minlength=n_bins)
        for kind in kinds:
            counts[kind] += np.bincount(bins[atoms.numbers == kind], minlength=n_bins)
    with np.errstate(invalid='ignore'):
        coordination = n_neighbours / n_atoms
    densities = {chemical_symbols[kind]: count / volume for kind, count in counts.items()}
    return LayerProfile((np.arange(n_bins) + 0.5) * height / n_bins, densities, coordination)
