"""Charge equilibration against formulas, LAMMPS, and its own principle."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import make_supercell

from aiida_seimlip.science.charges import coulomb
from aiida_seimlip.science.charges.equilibration import find_qeq_charges, hardness_matrix, lowest_eigenvalue
from aiida_seimlip.science.charges.parameters import REAXFF_LI_C_O, QeqElement, QeqError, QeqParameters
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.crystals import CRYSTALS, li2co3

CLUSTER = Atoms(
    'LiLiCOOO',
    positions=[[0, 0, 0], [3.9, 0.4, 0.2], [2.0, 1.5, 0.3], [0.9, 1.3, -0.4], [2.9, 1.9, 0.9], [1.9, 2.8, 0.5]],
)
LAMMPS_CHARGES = [
    0.456449203612895, 0.4336990408214704, 0.44268897535550744, -0.5867241882940784, -0.509964493811847,
    -0.2361485376839475,
]  # fmt: skip
"""Of these atoms by ``fix qeq/shielded`` of LAMMPS (22 Jul 2025), boundary f f f, with a cutoff of 1000 Å."""


def test_two_atoms():
    """Of two atoms, q = (χ₂ - χ₁ + Q (η₂ - J)) / (η₁ + η₂ - 2 J)."""
    atoms = Atoms('LiO', positions=[[0.0, 0.0, 0.0], [0.0, 1.2, 1.3]])
    J = 14.3996454 * (np.sqrt(1.2**2 + 1.3**2) ** 3 + (0.4668 * 1.0898) ** -1.5) ** (-1.0 / 3.0)
    found = find_qeq_charges(atoms, total_charge_e=0.3)
    expected = (8.5 + 6.4188 + 0.3 * (16.6244 - J)) / (30.0 + 16.6244 - 2.0 * J)
    assert found.charges_e[0] == pytest.approx([expected, 0.3 - expected], rel=1e-6)
    assert found.lowest_eigenvalues_ev[0] == pytest.approx(0.5 * (30.0 + 16.6244) - J, rel=1e-6)


def test_against_lammps(monkeypatch):
    monkeypatch.setattr(coulomb, 'COULOMB_EV_A', 14.4)  # of LAMMPS' fix
    assert find_qeq_charges(CLUSTER).charges_e[0] == pytest.approx(LAMMPS_CHARGES, abs=1e-8)


def test_large_cell_is_a_cluster():
    boxed = CLUSTER.copy()
    boxed.set_cell([[60.0, 0.0, 0.0], [8.0, 60.0, 0.0], [0.0, -9.0, 60.0]])
    boxed.pbc = True
    found = find_qeq_charges([boxed]).charges_e[0]
    assert found == pytest.approx(find_qeq_charges(CLUSTER).charges_e[0], abs=1e-3)


def test_charges_are_the_minimum():
    crystal = li2co3()
    crystal.rattle(0.1, seed=3)
    chi, hardness = hardness_matrix(crystal)
    found = find_qeq_charges(crystal)
    charges = found.charges_e[0]
    assert charges.sum() == pytest.approx(0.0, abs=1e-10)
    assert chi + hardness @ charges == pytest.approx(np.full(24, found.chemical_potentials_ev[0]), abs=1e-8)
    changes = np.random.default_rng(0).normal(size=(20, 24))
    changes -= changes.mean(axis=1, keepdims=True)
    curvatures = np.einsum('ni,ij,nj->n', changes, hardness, changes) / np.sum(changes**2, axis=1)
    assert curvatures.min() > found.lowest_eigenvalues_ev[0] > 0.0


def test_lowest_eigenvalue_against_projection():
    random = np.random.default_rng(5).normal(size=(9, 9))
    matrix = random + random.T
    basis = np.linalg.svd(np.ones((1, 9)))[2][1:]
    assert lowest_eigenvalue(matrix) == pytest.approx(np.linalg.eigvalsh(basis @ matrix @ basis.T)[0])


def test_charges_do_not_depend_on_the_cell():
    primitive = CRYSTALS['Li2CO3-monoclinic'].primitive()
    other = make_supercell(primitive, [[1, 2, 0], [0, 1, 0], [0, 1, 1]])
    other.positions += [0.7, -3.1, 11.0]
    other.wrap()
    charges = find_qeq_charges([primitive, other]).charges_e
    assert charges[1] == pytest.approx(charges[0], abs=1e-5)
    conventional = find_qeq_charges(li2co3()).charges_e[0]
    assert np.sort(conventional)[::2] == pytest.approx(np.sort(charges[0]), abs=1e-5)


def test_signs_in_carbonate():
    found = find_qeq_charges(li2co3())
    signs = {'Li': 1.0, 'C': 1.0, 'O': -1.0}
    assert all(signs[symbol] * charge > 0.5 for symbol, charge in zip(found.symbols, found.charges_e[0], strict=True))
    assert found.label == 'do not respond to the field'


def test_element_crystal_is_neutral():
    metal = CRYSTALS['Li-bcc'].conventional().repeat(2)
    assert find_qeq_charges(metal).charges_e[0] == pytest.approx(np.zeros(16), abs=1e-9)


def test_frames():
    first, second = li2co3(), li2co3()
    second.rattle(0.05, seed=1)
    found = find_qeq_charges(Frames.from_atoms([first, second]))
    assert found.charges_e[1] == pytest.approx(find_qeq_charges(second).charges_e[0])
    assert found.means_e == pytest.approx(found.charges_e.mean(axis=0))


def test_indefinite_matrix():
    soft = QeqParameters({'Li': QeqElement(3.0, 4.8, 3.0), 'O': QeqElement(8.7, 13.4, 3.0)}, 'invented')
    with pytest.raises(QeqError, match=r'frame 0 is indefinite.*-\d'):
        find_qeq_charges(Atoms('LiO', positions=[[0, 0, 0], [0, 0, 1.3]]), soft)


def test_singular_matrix():
    with pytest.raises(QeqError, match='nearly singular'):
        find_qeq_charges(li2co3(), least_eigenvalue_ev=5.0)


def test_missing_element():
    with pytest.raises(QeqError, match=r'for F, P, only for Li, C, O: give a YAML or JSON file'):
        find_qeq_charges(CRYSTALS['LiPF6'].primitive())


def test_different_frames():
    with pytest.raises(QeqError, match='Frame 1 does not hold'):
        find_qeq_charges([li2co3(), li2co3()[::-1]])


def test_too_many_atoms():
    with pytest.raises(QeqError, match='24 atoms, and 20 at most'):
        find_qeq_charges(li2co3(), most_atoms=20)


def test_no_frames():
    with pytest.raises(QeqError, match='no frames'):
        find_qeq_charges([])


def test_total_charge():
    assert find_qeq_charges(CLUSTER, REAXFF_LI_C_O, total_charge_e=-1.0).charges_e.sum() == pytest.approx(-1.0)
