"""Which compositions a training set tells the energies of."""

import numpy as np
import pytest
from ase import Atoms
from sympy import Matrix

from aiida_seimlip.science.analysis.composition_span import count_elements, find_basis, spans
from aiida_seimlip.science.frames import Frames, FramesError


def test_one_composition_spans_its_multiples_alone():
    basis = find_basis(np.array([[8, 4, 12], [16, 8, 24], [0, 0, 0]]))
    assert basis.tolist() == [[2, 1, 3]]
    assert spans(basis, np.array([4, 2, 6]))
    assert not spans(basis, np.array([7, 4, 12]))
    assert not spans(basis, np.array([-1, 0, 0]))


def test_lithium_besides_tells_the_energy_of_a_vacancy():
    basis = find_basis(np.array([[8, 4, 12], [54, 0, 0]]))
    assert basis.tolist() == [[2, 1, 3], [1, 0, 0]]
    assert spans(basis, np.array([7, 4, 12]))
    assert spans(basis, np.array([-1, 0, 0]))
    assert not spans(basis, np.array([0, 0, 1]))


def test_rank_against_exact_arithmetic():
    rng = np.random.default_rng(7)
    for _ in range(50):
        counts = rng.integers(0, 4, (rng.integers(1, 6), 4)) * rng.integers(1, 500, (1, 4))
        basis = find_basis(counts)
        assert len(basis) == Matrix(counts.tolist()).rank()
        assert all(spans(basis, row) for row in counts)


def test_nothing_spans_nothing():
    basis = find_basis(np.empty((0, 3), dtype=int))
    assert basis.shape == (0, 3)
    assert not spans(basis, np.array([1, 0, 0]))


def test_atoms_are_counted_in_the_order_of_the_species():
    frames = Frames.from_atoms([Atoms('LiF'), Atoms('Li3')])
    assert count_elements(frames, ('F', 'O', 'Li')).tolist() == [[1, 0, 1], [0, 0, 3]]
    with pytest.raises(FramesError):
        count_elements(frames, ('F', 'O'))
