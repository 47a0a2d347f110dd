"""The known calculators, run as jobs run them: forces and stresses are compared with differences of the energy.

They run with the Python interpreter that `SEIMLIP_CALCULATORS_PYTHON` names, MACE with that of `SEIMLIP_MACE_PYTHON`,
else with that of the tests; what it cannot import is skipped. `SEIMLIP_PSEUDO` is a folder of pseudopotentials for the
plane-wave programs: ``Li.upf`` and ``F.upf``, ``Li.psp8`` and ``F.psp8``.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from aiida_seimlip.calculations.script import pack
from aiida_seimlip.options.ase import AseOptions
from aiida_seimlip.options.known_calculators import CALCULATORS
from aiida_seimlip.remote import run_ase
from aiida_seimlip.science.frames import Frames
from tests.mace_models.fixtures import PYTHON as MACE_PYTHON
from tests.mace_models.fixtures import write_random_model

PYTHON = os.environ.get('SEIMLIP_CALCULATORS_PYTHON', sys.executable)
PSEUDO = os.environ.get('SEIMLIP_PSEUDO', '')
STRAINS = {0: (0, 0), 3: (1, 2)}
"""Rows and columns of the components of the stress that are compared: xx and yz."""


@dataclass(frozen=True)
class Case:
    """How a calculator is run, and how well its derivatives must agree with its energies.

    :param force: largest deviation of a force in eV/Å.
    :param stress: largest deviation of a stress in eV/Å³.
    :param step: of the differences: in Å, and half of it as a strain.
    :param module: that must be importable, :param program: that must be on the path, :param pseudo: suffix of the
        pseudopotentials that must be there.
    """

    force: float
    stress: float
    kwargs: dict = field(default_factory=dict)
    step: float = 0.005
    dispersion: dict | None = None
    conventional: bool = True
    module: str = 'ase'
    program: str = ''
    pseudo: str = ''
    seconds: float = 300.0

    @property
    def python(self) -> str:
        return MACE_PYTHON or PYTHON if self.module == 'mace' else PYTHON


D3 = {'method': 'PBE', 'damping': 'd3bj'}
ESPRESSO = {
    'pseudo_dir': PSEUDO, 'pseudopotentials': {'Li': 'Li.upf', 'F': 'F.upf'}, 'kpts': [3, 3, 3],
    'input_data': {
        'control': {'tprnfor': True, 'tstress': True}, 'system': {'ecutwfc': 90.0}, 'electrons': {'conv_thr': 1e-10}
    },
}  # fmt: skip
ABINIT = {
    'pp_paths': PSEUDO, 'pps': 'psp8', 'kpts': [3, 3, 3], 'ecut': 40 * 27.2114, 'xc': 'PBE', 'toldfe': 1e-9,
}  # fmt: skip
GPAW = {'mode': {'name': 'pw', 'ecut': 1200}, 'kpts': [3, 3, 3], 'xc': 'PBE', 'convergence': {'energy': 1e-7}}
LENNARD_JONES = {'sigma': 1.9, 'epsilon': 0.4, 'rc': 6.0, 'smooth': True}
MORSE = {'epsilon': 0.4, 'r0': 2.1, 'rho0': 4.0, 'rcut1': 4.0, 'rcut2': 6.0}
CASES = {
    'emt': Case(1e-3, 1e-4),
    'lj': Case(1e-2, 1e-3, LENNARD_JONES),
    'morse': Case(1e-2, 1e-3, MORSE),
    'tblite': Case(1e-3, 1e-4, module='tblite'),
    'chgnet': Case(0.05, 1e-3, step=0.02, module='chgnet'),
    'mace': Case(1e-4, 1e-5, {'model_paths': 'random.pt'}, module='mace'),
    'sevennet': Case(0.01, 2e-4, step=0.02, module='sevenn'),
    'espresso': Case(0.01, 1e-3, ESPRESSO, conventional=False, program='pw.x', pseudo='.upf'),
    'gpaw': Case(0.01, 0.005, GPAW, conventional=False, module='gpaw'),
    'abinit': Case(0.01, 1e-3, ABINIT, conventional=False, program='abinit', pseudo='.psp8'),
}


@cache
def can_import(python, module):
    return subprocess.run([python, '-c', f'import {module}'], capture_output=True, check=False).returncode == 0


def skip_unless_there(name, case):
    if case.program and shutil.which(case.program) is None:
        pytest.skip(f'{name}: the program `{case.program}` is not installed')
    if case.pseudo and not Path(PSEUDO, f'Li{case.pseudo}').is_file():
        pytest.skip(f'{name}: SEIMLIP_PSEUDO names no folder with Li{case.pseudo}')
    if not can_import(case.python, case.module):
        pytest.skip(f'{name}: {case.python} cannot import `{case.module}`')
    if case.dispersion and not can_import(case.python, 'dftd3'):
        pytest.skip(f'{name}: {case.python} cannot import `dftd3`')


def triclinic(name, case):
    """Return a distorted cell of LiF, and of copper for EMT: no right angle, and no force and no stress is zero."""
    atoms = bulk('Cu', cubic=True) if name == 'emt' else bulk('LiF', 'rocksalt', a=4.0, cubic=case.conventional)
    strain = np.array([[0.02, 0.0, 0.0], [0.05, -0.01, 0.0], [-0.03, 0.04, 0.01]])
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    atoms.rattle(0.05, seed=3)
    return atoms


def displaced(atoms, atom, axis, step):
    image = atoms.copy()
    image.positions[atom, axis] += step
    return image


def strained(atoms, row, column, step):
    strain = np.zeros((3, 3))
    strain[row, column] += step / 2
    strain[column, row] += step / 2
    image = atoms.copy()
    image.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    return image


@pytest.fixture
def label(tmp_path):
    """Return a function that labels images in one job, in order."""

    def run(name, case, images):
        calculator = {'name': name, 'kwargs': case.kwargs, 'dispersion': case.dispersion, 'trust_model': True}
        if name == 'mace':
            write_random_model(tmp_path / 'random', ('Li', 'F', 'Cu'), python=case.python)
        options = AseOptions.from_node({'calculator': calculator}).to_remote(len(images), case.seconds)
        (tmp_path / 'options.json').write_text(json.dumps(options))
        (tmp_path / 'frames.npz').write_bytes(pack(Frames.from_atoms(images)))
        process = subprocess.run(
            [case.python, run_ase.__file__], cwd=tmp_path, capture_output=True, text=True, check=False
        )  # fmt: skip
        records = [json.loads(line) for line in (tmp_path / 'results.jsonl').read_text().splitlines()]
        errors = {record['error'] for record in records if record['kind'] == 'frame'}
        assert (process.returncode, errors) == (0, {None}), process.stderr
        assert not list(tmp_path.glob('frame-*')), 'files of frames that are done are removed'
        samples = [record for record in records if record['kind'] == 'sample']
        return sorted(samples, key=lambda sample: sample['index'])

    return run


WITH_DISPERSION = ('emt', 'tblite', 'sevennet')


@pytest.mark.parametrize(
    ('name', 'with_dispersion'), [*((name, False) for name in CASES), *((name, True) for name in WITH_DISPERSION)]
)
def test_derivatives(label, name, with_dispersion):
    case = CASES[name]
    if with_dispersion:
        case = Case(**{**vars(case), 'dispersion': D3})
    skip_unless_there(name, case)
    atoms = triclinic(name, case)
    step, strain = case.step, case.step / 2
    places = [(0, 0), (1, 2)]
    images = [atoms]
    images += [displaced(atoms, *place, sign * step) for place in places for sign in (1, -1)]
    images += [strained(atoms, *place, sign * strain) for place in STRAINS.values() for sign in (1, -1)]
    left = atoms.copy()
    left.set_cell(atoms.cell.array[[1, 0, 2]])
    samples = label(name, case, [*images, left])
    energies = np.array([sample['energy'] for sample in samples[1:-1]]).reshape(-1, 2)
    slopes = energies[:, 0] - energies[:, 1]
    forces, stress = np.array(samples[0]['forces']), np.array(samples[0]['stress'])
    expected = -slopes[:2] / (2 * step)
    found = np.array([forces[place] for place in places])
    worst_force = float(np.abs(found - expected).max())
    expected = slopes[2:] / (2 * strain * atoms.get_volume())
    worst_stress = float(np.abs(stress[list(STRAINS)] - expected).max())
    largest_force, largest_stress = float(np.abs(forces).max()), float(np.abs(stress).max())
    print(f'{name}: {worst_force:.2g} of {largest_force:.2g} eV/Å, {worst_stress:.2g} of {largest_stress:.2g} eV/Å³')
    assert worst_force < case.force < 0.3 * largest_force
    assert worst_stress < case.stress < 0.3 * largest_stress
    assert samples[0]['energy_property'] == 'free_energy'
    for key, tolerance in (('energy', case.force), ('forces', case.force), ('stress', case.stress)):
        np.testing.assert_allclose(samples[-1][key], samples[0][key], atol=tolerance)


def thin(open_axes, length):
    """Return copper atoms in cells that are so thin along the open axes that images would be felt, or not."""
    atoms = bulk('Cu', cubic=True)
    atoms.rattle(0.05, seed=2)
    cell = atoms.cell.array.copy()
    cell[open_axes] *= length
    atoms.set_cell(cell)
    atoms.pbc = [axis not in open_axes for axis in range(3)]
    return atoms


OPEN = {1: [2], 2: [0, 1], 3: [0, 1, 2]}
"""Axes that are open, by their number."""


@pytest.mark.parametrize('name', ['emt', 'lj', 'mace', 'sevennet'])
def test_open_axes_are_open(label, name):
    """The energy does not depend on the length of the cell along axes that are not periodic."""
    kwargs = {'lj': {'sigma': 2.3, 'epsilon': 0.4, 'rc': 6.0}}.get(name, CASES[name].kwargs)
    case = Case(0, 0, kwargs, module=CASES[name].module)
    skip_unless_there(name, case)
    images = [thin(axes, length) for axes in OPEN.values() for length in (1, 20)]
    images += [thin(OPEN[1], 1)]
    images[-1].pbc = True
    energies = [sample['energy'] for sample in label(name, case, images)]
    for number, axes in enumerate(OPEN.values()):
        assert 3 - len(axes) in CALCULATORS[name].periodic_axes
        assert energies[2 * number] == pytest.approx(energies[2 * number + 1], abs=1e-3)
    assert abs(energies[-1] - energies[0]) > 0.01, 'the images are felt where they are meant'
