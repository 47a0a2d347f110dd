"""Cells in which two lattices nearly coincide."""

import numpy as np
import pytest

from aiida_seimlip.science.structures.lattice_match import match_lattices, reduce_vectors
from aiida_seimlip.science.structures.supercells import StructureError


def turned(vectors, degrees):
    angle = np.radians(degrees)
    return vectors @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def test_a_lattice_matches_itself_however_it_is_turned():
    oblique = np.array([[5.0, 0.0], [1.3, 6.1]])
    (match,) = match_lattices(turned(oblique, 37.0), oblique, max_area=100.0, max_strain=0.03)
    assert match.area == pytest.approx(np.linalg.det(oblique)) and match.misfit == pytest.approx(0.0, abs=1e-12)
    assert match.angle == pytest.approx(-37.0)


def test_a_lattice_is_not_mirrored():
    oblique = np.array([[5.0, 0.0], [1.3, 6.1]])
    mirrored = oblique * [-1.0, 1.0]
    mirrored[0] *= -1.0
    assert not match_lattices(mirrored, oblique, max_area=32.0, max_strain=0.03)


def test_the_strain_is_that_which_was_put_in():
    film, strain = np.diag([3.0, 4.0]), np.diag([0.02, -0.01])
    substrate = turned(np.array([[2, 0], [1, 1]]) @ film @ (np.eye(2) + strain), 20.0)
    (match, *_) = match_lattices(film, substrate, max_area=26.0, max_strain=0.03)
    assert match.n_film == 2 and match.n_substrate == 1
    assert np.linalg.eigvalsh(match.film_strain) == pytest.approx([-0.01, 0.02])
    assert match.substrate_strain == pytest.approx(0.0, abs=1e-12)
    assert match.misfit == pytest.approx(0.02)
    expected = match.substrate_matrix @ substrate
    assert match.vectors @ match.vectors.T == pytest.approx(expected @ expected.T)
    assert match.vectors[0] == pytest.approx([np.linalg.norm(expected[0]), 0.0])


@pytest.mark.parametrize('share', [0.0, 0.3, 1.0])
def test_the_strain_is_shared(share):
    (match,) = match_lattices(np.eye(2) * 4.0, np.eye(2) * 4.2, max_area=18.0, max_strain=0.06, film_share=share)
    assert match.film_strain == pytest.approx(np.eye(2) * 0.05 * share)
    length = 4.0 * (1.0 + 0.05 * share)
    assert match.substrate_strain == pytest.approx(np.eye(2) * (length / 4.2 - 1.0))
    assert match.area == pytest.approx(length**2)


def test_larger_cells_are_strained_less():
    matches = match_lattices(np.eye(2) * 3.0, np.diag([3.4, 3.0]), max_area=300.0, max_strain=0.15)
    misfits = [match.misfit for match in matches]
    assert misfits == sorted(misfits, reverse=True) and len(misfits) > 2
    assert misfits[0] == pytest.approx(0.4 / 3.0)
    assert [match.area for match in matches] == sorted(match.area for match in matches)


def test_the_root_three_cell_of_a_hexagonal_lattice():
    """The smallest cell of a lattice whose vectors are 3^(1/2) as long holds three of the other, turned by 30°."""
    hexagonal = np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]])
    match, *_ = match_lattices(3.0 * hexagonal, 3.0 * np.sqrt(3.0) * 1.01 * hexagonal, max_area=130.0, max_strain=0.03)
    assert (match.n_film, match.n_substrate) == (3, 1)
    assert match.film_strain == pytest.approx(0.01 * np.eye(2))
    assert abs(match.angle) % 60.0 == pytest.approx(30.0)


def test_reduced_vectors():
    vectors = np.array([[3.0, 0.5], [0.0, 2.5]])
    found = reduce_vectors(np.array([[4, 9], [3, 7]]) @ vectors) @ np.array([[4, 9], [3, 7]]) @ vectors
    lengths = np.linalg.norm(found, axis=1)
    assert sorted(lengths) == pytest.approx([2.5, np.hypot(3.0, 0.5)]) and np.linalg.det(found) == pytest.approx(7.5)


def test_refused():
    with pytest.raises(StructureError, match='left-handed'):
        match_lattices(np.diag([1.0, -1.0]), np.eye(2), max_area=10.0, max_strain=0.1)
