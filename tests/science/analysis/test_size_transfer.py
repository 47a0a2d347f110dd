"""Errors by size against sums that are known: extensive ones, and independent ones of each atom."""

import numpy as np
import pytest

from aiida_seimlip.science.analysis.size_transfer import SizeErrors, find_drift, find_size_errors
from aiida_seimlip.science.frames import Frames


def make(sizes, errors, forces=None):
    """Return frames of argon with energies of zero, and the same with errors of the whole cell in eV."""
    ptr = np.concatenate([[0], np.cumsum(sizes)])
    n_atoms, n_frames = int(ptr[-1]), len(sizes)
    reference = Frames(
        numbers=np.full(n_atoms, 18), positions=np.arange(3.0 * n_atoms).reshape(-1, 3), ptr=ptr,
        cells=np.repeat(np.eye(3)[None] * 50.0, n_frames, axis=0), pbc=np.ones((n_frames, 3), bool),
        energies=np.zeros(n_frames), forces=np.zeros((n_atoms, 3)),
    )  # fmt: skip
    predicted = reference.replace(energies=np.asarray(errors, float))
    return reference, predicted if forces is None else predicted.replace(forces=forces)


def test_bias_and_scatter():
    reference, predicted = make([4, 2, 4, 2], [4.0, 1.0, 8.0, 2.0])
    small, large = find_size_errors(reference, predicted)
    assert (small.n_atoms, small.n_frames, large.n_atoms) == (2, 2, 4)
    assert (small.bias, large.bias) == (0.75, 1.5)
    assert small.scatter == pytest.approx(np.sqrt(0.125))
    assert small.bias_error == pytest.approx(0.25)
    drift = find_drift([small, large])
    assert (drift.value, drift.error) == pytest.approx((0.75, np.hypot(0.25, 0.5)))
    assert not drift.is_significant


def test_independent_errors_of_atoms_scatter_with_the_root_of_their_number():
    rng = np.random.default_rng(0)
    sizes = np.repeat([4, 16, 64], 400)
    reference, predicted = make(sizes, [rng.normal(scale=0.01, size=size).sum() for size in sizes])
    found = find_size_errors(reference, predicted)
    assert [one.scatter_per_root_atom for one in found] == pytest.approx([0.01] * 3, rel=0.12)
    assert found[0].scatter / found[2].scatter == pytest.approx(4.0, rel=0.15)


def test_scatter_of_forces():
    reference, predicted = make([1, 1], [0.0, 0.0], np.array([[3.0, 0.0, 0.0], [0.0, 6.0, 0.0]]))
    (one,) = find_size_errors(reference, predicted)
    assert one.force_scatter == pytest.approx(np.sqrt(1.5))


def test_one_frame_has_no_scatter():
    (one,) = find_size_errors(*make([3], [6.0]))
    assert one.bias == 2.0
    assert np.isnan([one.scatter, one.bias_error, one.force_scatter]).all()


def test_unknown_energies_are_left_out():
    reference, predicted = make([2, 2, 2], [2.0, 4.0, 100.0])
    reference = reference.replace(energies=np.array([0.0, 0.0, np.nan]))
    (one,) = find_size_errors(reference, predicted)
    assert one.bias == 1.5


def test_significant_drift():
    sizes = [SizeErrors(2, 9, 0.001, 0.0002, 0.0, 0.0), SizeErrors(4, 9, 0.002, 0.0002, 0.0, 0.0)]
    assert find_drift(sizes).is_significant
    with pytest.raises(ValueError, match='two sizes'):
        find_drift(sizes[:1])
