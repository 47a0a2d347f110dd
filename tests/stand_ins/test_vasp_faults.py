"""The stand-in for VASP fails as its rules say, and leaves what VASP leaves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from ase.io import read
from parsevasp.outcar import Outcar
from parsevasp.stream import Stream
from parsevasp.vasprun import Xml

from .conftest import AIMD


def status_of(done):
    """Return what parsevasp makes of OUTCAR."""
    return Outcar(file_path=str(done.folder / 'OUTCAR')).get_run_status()


def notes_of(done):
    """Return the names of the errors that parsevasp finds in the standard output."""
    (done.folder / 'stdout').write_text(done.stdout)
    return [entry.shortname for entry in Stream(file_path=str(done.folder / 'stdout')).entries if entry.kind == 'ERROR']


def test_nelm(run_vasp, vasp_faults):
    """All electronic steps are done, and the energy is wrong."""
    healthy = run_vasp()
    vasp_faults({'fault': 'nelm'})
    done = run_vasp()
    assert done.exit_code == 0
    status = status_of(done)
    assert status['finished'] and status['last_iteration_index'] == [1, 60]
    assert not status['electronic_converged'] and status['consistent_nelm_breach']
    energies = [
        Xml(file_path=str(run.folder / 'vasprun.xml')).get_energies('last', etype=['energy_free'])['energy_free_final'][
            0
        ]
        for run in (healthy, done)
    ]
    assert abs(energies[0] - energies[1]) == pytest.approx(0.1, abs=1e-6)


@pytest.mark.parametrize(('rule', 'cure'), [({'ALGO': 'All'}, {'ALGO': 'all'}), ({'NELM': 200}, {'NELM': 200})])
def test_nelm_is_cured(run_vasp, vasp_faults, rule, cure):
    vasp_faults({'fault': 'nelm', 'unless': rule})
    assert not status_of(run_vasp())['electronic_converged']
    assert status_of(run_vasp(cure))['electronic_converged']


def test_nelm_in_one_ionic_step(run_vasp, vasp_faults):
    """The last step is converged, so only the list of all steps tells."""
    vasp_faults({'fault': 'nelm', 'step': 3})
    status = status_of(run_vasp(AIMD))
    assert status['contains_nelm_breach'] and not status['consistent_nelm_breach'] and status['electronic_converged']


@pytest.mark.parametrize(('fault', 'note'), [('brmix', 'brmix'), ('eddrmm', 'eddrmm_zhegv')])
def test_faults_after_which_it_goes_on(run_vasp, vasp_faults, fault, note):
    """The run comes to its end without convergence."""
    vasp_faults({'fault': fault})
    done = run_vasp()
    assert done.exit_code == 0
    assert notes_of(done) == [note]
    status = status_of(done)
    assert status['finished'] and not status['electronic_converged']


@pytest.mark.parametrize(('fault', 'notes'), [('edddav', ['edddav_zhegv']), ('zbrent', ['zbrent']), ('disk_full', [])])
def test_faults_at_which_it_stops(run_vasp, vasp_faults, fault, notes):
    vasp_faults({'fault': fault})
    done = run_vasp()
    assert done.exit_code == 1
    assert notes_of(done) == notes
    assert not status_of(done)['finished']
    assert ('No space left on device' in done.stdout) is (fault == 'disk_full')


def test_killed(run_vasp, vasp_faults):
    """The files end in the middle of a line, without forces and without times."""
    vasp_faults({'fault': 'killed'})
    done = run_vasp()
    assert done.exit_code in (-9, 137)
    assert not status_of(done)['finished']
    xml = done.read('vasprun.xml')
    assert '<scstep>' in xml and '<varray name="forces"' not in xml
    assert xml.endswith('<i name="e_0_energy">')
    assert done.read('CONTCAR') == ''


def test_killed_in_dynamics(run_vasp, vasp_faults):
    """What was done before is there."""
    vasp_faults({'fault': 'killed', 'step': 4})
    done = run_vasp(AIMD)
    vasp_faults()
    healthy = run_vasp(AIMD)
    expected = read(healthy.folder / 'vasprun.xml', index=':')
    found = read(done.folder / 'vasprun.xml', index=':')
    assert len(found) == 3
    np.testing.assert_array_equal(found[-1].get_forces(), expected[2].get_forces())
    assert done.read('XDATCAR').count('Direct configuration') == 3
    assert len(done.read('CONTCAR').splitlines()) > 8


def test_out_of_memory(run_vasp, vasp_faults):
    """It happens before the first electronic step."""
    vasp_faults({'fault': 'out_of_memory'})
    done = run_vasp()
    assert done.exit_code == 1
    assert 'insufficient virtual memory' in done.stdout
    assert 'Iteration' not in done.read('OUTCAR')


def test_truncated_vasprun(run_vasp, vasp_faults):
    """OUTCAR says that all is well, and vasprun.xml ends before the stress."""
    vasp_faults({'fault': 'truncated_vasprun'})
    done = run_vasp()
    assert done.exit_code == 0
    assert status_of(done)['finished']
    assert Xml(file_path=str(done.folder / 'vasprun.xml')).truncated
    assert '<varray name="forces"' in done.read('vasprun.xml')
    assert '<varray name="stress"' not in done.read('vasprun.xml')


def test_elements_out_of_order(run_vasp, vasp_faults, atoms):
    """Only the names are wrong; nothing says so."""
    vasp_faults({'fault': 'elements_out_of_order'})
    done = run_vasp()
    assert done.exit_code == 0
    assert read(done.folder / 'POSCAR').get_chemical_symbols() == atoms.get_chemical_symbols()
    assert read(done.folder / 'vasprun.xml').get_chemical_symbols() == ['Ar'] * 2 + ['Ne'] * 6
    titles = [line.split()[3] for line in done.read('OUTCAR').splitlines() if 'TITEL' in line]
    assert titles == ['Ar', 'Ne']


def test_no_output(run_vasp, vasp_faults):
    vasp_faults({'fault': 'no_output'})
    done = run_vasp()
    assert done.exit_code == 1
    assert done.stdout == ''
    assert {path.name for path in done.folder.iterdir()} == {'INCAR', 'KPOINTS', 'POSCAR', 'POTCAR'}


def test_hang(run_vasp, vasp_faults):
    """It answers late, but right."""
    from time import monotonic

    vasp_faults({'fault': 'hang', 'seconds': 3})
    begun = monotonic()
    assert status_of(run_vasp())['electronic_converged']
    assert monotonic() - begun > 3


def test_unknown_fault(run_vasp, vasp_faults):
    vasp_faults({'fault': 'rain'})
    assert 'has no fault' in run_vasp().stdout


def test_match(run_vasp, vasp_faults, atoms):
    """All that a rule asks for has to agree; the first rule that matches strikes."""
    larger = atoms.copy()
    larger.set_cell(atoms.cell.array * 1.01, scale_atoms=True)
    vasp_faults(
        {'fault': 'no_output', 'match': {'formula': 'Ar6Ne2', 'volume': larger.get_volume()}},
        {'fault': 'brmix', 'match': {'incar': {'ALGO': 'fast'}}},
        {'fault': 'no_output', 'match': {'index': 3}},
    )
    run_vasp()
    run_vasp(atoms=larger)
    run_vasp({'ALGO': 'Fast'})
    run_vasp()
    assert [run['fault'] for run in vasp_faults.runs] == [None, 'no_output', 'brmix', 'no_output']


def test_times(run_vasp, vasp_faults):
    """However many run at once, the fault strikes twice."""
    vasp_faults({'fault': 'no_output', 'times': 2})
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda _: run_vasp(), range(5)))
    assert sorted(run.exit_code for run in runs) == [0, 0, 0, 1, 1]
    assert sorted(run['index'] for run in vasp_faults.runs) == [0, 1, 2, 3, 4]
