from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import li2co3
from aiida_seimlip.science.structures.supercells import (
    StructureError,
    as_matrix,
    composition_change,
    describe,
    matrix_for_edge,
    smallest_supercell,
    supercell,
)

OBLIQUE = [[1, 0, 1], [-1, 2, 0], [0, 0, 2]]


@pytest.mark.parametrize('matrix', [(1, 2, 2), OBLIQUE], ids=['diagonal', 'oblique'])
def test_supercell_is_whole_cells(matrix):
    atoms = li2co3()
    large = supercell(atoms, matrix)
    whole = as_matrix(matrix)
    assert len(large) == len(atoms) * round(np.linalg.det(whole))
    np.testing.assert_allclose(large.cell.array, whole @ atoms.cell.array)
    shift = large.positions[: len(atoms)] - atoms.positions
    np.testing.assert_allclose(
        atoms.cell.scaled_positions(shift), np.rint(atoms.cell.scaled_positions(shift)), atol=1e-9
    )
    one, many = (Frames.from_atoms([image]).shortest_distances()[0] for image in (atoms, large))
    assert many == pytest.approx(one)


def test_supercell_of_the_paper():
    large = supercell(li2co3(), (1, 2, 2))
    assert large.get_chemical_formula() == 'C16Li32O48'
    np.testing.assert_allclose(large.cell.lengths(), [8.3593, 9.945, 12.395])


@pytest.mark.parametrize(
    ('edge', 'diagonal'), [(10.0, [2, 3, 2]), (8.3593, [1, 2, 2]), (1.0, [1, 1, 1]), (25.0, [3, 6, 5])]
)
def test_smallest_edge(edge, diagonal):
    matrix = matrix_for_edge(li2co3(), edge)
    np.testing.assert_array_equal(np.diag(matrix), diagonal)
    assert supercell(li2co3(), matrix).cell.lengths().min() >= edge - 1e-6


def test_heights_of_an_oblique_cell():
    large = supercell(li2co3(), (1, 2, 2))
    facts = describe(large, as_matrix((1, 2, 2)))
    assert (facts['n_cells'], facts['n_atoms'], facts['matrix']) == (4, 96, [[1, 0, 0], [0, 2, 0], [0, 0, 2]])
    sine = np.sin(np.radians(114.83))
    np.testing.assert_allclose(facts['heights'], [8.3593 * sine, 9.945, 12.395 * sine])


@pytest.mark.parametrize(
    ('matrix', 'message'),
    [
        ((1, 2), 'shape'),
        ((1, 1.5, 1), 'whole numbers'),
        ((0, 1, 1), 'determinant'),
        ((-1, 1, 1), 'determinant'),
        ('abc', 'neither'),
    ],
)
def test_wrong_matrix(matrix, message):
    with pytest.raises(StructureError, match=message):
        supercell(li2co3(), matrix)


def test_no_crystal():
    atoms = li2co3()
    atoms.pbc = (True, True, False)
    with pytest.raises(StructureError, match='not periodic'):
        supercell(atoms, (1, 1, 1))
    with pytest.raises(StructureError, match='not positive'):
        matrix_for_edge(li2co3(), -1.0)


def test_composition_change():
    atoms = li2co3()
    fewer = atoms.copy()
    del fewer[[0, 8]]
    assert composition_change(atoms, fewer) == {'C': -1, 'Li': -1}
    assert composition_change(atoms, atoms) == {}


def test_smallest_supercell():
    """Heights of the monoclinic cell are a sin β, b and c sin β."""
    matrix = smallest_supercell(li2co3(), 10.0)
    assert np.diag(matrix).tolist() == [2, 3, 2]
    assert matrix.sum() == 7
    assert np.diag(smallest_supercell(li2co3(), 4.9725)).tolist() == [1, 1, 1]
    large = supercell(li2co3(), matrix)
    heights = large.get_volume() / np.linalg.norm(np.cross(*large.cell.array[[[1, 2, 0], [2, 0, 1]]]), axis=1)
    assert heights.min() >= 10.0


@pytest.mark.parametrize(
    ('atoms', 'length', 'message'), [(bulk('Cu'), -1.0, 'not positive'), (Atoms('Cu'), 1.0, 'no cell')]
)
def test_no_smallest_supercell(atoms, length, message):
    with pytest.raises(StructureError, match=message):
        smallest_supercell(atoms, length)
