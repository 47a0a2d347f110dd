"""Disagreement of two models: a known one, how often chance alone explains it, and which frames are taken."""

import numpy as np
import pytest
from ase import Atoms
from scipy.stats import chi

from aiida_seimlip.science.analysis.cross_examination import (
    choose_frames,
    combine_errors,
    committee_deviations,
    find_disagreement,
    mean_forces,
    norm_quantile,
)
from aiida_seimlip.science.frames import Frames


def frames_of(n_frames, n_atoms, rng):
    images = [Atoms(f'He{n_atoms}', rng.normal(size=(n_atoms, 3))) for _ in range(n_frames)]
    frames = Frames.from_atoms(images)
    return frames.replace(forces=rng.normal(size=frames.positions.shape))


def test_a_known_disagreement_is_found():
    one = frames_of(3, 4, np.random.default_rng(1))
    forces = one.forces.copy()
    forces[6] += [0.3, 0.0, 0.4]
    forces[9] -= [0.0, 0.6, 0.8]
    found = find_disagreement(one, one.replace(forces=forces), 0.25)
    expected = np.zeros(12)
    expected[[6, 9]] = 0.5, 1.0
    assert found.norms == pytest.approx(expected, abs=1e-12)
    assert found.largest_ratios == pytest.approx([0.0, 2.0, 4.0], abs=1e-12)
    assert list(found.worst_atoms[1:]) == [6, 9]
    allowed = np.full(12, 0.25)
    allowed[9] = 4.0
    assert find_disagreement(one, one.replace(forces=forces), allowed).largest_ratios[2] == pytest.approx(0.25)


@pytest.mark.parametrize('sizes', [(0.1, 0.1), (0.05, 0.3)])
def test_chance_flags_as_many_as_the_level_says(sizes):
    """Of models that err independently with normal errors of known sizes, 5 % of the atoms exceed what 95 % allow."""
    rng = np.random.default_rng(2)
    truth = frames_of(200, 50, rng)
    scales = [size * rng.uniform(0.5, 2.0, size=truth.numbers.size) for size in sizes]
    models = [
        truth.replace(forces=truth.forces + scale[:, None] * rng.normal(size=truth.forces.shape)) for scale in scales
    ]
    for level in (0.5, 0.95):
        allowed = combine_errors(*(chi.ppf(level, 3) * scale for scale in scales))
        share = np.mean(find_disagreement(*models, allowed).ratios > 1.0)
        # three standard deviations of a share among 10 000 atoms
        assert share == pytest.approx(1.0 - level, abs=3.0 * np.sqrt(level * (1.0 - level) / 10_000))


def test_quantiles_of_a_length():
    """The mean square of a vector of three normal components of unit size is 3."""
    for level in (0.5, 0.95):
        assert norm_quantile(level) * np.sqrt(3.0) == pytest.approx(chi.ppf(level, 3))


def test_a_committee_that_is_as_far_apart_as_it_errs():
    """The deviation is the root mean square error of one member: its square is on average the sum of the variances."""
    rng = np.random.default_rng(3)
    truth = frames_of(100, 40, rng)
    members = [truth.replace(forces=truth.forces + 0.2 * rng.normal(size=truth.forces.shape)) for _ in range(4)]
    deviations = committee_deviations(members)
    assert np.mean(deviations**2) == pytest.approx(3.0 * 0.04, rel=0.03)
    by_hand = np.sqrt(sum(np.var([member.forces[7, axis] for member in members], ddof=1) for axis in range(3)))
    assert deviations[7] == pytest.approx(by_hand)
    mean = mean_forces(members)
    assert mean.forces[7] == pytest.approx(np.mean([member.forces[7] for member in members], axis=0))
    with pytest.raises(ValueError, match='two members'):
        committee_deviations(members[:1])


def test_the_worst_frames_come_first_and_neighbours_are_left_out():
    values = np.array([0.5, 3.0, 2.9, 2.0, 5.0, 1.5, 5.0])
    steps = np.array([0, 100, 110, 200, 300, 400, 10])
    hashes = ['a', 'b', 'c', 'd', 'e', 'f', 'e']
    same = {'hashes': hashes, 'steps': steps}
    assert choose_frames(values, 1.0, max_frames=9, **same) == ([4, 1, 2, 3, 5], 1)
    assert choose_frames(values, 1.0, max_frames=9, min_steps=50, **same) == ([4, 1, 3, 5], 2)
    assert choose_frames(values, 1.0, max_frames=2, min_steps=50, **same) == ([4, 1], 1)
    origins = ['x', 'x', 'y', 'x', 'x', 'x', 'x']
    assert choose_frames(values, 1.0, max_frames=9, min_steps=50, origins=origins, **same) == ([4, 1, 2, 3, 5], 1)
    assert choose_frames(values, 9.0, max_frames=9, **same) == ([], 0)


def test_what_cannot_be_compared_is_refused():
    one = frames_of(2, 3, np.random.default_rng(4))
    with pytest.raises(ValueError, match='no forces'):
        find_disagreement(one, one.replace(forces=None), 0.1)
    with pytest.raises(ValueError, match='above 0'):
        find_disagreement(one, one, 0.0)
    with pytest.raises(ValueError, match='elsewhere'):
        find_disagreement(one, one[::-1], 0.1)
