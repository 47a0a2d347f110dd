"""Tests for `science.units`."""

import numpy as np
import pytest
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress, voigt_6_to_full_3x3_stress

from aiida_seimlip.science.units import (
    ASE_VELOCITY_TO_ANGSTROM_PER_PS,
    EV_PER_A3_TO_GPA,
    tensor_to_voigt,
    voigt_to_tensor,
)

VOIGT = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])


def test_gpa():
    # 1 eV = 1.602176634e-19 J exactly, 1 Å³ = 1e-30 m³
    assert EV_PER_A3_TO_GPA == pytest.approx(160.2176634, rel=1e-6)


def test_velocity():
    """The kinetic energy of ½ m v² must be that of ASE."""
    atoms = Atoms('Li', velocities=[[0.3, 0.0, 0.0]])
    metres_per_second = 0.3 * ASE_VELOCITY_TO_ANGSTROM_PER_PS * 100.0
    joules = 0.5 * atoms.get_masses()[0] * 1.66053906660e-27 * metres_per_second**2
    assert joules / 1.602176634e-19 == pytest.approx(atoms.get_kinetic_energy(), rel=1e-6)


def test_voigt_order():
    np.testing.assert_array_equal(voigt_to_tensor(VOIGT), voigt_6_to_full_3x3_stress(VOIGT))
    np.testing.assert_array_equal(voigt_to_tensor(VOIGT), [[1, 6, 5], [6, 2, 4], [5, 4, 3]])


def test_voigt_round_trip():
    many = np.arange(24.0).reshape(2, 2, 6)
    np.testing.assert_array_equal(tensor_to_voigt(voigt_to_tensor(many)), many)


def test_tensor_to_voigt_averages():
    tensor = np.array([[1.0, 5.0, 0.0], [7.0, 2.0, 0.0], [0.0, 0.0, 3.0]])
    np.testing.assert_array_equal(tensor_to_voigt(tensor), [1.0, 2.0, 3.0, 0.0, 0.0, 6.0])
    symmetric = voigt_to_tensor(VOIGT)
    np.testing.assert_array_equal(tensor_to_voigt(symmetric), full_3x3_to_voigt_6_stress(symmetric))
