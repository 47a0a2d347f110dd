"""Farthest points among sets of points, on clouds of which the answer is known."""

import numpy as np
import pytest

from aiida_seimlip.science.farthest_points import Cloud, choose_farthest, nearest_distances


def cloud(points, frames, kinds=None):
    points = np.asarray(points, dtype=float)
    frames = np.asarray(frames)
    kinds = np.zeros(len(points), dtype=int) if kinds is None else np.asarray(kinds)
    return Cloud(points, kinds, frames, int(frames.max()) + 1 if len(frames) else 0)


def nothing(n_dimensions=2):
    return cloud(np.zeros((0, n_dimensions)), np.zeros(0, dtype=int))


def clusters(n_clusters=5, n_each=20, seed=1):
    """Return frames of one point each in clusters whose distance is a hundred times their width, and their clusters."""
    rng = np.random.default_rng(seed)
    centres = 100.0 * np.arange(n_clusters)[:, None] * np.ones(2)
    labels = np.repeat(np.arange(n_clusters), n_each)
    order = rng.permutation(labels.size)
    points = (centres[labels] + rng.normal(size=(labels.size, 2)))[order]
    return cloud(points, np.arange(labels.size)), labels[order]


def test_farthest_points_cover_all_clusters():
    candidates, labels = clusters()
    chosen = choose_farthest(candidates, nothing(), 5)
    assert sorted(labels[chosen.indices]) == [0, 1, 2, 3, 4]
    assert (np.diff(chosen.novelties[1:]) <= 0).all()


def test_clusters_that_are_known_come_last():
    candidates, labels = clusters()
    known = cloud(candidates.points[labels == 2], np.arange(20))
    chosen = choose_farthest(candidates, known, 4)
    assert sorted(labels[chosen.indices]) == [0, 1, 3, 4]


def test_what_is_known_is_never_chosen():
    candidates, labels = clusters(2)
    known = cloud(candidates.points[labels == 0], np.arange(20))
    chosen = choose_farthest(candidates, known, 40)
    assert not np.isin(np.flatnonzero(labels == 0), chosen.indices).any()
    assert sorted(chosen.indices) == np.flatnonzero(labels == 1).tolist()
    np.testing.assert_array_equal(chosen.initial[labels == 0], 0.0)


def test_copies_are_chosen_once():
    candidates = cloud([[0, 0], [5, 5], [5, 5], [5, 5], [9, 0]], [0, 1, 2, 3, 4])
    assert sorted(choose_farthest(candidates, nothing(), 5).indices) == [0, 1, 4]


def test_a_frame_is_as_new_as_the_newest_of_its_points():
    """One of ten points lies far away: a mean would hide it."""
    known = cloud(np.zeros((10, 2)), np.zeros(10, dtype=int))
    outlier = np.zeros((10, 2))
    outlier[7] = [3.0, 4.0]
    moved = np.full((10, 2), 1.0)
    candidates = cloud(np.concatenate([moved, outlier]), np.repeat([0, 1], 10))
    chosen = choose_farthest(candidates, known, 1)
    assert chosen.indices.tolist() == [1]
    assert chosen.novelties == pytest.approx([5.0])
    assert chosen.initial == pytest.approx([np.sqrt(2.0), 5.0])


def test_kinds_are_not_compared():
    known = cloud([[0.0, 0.0]], [0], [3])
    candidates = cloud([[0.0, 0.0], [0.0, 0.0]], [0, 1], [3, 8])
    chosen = choose_farthest(candidates, known, 2)
    assert chosen.indices.tolist() == [1]
    assert np.isinf(chosen.initial[1])


def test_grades_weigh():
    """w = 1 takes the highest grades, w = 0 does not look at them, in between both count."""
    candidates = cloud([[1.0, 0], [2.0, 0], [4.0, 0]], [0, 1, 2])
    known, grades = cloud([[0.0, 0.0]], [0]), [5.0, 4.0, 0.1]
    order = {
        w: choose_farthest(candidates, known, 1, grades=grades, grade_weight=w).indices[0] for w in (0.0, 0.5, 1.0)
    }
    assert order == {0.0: 2, 0.5: 1, 1.0: 0}  # 0.5: sqrt of 5, 8 and 0.4


def test_unknown_grades_count_as_the_lowest():
    candidates = cloud([[1.0, 0], [1.0, 1.0], [1.0, 3.0]], [0, 1, 2])
    chosen = choose_farthest(candidates, cloud([[0.0, 0.0]], [0]), 3, grades=[2.0, 3.0, np.nan], grade_weight=1.0)
    assert chosen.indices.tolist() == [1, 0, 2]


def test_distances_agree_with_the_double_loop():
    rng = np.random.default_rng(3)
    points, others = rng.normal(size=(30, 4)), rng.normal(size=(50, 4))
    mine, theirs = rng.integers(0, 3, 30), rng.integers(0, 3, 50)
    expected = [min(np.linalg.norm(p - o) for o, t in zip(others, theirs, strict=True) if t == k)
                for p, k in zip(points, mine, strict=True)]  # fmt: skip
    found = nearest_distances(cloud(points, np.arange(30), mine), others, theirs)
    np.testing.assert_allclose(found, expected, atol=1e-12)
