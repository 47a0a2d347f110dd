"""Paired differences of errors: known sums, and how often the intervals hold."""

import numpy as np
import pytest
from ase import Atoms

from aiida_seimlip.science.analysis.paired import compare_errors
from aiida_seimlip.science.analysis.parity import find_parity
from aiida_seimlip.science.frames import Frames


def made_up(n_frames, rng, n_atoms=4):
    """Return frames of LiF with labels."""
    symbols = 'LiF' * (n_atoms // 2)
    images = [Atoms(symbols, rng.normal(size=(n_atoms, 3)) + 5, cell=[9, 9, 9], pbc=True) for _ in range(n_frames)]
    frames = Frames.from_atoms(images)
    return frames.replace(
        energies=rng.normal(size=n_frames), forces=rng.normal(size=frames.positions.shape),
        stresses=rng.normal(size=(n_frames, 6)),
    )  # fmt: skip


def with_errors(frames, errors):
    """Return frames whose forces are off by some errors, and whose energies by the first of them in each frame."""
    return frames.replace(
        forces=frames.forces + errors, energies=frames.energies + frames.sizes * errors[frames.ptr[:-1], 0]
    )


def test_differences_are_those_of_the_errors():
    rng = np.random.default_rng(1)
    frames = made_up(12, rng)
    errors = rng.normal(size=frames.forces.shape)
    one, other = with_errors(frames, 0.1 * errors), with_errors(frames, -0.3 * errors)
    found = compare_errors(frames, one, other, seed=1)
    rms, mean = np.sqrt(np.mean(errors**2)), np.mean(np.abs(errors))
    assert found.force_component.n_frames == 12
    assert found.force_component.rmse.value == pytest.approx(-0.2 * rms)
    assert found.force_component.mae.value == pytest.approx(-0.2 * mean)
    first = errors[frames.ptr[:-1], 0]
    assert found.energy_per_atom.rmse.value == pytest.approx(-0.2 * np.sqrt(np.mean(first**2)))
    assert found.stress_component.rmse == (0.0, 0.0, 0.0)
    for symbol, number in (('Li', 3), ('F', 9)):
        of_element = errors[frames.numbers == number]
        expected = -0.2 * np.sqrt(np.mean(of_element**2))
        assert found.force_by_element[symbol].rmse.value == pytest.approx(expected)
    back = compare_errors(frames, other, one, seed=1)
    assert back.force_component.rmse.value == pytest.approx(0.2 * rms)
    assert (-back.force_component.rmse.high, -back.force_component.rmse.low) == pytest.approx(
        found.force_component.rmse[1:]
    )


def test_pairs_tell_more_than_two_intervals():
    """Frames that are hard for both models widen the intervals of both, not that of the difference."""
    rng = np.random.default_rng(2)
    frames = made_up(40, rng)
    hard = rng.uniform(0.1, 3.0, size=40)[frames.frame_of_atom][:, None]
    errors = hard * rng.normal(size=frames.forces.shape)
    one, other = with_errors(frames, 0.9 * errors), with_errors(frames, errors)
    found = compare_errors(frames, one, other, seed=3).force_component.rmse
    alone = [find_parity(frames, model, seed=3).total.force_component.rmse for model in (one, other)]
    assert found.high < 0.0
    assert alone[0].high > alone[1].low
    assert found.high - found.low < 0.3 * (alone[0].high - alone[0].low)


def test_models_that_are_alike_are_seldom_told_apart():
    """Of equal models, whose errors share a part, an interval of 90 % leaves zero out in about a tenth of the sets."""
    rng = np.random.default_rng(4)
    n_sets, left_out = 300, 0
    for number in range(n_sets):
        frames = made_up(40, rng)
        shared = rng.normal(size=frames.forces.shape)
        one, other = (with_errors(frames, shared + rng.normal(size=shared.shape)) for _ in range(2))
        found = compare_errors(frames, one, other, seed=number, n_resamples=200, confidence=0.9)
        _, low, high = found.force_component.rmse
        left_out += not low <= 0.0 <= high
    # three standard deviations of a share of 0.1 are 0.052; percentiles of 40 frames are a little too narrow
    assert 0.05 < left_out / n_sets < 0.17


def test_what_is_not_known_is_left_out():
    frames = made_up(5, np.random.default_rng(5)).replace(stresses=None)
    forces = frames.forces.copy()
    forces[frames.ptr[1] : frames.ptr[2]] = np.nan
    reference = frames.replace(forces=forces)
    found = compare_errors(reference, frames, frames, seed=1)
    assert found.force_component.n_frames == 4
    assert found.stress_component.n_frames == 0
    assert np.isnan(found.stress_component.rmse).all()
    single = compare_errors(frames[:1], frames[:1], frames[:1], seed=1).force_component.rmse
    assert single.value == 0.0
    assert np.isnan(single[1:]).all()


def test_what_does_not_belong_together_is_refused():
    frames = made_up(5, np.random.default_rng(6))
    with pytest.raises(ValueError, match='resamples'):
        compare_errors(frames, frames, frames, seed=1, n_resamples=0)
    with pytest.raises(ValueError, match='not those of the reference'):
        compare_errors(frames, frames, frames[:4], seed=1)
