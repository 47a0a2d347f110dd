"""Which frames of a run are worth keeping."""

import numpy as np
import pytest
from ase.build import bulk

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.salvage import is_sane, is_whole, thin


@pytest.fixture
def copper():
    return bulk('Cu', cubic=True)


def test_sane(copper):
    assert is_sane(Frames.from_atoms([copper]), 2.0).tolist() == [True]


def test_whole(copper):
    """The atoms may be in another order, but none may be missing or another."""
    gold, less = copper.copy(), copper[:-1]
    gold.symbols[0] = 'Au'
    frames = Frames.from_atoms([gold[::-1], less, copper, gold])
    assert is_whole(frames, gold.numbers).tolist() == [True, False, False, True]
    assert is_whole(Frames.empty(), gold.numbers).tolist() == []


def test_insane_frames(copper):
    near, far, collapsed = copper.copy(), copper.copy(), copper.copy()
    near.positions[1] = near.positions[0] + 0.2
    far.positions[0] = 1e9
    collapsed.set_cell(collapsed.cell.array * 0.3, scale_atoms=True)
    frames = Frames.from_atoms([near, copper, far, collapsed])
    assert is_sane(frames, 0.6).tolist() == [False, True, False, False]


def test_distance_need_not_be_limited(copper):
    near = copper.copy()
    near.positions[1] = near.positions[0] + 0.01
    assert is_sane(Frames.from_atoms([near]), 0.0).tolist() == [True]


def test_no_frames():
    assert is_sane(Frames.empty(), 1.0).tolist() == []


def test_all_insane(copper):
    copper.positions[:] = 1e9
    assert is_sane(Frames.from_atoms([copper]), 1.0).tolist() == [False]


def test_isolated_atom_is_sane():
    assert is_sane(Frames.from_atoms([bulk('Cu')[[0]].copy()]), 0.6).tolist() == [True]


def test_thin_few():
    assert thin(np.array([3.0, 1.0]), 5).tolist() == [0, 1]


def test_thin_keeps_spread_and_order():
    grades = np.random.default_rng(0).permutation(101).astype(float)
    chosen = thin(grades, 11)
    assert sorted(grades[chosen]) == list(range(0, 101, 10))
    assert np.all(np.diff(chosen) > 0)


def test_thin_keeps_the_highest_and_what_is_asked_for():
    grades = np.array([1.0, 9.0, 2.0, 3.0, 4.0, 5.0])
    assert thin(grades, 2, keep=(-1,)).tolist() == [1, 5]
    assert thin(grades, 1, keep=(-1,)).tolist() == [5]
    assert thin(grades, 1).tolist() == [1]


def test_thin_unknown_grades_are_the_lowest():
    assert thin(np.array([np.nan, 1.0, np.nan, 5.0]), 1).tolist() == [3]
