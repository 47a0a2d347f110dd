"""Tests for `science.neighbours`."""

from itertools import product

import numpy as np
import pytest

from aiida_seimlip.science.neighbours import neighbour_list

CELL = np.array([[4.1, 0.0, 0.0], [0.0, 5.0, 0.0], [-1.7, 0.0, 3.3]])
"""A small monoclinic cell: images beyond the first are within the cutoff."""


def obvious_neighbours(positions, cell, pbc, cutoff):
    """Return (centre, neighbour, vector) of all pairs by looking at every image."""
    images = [range(-6, 7) if periodic else (0,) for periodic in pbc]
    pairs = []
    for i, j, shift in product(range(len(positions)), range(len(positions)), product(*images)):
        vector = positions[j] + np.array(shift) @ cell - positions[i]
        if (i != j or any(shift)) and np.linalg.norm(vector) < cutoff:
            pairs.append((i, j, vector))
    return pairs


@pytest.mark.parametrize('pbc', [(1, 1, 1), (1, 1, 0), (0, 1, 0), (0, 0, 0)])
def test_against_obvious(pbc):
    """Pairs must equal those of the obvious loop over images, for atoms outside of the cell too."""
    random = np.random.default_rng(1)
    positions = random.uniform(0, 1, (4, 3)) @ CELL
    positions[1] += 2 * np.asarray(pbc) @ CELL
    pairs = neighbour_list(positions, np.array([0, 4]), CELL[None], np.array([pbc], dtype=bool), 6.5)
    expected = obvious_neighbours(positions, CELL, pbc, 6.5)
    assert len(pairs.neighbours) == len(expected)
    found = np.column_stack([pairs.centres, pairs.neighbours, np.round(pairs.vectors, 9)])
    wanted = np.array([[i, j, *np.round(vector, 9)] for i, j, vector in expected])

    def ordered(rows):
        return rows[np.lexsort(np.round(rows, 6).T)]

    np.testing.assert_allclose(ordered(found), ordered(wanted), atol=1e-8)


def test_frames_are_separate():
    """Indices must count all atoms of all frames, and pairs must stay within their frame."""
    positions = np.array([[0.0, 0, 0], [1.0, 0, 0], [0.0, 0, 0], [0.0, 1.5, 0]])
    pairs = neighbour_list(positions, np.array([0, 2, 4]), np.zeros((2, 3, 3)), np.zeros((2, 3), dtype=bool), 2.0)
    np.testing.assert_array_equal(pairs.first, [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(pairs.neighbours, [1, 0, 3, 2])
    np.testing.assert_array_equal(pairs.centres, [0, 1, 2, 3])
    np.testing.assert_allclose(pairs.distances, [1.0, 1.0, 1.5, 1.5])
    np.testing.assert_allclose(pairs.vectors[3], [0.0, -1.5, 0.0])


def test_atom_without_neighbours():
    positions = np.array([[0.0, 0, 0], [50.0, 0, 0], [51.0, 0, 0]])
    pairs = neighbour_list(positions, np.array([0, 3]), np.zeros((1, 3, 3)), np.zeros((1, 3), dtype=bool), 2.0)
    np.testing.assert_array_equal(pairs.first, [0, 0, 1, 2])


def test_no_frames():
    pairs = neighbour_list(np.empty((0, 3)), np.zeros(1, dtype=int), np.empty((0, 3, 3)), np.empty((0, 3)), 2.0)
    assert pairs.first.tolist() == [0]
    assert pairs.distances.shape == (0,)
