"""How the calculator of a job is made, and what is said where it cannot be."""

import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from aiida_seimlip.options.known_calculators import CALCULATORS
from aiida_seimlip.remote.make_calculator import (
    SetupError,
    explain_setup,
    make_calculator,
    own_folder,
    package_versions,
    require_program,
)
from aiida_seimlip.remote.shared import label

POTENTIAL = Path(__file__).parents[1] / 'fixtures' / 'mlip3' / 'shared' / 'l08_nbh_30.almtp'


def options(target, **others):
    return {'target': target, 'package': '', 'install': '', 'kwargs': {}, **others}


def explain(target, **others):
    with pytest.raises(Exception) as raised:
        make_calculator(options(target, **others))
    return explain_setup(raised.value, options(target, **others))


def test_any_class_or_function():
    assert isinstance(make_calculator(options('ase.calculators.emt:EMT')), EMT)
    made = make_calculator(options('ase.calculators.lj:LennardJones', kwargs={'sigma': 2.0}))
    assert made.parameters.sigma == 2.0


def test_what_is_no_calculator():
    assert explain('os:getcwd') == '`os:getcwd` makes a str, which is no ASE calculator.'


def test_missing_package():
    message = explain('no_such_module.deep:X', install='`pip install no-such`')
    assert message == (
        f"No module named 'no_such_module'. The Python interpreter of the job, {sys.executable}, needs "
        '`pip install no-such`.'
    )
    assert explain('no_such_module:X').endswith('needs the package that `no_such_module:X` comes from.')


def test_download_without_a_network(tmp_path, monkeypatch):
    """Said in plain words, whatever the library raises around it."""
    (tmp_path / 'downloading.py').write_text(
        'from urllib.request import urlopen\n'
        'def make():\n'
        '    try:\n'
        '        urlopen("http://localhost:9/weights")\n'
        '    except OSError as error:\n'
        '        raise RuntimeError("no model") from error\n'
    )
    monkeypatch.syspath_prepend(tmp_path)
    message = explain('downloading:make')
    assert message.startswith('The weights of the model are not there and could not be downloaded')
    assert 'reaches no network: URLError: ' in message
    assert message.endswith('Name a model that the package holds, or a file.')


def test_missing_dispersion(monkeypatch):
    monkeypatch.setitem(sys.modules, 'dftd3', None)
    message = explain('ase.calculators.emt:EMT', dispersion={'method': 'PBE', 'damping': 'd3bj'}, install='`pip emt`')
    assert 'needs `pip install dftd3`, for the dispersion.' in message


def test_missing_program():
    with pytest.raises(SetupError, match='The program `no-such-program` is not on the `PATH` of the job'):
        require_program('no-such-program -n 4 pw.x')
    assert explain('aiida_seimlip.remote.make_calculator:make_espresso', kwargs={'command': 'no-such-pw.x'}) == (
        'The program `no-such-pw.x` is not on the `PATH` of the job.'
    )


def test_versions_of_a_package_that_is_not_named():
    versions = package_versions(options('yaml.reader:Reader'))
    assert set(versions) == {'python', 'numpy', 'ase', 'PyYAML'}
    assert package_versions(options('no_such_module:X'))['no_such_module'] is None


def test_calculators_that_write_files_have_their_own_folder(tmp_path):
    class Program(EMT):
        command = 'true'

    program, function = Program(), EMT()
    assert own_folder(program, tmp_path / 'frame-1')
    assert str(program.directory) == str(tmp_path / 'frame-1')
    assert not own_folder(function, tmp_path / 'frame-2')
    assert str(function.directory) == '.'


def test_dispersion_is_added_with_forces_and_stress():
    """Energy, forces and stress of the sum are consistent, in a triclinic cell, and the free energy is kept."""
    pytest.importorskip('dftd3', reason='dftd3 is not installed')
    atoms = bulk('Cu', cubic=True)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.05 * np.tri(3)), scale_atoms=True)
    atoms.rattle(0.1, seed=1)
    bare = atoms.copy()
    bare.calc = EMT()
    smooth = {'disp2': 15.0, 'disp3': 8.0, 'cn': 8.0, 'width2': 2.0, 'width3': 2.0}  # no steps at the cut-off
    dispersion = {'method': 'PBE', 'damping': 'd3bj', 'realspace_cutoff': smooth}
    atoms.calc = make_calculator(options('ase.calculators.emt:EMT', dispersion=dispersion))
    found = label(atoms, stress=True)
    assert found['energy_property'] == 'free_energy'
    assert found['energy'] < bare.get_potential_energy() - 0.5
    assert np.abs(found['stress'] - bare.get_stress()).min() > 1e-4
    assert_consistent(atoms, found, force=1e-5, stress=1e-6)


@pytest.mark.parametrize('name', ['motep', 'mtp'])
def test_moment_tensor_potentials_know_open_axes(name):
    """The energy does not depend on the length of the cell along axes that are not periodic, and on that of others."""
    if name == 'motep':
        pytest.importorskip('motep', reason='motep is not installed')
    module, _, attribute = CALCULATORS[name].target.partition(':')
    target = f'aiida_seimlip.remote.{module}:{attribute}' if module == 'make_calculator' else CALCULATORS[name].target
    kwargs = {'potential': str(POTENTIAL), 'species': ['Li', 'C', 'O']}
    energies = {}
    for open_axes in ((), (2,), (0, 1), (0, 1, 2)):
        for length in (1, 5):
            atoms = bulk('Li', 'fcc', a=4.0, cubic=True)
            atoms.symbols[:] = ['Li', 'C', 'O', 'O']
            atoms.rattle(0.05, seed=2)
            cell = atoms.cell.array.copy()
            cell[list(open_axes)] *= length
            atoms.set_cell(cell)
            atoms.pbc = [axis not in open_axes for axis in range(3)]
            atoms.calc = make_calculator(options(target, kwargs=kwargs))
            energies[open_axes, length] = atoms.get_potential_energy()
    for open_axes in ((2,), (0, 1), (0, 1, 2)):
        assert energies[open_axes, 1] == pytest.approx(energies[open_axes, 5], abs=1e-9)
        assert 3 - len(open_axes) in CALCULATORS[name].periodic_axes
        assert abs(energies[open_axes, 1] - energies[(), 1]) > 0.1


def assert_consistent(atoms, found, force, stress):
    """Compare forces (eV/Å) and stress (eV/Å³) with central differences of the energy."""
    step = 1e-4
    for atom, axis in ((0, 0), (2, 1), (3, 2)):
        energies = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions[atom, axis] += sign * step
            moved.calc = atoms.calc
            energies.append(label(moved, stress=False)['energy'])
        assert found['forces'][atom, axis] == pytest.approx((energies[1] - energies[0]) / (2 * step), abs=force)
    for component, (row, column) in enumerate([(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]):
        energies = []
        for sign in (1, -1):
            strain = np.zeros((3, 3))
            strain[row, column] += sign * step / 2
            strain[column, row] += sign * step / 2
            strained = atoms.copy()
            strained.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
            strained.calc = atoms.calc
            energies.append(label(strained, stress=False)['energy'])
        expected = (energies[0] - energies[1]) / (2 * step * atoms.get_volume())
        assert found['stress'][component] == pytest.approx(expected, abs=stress)
