"""Shapes of cells against values that follow by hand."""

import numpy as np
import pytest
from ase.build import fcc111

from aiida_seimlip.science.structures.cells import CellExtremes, heights, largest_gaps, sharpest_angle

CUBE = 10.0 * np.eye(3)


def tilted(angle, length=10.0):
    """Return a cell whose second vector makes an angle in degrees with the first."""
    direction = [np.cos(np.radians(angle)), np.sin(np.radians(angle)), 0.0]
    return length * np.array([[1.0, 0.0, 0.0], direction, [0.0, 0.0, 1.0]])


def test_heights_of_a_tilted_cell_are_perpendicular_to_its_faces():
    assert heights(tilted(60.0)) == pytest.approx([10 * 3**0.5 / 2, 10 * 3**0.5 / 2, 10.0])


@pytest.mark.parametrize(('angle', 'expected'), [(90.0, 90.0), (76.0, 76.0), (104.0, 76.0)])
def test_obtuse_angles_are_as_sharp_as_acute_ones(angle, expected):
    assert sharpest_angle(tilted(angle)) == pytest.approx(expected)


def test_gap_of_a_slab_is_its_vacuum():
    slab = fcc111('Cu', (2, 2, 3), vacuum=6.0, periodic=True)
    gaps = largest_gaps(slab.positions, slab.cell.array)
    assert gaps[2] == pytest.approx(12.0)
    assert max(gaps[:2]) < 3.0


@pytest.mark.parametrize('shift', [0.0, 4.0, 9.5])
def test_gap_goes_through_the_faces_of_the_cell(shift):
    positions = np.array([[0.0, 0.0, z + shift] for z in (0.0, 2.0, 3.0)])
    assert largest_gaps(positions, CUBE)[2] == pytest.approx(7.0)


def test_nothing_is_said_of_a_cell_that_breathes():
    extremes = CellExtremes.of(np.array([CUBE, 1.01 * CUBE, 0.99 * CUBE, tilted(87.0)]))
    assert list(extremes.explain(4.0)) == []


def test_swollen_tilted_and_thin():
    extremes = CellExtremes.of(np.array([CUBE, 1.2 * CUBE, tilted(76.0)]))
    assert list(extremes.explain(4.9)) == [
        'swelled to 1.73 times its volume', 'tilted to an angle of 76°',
        'became 9.70 Å thin, less than twice the cut-off of 4.9 Å',
    ]  # fmt: skip
    assert len(list(extremes.explain(5.1))) == 2  # it was too thin from the start, which is said elsewhere


def test_parts_of_a_run_are_measured_from_its_start():
    parts = [CellExtremes.of(np.array([CUBE, 1.1 * CUBE])), CellExtremes.of(np.array([1.1 * CUBE, 1.2 * CUBE]))]
    whole = CellExtremes.of(np.array([CUBE, 1.1 * CUBE, 1.2 * CUBE]))
    assert CellExtremes.joined(parts) == whole


def test_shrunk():
    assert list(CellExtremes.of(np.array([CUBE, 0.9 * CUBE])).explain(1.0)) == ['shrank to 0.73 of its volume']
