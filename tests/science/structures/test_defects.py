from __future__ import annotations

import json

import numpy as np
import pytest

from aiida_seimlip.science.structures.crystals import li2co3
from aiida_seimlip.science.structures.defects import find_atom, frenkel_pair, interstitial, vacancy
from aiida_seimlip.science.structures.supercells import StructureError, supercell

MATRIX = (1, 2, 2)
PERFECT = supercell(li2co3(), MATRIX)


def test_vacancy():
    defect = vacancy(li2co3(), 'Li', matrix=MATRIX)
    (change,) = defect.changes
    assert (change.action, change.symbol, change.multiplicity) == ('removed', 'Li', 8)
    np.testing.assert_allclose(change.position, PERFECT.positions[change.index])
    rest = PERFECT.copy()
    del rest[change.index]
    assert defect.atoms == rest
    assert defect.to_dict()['composition_change'] == {'Li': -1}
    assert defect.to_dict()['space_group'] == 'C2/c'


@pytest.mark.parametrize(('site', 'multiplicity'), [(0, 4), (1, 8)])
def test_vacancy_on_each_distinct_site(site, multiplicity):
    (change,) = vacancy(li2co3(), 'O', site=site).changes
    assert (change.symbol, change.site, change.multiplicity) == ('O', site, multiplicity)


def test_interstitial_has_the_room_that_was_found():
    defect = interstitial(li2co3(), 'Li', matrix=MATRIX)
    (change,) = defect.changes
    assert (change.action, change.index, change.multiplicity) == ('added', 96, 8)
    assert defect.atoms[:96] == PERFECT
    distances = defect.atoms.get_distances(96, range(96), mic=True)
    assert distances.min() == pytest.approx(1.966, abs=1e-3)
    assert defect.to_dict()['composition_change'] == {'Li': 1}


def test_interstitial_at_a_place_that_is_given():
    defect = interstitial(li2co3(), 'Na', position=(0.5, 0.191, 1.25), matrix=MATRIX)
    (change,) = defect.changes
    assert (change.symbol, change.site, change.multiplicity) == ('Na', None, None)
    expected = np.array([0.5, 0.191, 1.25]) @ li2co3().cell.array
    assert find_atom(defect.atoms, expected, 1e-6) == 96


def test_interstitial_on_top_of_an_atom():
    place = li2co3().get_scaled_positions()[8]
    with pytest.raises(StructureError, match=r'0\.00 Å from atom 8 \(C\), nearer than 1\.2 Å'):
        interstitial(li2co3(), 'Li', position=place)
    with pytest.raises(StructureError, match='nearer than 2 Å'):
        interstitial(li2co3(), 'Li', position=(0.5, 0.191, 0.25), min_room=2.0)


def test_frenkel_pair_moves_one_atom():
    defect = frenkel_pair(li2co3(), 'Li', matrix=MATRIX, separation=4.0)
    (change,) = defect.changes
    moved = np.flatnonzero(np.linalg.norm(defect.atoms.positions - PERFECT.positions, axis=1) > 1e-6)
    assert moved.tolist() == [change.index]
    assert defect.atoms.symbols[change.index] == 'Li'
    np.testing.assert_array_equal(defect.atoms.numbers, PERFECT.numbers)
    assert defect.to_dict()['composition_change'] == {}
    np.testing.assert_allclose(change.origin, PERFECT.positions[change.index])


def test_frenkel_pairs_of_growing_separation():
    lengths = []
    for separation in (2.0, 4.0, 5.5):
        (change,) = frenkel_pair(li2co3(), 'Li', matrix=(1, 2, 2), separation=separation).changes
        pair = PERFECT.copy()
        pair.positions[0] = change.position
        lengths.append(float(np.linalg.norm(change_vector(change))))
    np.testing.assert_allclose(lengths, [2.0, 4.0, 5.5], atol=0.4)


def change_vector(change):
    from ase.geometry import find_mic

    return find_mic(np.subtract(change.position, change.origin), PERFECT.cell)[0]


def test_records_are_plain():
    for defect in (vacancy(li2co3(), 'Li'), interstitial(li2co3(), 'Li'), frenkel_pair(li2co3(), 'Li')):
        record = defect.to_dict()
        assert json.loads(json.dumps(record)) == record


@pytest.mark.parametrize(
    ('make', 'message'),
    [
        (lambda: vacancy(li2co3(), 'Fe'), 'no Fe in the structure'),
        (lambda: vacancy(li2co3(), 'Li', site=1), 'no distinct site of Li 1: the structure has 1'),
        (lambda: interstitial(li2co3(), 'Li', site=99), 'no empty site 99'),
        (lambda: frenkel_pair(li2co3(), 'Fe'), 'no Fe in the structure'),
        (lambda: find_atom(li2co3(), np.array([0.3, 0.3, 0.3])), 'No atom is at'),
    ],
)
def test_refusals(make, message):
    with pytest.raises(StructureError, match=message):
        make()
