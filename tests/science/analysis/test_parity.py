"""Tests for `science.analysis.parity`."""

import math

import numpy as np
import pytest
from scipy import stats

from aiida_seimlip.science.analysis.errors import compute_errors, divide_errors
from aiida_seimlip.science.analysis.parity import find_parity
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA

QUANTITIES = ('energy_per_atom', 'force_component', 'stress_component')


def labelled(compositions, seed=0):
    """Return frames with random labels: energies of 2 eV per atom about −5, forces of 1 eV/Å, stresses of 0.1 eV/Å³."""
    rng = np.random.default_rng(seed)
    sizes = np.array([len(numbers) for numbers in compositions])
    n_frames, n_atoms = len(sizes), int(sizes.sum())
    return Frames(
        numbers=np.concatenate(compositions),
        positions=rng.uniform(0.0, 10.0, (n_atoms, 3)),
        ptr=np.concatenate([[0], np.cumsum(sizes)]),
        cells=np.tile(10.0 * np.eye(3), (n_frames, 1, 1)),
        pbc=np.ones((n_frames, 3), dtype=bool),
        energies=sizes * rng.normal(-5.0, 2.0, n_frames),
        forces=rng.normal(size=(n_atoms, 3)),
        stresses=0.1 * rng.normal(size=(n_frames, 6)),
    )


def predictions(frames, energy=0.0, force=0.0, stress=0.0, seed=1):
    """Return frames with normal errors of these sizes in eV per atom, eV/Å and eV/Å³."""
    rng = np.random.default_rng(seed)
    return frames.replace(
        energies=frames.energies + energy * frames.sizes * rng.normal(size=len(frames)),
        forces=frames.forces + force * rng.normal(size=frames.forces.shape),
        stresses=frames.stresses + stress * rng.normal(size=frames.stresses.shape),
    )


def with_forces_only(frames):
    return frames.replace(energies=None, stresses=None)


@pytest.fixture(scope='module')
def mixed():
    """Frames of LiF, Li2O and 8 Li in turn, and predictions of them."""
    kinds = ([3, 9], [3, 3, 8], [3] * 8)
    frames = labelled([kinds[index % 3] for index in range(60)])
    return frames, predictions(frames, 0.02, 0.1, 0.01)


def test_values_are_those_of_the_errors(mixed):
    parity = find_parity(*mixed, seed=0, n_resamples=10)
    errors, parts = compute_errors(*mixed), divide_errors(*mixed)
    groups = [(parity.total, errors), *((parity.by_formula[name], part) for name, part in parts.by_formula.items())]
    pairs = [(getattr(one, name), getattr(other, name)) for one, other in groups for name in QUANTITIES]
    pairs += [(parity.force_by_element[symbol], other) for symbol, other in parts.force_by_element.items()]
    assert len(pairs) == 15
    for found, expected in pairs:
        assert found.count == expected.count
        np.testing.assert_allclose(
            (found.rmse.value, found.mae.value, found.largest), (expected.rms, expected.mean, expected.max), rtol=1e-12
        )


def test_known_differences():
    frames = labelled([[3, 9]] * 5)
    shifted = frames.replace(
        energies=frames.energies - 0.2, forces=frames.forces + 0.3, stresses=frames.stresses - 0.01
    )
    total = find_parity(frames, shifted, seed=0, n_resamples=50).total
    for name, size in zip(QUANTITIES, (0.1, 0.3, 0.01 * EV_PER_A3_TO_GPA), strict=True):
        found = getattr(total, name)
        assert found.n_frames == 5
        assert found.rmse == pytest.approx((size, size, size))
        assert found.mae == pytest.approx((size, size, size))
        assert found.largest == pytest.approx(size)


def test_r_squared_is_that_of_its_definition(mixed):
    frames, predicted = mixed
    total = find_parity(frames, predicted, seed=0, n_resamples=10).total
    pairs = (
        (frames.energies / frames.sizes, predicted.energies / frames.sizes),
        (frames.forces.ravel(), predicted.forces.ravel()),
        (frames.stresses.ravel(), predicted.stresses.ravel()),
    )
    for name, (y, guess) in zip(QUANTITIES, pairs, strict=True):
        expected = 1.0 - np.sum((y - guess) ** 2) / np.sum((y - y.mean()) ** 2)
        assert getattr(total, name).r_squared.value == pytest.approx(expected, rel=1e-12)


def test_r_squared_of_random_errors():
    """It is 1 − σ² / σ²(labels) for errors that do not depend on the labels.

    The variance of n normal numbers has a relative standard error of √(2 / n), and that of the quotient is √(4 / n).
    """
    frames = labelled([[3, 9]] * 2000)
    total = find_parity(frames, predictions(frames, energy=1.0, force=0.5, stress=0.1), seed=0, n_resamples=500).total
    for name, expected in zip(QUANTITIES, (0.75, 0.75, 0.0), strict=True):
        found = getattr(total, name)
        error = (1.0 - expected) * math.sqrt(4.0 / found.count)
        value, low, high = found.r_squared
        assert abs(value - expected) < 3.3 * error
        assert high - low == pytest.approx(2.0 * 1.96 * error, rel=0.15)


