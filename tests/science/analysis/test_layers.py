"""Profiles along the normal."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from aiida_seimlip.science.analysis.layers import layer_profile


def test_two_layers():
    """Copper below and gold above, in a cell that leans."""
    atoms = Atoms('CuAu', scaled_positions=[[0.1, 0.2, 0.25], [0.5, 0.5, 0.75]], pbc=True,
                  cell=[[3.0, 0.0, 0.0], [0.0, 4.0, 0.0], [1.0, 0.5, 8.0]])  # fmt: skip
    profile = layer_profile([atoms], bin_width=4.0, cutoff=3.1)
    assert profile.heights == pytest.approx([2.0, 6.0])
    assert profile.densities['Cu'] == pytest.approx([1.0 / 48.0, 0.0])
    assert profile.densities['Au'] == pytest.approx([0.0, 1.0 / 48.0])
    assert profile.coordination == pytest.approx([2.0, 2.0]), 'the two images along x'


def test_a_crystal_is_the_same_all_over():
    atoms = bulk('Cu', 'fcc', a=3.6, cubic=True) * (2, 2, 2)
    profile = layer_profile([atoms, atoms], bin_width=1.8, cutoff=3.0)
    assert profile.densities['Cu'] == pytest.approx(np.full(4, 4.0 / 3.6**3))
    assert profile.coordination == pytest.approx(np.full(4, 12.0))


def test_empty_bins_have_no_coordination():
    atoms = Atoms('Cu', cell=[3.0, 3.0, 9.0], positions=[[0.0, 0.0, 0.5]], pbc=True)
    profile = layer_profile([atoms], bin_width=3.0, cutoff=3.5)
    assert profile.coordination[0] == pytest.approx(4.0) and np.isnan(profile.coordination[1:]).all()
    with pytest.raises(ValueError, match='one structure'):
        layer_profile([])
