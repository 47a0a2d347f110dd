"""The calculator of ASE: derivatives, the independent implementation, a recording, and grades."""

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.calculator import PropertyNotImplementedError
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.units import GPa

from aiida_seimlip.science.formats.lammps_log import parse_log
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_potential import read_almtp
from aiida_seimlip.science.frames import FramesError
from aiida_seimlip.science.mtp.calculator import MtpCalculator
from aiida_seimlip.science.mtp.grade import grade

SPECIES = ('Li', 'C', 'O')


@pytest.fixture
def atoms(monoclinic):
    return monoclinic.copy()


@pytest.fixture(scope='module')
def graded(fixtures):
    """Return a trained potential of level 8 with an active set."""
    return read_almtp((fixtures / 'mlip3' / 'shared' / 'l08_nbh_40.almtp').read_bytes(), SPECIES)


def test_forces_and_stress_are_derivatives(random_potential, atoms):
    atoms.calc = MtpCalculator(random_potential(8))
    forces, stress = atoms.get_forces(), atoms.get_stress()
    np.testing.assert_allclose(
        calculate_numerical_forces(atoms, eps=1e-4, iatoms=[0, 9, 17]), forces[[0, 9, 17]], atol=1e-6
    )
    np.testing.assert_allclose(calculate_numerical_stress(atoms, eps=1e-5), stress, atol=1e-8)


def test_agrees_with_motep(random_potential, motep_calculator, atoms):
    potential = random_potential(10)
    other = atoms.copy()
    atoms.calc, other.calc = MtpCalculator(potential), motep_calculator(potential)
    assert atoms.get_potential_energy() == pytest.approx(other.get_potential_energy(), abs=1e-9)
    np.testing.assert_allclose(atoms.get_forces(), other.get_forces(), atol=1e-9)
    np.testing.assert_allclose(atoms.get_stress(), other.get_stress(), atol=1e-11)
    assert atoms.get_potential_energies().sum() == pytest.approx(atoms.get_potential_energy(), abs=1e-10)
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()


def test_agrees_with_lammps(fixtures):
    """The potential energy in eV and the pressure in bar of a monoclinic cell, as the pair style of MLIP-3 has it."""
    thermo = parse_log((fixtures / 'lammps' / '79_stress_check' / 'log.lammps').read_text()).thermo
    atoms = read_cfg(fixtures / 'lammps' / '79_stress_check' / 'last.cfg', SPECIES).frames.to_atoms()[0]
    atoms.calc = MtpCalculator(fixtures / 'mlip3' / 'shared' / 'l08_nbh_30.almtp', SPECIES)
    assert atoms.get_potential_energy() == pytest.approx(thermo['PotEng'][0], abs=1e-3)  # positions have 6 decimals
    pressure = [thermo[f'P{axes}'][0] for axes in ('xx', 'yy', 'zz', 'yz', 'xz', 'xy')]
    np.testing.assert_allclose(-atoms.get_stress() / (1e-4 * GPa), pressure, atol=1.0)


def test_reads_a_file(fixtures, graded, atoms):
    from_file = MtpCalculator(fixtures / 'mlip3' / 'shared' / 'l08_nbh_40.almtp', list(SPECIES))
    assert from_file.get_potential_energy(atoms) == MtpCalculator(graded).get_potential_energy(atoms)


def test_grade_on_request(graded, atoms, read_frames):
    calculator = MtpCalculator(graded)
    calculator.get_potential_energy(atoms)
    assert 'grade' not in calculator.results
    frames = read_frames('shared/valid2.cfg')
    for image, expected in zip(frames.to_atoms(), grade(graded, frames).frame, strict=True):
        assert calculator.get_property('grade', image) == pytest.approx(expected, rel=1e-12)


def test_grade_with_each_energy(graded, atoms):
    calculator = MtpCalculator(graded, with_grade=True)
    calculator.get_potential_energy(atoms)
    assert calculator.results['grade'] == pytest.approx(MtpCalculator(graded).get_property('grade', atoms))


def test_no_grade_without_an_active_set(random_potential, atoms):
    with pytest.raises(ValueError, match='no active set'):
        MtpCalculator(random_potential(6), with_grade=True)
    with pytest.raises(PropertyNotImplementedError, match='no active set'):
        MtpCalculator(random_potential(6)).get_property('grade', atoms)


def test_no_stress_without_a_cell(graded):
    molecule = Atoms('CO', [[0.0, 0.0, 0.0], [1.2, 0.0, 0.0]], calculator=MtpCalculator(graded))
    assert np.isfinite(molecule.get_potential_energy())
    with pytest.raises(PropertyNotImplementedError, match='fully periodic'):
        molecule.get_stress()


def test_unknown_element(graded):
    with pytest.raises(FramesError, match='F not in the species list'):
        MtpCalculator(graded).get_potential_energy(Atoms('LiF', [[0, 0, 0], [1.6, 0, 0]]))