def test_r_squared_of_the_mean_is_zero():
    frames = labelled([[3, 9]] * 20)
    means = frames.replace(
        energies=np.full(20, frames.energies.mean()),
        forces=np.full_like(frames.forces, frames.forces.mean()),
        stresses=np.full_like(frames.stresses, frames.stresses.mean()),
    )
    total = find_parity(frames, means, seed=0, n_resamples=10).total
    for name in QUANTITIES:
        assert getattr(total, name).r_squared.value == pytest.approx(0.0, abs=1e-12)


def test_r_squared_of_equal_labels_is_unknown():
    """Labels of one value but for rounding, far from zero."""
    frames = labelled([[3] * 3, [3] * 7] * 5)
    frames = frames.replace(energies=frames.sizes * -1234.567)
    found = find_parity(frames, predictions(frames, energy=0.1), seed=0, n_resamples=20).total.energy_per_atom
    assert all(math.isnan(value) for value in found.r_squared)
    assert found.rmse.low < found.rmse.value < found.rmse.high


def test_groups_add_up(mixed):
    labels = [300.0 if index < 25 else 600.0 for index in range(60)]
    parity = find_parity(*mixed, seed=0, labels=labels, n_resamples=10)
    assert list(parity.by_formula) == ['FLi', 'Li2O', 'Li8']
    assert list(parity.by_label) == [300.0, 600.0]
    assert list(parity.force_by_element) == ['Li', 'O', 'F']
    for name in QUANTITIES:
        for groups in (parity.by_formula, parity.by_label):
            _add_up([getattr(group, name) for group in groups.values()], getattr(parity.total, name))
            assert sum(getattr(group, name).n_frames for group in groups.values()) == 60
    assert [parity.force_by_element[symbol].n_frames for symbol in ('Li', 'O', 'F')] == [60, 20, 20]
    _add_up(list(parity.force_by_element.values()), parity.total.force_component)


def _add_up(parts, total):
    assert sum(part.count for part in parts) == total.count
    assert sum(part.count * part.rmse.value**2 for part in parts) == pytest.approx(total.count * total.rmse.value**2)
    assert sum(part.count * part.mae.value for part in parts) == pytest.approx(total.count * total.mae.value)
    assert max(part.largest for part in parts) == total.largest


def test_a_group_is_what_its_frames_are_alone(mixed):
    """Its values and its intervals do not depend on the other frames."""
    frames, predicted = mixed
    labels = ['a' if index % 4 else 'b' for index in range(60)]
    group = find_parity(frames, predicted, seed=3, labels=labels, n_resamples=50).by_label['b']
    alone = find_parity(frames[::4], predicted[::4], seed=3, n_resamples=50).total
    for name in QUANTITIES:
        np.testing.assert_allclose(getattr(group, name).rmse, getattr(alone, name).rmse, rtol=1e-12)
        np.testing.assert_allclose(getattr(group, name).r_squared, getattr(alone, name).r_squared, rtol=1e-12)


def test_coverage():
    """Intervals hold the RMSE, MAE and R² that the errors are made with as often as they should."""
    n_trials, confidence, hits = 300, 0.9, np.zeros(3)
    for trial in range(n_trials):
        frames = labelled([[3]] * 200, seed=2 * trial).replace(forces=None, stresses=None)
        random = np.random.default_rng(2 * trial + 1)
        guesses = frames.replace(energies=frames.energies + 0.5 * random.normal(size=200))
        found = find_parity(frames, guesses, seed=trial, n_resamples=200, confidence=confidence).total.energy_per_atom
        truth = (0.5, 0.5 * math.sqrt(2.0 / math.pi), 1.0 - 0.25 / 4.0)
        intervals = (found.rmse, found.mae, found.r_squared)
        hits += [low < value < high for (_, low, high), value in zip(intervals, truth, strict=True)]
    least, most = stats.binom.interval(0.999, n_trials, confidence)
    assert np.all((least <= hits) & (hits <= most)), hits


def correlated(seed, n_frames=150, n_atoms=20):
    """Return frames whose force errors have a size of their own in each, √(mean square) 1, and predictions."""
    frames = with_forces_only(labelled([[3] * n_atoms] * n_frames, seed))
    rng = np.random.default_rng([seed, 1])
    squares = rng.uniform(0.0, 2.0, n_frames)  # mean 1
    return frames, frames.replace(
        forces=frames.forces + np.sqrt(squares)[frames.frame_of_atom, None] * rng.normal(size=frames.forces.shape)
    )


