"""What is drawn from trajectories."""

import numpy as np
from ase import Atoms

from aiida_seimlip.functions.campaign.filters import draw_frames
from aiida_seimlip.science import filtering
from aiida_seimlip.science.frames import Frames


def trajectory(symbols, n_frames):
    """Return frames whose energies number them."""
    atoms = Atoms(symbols, positions=np.arange(3.0 * len(Atoms(symbols))).reshape(-1, 3), cell=[9] * 3, pbc=True)
    frames = Frames.from_atoms([atoms] * n_frames)
    return frames.replace(energies=np.arange(n_frames, dtype=float))


def drawn(pools, n_frames):
    return [frames.energies.astype(int).tolist() for frames in draw_frames(pools, n_frames)]


def test_one_composition_is_drawn_evenly_from_all_trajectories():
    sizes = [10, 3, 7]
    expected = [indices.tolist() for indices in filtering.spread(sizes, 8)]
    assert drawn([[trajectory('LiF', size) for size in sizes]], 8) == expected


def test_composition_with_many_trajectories_has_no_more_than_another():
    many, one = [trajectory('LiF', 10) for _ in range(9)], [trajectory('Li2O', 10)]
    counts = [len(indices) for indices in drawn([many, one], 8)]
    assert sum(counts[:9]) == 4
    assert counts[9] == 4


def test_each_composition_is_represented_however_few_are_asked_for():
    pools = [[trajectory(symbols, 5)] for symbols in ('LiF', 'Li2O', 'Li')]
    assert [len(indices) for indices in drawn(pools, 2)] == [1, 1, 1]


def test_composition_that_has_too_few_gives_all_and_others_make_up_for_it():
    pools = [[trajectory('LiF', 1)], [trajectory('Li2O', 20)]]
    assert [len(indices) for indices in drawn(pools, 6)] == [1, 5]
