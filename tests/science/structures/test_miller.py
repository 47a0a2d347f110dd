import numpy as np
import pytest
from ase.build import bulk

from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.science.structures.miller import distinct_miller_indices
from aiida_seimlip.science.structures.supercells import StructureError


def test_cubic():
    assert distinct_miller_indices(bulk('Cu', cubic=True), 1) == [(1, 0, 0), (1, 1, 0), (1, 1, 1)]
    assert distinct_miller_indices(bulk('Cu', cubic=True), 2)[3:] == [(2, 1, 0), (2, 1, 1), (2, 2, 1)]


def test_monoclinic_planes_are_equal_in_pairs():
    """In 2/m, unique axis b, (h k l) is equal to (h -k l) alone, and to both with the other sign."""
    found = distinct_miller_indices(CRYSTALS['Li2CO3-monoclinic'].conventional(), 2)
    classes = {frozenset([(h, k, m), (h, -k, m), (-h, k, -m), (-h, -k, -m)]) for h, k, m in found}
    assert len(classes) == len(found)
    span = range(-2, 3)
    every = {(h, k, m) for h in span for k in span for m in span if np.gcd.reduce((h, k, m)) == 1}
    assert set().union(*classes) == every


def test_hexagonal_axes_of_a_rhombohedral_crystal():
    found = distinct_miller_indices(CRYSTALS['LiPF6'].conventional(), 1)
    assert (0, 0, 1) in found and (1, 0, 0) in found
    assert (0, 1, 0) not in found, 'a threefold axis makes it equal to (1 0 0)'


def test_refused():
    with pytest.raises(StructureError, match='not positive'):
        distinct_miller_indices(bulk('Cu'), 0)
