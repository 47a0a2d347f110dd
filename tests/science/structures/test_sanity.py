"""Atoms that cannot be meant as they stand."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule

from aiida_seimlip.science.structures.sanity import as_right_handed, explain_geometry


@pytest.mark.parametrize(
    ('atoms', 'words'),
    [
        (Atoms(), 'no atoms'), (Atoms('X', cell=[3, 3, 3], pbc=True), 'atom 0 is no chemical element'),
        (Atoms('Li', [[np.nan, 0, 0]]), 'not a finite number'),
        (Atoms('Li', pbc=[True, False, True], cell=[0, 3, 0]), 'periodic along a and c, but has no cell vector'),
        (Atoms('Li', pbc=True, cell=[[3, 0, 0], [0, 3, 0], [3, 3, 0]]), 'no volume'),
        (Atoms('Li', pbc=True, cell=[0.3, 0.3, 0.3]), 'from its own image'),
        (Atoms('Li', pbc=True, cell=[0.3e-3, 0.3, 0.3]), 'not in Å'),
        (Atoms('LiF', [[0, 0, 0], [0.2, 0.2, 0]]), 'atoms 0 (Li) and 1 (F) are 0.28 Å apart'),
        (Atoms('LiF', [[0, 0, 0], [3.8, 0, 0]], cell=[4, 4, 4], pbc=[True, False, False]), '0.20 Å apart'),
    ],
)  # fmt: skip
def test_what_cannot_be_meant(atoms, words):
    assert words in explain_geometry(atoms)


@pytest.mark.parametrize('atoms', [molecule('H2'), bulk('Cu'), Atoms('Li', pbc=True, cell=[2.9, 2.9, 2.9])])
def test_what_can(atoms):
    assert explain_geometry(atoms) is None


def test_open_directions_do_not_bring_images():
    atoms = Atoms('LiF', [[0, 0, 0], [3.8, 0, 0]], cell=[4, 4, 4], pbc=[False, True, True])
    assert explain_geometry(atoms) is None


def test_right_handed_cell_of_the_same_crystal():
    atoms = Atoms('LiF', [[0, 0, 0], [1, 2, 1.5]], cell=[[0, 3, 0.4], [4, 0.2, 0], [0.3, 0, 5]], pbc=True)
    turned = as_right_handed(atoms)
    assert np.linalg.det(turned.cell.array) == pytest.approx(-np.linalg.det(atoms.cell.array))
    assert np.linalg.det(turned.cell.array) > 0
    np.testing.assert_array_equal(turned.positions, atoms.positions)
    vectors = turned.cell.array @ np.linalg.inv(atoms.cell.array)
    np.testing.assert_allclose(vectors, np.rint(vectors), atol=1e-12)  # the same lattice
    assert as_right_handed(turned) is None
    assert as_right_handed(molecule('H2O')) is None
