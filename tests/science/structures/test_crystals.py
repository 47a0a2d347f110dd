from __future__ import annotations

import numpy as np
import pytest

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


N_ATOMS = {
    'Li2CO3-monoclinic': (24, 12), 'Li2CO3-hexagonal': (12, 12), 'LiPF6': (24, 8), 'LiF': (8, 2), 'Li2O': (12, 3),
    'Li-bcc': (2, 1), 'Li-fcc': (4, 1), 'Li2EDC': (16, 16),
}  # fmt: skip


@pytest.mark.parametrize('name', crystals.CRYSTALS)
def test_cells_have_the_space_group(name):
    spglib = pytest.importorskip('spglib')
    phase = crystals.CRYSTALS[name]
    assert phase.name == name
    assert phase.source
    for atoms, n_atoms in zip((phase.conventional(), phase.primitive()), N_ATOMS[name], strict=True):
        assert len(atoms) == n_atoms
        cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
        assert spglib.get_symmetry_dataset(cell, symprec=1e-3).number == phase.space_group
        assert np.linalg.det(atoms.cell.array) > 0


@pytest.mark.parametrize('name', crystals.CRYSTALS)
def test_the_conventional_cell_is_found_again(name):
    phase = crystals.CRYSTALS[name]
    strained = 1.03 * phase.primitive().cell.array
    found = crystals.conventional_cellpar(strained, phase.lattice)
    np.testing.assert_allclose(found[:3], 1.03 * np.array(phase.cellpar[:3]))
    np.testing.assert_allclose(found[3:], phase.cellpar[3:])


@pytest.mark.parametrize(
    ('name', 'centre', 'corner', 'n_bonds', 'length'),
    [
        ('LiPF6', 'P', 'F', 6, 1.63), ('LiPF6', 'Li', 'F', 6, 2.03), ('Li2CO3-hexagonal', 'C', 'O', 3, 1.30),
        ('Li2CO3-hexagonal', 'Li', 'O', 6, 2.16), ('LiF', 'Li', 'F', 6, 2.013), ('Li2O', 'Li', 'O', 4, 2.0),
    ],
)  # fmt: skip
def test_coordination(name, centre, corner, n_bonds, length):
    atoms = crystals.CRYSTALS[name].conventional().repeat(2)
    centres, corners = (np.flatnonzero(atoms.symbols == symbol) for symbol in (centre, corner))
    distances = np.sort(atoms.get_distances(centres[0], corners, mic=True))
    np.testing.assert_allclose(distances[:n_bonds], length, atol=0.02)
    assert distances[n_bonds] > 1.2 * length
