"""The stand-in for VASP answers in the files of VASP as the calculator of ASE does, read by the parsers of others."""

from __future__ import annotations

import numpy as np
import pytest
from ase import units
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from ase.io import read
from parsevasp.outcar import Outcar
from parsevasp.vasprun import Xml
from pymatgen.io.vasp.outputs import Vasprun

from aiida_seimlip.science.formats.vasp.outcar import read_outcar
from aiida_seimlip.science.formats.vasp.vasprun import read_vasprun

from .conftest import AIMD

LENNARD_JONES = {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}


@pytest.fixture
def answer(atoms):
    """Return the same atoms with the calculator of ASE."""
    copy = atoms.copy()
    copy.calc = LennardJones(**LENNARD_JONES)
    return copy


def test_ase_reads_it(run_vasp, answer):
    done = run_vasp()
    assert done.exit_code == 0
    found = read(done.folder / 'vasprun.xml')
    assert found.get_chemical_symbols() == answer.get_chemical_symbols()
    assert found.get_potential_energy(force_consistent=True) == pytest.approx(answer.get_potential_energy(), abs=1e-8)
    np.testing.assert_allclose(found.get_forces(), answer.get_forces(), atol=1e-8)
    np.testing.assert_allclose(found.get_stress(), answer.get_stress(), atol=1e-11)
    outcar = read(done.folder / 'OUTCAR', format='vasp-out')
    np.testing.assert_allclose(outcar.get_forces(), answer.get_forces(), atol=1e-6)
    np.testing.assert_allclose(outcar.get_stress(), answer.get_stress(), atol=1e-8)
    contcar = read(done.folder / 'CONTCAR')
    np.testing.assert_allclose(contcar.get_scaled_positions(), answer.get_scaled_positions(), atol=1e-9)


@pytest.mark.parametrize(
    ('reader', 'name', 'rounding'), [(read_vasprun, 'vasprun.xml', 1e-8), (read_outcar, 'OUTCAR', 1e-6)]
)
def test_this_package_reads_it(run_vasp, answer, reader, name, rounding):
    """Labels are those of the calculator, on a monoclinic cell whose stress has no two equal components."""
    found = reader(run_vasp().folder / name)
    assert (found.method, found.left_out, found.is_complete) == ('PBE', {}, True)
    (atoms,) = found.frames.to_atoms()
    assert atoms.get_chemical_symbols() == answer.get_chemical_symbols()
    assert atoms.get_potential_energy() == pytest.approx(answer.get_potential_energy(), abs=1e-8)
    np.testing.assert_allclose(atoms.get_forces(), answer.get_forces(), atol=rounding)
    np.testing.assert_allclose(atoms.get_stress(), answer.get_stress(), atol=1e-8)
    difference = atoms.get_scaled_positions() - answer.get_scaled_positions()
    np.testing.assert_allclose((difference - np.rint(difference)) @ answer.cell.array, 0.0, atol=10.0 * rounding)


def test_this_package_reads_dynamics(run_vasp):
    folder = run_vasp(AIMD).folder
    found, listed = read_vasprun(folder / 'vasprun.xml'), read_outcar(folder / 'OUTCAR')
    assert (len(found.frames), found.left_out) == (AIMD['NSW'], {})
    again = found.frames.without_labels().to_atoms()
    for atoms, labelled in zip(again, found.frames.to_atoms(), strict=True):
        atoms.calc = LennardJones(**LENNARD_JONES)
        np.testing.assert_allclose(labelled.get_forces(), atoms.get_forces(), atol=1e-6)
    np.testing.assert_allclose(found.frames.energies, listed.frames.energies, atol=1e-8)


def test_parsevasp_reads_it(run_vasp, answer):
    done = run_vasp()
    xml = Xml(file_path=str(done.folder / 'vasprun.xml'))
    energies = xml.get_energies('last', etype=['energy_free', 'energy_extrapolated', 'energy_no_entropy'])
    energy = answer.get_potential_energy()
    assert energies['energy_free_final'][0] == pytest.approx(energy, abs=1e-8)
    assert energies['energy_no_entropy_final'][0] == pytest.approx(energy + 0.008, abs=1e-8)
    assert energies['energy_extrapolated_final'][0] == pytest.approx(energy + 0.004, abs=1e-8)
    np.testing.assert_allclose(-0.1 * units.GPa * xml.get_stress('last'), answer.get_stress(voigt=False), atol=1e-11)
    assert xml.get_parameters()['nelm'] == 60
    status = Outcar(file_path=str(done.folder / 'OUTCAR')).get_run_status()
    assert status['finished'] and status['electronic_converged'] and not status['contains_nelm_breach']


def test_pymatgen_reads_it(run_vasp, answer):
    done = run_vasp()
    found = Vasprun(done.folder / 'vasprun.xml', parse_potcar_file=False)
    assert found.converged
    assert found.final_energy == pytest.approx(answer.get_potential_energy() + 0.004, abs=1e-7)
    np.testing.assert_allclose(found.ionic_steps[-1]['forces'], answer.get_forces(), atol=1e-8)
    assert [str(site.specie) for site in found.final_structure] == answer.get_chemical_symbols()


