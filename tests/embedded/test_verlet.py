"""Tests of the neighbour list for molecular dynamics against one made anew at every step."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_seimlip.embedded.verlet import VerletList
from aiida_seimlip.science.neighbours import Pairs, neighbour_list

CUTOFF = 5.0
PERIODIC = np.ones(3, dtype=bool)


def table(pairs: Pairs) -> np.ndarray:
    """Return the pairs within the cut-off in a definite order; rows of centre, neighbour, vector."""
    inside = pairs.distances < CUTOFF - 1e-9
    rows = np.column_stack([pairs.centres, pairs.neighbours, pairs.vectors.round(7) + 0.0])[inside]
    return rows[np.lexsort(rows.T)]


def assert_complete(pairs: Pairs, positions: np.ndarray, cell: np.ndarray, pbc: np.ndarray = PERIODIC) -> None:
    fresh = neighbour_list(positions, np.array([0, len(positions)]), cell[None], pbc[None], CUTOFF)
    np.testing.assert_allclose(table(pairs), table(fresh), atol=1e-6)


CELLS = {
    'edges below the cut-off': np.array([[3.0, 0, 0], [0.4, 2.8, 0], [-1.2, 0.7, 4.1]]),
    'heights below twice the cut-off': np.array([[8.3593, 0, 0], [0, 4.9725, 0], [-2.6025, 0, 5.6246]]),
    'strongly tilted': np.array([[5.0, 0, 0], [17.0, 6.0, 0], [-21.0, 23.0, 6.5]]),
    'large': np.array([[14.0, 0, 0], [3.0, 13.0, 0], [-2.0, 4.0, 12.0]]),
}


@pytest.mark.parametrize('cell', CELLS.values(), ids=CELLS)
def test_complete_while_atoms_and_cell_move(cell):
    """Atoms diffuse and jump by cell vectors, the cell breathes and shears: no pair is ever missing."""
    rng = np.random.default_rng(7)
    positions = rng.uniform(-0.2, 1.2, (9, 3)) @ cell
    verlet = VerletList(CUTOFF)
    for step in range(120):
        strain = np.eye(3) + np.tril(rng.normal(0, 0.004, (3, 3)))
        cell = cell @ strain
        positions = positions @ strain + rng.normal(0, 0.03, positions.shape)
        if step % 40 == 39:
            positions[step % 9] += cell[step % 3]
        assert_complete(verlet.update(positions, cell, PERIODIC), positions, cell)
    assert verlet.n_builds < 60


def test_uniform_strain_needs_no_new_list():
    """What a barostat does in a few steps is followed by the vectors alone."""
    cell = CELLS['large']
    positions = np.random.default_rng(1).uniform(0, 1, (20, 3)) @ cell
    verlet = VerletList(CUTOFF)
    for scale in np.linspace(1.0, 1.1, 11):
        assert_complete(verlet.update(scale * positions, scale * cell, PERIODIC), scale * positions, scale * cell)
    assert verlet.n_builds == 1


def test_compression_beyond_the_skin_makes_a_new_list():
    cell = CELLS['large']
    positions = np.random.default_rng(1).uniform(0, 1, (20, 3)) @ cell
    verlet = VerletList(CUTOFF)
    verlet.update(positions, cell, PERIODIC)
    assert_complete(verlet.update(0.8 * positions, 0.8 * cell, PERIODIC), 0.8 * positions, 0.8 * cell)
    assert verlet.n_builds == 2


def test_partial_periodicity():
    pbc = np.array([True, False, True])
    cell = CELLS['heights below twice the cut-off']
    positions = np.random.default_rng(1).uniform(0, 1, (6, 3)) @ cell
    verlet = VerletList(CUTOFF)
    assert_complete(verlet.update(positions, cell, pbc), positions, cell, pbc)
    assert_complete(verlet.update(positions, cell, PERIODIC), positions, cell)


def test_forget_and_other_number_of_atoms():
    cell = CELLS['large']
    positions = np.random.default_rng(1).uniform(0, 1, (20, 3)) @ cell
    verlet = VerletList(CUTOFF)
    verlet.update(positions, cell, PERIODIC)
    assert_complete(verlet.update(positions[:7], cell, PERIODIC), positions[:7], cell)
    verlet.forget()
    assert_complete(verlet.update(positions[:7], cell, PERIODIC), positions[:7], cell)
    assert verlet.n_builds == 3


def test_images():
    """Displacements of images and positions make the vectors, whichever of the two was asked for before."""
    rng, cell = np.random.default_rng(5), CELLS['large']
    positions = rng.uniform(0, 1, (20, 3)) @ cell
    verlet = VerletList(CUTOFF)
    for step in range(60):
        if step % 3:
            strain = np.eye(3) + rng.normal(0, 0.004, (3, 3))
            cell, positions = cell @ strain, positions @ strain
        positions = positions + rng.normal(0, 0.03, positions.shape)
        if step % 7 == 6:
            verlet.update(positions, cell, PERIODIC)
        pairs = verlet.images(positions, cell, PERIODIC)
        moved = positions[pairs.neighbours] - positions[pairs.centres]
        assert_complete(pairs._replace(vectors=pairs.vectors + moved), positions, cell)
    assert verlet.n_builds < 30
