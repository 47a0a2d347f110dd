"""Test how frames are found again."""

import numpy as np
import pytest
from ase.build import bulk

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.matching import match_frames


@pytest.fixture
def frames():
    """Frames of two compositions, rattled, the first one twice."""
    rng = np.random.default_rng(1)
    images = []
    for n in range(6):
        atoms = bulk('NaCl', 'rocksalt', a=5.6, cubic=True) if n % 2 else bulk('Si', cubic=True)
        atoms.positions += rng.normal(scale=0.1, size=(len(atoms), 3))
        images.append(atoms)
    return Frames.from_atoms([*images, images[0]])


def rounded(frames, decimals=6):
    return frames.replace(positions=np.round(frames.positions, decimals), cells=np.round(frames.cells, decimals))


def test_in_order(frames):
    assert match_frames(rounded(frames), frames).tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_reordered_subset(frames):
    assert match_frames(rounded(frames[[4, 1, 5]]), frames).tolist() == [4, 1, 5]


def test_equal_frames_are_taken_in_order(frames):
    assert match_frames(frames[[6, 0, 0]], frames).tolist() == [0, 6, 0]


def test_moved_atom(frames):
    positions = frames.positions.copy()
    positions[frames.ptr[2], 0] += 1e-4
    assert match_frames(frames.replace(positions=positions), frames).tolist() == [0, 1, -1, 3, 4, 5, 6]


def test_swapped_elements(frames):
    numbers = frames.numbers.copy()
    one = slice(frames.ptr[1], frames.ptr[2])
    numbers[one] = numbers[one][::-1]
    assert match_frames(frames.replace(numbers=numbers), frames)[1] == -1


def test_other_cell(frames):
    assert match_frames(frames.replace(cells=frames.cells * 1.001), frames).tolist() == [-1] * 7


def test_empty(frames):
    assert match_frames(Frames.empty(), frames).tolist() == []
    assert match_frames(frames[:2], Frames.empty()).tolist() == [-1, -1]
