"""Tests of configurations as they might occur at a temperature."""

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import molecule
from ase.spacegroup import crystal

from aiida_seimlip.science.structures.thermal import bonded_units, thermal_perturbations


@pytest.fixture(scope='module')
def carbonate() -> Atoms:
    """Monoclinic Li2CO3, whose carbonate ions cross the cell's faces."""
    sites = [(0.1965, 0.4484, 0.8344), (0, 0.0657, 0.25), (0, 0.3213, 0.25), (0.1459, -0.0635, 0.3127)]
    cell = [8.3593, 4.9725, 6.1975, 90, 114.83, 90]
    return crystal(['Li', 'C', 'O', 'O'], sites, spacegroup=15, cellpar=cell)


def test_units_of_carbonate(carbonate):
    labels = bonded_units(carbonate)
    sizes = np.bincount(labels)
    assert sorted(sizes) == [1] * 8 + [4] * 4
    for unit in np.flatnonzero(sizes == 4):
        assert carbonate[labels == unit].get_chemical_formula() == 'CO3'


def test_units_of_molecule():
    assert set(bonded_units(molecule('CH3CH2OH'))) == {0}


def test_seed_decides(carbonate):
    first, again = (thermal_perturbations(carbonate, [300.0, 600.0], seed=3) for _ in range(2))
    other = thermal_perturbations(carbonate, [300.0, 600.0], seed=4)
    assert all(np.array_equal(one.positions, two.positions) for one, two in zip(first, again, strict=True))
    assert not np.allclose(first[0].positions, other[0].positions)
    assert not np.allclose(first[0].positions, first[1].positions)


def test_zero_temperature_without_strain_keeps_the_structure(carbonate):
    (image,) = thermal_perturbations(carbonate, [0.0], strain=0.0, seed=1)
    difference = image.get_scaled_positions() - carbonate.get_scaled_positions()
    assert np.allclose(difference - np.rint(difference), 0.0, atol=1e-9)
    assert np.array_equal(image.numbers, carbonate.numbers)


def test_strain_keeps_units_rigid(carbonate):
    (image,) = thermal_perturbations(carbonate, [0.0], strain=0.03, seed=1)
    assert not np.allclose(image.cell.array, carbonate.cell.array)
    carbon = np.flatnonzero(carbonate.numbers == 6)
    oxygen = np.flatnonzero(carbonate.numbers == 8)
    for index in carbon:
        before = np.sort(carbonate.get_distances(index, oxygen, mic=True))[:3]
        after = np.sort(image.get_distances(index, oxygen, mic=True))[:3]
        assert np.allclose(before, after, atol=1e-9)


def test_amplitudes_are_those_of_harmonic_oscillators():
    atoms = Atoms('Li', cell=[10, 10, 10], pbc=True)
    images = thermal_perturbations(atoms, [500.0] * 4000, strain=0.0, seed=7, ion_stiffness=2.0)
    displacements = np.array([image.positions[0] for image in images])
    expected = units.kB * 500.0 / 2.0
    # the variance of 12,000 samples scatters by sqrt(2 / 12000) = 1.3 %
    assert np.mean(displacements**2) == pytest.approx(expected, rel=0.05)


def test_negative_temperature_is_refused(carbonate):
    with pytest.raises(ValueError, match='temperature is negative'):
        thermal_perturbations(carbonate, [-1.0], seed=1)
