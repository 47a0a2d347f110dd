"""Bands of images: ends that fit together or not, and first paths."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from aiida_seimlip.science.structures.band import (
    displacements,
    faults_of_ends,
    faults_of_fixed,
    find_better_order,
    interpolate,
    largest_displacement,
)

LIMITS = {'max_displacement': 6.0, 'min_displacement': 0.3}


@pytest.fixture
def vacancy():
    """Return copper with a vacancy before and after an atom has hopped into it."""
    crystal = bulk('Cu', cubic=True) * (2, 2, 2)
    hole = crystal.positions[0].copy()
    initial = crystal[1:]
    final = initial.copy()
    nearest = int(np.argmin(np.linalg.norm(initial.positions - hole, axis=1)))
    final.positions[nearest] = hole
    return initial, final, nearest


def test_hop_is_accepted(vacancy):
    initial, final, nearest = vacancy
    assert list(faults_of_ends(initial, final, **LIMITS)) == []
    ways = np.linalg.norm(displacements(initial, final), axis=1)
    assert np.flatnonzero(ways > 0.1).tolist() == [nearest]
    assert largest_displacement(initial, final) == pytest.approx(3.61 / np.sqrt(2))


def test_other_atoms_are_refused(vacancy):
    initial, final, _ = vacancy
    assert 'has 31 atoms, but input `final` has 30' in next(faults_of_ends(initial, final[:-1], **LIMITS))
    final.symbols[3] = 'Ag'
    initial.symbols[5] = 'Ag'
    message = next(faults_of_ends(initial, final, **LIMITS))
    assert '3 (Cu in one, Ag in the other), 5 (Ag in one, Cu in the other)' in message


def test_other_cell_is_refused(vacancy):
    initial, final, _ = vacancy
    final.set_cell(final.cell.array * 1.01)
    assert 'different cells' in next(faults_of_ends(initial, final, **LIMITS))


def test_wrong_order_is_refused(vacancy):
    """Two atoms of the same element in each other's place: species do not tell, distances do."""
    initial, final, nearest = vacancy
    one, two = [index for index in range(31) if index != nearest][3:5]
    final.positions[[one, two]] = final.positions[[two, one]]
    message = next(faults_of_ends(initial, final, **LIMITS))
    assert f'Cu {one} is atom {two}, Cu {two} is atom {one}' in message
    assert find_better_order(initial, final)[[one, two]].tolist() == [two, one]
    assert list(faults_of_ends(initial, final, **LIMITS, check_order=False)) == []


def test_knock_off_and_long_hop_are_both_paths():
    """A chain of two hops, and one atom that goes all the way: neither is a wrong order of the other."""
    line = Atoms('LiLi', [[0.0, 0.0, 0.0], [3.0, 0.0, 0.0]], cell=[12.0, 12.0, 12.0], pbc=True)
    chain, single = line.copy(), line.copy()
    chain.positions[:, 0] = [3.0, 6.0]
    single.positions[:, 0] = [6.0, 3.0]
    for final in (chain, single):
        assert find_better_order(line, final) is None
        assert list(faults_of_ends(line, final, max_displacement=7.0, min_displacement=0.3)) == []


def test_same_ends_and_far_ends_are_refused(vacancy):
    initial, final, nearest = vacancy
    assert 'are the same: no atom moves' in next(faults_of_ends(initial, initial.copy(), **LIMITS))
    limits = {**LIMITS, 'max_displacement': 2.0}
    assert f'atoms move further than 2 Å: Cu {nearest} (2.55 Å)' in next(faults_of_ends(initial, final, **limits))


def test_band_goes_over_the_nearest_image():
    """An atom near one face of the cell goes to the other face through it, without a jump."""
    initial = Atoms('LiO', [[0.2, 0, 0], [5, 5, 5]], cell=[10, 10, 10], pbc=True)
    final = initial.copy()
    final.positions[0, 0] = 9.6
    images = interpolate(initial, final, 2, 'linear')
    np.testing.assert_allclose([image.positions[0, 0] for image in images], [0.2, 0.0, -0.2, -0.4], atol=1e-12)
    np.testing.assert_array_equal(images[1].positions[1], initial.positions[1])


def test_pair_potential_keeps_atoms_apart():
    """An atom that has to pass by another one: the straight path goes through it."""
    initial = Atoms('LiO', [[-1.5, 0.0, 0.05], [0, 0, 0]], cell=[12, 12, 12], pbc=True)
    final = initial.copy()
    final.positions[0, 0] = 1.5
    straight, bent = (interpolate(initial, final, 3, method) for method in ('linear', 'idpp'))
    assert straight[2].get_distance(0, 1, mic=True) < 0.1
    assert bent[2].get_distance(0, 1, mic=True) > 1.0
    np.testing.assert_array_equal(bent[0].positions, initial.positions)
    np.testing.assert_array_equal(bent[-1].positions, final.positions)
    assert all(image.calc is None for image in bent)


def test_fixed_atoms_stay_between_the_ends():
    """One atom passes another, which the pair potential would push aside."""
    initial = Atoms('CuCuCu', [[1, 4, 4], [3, 4.3, 4], [4, 8, 4]], cell=[9, 9, 9], pbc=True)
    final = initial.copy()
    final.positions[0] = [5, 4, 4]
    free = interpolate(initial, final, 3)
    assert max(np.abs(image.positions[1] - initial.positions[1]).max() for image in free) > 0.1
    for image in interpolate(initial, final, 3, fixed=[1, 2]):
        np.testing.assert_array_equal(image.positions[1:], initial.positions[1:])
        assert not image.constraints


def test_atoms_that_cannot_stay(vacancy):
    initial, final = vacancy[:2]
    moved = int(np.argmax(np.linalg.norm(displacements(initial, final), axis=1)))
    assert list(faults_of_fixed(initial, final, fixed=[])) == []
    (fault,) = faults_of_fixed(initial, final, fixed=[moved, (moved + 1) % len(initial)])
    assert f'{initial.symbols[moved]} {moved} (' in fault
    (fault,) = faults_of_fixed(initial, final, fixed=[len(initial)])
    assert fault.startswith(f'Input `options.fixed` names atom {len(initial)}, but there are {len(initial)}')
