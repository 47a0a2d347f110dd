"""The stand-in for VASP stops at the inputs at which VASP stops, and says so in VASP's words."""

from __future__ import annotations

import pytest
from ase.io import read

from .conftest import AIMD, KPOINTS
from .potcars import potcar

INPUTS = {
    'no_incar': ({'without': ('INCAR',)}, 'No INCAR found, STOPPING'),
    'no_poscar': ({'without': ('POSCAR',)}, 'file not found, unit 10'),
    'no_potcar': ({'without': ('POTCAR',)}, 'file not found, unit 10'),
    'value': ({'incar': {'ENCUT': 'high'}}, "Error reading item 'ENCUT' from file INCAR."),
    'logical': ({'incar': {'LASPH': 'yes'}}, "Error reading item 'LASPH' from file INCAR."),
    'negative_cutoff': ({'incar': {'ENCUT': -520}}, "Error reading item 'ENCUT' from file INCAR."),
    'algorithm': ({'incar': {'ALGO': 'Quick'}}, 'ALGO = Quick'),
    'magmom': ({'incar': {'ISPIN': 2, 'MAGMOM': '3*1.0'}}, "Error reading item 'MAGMOM' from file INCAR."),
    'tetrahedra': ({'incar': {'ISMEAR': -5}, 'KPOINTS': KPOINTS.replace('2 2 1', '1 1 1')}, 'Tetrahedron method fails'),
    'no_timestep': ({'incar': {**AIMD, 'POTIM': None}}, 'IBRION=0, but no entry for POTIM'),
    'no_friction': ({'incar': {**AIMD, 'MDALGO': 3, 'LANGEVIN_GAMMA': '5'}}, "Error reading item 'LANGEVIN_GAMMA'"),
    'no_charge': ({'incar': {'ICHARG': 11}}, 'charge density could not be read from file CHGCAR'),
    'one_potential': ({'POTCAR': potcar('Ne')}, 'number of potentials on File POTCAR incompatible'),
    'cut_potential': ({'POTCAR': potcar('Ne') + potcar('Ar')[:-20]}, 'number of potentials on File POTCAR'),
    'bad_potential': ({'POTCAR': potcar('Ne') + 'End of Dataset'}, 'something wrong in the file POTCAR'),
    'kpoints_words': ({'KPOINTS': KPOINTS.replace('2 2 1', 'two')}, 'the error occurred at line:    4'),
    'kpoints_zero': ({'KPOINTS': KPOINTS.replace('2 2 1', '2 2 0')}, 'Error reading KPOINTS file'),
    'kpoints_short': ({'KPOINTS': 'points\n2\nReciprocal\n0 0 0 1\n'}, 'the error occurred at line:    5'),
    'poscar_short': ({'POSCAR': 'neon\n1\n4 0 0\n0 4 0\n0 0 4\nNe\n2\nDirect\n0 0 0\n'}, 'No initial positions'),
    'poscar_words': ({'POSCAR': 'neon\n1.0\na b c\n'}, 'something wrong in the file POSCAR'),
}  # fmt: skip


@pytest.mark.parametrize('name', INPUTS)
def test_stops_as_vasp_does(run_vasp, vasp_faults, name):
    arguments, message = INPUTS[name]
    done = run_vasp(**arguments)
    assert done.exit_code == 1
    text = ' '.join(done.stdout.replace('|', ' ').split())
    assert ' '.join(message.split()) in text
    assert ' '.join(message.split()) in ' '.join(done.read('OUTCAR').replace('|', ' ').split())
    assert 'Iteration' not in done.read('OUTCAR')
    assert vasp_faults.runs == []


@pytest.mark.parametrize('incar', [{'ENCUTT': 520}, {'LHFCALC': '.TRUE.'}, {'IBRION': 2, 'NSW': 10}])
def test_stops_where_only_the_stand_in_does(run_vasp, incar):
    """VASP passes over a tag that it does not know, and can do more than the stand-in."""
    done = run_vasp(incar)
    assert done.exit_code == 1
    assert 'The stand-in for VASP' in done.stdout


def test_goes_on_with_the_order_of_potcar(run_vasp, atoms):
    """As VASP does: it warns, and calculates the wrong elements."""
    done = run_vasp(POTCAR=potcar('Ar') + potcar('Ne'))
    assert done.exit_code == 0
    assert 'type information on POSCAR and POTCAR are incompatible' in ' '.join(done.stdout.replace('|', '').split())
    assert atoms.get_chemical_symbols() == ['Ne'] * 2 + ['Ar'] * 6
    assert read(done.folder / 'vasprun.xml').get_chemical_symbols() == ['Ar'] * 2 + ['Ne'] * 6


@pytest.mark.parametrize(
    'incar', [{'ALGO': 'All', 'IVDW': 12, 'NCORE': 4}, {'ISTART': 1, 'ICHARG': 1, 'LREAL': 'Auto', 'LORBIT': 11}]
)
def test_accepts(run_vasp, incar):
    assert run_vasp(incar).exit_code == 0


def test_makes_kpoints_without_a_file(run_vasp):
    done = run_vasp({'KSPACING': 0.35}, without=('KPOINTS',))
    assert done.exit_code == 0
    assert '<v type="int" name="divisions">2 4 4 </v>' in done.read('vasprun.xml')
