"""Hops and their end points, against what is known of the crystals and against counting by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from ase.build import bulk
from ase.geometry import find_mic

from aiida_seimlip.science.structures import hops
from aiida_seimlip.science.structures.band import faults_of_ends, interpolate
from aiida_seimlip.science.structures.crystals import li2co3
from aiida_seimlip.science.structures.migration import EndPointsError, end_points, match
from aiida_seimlip.science.structures.supercells import StructureError, supercell
from aiida_seimlip.science.structures.symmetry import Symmetry
from tests.crystals import li2o

MATRIX = (1, 2, 2)
MECHANISMS = ['vacancy', 'interstitial_direct', 'interstitial_knock_off', 'frenkel_pair_generation']
COPPER = bulk('Cu', a=3.6)


def test_vacancy_hops_of_li2co3():
    found = hops.vacancy(li2co3(), 'Li')
    np.testing.assert_allclose([hop.length for hop in found], [2.714, 2.977, 3.000, 3.141, 3.531], atol=1e-3)


def test_vacancy_hops_are_all_pairs_of_neighbours():
    atoms = li2co3()
    lithium = supercell(atoms, (1, 3, 3))
    lithium = lithium[lithium.symbols == 'Li']
    distances = lithium.get_all_distances(mic=True)
    pairs = np.sum((distances > 0.1) & (distances < 4.0)) / 2 / 9
    assert sum(hop.multiplicity for hop in hops.vacancy(atoms, 'Li')) == pairs


@pytest.mark.parametrize(
    ('atoms', 'symbol', 'expected'),
    [
        (COPPER, 'Cu', [(3.6 / np.sqrt(2), 6), (3.6, 3)]),
        (li2o(), 'Li', [(4.619 / 2, 24), (4.619 / np.sqrt(2), 48), (4.619 * np.sqrt(3) / 2, 16), (4.0002, 16)]),
    ],
    ids=['fcc', 'Li2O'],
)
def test_vacancy_hops_of_cubic_crystals(atoms, symbol, expected):
    found = hops.vacancy(atoms, symbol)
    assert [hop.multiplicity for hop in found] == [number for _, number in expected]
    np.testing.assert_allclose([hop.length for hop in found], [length for length, _ in expected], atol=1e-3)


def test_hops_through_an_anion_have_no_clearance():
    along, across = [hop.clearance for hop in hops.vacancy(li2o(), 'Li')][2:]
    assert sorted([along, across])[0] == pytest.approx(0.0, abs=1e-6)
    assert sorted([along, across])[1] > 1.5


def test_straight_knock_off_in_fcc():
    straight, bent = hops.interstitial_knock_off(COPPER, 'Cu', max_length=2.0)
    assert straight.lengths == pytest.approx((1.8, 1.8))
    assert (straight.angle, straight.multiplicity) == (pytest.approx(180.0), 3)
    assert (bent.angle, bent.multiplicity) == (pytest.approx(90.0), 12)


def test_direct_interstitial_in_fcc():
    found = hops.interstitial_direct(COPPER, 'Cu', max_length=3.0)
    assert [(hop.length, hop.multiplicity) for hop in found] == [(pytest.approx(3.6 / np.sqrt(2)), 6)]
    to_tetrahedral = hops.interstitial_direct(COPPER, 'Cu', to_site=1, max_length=2.0)
    assert [(hop.length, hop.multiplicity) for hop in to_tetrahedral] == [(pytest.approx(np.sqrt(3) / 4 * 3.6), 8)]


def test_frenkel_pairs_form_along_the_direction():
    found = hops.frenkel_pair_generation(li2co3(), 'Li', direction=(0, 1, 0))
    axis = li2co3().cell.array[1]
    for hop in found:
        vector = (hop.legs[0].end - hop.legs[0].start) @ li2co3().cell.array
        tilt = np.degrees(np.arccos(abs(vector @ axis) / np.linalg.norm(vector) / np.linalg.norm(axis)))
        assert hop.angle == pytest.approx(tilt, abs=1e-4)
        assert tilt <= 30.0
        assert 2.0 <= hop.length <= 5.0
    assert np.all(np.diff([hop.length for hop in found]) > -1e-6)


@pytest.mark.parametrize('mechanism', MECHANISMS)
def test_no_two_hops_are_equivalent(mechanism):
    atoms = li2co3()
    found = getattr(hops, mechanism)(atoms, 'Li')
    symmetry = Symmetry.of(atoms)
    paths = [np.array([hop.legs[0].start, *(leg.end for leg in hop.legs)]) for hop in found]
    for index, path in enumerate(paths):
        assert not symmetry.are_equivalent(path, paths[:index])


@pytest.mark.parametrize('mechanism', MECHANISMS)
def test_only_the_intended_atoms_move(mechanism):
    atoms = li2co3()
    perfect = supercell(atoms, MATRIX)
    for hop in getattr(hops, mechanism)(atoms, 'Li')[:4]:
        ends = end_points(atoms, hop, MATRIX)
        np.testing.assert_array_equal(ends.initial.numbers, ends.final.numbers)
        np.testing.assert_array_equal(ends.initial.cell, ends.final.cell)
        vectors, lengths = find_mic(ends.final.positions - ends.initial.positions, perfect.cell)
        np.testing.assert_allclose(ends.final.positions - ends.initial.positions, vectors, atol=1e-9)
        assert np.flatnonzero(lengths > 1e-6).tolist() == sorted(atom.index for atom in ends.moved)
        for atom, length in zip(ends.moved, hop.lengths, strict=True):
            assert ends.initial.symbols[atom.index] == atom.symbol == 'Li'
            assert lengths[atom.index] == pytest.approx(length)
        balance = {'vacancy': -1, 'frenkel_pair_generation': 0}.get(mechanism, 1)
        assert len(ends.initial) == len(perfect) + balance


@pytest.mark.parametrize('mechanism', MECHANISMS)
def test_end_points_make_a_band(mechanism):
    """No end points are refused as those of a path, above all not the two atoms of a knock-off as exchanged."""
    atoms = li2co3()
    for hop in getattr(hops, mechanism)(atoms, 'Li'):
        ends = end_points(atoms, hop, MATRIX)
        assert list(faults_of_ends(ends.initial, ends.final, max_displacement=6.0, min_displacement=0.3)) == []
        middle = interpolate(ends.initial, ends.final, 1, 'linear')[1]
        np.testing.assert_allclose(middle.positions, 0.5 * (ends.initial.positions + ends.final.positions), atol=1e-9)


def test_vacancy_hops_end_where_an_atom_was():
    perfect = supercell(li2co3(), MATRIX)
    for hop in hops.vacancy(li2co3(), 'Li'):
        ends = end_points(li2co3(), hop, MATRIX)
        ((index, symbol, position),) = ends.removed
        (atom,) = ends.moved
        assert (symbol, perfect.symbols[index]) == ('Li', 'Li')
        assert find_mic(np.subtract(atom.end, position), perfect.cell)[1] < 1e-6
        completed = ends.final.copy()  # the atom that hops leaves behind what the other one left
        assert find_mic(completed.positions - np.array(atom.start), perfect.cell)[1].min() > 1.0


def test_both_ends_of_a_symmetric_hop_are_alike():
    for find in (hops.vacancy, hops.interstitial_knock_off):
        ends = end_points(li2co3(), find(li2co3(), 'Li')[0], MATRIX)
        one, other = (np.sort(image.get_all_distances(mic=True), axis=None) for image in (ends.initial, ends.final))
        np.testing.assert_allclose(one, other, atol=0.02)


def test_knock_off_ends_on_the_lattice():
    perfect = supercell(li2co3(), MATRIX)
    ends = end_points(li2co3(), hops.interstitial_knock_off(li2co3(), 'Li')[0], MATRIX)
    first, second = ends.moved
    assert (first.role, second.role, first.index) == ('interstitial', 'lattice', len(perfect))
    assert find_mic(np.subtract(first.end, perfect.positions[second.index]), perfect.cell)[1] < 1e-6


def test_the_record_is_plain_and_complete():
    for find in (hops.vacancy, hops.interstitial_direct, hops.interstitial_knock_off):
        record = end_points(li2co3(), find(li2co3(), 'Li')[0], MATRIX).to_dict()
        assert json.loads(json.dumps(record)) == record
        assert record['supercell']['n_cells'] == 4
        assert record['length'] == max(atom['length'] for atom in record['moved'])


def test_real_positions_are_kept():
    """A relaxed crystal is symmetric but for some noise, which stays in the structures that are made."""
    atoms = li2co3()
    atoms.positions += np.random.default_rng(3).normal(scale=0.002, size=atoms.positions.shape)
    found = hops.vacancy(atoms, 'Li', symprec=0.03)
    assert len(found) == 5
    ends = end_points(atoms, found[1], MATRIX)
    ((_, _, position),) = ends.removed
    assert find_mic(np.subtract(ends.moved[0].end, position), ends.initial.cell)[1] < 1e-9
    _, lengths = find_mic(supercell(atoms, MATRIX).positions[1:] - ends.initial.positions[0], ends.initial.cell)
    assert lengths.min() > 1.0


def test_too_small_a_supercell():
    with pytest.raises(EndPointsError, match=r'24 atoms is too small for the vacancy hop of 3\.53 Å.*2\.71 Å'):
        end_points(li2co3(), hops.vacancy(li2co3(), 'Li')[4])
    with pytest.raises(EndPointsError, match='too small'):
        end_points(COPPER, hops.vacancy(COPPER, 'Cu')[0])


@pytest.mark.parametrize(
    ('find', 'message'),
    [
        (lambda: hops.vacancy(li2co3(), 'Na'), 'no Na'),
        (lambda: hops.vacancy(li2co3(), 'Li', max_length=2.0), 'within 2 Å'),
        (lambda: hops.interstitial_direct(li2co3(), 'Li', site=8), 'no empty site 8'),
        (lambda: hops.interstitial_direct(li2co3(), 'Li', max_length=1.0), 'within 1 Å'),
        (lambda: hops.interstitial_knock_off(li2co3(), 'Li', min_angle=179.0), '179° or more'),
        (lambda: hops.frenkel_pair_generation(li2co3(), 'Li', direction=(0, 0, 0)), 'direction'),
        (lambda: hops.frenkel_pair_generation(li2co3(), 'Li', max_angle=0.0), 'nearest direction is'),
    ],
)
def test_nothing_found(find, message):
    with pytest.raises(StructureError, match=message):
        find()


def test_match_takes_the_nearest_image():
    ends = end_points(li2co3(), hops.vacancy(li2co3(), 'Li')[0], MATRIX)
    wrapped = ends.final.copy()
    wrapped.positions += wrapped.cell.array[0] - 2 * wrapped.cell.array[2]
    found = match(ends.initial, wrapped)
    np.testing.assert_allclose(found.final.positions, ends.final.positions, atol=1e-9)
    assert [atom.index for atom in found.moved] == [atom.index for atom in ends.moved]
    assert found.length == pytest.approx(ends.length)


def test_ends_that_do_not_match():
    initial = supercell(li2co3(), MATRIX)
    shorter = initial[:-1]
    swapped = initial[[8, *range(1, 8), 0, *range(9, 96)]]
    strained = initial.copy()
    strained.set_cell(initial.cell.array * 1.01, scale_atoms=True)
    for final, message in (
        (shorter, 'same atoms: C16Li32O48 and C16Li32O47'),
        (swapped, 'not in the same order: atom 0 is Li in the first and C'),
        (strained, 'same cell'),
        (initial, 'are the same'),
    ):
        with pytest.raises(EndPointsError, match=message):
            match(initial, final)
