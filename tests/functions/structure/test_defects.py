from __future__ import annotations

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.structure.defects import (
    make_end_points,
    make_frenkel_pair,
    make_interstitial,
    make_supercell,
    make_vacancy,
    match_end_points,
)
from aiida_seimlip.science.structures.migration import EndPointsError
from aiida_seimlip.science.structures.supercells import StructureError

CELL = {'supercell': {'matrix': [1, 2, 2]}}


@pytest.mark.parametrize(
    ('function', 'parameters', 'formula', 'kind'),
    [
        (make_supercell, CELL['supercell'], 'C16Li32O48', 'supercell'),
        (make_vacancy, CELL, 'C16Li31O48', 'vacancy'),
        (make_interstitial, CELL, 'C16Li33O48', 'interstitial'),
        (make_frenkel_pair, CELL, 'C16Li32O48', 'frenkel_pair'),
    ],
    ids=['supercell', 'vacancy', 'interstitial', 'frenkel'],
)
def test_structures(frames_li2co3, function, parameters, formula, kind):
    made = function(frames_li2co3, orm.Dict(parameters))
    assert made['structure'].formulas == {formula: 1}
    assert made['record']['kind'] == kind
    assert made['record']['supercell']['matrix'] == [[1, 0, 0], [0, 2, 0], [0, 0, 2]]
    assert made['structure'].creator.inputs.structure.uuid == frames_li2co3.uuid


def test_a_structure_will_do(structure_li2co3):
    assert make_vacancy(structure_li2co3, orm.Dict({}))['structure'].formulas == {'C4Li7O12': 1}


def test_several_frames_will_not(li2co3):
    with pytest.raises(ValueError, match='There are 2 frames, but exactly one is needed'):
        make_vacancy(FramesData.from_atoms([li2co3, li2co3]), orm.Dict({}))


@pytest.mark.parametrize('mechanism', ['vacancy', 'interstitial_direct', 'interstitial_knock_off'])
def test_end_points(frames_li2co3, mechanism):
    made = make_end_points(frames_li2co3, orm.Dict({'mechanism': mechanism, 'number': 1, **CELL}))
    initial, final = made['initial'].get_frames(), made['final'].get_frames()
    np.testing.assert_array_equal(initial.numbers, final.numbers)
    record = made['record'].get_dict()
    moved = np.flatnonzero(np.linalg.norm(final.positions - initial.positions, axis=1) > 1e-6)
    assert moved.tolist() == sorted(atom['index'] for atom in record['moved'])
    assert (record['mechanism'], record['number']) == (mechanism, 1)


def test_no_such_hop(frames_li2co3):
    with pytest.raises(StructureError, match='no vacancy hop 7: there are 5, numbered from 0 to 4'):
        make_end_points(frames_li2co3, orm.Dict({'mechanism': 'vacancy', 'number': 7, **CELL}))


def test_matching(frames_li2co3, li2co3):
    moved = li2co3.copy()
    moved.positions[3] += [0.5, 0.0, 0.0] + li2co3.cell.array[1]
    made = match_end_points(frames_li2co3, orm.StructureData(ase=moved))
    (atom,) = made['record']['moved']
    assert (atom['index'], atom['length']) == (3, pytest.approx(0.5))
    with pytest.raises(EndPointsError, match='not in the same order'):
        match_end_points(frames_li2co3, FramesData.from_atoms([li2co3[::-1]]))