def test_errors_correlated_within_frames():
    """The interval has the width of the mean over frames, not that of as many independent components."""
    frames, predicted = correlated(seed=0)
    found = find_parity(frames, predicted, seed=0, n_resamples=2000, confidence=0.6827).total.force_component
    squares = (predicted.forces - frames.forces) ** 2
    of_frames = squares.reshape(150, -1).mean(axis=1)
    expected = of_frames.std() / math.sqrt(150) / (2.0 * found.rmse.value)  # of a square root
    naive = squares.std() / math.sqrt(squares.size) / (2.0 * found.rmse.value)
    width = 0.5 * (found.rmse.high - found.rmse.low)
    assert width == pytest.approx(expected, rel=0.08)
    assert width > 2.5 * naive


def test_coverage_with_correlated_errors():
    """Frames are resampled, hence the intervals hold the truth; those of independent components would not."""
    n_trials, hits, naive_hits = 120, 0, 0
    for trial in range(n_trials):
        frames, predicted = correlated(trial, n_frames=100, n_atoms=12)
        found = find_parity(frames, predicted, seed=trial, n_resamples=200, confidence=0.9).total.force_component
        hits += found.rmse.low < 1.0 < found.rmse.high
        squares = (predicted.forces - frames.forces) ** 2
        naive_hits += abs(squares.mean() - 1.0) < 1.645 * squares.std() / math.sqrt(squares.size)
    least, most = stats.binom.interval(0.999, n_trials, 0.9)
    assert least <= hits <= most
    assert naive_hits < least


def test_same_seed_same_intervals(mixed):
    one, other, third = (find_parity(*mixed, seed=seed, n_resamples=50).total for seed in (5, 5, 6))
    assert one == other
    assert one.force_component.rmse.low != third.force_component.rmse.low


def test_one_frame_has_no_interval():
    frames = labelled([[3, 9]])
    total = find_parity(frames, predictions(frames, 0.1, 0.1, 0.1), seed=0).total
    for name in QUANTITIES:
        assert getattr(total, name).rmse.value > 0.0
        assert all(math.isnan(limit) for limit in getattr(total, name).rmse[1:])
    assert math.isnan(total.energy_per_atom.r_squared.value)
    assert total.force_component.r_squared.value < 1.0


def test_two_frames():
    """Half of the resamples hold one energy only, and have no R²."""
    frames = labelled([[3, 9]] * 2)
    found = find_parity(frames, predictions(frames, 0.1), seed=0, n_resamples=100).total.energy_per_atom
    assert found.r_squared == pytest.approx((found.r_squared.value,) * 3)


def test_unknown_left_out(mixed):
    frames, predicted = mixed
    energies, forces, stresses = frames.energies.copy(), frames.forces.copy(), frames.stresses.copy()
    energies[3] = forces[4, 1] = stresses[5] = np.nan
    forces[frames.ptr[10] : frames.ptr[11]] = np.nan
    known = frames.replace(energies=energies, forces=forces, stresses=stresses)
    parity = find_parity(known, predicted, seed=0, n_resamples=10)
    assert (parity.total.energy_per_atom.count, parity.total.stress_component.count) == (59, 59 * 6)
    assert parity.total.force_component.count == frames.forces.size - 1 - 3 * frames.sizes[10]
    assert parity.total.force_component.n_frames == 59
    assert math.isnan(parity.force_errors[10])
    assert 10 not in parity.worst_frames(60)
    assert len(parity.worst_frames(60)) == 59


def test_nothing_to_compare():
    frames = labelled([[3, 9]] * 3).without_labels()
    parity = find_parity(frames, frames, seed=0)
    assert parity.total.force_component.count == 0
    assert math.isnan(parity.total.force_component.rmse.value)
    assert parity.force_by_element == {}
    assert parity.worst_frames(3) == []
    assert find_parity(Frames.empty(), Frames.empty(), seed=0).by_formula == {}


def test_worst_frames():
    frames = labelled([[3] * size for size in (2, 9, 4, 1)])
    sizes = np.array([0.3, 0.1, 0.4, 0.2])
    predicted = frames.replace(forces=frames.forces + sizes[frames.frame_of_atom, None])
    parity = find_parity(frames, predicted, seed=0, n_resamples=1)
    np.testing.assert_allclose(parity.force_errors, sizes)
    assert parity.worst_frames(3) == [2, 0, 3]
    assert parity.worst_frames(9) == [2, 0, 3, 1]
    assert parity.worst_frames(0) == []
    with pytest.raises(ValueError, match='no -1 worst frames'):
        parity.worst_frames(-1)


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'labels': ['a']}, 'not one for each of 60 frames'),
        ({'labels': [math.nan] * 60}, 'or one is nan'),
        ({'n_resamples': 0}, 'no intervals of 0 resamples'),
        ({'confidence': 1.0}, 'with a probability of 1.0'),
    ],
)
def test_refuses(mixed, options, message):
    with pytest.raises(ValueError, match=message):
        find_parity(*mixed, seed=0, **options)


def test_refuses_other_frames(mixed):
    frames, predicted = mixed
    with pytest.raises(ValueError, match='not those of the reference'):
        find_parity(frames, predicted[::-1], seed=0)
    with pytest.raises(ValueError, match='lack forces'):
        find_parity(frames, predicted.replace(forces=None), seed=0)