@pytest.mark.parametrize(('row', 'column'), [(0, 0), (1, 2), (0, 2)])
def test_stress_is_the_derivative_of_the_energy(run_vasp, atoms, row, column):
    """Its sign is that of a pressure, its unit kbar; each component stands in its own place."""
    size = 1e-3
    strain = np.zeros((3, 3))
    strain[row, column] += size / 2
    strain[column, row] += size / 2
    energies = []
    for sign in (1, -1):
        strained = atoms.copy()
        strained.set_cell(atoms.cell.array @ (np.eye(3) + sign * strain), scale_atoms=True)
        xml = Xml(file_path=str(run_vasp(atoms=strained).folder / 'vasprun.xml'))
        energies.append(xml.get_energies('last', etype=['energy_free'])['energy_free_final'][0])
    derivative = (energies[0] - energies[1]) / (2 * size) / atoms.get_volume()
    stress = Xml(file_path=str(run_vasp().folder / 'vasprun.xml')).get_stress('last')[row, column]
    assert -0.1 * units.GPa * stress == pytest.approx(derivative, rel=2e-4, abs=1e-7)


def test_another_calculator(run_vasp, vasp_faults, atoms):
    vasp_faults(calculator={'name': 'emt'})
    atoms.symbols[:] = 'Cu'
    atoms.set_cell(atoms.cell.array * 0.7, scale_atoms=True)
    found = read(run_vasp(atoms=atoms).folder / 'vasprun.xml')
    atoms.calc = EMT()
    np.testing.assert_allclose(found.get_forces(), atoms.get_forces(), atol=1e-7)


def test_electronic_steps_stop_at_nelm(run_vasp):
    """NELM = 4 is not enough for EDIFF = 1e-6, and nothing else says so: the run ends as if all were well."""
    done = run_vasp({'NELM': 4})
    assert done.exit_code == 0
    status = Outcar(file_path=str(done.folder / 'OUTCAR')).get_run_status()
    assert status['finished'] and not status['electronic_converged']
    assert 'was not achieved in the given number of steps (NELM)' in ' '.join(done.stdout.replace('|', '').split())


def test_dynamics_conserve_energy(run_vasp):
    done = run_vasp({**AIMD, 'NSW': 40, 'SMASS': -3})
    frames = read(done.folder / 'vasprun.xml', index=':')
    assert len(frames) == 40
    lines = [line.split() for line in done.stdout.splitlines() if ' T= ' in line]
    totals = np.array([float(words[words.index('E=') + 1]) for words in lines])
    kinetic = np.array([float(words[words.index('EK=') + 1]) for words in lines])
    assert np.ptp(totals) < 0.02 * np.ptp(kinetic)
    assert kinetic[0] == pytest.approx(1.5 * 8 * units.kB * 80, rel=1e-4)


def test_dynamics_have_the_forces_of_each_frame(run_vasp):
    for frame in read(run_vasp(AIMD).folder / 'vasprun.xml', index=':'):
        again = frame.copy()
        again.calc = LennardJones(**LENNARD_JONES)
        np.testing.assert_allclose(frame.get_forces(), again.get_forces(), atol=1e-6)
        np.testing.assert_allclose(frame.get_stress(), again.get_stress(), atol=1e-8)


@pytest.mark.parametrize(
    'thermostat', [{'SMASS': 0}, {'MDALGO': 3, 'LANGEVIN_GAMMA': '5 5'}, {'MDALGO': 2}, {'SMASS': -1, 'NBLOCK': 1}]
)
def test_thermostats_do_not_keep_the_energy(run_vasp, thermostat):
    done = run_vasp({**AIMD, **thermostat})
    totals = [float(line.split()[4]) for line in done.stdout.splitlines() if ' T= ' in line]
    assert len(totals) == AIMD['NSW']
    assert np.ptp(totals) > 1e-4


def test_dynamics_repeat(run_vasp):
    """The same inputs give the same trajectory, another seed another one."""
    courses = [run_vasp({**AIMD, 'MDALGO': 2, 'RANDOM_SEED': f'{seed} 0 0'}).read('XDATCAR') for seed in (1, 1, 2)]
    assert courses[0] == courses[1] != courses[2]


def test_velocities_go_on_from_contcar(run_vasp):
    """Two runs of five steps are one of nine: a run begins with the configuration that it is given."""
    nve = {**AIMD, 'SMASS': -3}
    whole = run_vasp({**nve, 'NSW': 9, 'RANDOM_SEED': '1 0 0'})
    half = run_vasp({**nve, 'NSW': 5, 'RANDOM_SEED': '1 0 0'})
    rest = run_vasp({**nve, 'NSW': 5}, POSCAR=half.read('CONTCAR'))
    expected, found = (read(done.folder / 'vasprun.xml', index=-1).positions for done in (whole, rest))
    np.testing.assert_allclose(found, expected, atol=1e-5)
