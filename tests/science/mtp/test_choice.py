"""Frames are chosen by what they teach: synthetic pools of which the answer is known."""

import numpy as np
import pytest
from ase.build import bulk

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.choice import choose, count_places, made_up
from aiida_seimlip.science.mtp.grade import build_active_set
from aiida_seimlip.science.mtp.levels import untrained

SPECIES = ['Ne', 'Ar']


def crystal(seed, scale=0.2):
    atoms = bulk('Ar', a=5.3, cubic=True)
    atoms.symbols[0] = 'Ne'
    atoms.positions += np.random.default_rng(seed).normal(scale=scale, size=(4, 3))
    return atoms


def rotated(atoms):
    """Return the same configuration, turned and with its atoms in another order: to a potential it is no other one."""
    image = atoms[::-1].copy()
    image.rotate(40.0, (1.0, 2.0, 3.0), rotate_cell=True)
    return image


def potential(frames, seed=5, level=8):
    return made_up(untrained(level, SPECIES, max_dist=5.0), frames, seed)


def volume(frames):
    """Return the logarithm of the volume that the neighbourhoods of frames span."""
    found = build_active_set(potential(frames), frames).active_set
    return np.linalg.slogdet(found.matrix)[1]


@pytest.mark.parametrize('mode', ['nbh', 'cfg'])
def test_frame_that_repeats_is_taken_once(mode):
    """Eight copies of one configuration in all orientations, and six that differ."""
    repeated = crystal(0)
    images = [repeated, *(rotated(repeated) for _ in range(7)), *(crystal(seed) for seed in range(1, 7))]
    frames = Frames.from_atoms(images)
    chosen = choose(potential(frames), frames, ['a'] * 14, 14, mode=mode).chosen
    assert (chosen < 8).sum() == 1
    assert (chosen >= 8).sum() == 6


def test_volume_of_the_chosen_is_larger_than_that_of_others():
    """Small and large displacements in equal numbers: chosen are those that span more than any run of the same size."""
    frames = Frames.from_atoms([crystal(seed, scale=0.03 if seed % 2 else 0.3) for seed in range(40)])
    shared = potential(frames)

    def volume_of(indices):
        return np.linalg.slogdet(build_active_set(shared, frames[indices]).active_set.matrix)[1]

    chosen = choose(shared, frames, ['a'] * 40, 12).chosen
    rng = np.random.default_rng(3)
    others = [volume_of(np.sort(rng.choice(40, 12, replace=False))) for _ in range(10)]
    assert volume_of(chosen) > max(others)


def test_more_of_the_chosen_span_more():
    frames = Frames.from_atoms([crystal(seed) for seed in range(24)])
    shared = potential(frames)
    sets = [frames[choose(shared, frames, ['a'] * 24, n).chosen] for n in (4, 8, 16)]
    volumes = [np.linalg.slogdet(build_active_set(shared, one).active_set.matrix)[1] for one in sets]
    assert volumes == sorted(volumes)
    assert len(set(volumes)) == 3


def test_every_group_is_served():
    """One group is at rest and teaches least; it gets its minimum all the same, and no more."""
    quiet = [crystal(seed, scale=0.001) for seed in range(6)]
    frames = Frames.from_atoms([*quiet, *(crystal(seed, scale=0.3) for seed in range(30))])
    groups = ['quiet'] * 6 + ['lively'] * 30
    chosen = choose(potential(frames), frames, groups, 8, n_per_group={'quiet': 2, 'lively': 1}).chosen
    assert len(chosen) == 8
    assert (chosen < 6).sum() == 2


def test_known_frames_are_not_paid_again():
    """What is known holds its places: a candidate that is a known frame, turned, is not chosen."""
    known = Frames.from_atoms([crystal(seed) for seed in range(4)])
    candidates = Frames.from_atoms([*(rotated(crystal(seed)) for seed in range(4)), crystal(10), crystal(11)])
    found = choose(potential(candidates), candidates, ['a'] * 6, 6, known=known)
    assert found.chosen.tolist() == [4, 5]
    assert found.places[:4].tolist() == [0, 0, 0, 0]


def test_choice_depends_on_its_seed_only():
    frames = Frames.from_atoms([crystal(seed) for seed in range(20)])
    one, again, other = (potential(frames, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.parameters, again.parameters)
    assert not np.array_equal(one.parameters, other.parameters)
    assert choose(one, frames, ['a'] * 20, 6).chosen.tolist() == choose(again, frames, ['a'] * 20, 6).chosen.tolist()


def test_all_parameters_can_be_told_apart():
    """With linear coefficients of zero, as a training begins, the radial ones would have no equations at all."""
    frames = Frames.from_atoms([crystal(seed) for seed in range(60)])
    given = potential(frames)
    n_linear = given.n_species + given.n_moments
    assert count_places(given, frames).sum() > 3 * n_linear
    assert count_places(given.replace(moment_coeffs=np.zeros(given.n_moments)), frames).sum() <= n_linear


def test_radial_functions_begin_where_the_atoms_do():
    frames = Frames.from_atoms([crystal(seed) for seed in range(3)])
    assert potential(frames).min_dist == pytest.approx(0.99 * frames.shortest_distances(5.0).min())
