from __future__ import annotations

import numpy as np

from aiida_seimlip.science.structures import crystals


def test_li2co3_is_the_experimental_cell():
    atoms = crystals.li2co3()
    assert len(atoms) == 24
    assert atoms.get_chemical_formula() == 'C4Li8O12'
    np.testing.assert_allclose(atoms.cell.cellpar(), [8.3593, 4.9725, 6.1975, 90.0, 114.83, 90.0])
    assert all(atoms.pbc)


def test_li2co3_has_flat_carbonate_ions():
    atoms = crystals.li2co3()
    for carbon in np.flatnonzero(atoms.symbols == 'C'):
        oxygens = np.flatnonzero(atoms.symbols == 'O')
        vectors = atoms.get_distances(carbon, oxygens, mic=True, vector=True)
        bonds = vectors[np.linalg.norm(vectors, axis=1) < 1.5]
        assert len(bonds) == 3
        np.testing.assert_allclose(np.linalg.norm(bonds, axis=1), 1.28, atol=0.02)
        assert abs(np.linalg.det(bonds)) < 0.05


def test_li2co3_is_sorted_by_element():
    assert ''.join(crystals.li2co3().symbols) == 'Li' * 8 + 'C' * 4 + 'O' * 12


def test_li2co3_is_plain():
    atoms = crystals.li2co3()
    assert not atoms.info
    assert set(atoms.arrays) == {'numbers', 'positions'}
    assert crystals.li2co3() == atoms
    assert crystals.li2co3() is not atoms
