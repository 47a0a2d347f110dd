"""Every frame is kept or dropped for exactly one reason, and the best are kept."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from aiida_seimlip.science.filtering import Budget, filter_candidates, filter_labels, rank, spread
from aiida_seimlip.science.frames import Frames


def crystals(n, grades=None, seed=3):
    rng = np.random.default_rng(seed)
    images = []
    for index in range(n):
        atoms = bulk('Cu', cubic=True)
        atoms.positions += rng.normal(scale=0.05, size=(4, 3))
        if grades is not None and grades[index] is not None:
            atoms.info['grade'] = grades[index]
        images.append(atoms)
    return Frames.from_atoms(images)


def reasons(verdict):
    return {drop.reason: drop.indices.tolist() for drop in verdict.drops}


def test_frame_labelled_before_is_dropped():
    frames = crystals(3)
    verdict = filter_candidates(frames, known={frames.hashes()[1]})
    assert verdict.kept.tolist() == [0, 2]
    assert reasons(verdict) == {'labelled before': [1]}


def test_failed_frame_stays_in_quarantine():
    frames = crystals(2)
    assert reasons(filter_candidates(frames, quarantined=frames.hashes()[:1])) == {'could not be labelled before': [0]}


def test_first_of_equal_candidates_is_kept():
    frames = Frames.concatenate([crystals(2), crystals(2)])
    verdict = filter_candidates(frames)
    assert verdict.kept.tolist() == [0, 1]
    assert reasons(verdict) == {'twice among the candidates': [2, 3]}


def test_absurd_grade_is_dropped_and_unknown_grade_kept():
    verdict = filter_candidates(crystals(4, grades=[3.0, 26315.0, None, np.inf]), max_grade=1000.0)
    assert verdict.kept.tolist() == [0, 2]
    assert reasons(verdict) == {'grade above 1000': [1, 3]}


def test_short_distance_is_dropped():
    near = Atoms('Cu2', positions=[(0, 0, 0), (0.7, 0, 0)], cell=[9, 9, 9], pbc=True)
    across = Atoms('Cu2', positions=[(0.1, 0, 0), (8.6, 0, 0)], cell=[9, 9, 9], pbc=True)
    fine = Atoms('Cu2', positions=[(0, 0, 0), (2.5, 0, 0)], cell=[9, 9, 9], pbc=True)
    verdict = filter_candidates(Frames.from_atoms([near, fine, across]), min_distance=0.9)
    assert reasons(verdict) == {'shortest distance below 0.9 Å': [0, 2]}


def test_fragment_is_dropped():
    whole, part = bulk('Cu', cubic=True), bulk('Cu', cubic=True)[:3]
    cluster = whole.copy()
    cluster.pbc = False
    verdict = filter_candidates(Frames.from_atoms([whole, part, cluster]), formulas={'Cu4'})
    assert verdict.kept.tolist() == [0]
    assert reasons(verdict) == {'a fragment, not all atoms of its start': [1, 2]}


def test_frame_has_one_reason_only():
    frames = crystals(2, grades=[5000.0, 3.0])
    verdict = filter_candidates(frames, known=set(frames.hashes()), max_grade=10.0)
    assert reasons(verdict) == {'labelled before': [0, 1]}
    assert verdict.n_dropped == 2
    assert not verdict.kept.size


def test_empty_set_passes():
    assert not filter_candidates(Frames.empty(), min_distance=1.0, formulas={'Cu4'}).kept.size
    assert not filter_labels(Frames.empty(), max_force=1.0).kept.size
    assert not rank(Frames.empty()).kept.size


def test_large_force_and_missing_label_are_dropped():
    frames = crystals(4)
    forces = np.zeros((16, 3))
    forces[4, 1] = -40.0
    forces[9, 2] = np.nan
    frames = frames.replace(energies=np.array([0.0, 0.0, 0.0, np.nan]), forces=forces)
    verdict = filter_labels(frames, max_force=30.0)
    assert verdict.kept.tolist() == [0]
    assert reasons(verdict) == {'energy or forces missing or not finite': [2, 3], 'force above 30 eV/Å': [1]}


def test_predictions_are_no_labels():
    frames = crystals(3)
    frames = frames.replace(
        energies=np.zeros(3), forces=np.zeros((12, 3)), methods=np.array(['PBE', 'potential:0123', ''])
    )
    verdict = filter_labels(frames)
    assert verdict.kept.tolist() == [0, 2]
    assert reasons(verdict) == {'predicted by a potential, which is no label': [1]}


def test_unlabelled_frames_are_no_labels():
    assert not filter_labels(crystals(2), max_force=1.0).kept.size


def test_rank_puts_the_highest_grade_first():
    frames = crystals(5, grades=[3.0, 9.0, None, 9.0, 4.0])
    verdict = rank(frames)
    assert verdict.kept.tolist() == [1, 3, 4, 0, 2]
    assert not verdict.drops


def test_rank_caps_each_group_before_the_total():
    frames = crystals(6, grades=[9.0, 8.0, 7.0, 6.0, 5.0, 4.0])
    verdict = rank(frames, n_frames=3, budgets=[Budget(list('aaabbb'), 2, 'more than {limit} of one exploration')])
    assert verdict.kept.tolist() == [0, 1, 3]
    assert reasons(verdict) == {'more than 2 of one exploration': [2], 'more than 3 of one iteration': [4, 5]}


def test_rank_in_turns_lets_no_group_crowd_out_the_others():
    """A flood of high grades from one start leaves room for the best frames of the others."""
    frames = crystals(8, grades=[9.9, 9.8, 9.7, 9.6, 9.5, 9.4, 3.0, 4.0])
    groups = [*'aaaaaa', 'b', 'c']
    assert rank(frames, n_frames=4).kept.tolist() == [0, 1, 2, 3]
    verdict = rank(frames, n_frames=4, turns=groups)
    assert verdict.kept.tolist() == [0, 7, 6, 1]
    assert reasons(verdict) == {'more than 4 of one iteration': [2, 3, 4, 5]}


def test_rank_in_turns_keeps_everything_that_there_is_room_for():
    frames = crystals(4, grades=[2.0, 5.0, 4.0, 3.0])
    assert sorted(rank(frames, n_frames=4, turns=list('aaab')).kept) == [0, 1, 2, 3]


def test_rank_has_a_limit_for_each_group_of_its_own():
    frames = crystals(5, grades=[9.0, 8.0, 7.0, 6.0, 5.0])
    budget = Budget(list('aabbc'), {'a': 0, 'b': 1}, 'more than {limit} of {group}')
    verdict = rank(frames, budgets=[budget])
    assert verdict.kept.tolist() == [2, 4]
    assert reasons(verdict) == {'more than 0 of a': [0, 1], 'more than 1 of b': [3]}


def test_rank_drops_no_frame_twice():
    """What one budget drops takes no room in another."""
    frames = crystals(4, grades=[9.0, 8.0, 7.0, 6.0])
    budgets = [Budget(list('aabb'), 1, 'start {group}'), Budget(list('xxxx'), 2, 'formula {group}')]
    verdict = rank(frames, budgets=budgets)
    assert verdict.kept.tolist() == [0, 2]
    assert reasons(verdict) == {'start a': [1], 'start b': [3]}


@pytest.mark.parametrize(
    ('sizes', 'n', 'expected'),
    [([10, 10], 4, [2, 2]), ([1, 10], 6, [1, 5]), ([2, 2], 9, [2, 2]), ([0, 3], 2, [0, 2]), ([], 3, [])],
)
def test_spread_shares_evenly(sizes, n, expected):
    chosen = spread(sizes, n)
    assert [part.size for part in chosen] == expected
    for part, size in zip(chosen, sizes, strict=True):
        assert len(set(part.tolist())) == part.size
        assert all(0 <= index < size for index in part)


def test_spread_covers_a_sequence():
    assert spread([100], 4)[0].tolist() == [12, 37, 62, 87]


def test_run_with_many_candidates_is_thinned_to_the_last_one():
    frames = crystals(10)
    verdict = filter_candidates(frames, sources=['a'] * 7 + ['b'] * 3, max_per_source=3)
    assert verdict.kept.tolist() == [2, 4, 6, 7, 8, 9]
    assert reasons(verdict) == {'one of more than 3 of one run, which are much alike': [0, 1, 3, 5]}


def test_thinning_counts_usable_frames_only():
    frames = crystals(4, grades=[3.0, 4.0, 5.0, 5000.0])
    verdict = filter_candidates(frames, max_grade=1000.0, sources=['a'] * 4, max_per_source=2)
    assert verdict.kept.tolist() == [1, 2]
    assert reasons(verdict)['grade above 1000'] == [3]
