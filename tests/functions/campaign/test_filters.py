"""What is drawn from trajectories, and which frames are labelled."""

import numpy as np
from aiida import orm
from ase import Atoms

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.campaign.filters import draw_frames, rank_selected
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
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


def test_starts_of_candidates_that_were_taken_over_from_the_cache():
    """The origins of selected frames name other nodes than those at hand, which hold the same."""
    explored = {
        f'run_{number:03d}': FramesData.from_atoms([
            Atoms('LiF', positions=[[0, 0, 0], [1.6 + 0.1 * number + 0.01 * i, 0, 0]], cell=[9] * 3, pbc=True)
            for i in range(3)
        ]).store()
        for number in range(2)
    }  # fmt: skip
    frames = Frames.concatenate(node.get_frames() for node in explored.values())
    selected = FramesData(frames.replace(
        grades=np.array([9.0, 8.0, 7.0, 3.0, 2.5, 2.2]), origin_uuids=np.full(6, explored['run_000'].uuid[::-1]),
        origin_indices=np.arange(6),
    ))  # fmt: skip
    plan = {'explorations': [{'key': 'run_000', 'start': 'melt'}, {'key': 'run_001', 'start': 'glass'}]}
    options = ActiveLearningOptions.serializer({
        'seed': 1, 'exploration': {'conditions': [{'temperature': 20.0, 'n_steps': 10}]},
        'selection': {'share': 'start', 'max_frames_per_start': 2},
    })  # fmt: skip
    outputs = rank_selected(
        options, selected, orm.Int(0), explorations={'plan': orm.Dict(plan).store()}, candidates=explored
    )
    assert outputs['frames'].get_frames().grades.tolist() == [9.0, 3.0, 8.0, 2.5]


def walk(number, n_frames):
    """Return the node of an exploration in which a pair of atoms moves apart."""
    return FramesData.from_atoms([
        Atoms('LiF', positions=[[0, 0, 0], [1.6 + 0.2 * number + 0.01 * i, 0, 0]], cell=[9] * 3, pbc=True)
        for i in range(n_frames)
    ]).store()  # fmt: skip


def distances(node):
    return [round(float(np.linalg.norm(b - a)), 2) for a, b in node.get_frames().positions.reshape(-1, 2, 3)]


def rank_with_checks(n_checks, *, labels=None, **limits):
    options = ActiveLearningOptions.serializer({
        'seed': 1, 'exploration': {'conditions': [{'temperature': 20.0, 'n_steps': 10}]},
        'selection': {'spot_checks_per_exploration': n_checks, **limits},
    })  # fmt: skip
    broken, survivors = walk(2, 3), {f'run_{number:03d}': walk(number, 9) for number in range(2)}
    selected = FramesData(broken.get_frames().replace(grades=np.array([9.0, 8.0, 7.0])))
    groups = {} if labels is None else {'labels': labels}
    return rank_selected(options, selected, orm.Int(0), survivors=survivors, **groups), survivors


def test_spot_checks_are_drawn_from_what_survived():
    outputs, survivors = rank_with_checks(2)
    assert distances(outputs['frames']) == [1.64, 1.68, 1.84, 1.88, 2.0, 2.01, 2.02]
    frames = outputs['frames'].get_frames(trace=True)
    assert frames.origin_uuids.tolist()[:4] == [node.uuid for node in survivors.values() for _ in range(2)]
    assert frames.origin_indices.tolist()[:4] == [4, 8, 4, 8]
    assert outputs['report']['n_spot_checks'] == 4
    assert outputs['report']['n_kept'] == 3


def test_spot_checks_count_in_the_budget():
    outputs, _ = rank_with_checks(1, max_frames=3)
    assert distances(outputs['frames']) == [1.68, 1.88, 2.0]
    outputs, _ = rank_with_checks(2, max_frames=3)
    assert distances(outputs['frames']) == [1.64, 1.68, 1.84]


def test_spot_check_that_has_a_label_is_not_drawn():
    outputs, _ = rank_with_checks(1, labels={'set': FramesData(walk(0, 9).get_frames()[8:])})
    assert distances(outputs['frames'])[0] == 1.67
