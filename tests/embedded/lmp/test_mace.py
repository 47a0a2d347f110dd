"""MACE in ``seimlip-lmp``, compared with MACE's own calculator in ASE."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import write

from aiida_seimlip.science.formats.lammps_data import write_data
from aiida_seimlip.science.formats.lammps_dump import read_dump
from aiida_seimlip.science.formats.lammps_input import LammpsFiles, LammpsMdSettings, write_input
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import EV_PER_A3_TO_GPA
from tests.mace_models.fixtures import PYTHON, needs_mace

from .conftest import SPECIES, Program

pytestmark = needs_mace

FILES = LammpsFiles('m0.pt', 's.data', 'trajectory.dump', 'final.dump', 'preselected.cfg')
COMPONENTS = ('Pxx', 'Pyy', 'Pzz', 'Pyz', 'Pxz', 'Pxy')
SCALE = 2.5
PLAIN = ['pair_style mace no_domain_decomposition', 'pair_coeff * * m0.pt Li C O']
MEMBERS = 'pair_coeff * * m0.pt m1.pt m2.pt Li C O'
GRADE = 'compute grade all pair mace/committee'
ASE = """
import json, sys
from ase.io import read
from aiida_seimlip.remote.make_calculator import make_mace
found = {}
for name, (dtype, members) in json.load(open('cases.json')).items():
    calculator = make_mace(members, default_dtype=dtype)
    found[name] = []
    for atoms in read(f'{name}.traj', index=':'):
        calculator.calculate(atoms)
        row = {key: calculator.results[key].tolist() for key in ('forces', 'stress')}
        comm = calculator.results.get('forces_comm')
        found[name].append(row | {'energy': float(calculator.results['energy'])} | (
            {} if comm is None else {'forces_comm': comm.tolist()}))
json.dump(found, open('found.json', 'w'))
"""


class MaceProgram(Program):
    command = (PYTHON, '-m', 'aiida_seimlip.embedded.lmp')

    def run(self, frame: Frames, pair_lines: list[str], **settings) -> subprocess.CompletedProcess[str]:
        """Run molecular dynamics."""
        (self.folder / 's.data').write_text(write_data(frame, SPECIES)[0])
        settings = {'seed': 5, 'dialect': 'mtp', 'with_grades': False, 'dump_every': 1, 'thermo_every': 1, **settings}
        lines = write_input(LammpsMdSettings(**settings), SPECIES, files=FILES).splitlines()
        start = next(i for i, line in enumerate(lines) if line.startswith('pair_style'))
        stop = next(i for i, line in enumerate(lines) if line.startswith('neighbor'))
        script = '\n'.join([*lines[:start], *pair_lines, *lines[stop:], ''])
        return self.script(script.replace('%.12g', '%.17g').replace('%.10g', '%.17g'))

    @property
    def frames(self) -> Frames:
        """Trajectory, in LAMMPS' frame."""
        return read_dump(self.folder / 'trajectory.dump', SPECIES).frames


@dataclass(frozen=True, eq=False)
class Case:
    """One run, and what MACE's own calculator says of its frames."""

    stdout: str
    thermo: dict
    frames: Frames
    preselected: bytes
    expected: list[dict]

    @property
    def energies(self) -> np.ndarray:
        return np.array([row['energy'] for row in self.expected])

    @property
    def forces(self) -> np.ndarray:
        return np.concatenate([row['forces'] for row in self.expected])


def copy_models(program: MaceProgram, mace_files) -> MaceProgram:
    for index, seed in enumerate((1, 2, 3)):
        program.copy(mace_files(SPECIES, seed).with_suffix('.pt'), f'm{index}.pt')
    program.copy(mace_files(SPECIES, 1).with_suffix('.model'), 'm.model')
    return program


def sheared(repeat: int = 1) -> Frames:
    """Return 24 atoms, or a multiple of them, of three elements in a cell without symmetry, at rest."""
    atoms = bulk('LiO', 'rocksalt', 4.4, cubic=True).repeat((3, 1, repeat))
    atoms.symbols[1::8] = 'C'
    atoms.set_cell(atoms.cell.array @ [[1, 0.03, 0], [0.1, 1, 0], [-0.05, 0.12, 1]], scale_atoms=True)
    atoms.rattle(0.1, seed=3)
    atoms.set_velocities(np.zeros((len(atoms), 3)))
    return Frames.from_atoms([atoms])


def make_for_lammps(folder: Path) -> None:
    command = [PYTHON, '-m', 'mace.cli.create_lammps_model', 'm.model']
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope='module')
def cases(tmp_path_factory, mace_files) -> dict[str, Case]:
    """Return all runs by name, and what one process with MACE's calculator says of all their frames."""
    folder = tmp_path_factory.mktemp('runs')
    lmp = copy_models(MaceProgram(folder), mace_files)
    make_for_lammps(folder)
    point = {'n_steps': 0, 'create_velocities': False}
    one, members = ['m0.pt'], ['m0.pt', 'm1.pt', 'm2.pt']
    plans = {
        'small': (1, PLAIN, point, 'float64', one),
        'large': (2, PLAIN, point, 'float64', one),
        'single': (1, [f'{PLAIN[0]} float32', PLAIN[1]], point, 'float32', one),
        'for_lammps': (1, [PLAIN[0], 'pair_coeff * * m.model-lammps.pt Li C O'], point, 'float64', one),
        'npt': (
            1, PLAIN, {'ensemble': 'npt_iso', 'temperature': 1500.0, 'n_steps': 60, 'dump_every': 12, 'timestep': 1.0},
            'float64', one,
        ),
        'nve': (
            1, PLAIN, {'ensemble': 'nve', 'temperature': 100.0, 'n_steps': 40, 'dump_every': 40}, 'float64', one
        ),
        'committee': (
            1, [f'pair_style mace/committee preselected.cfg 0 1e9 {SCALE}', MEMBERS, GRADE], point, 'float64', members
        ),
    }  # fmt: skip
    runs, asked = {}, {}
    for name, (repeat, pair_lines, settings, dtype, models) in plans.items():
        process = lmp.run(sheared(repeat), pair_lines, **settings)
        assert process.returncode == 0, process.stdout + process.stderr
        preselected = folder / 'preselected.cfg'
        saved = preselected.read_bytes() if preselected.exists() else b''
        runs[name] = (process.stdout, lmp.log.thermo, lmp.frames, saved)
        asked[name] = (dtype, models)
        write(folder / f'{name}.traj', lmp.frames.to_atoms())
    (folder / 'cases.json').write_text(json.dumps(asked))
    subprocess.run([PYTHON, '-W', 'ignore', '-c', ASE], cwd=folder, check=True, capture_output=True)
    found = json.loads((folder / 'found.json').read_text())
    return {name: Case(*run, found[name]) for name, run in runs.items()}


@pytest.mark.parametrize('name', ['small', 'large', 'for_lammps'])
def test_energy_forces_and_pressures_are_those_of_ase(cases, name):
    case = cases[name]
    assert 'float64 on cpu' in case.stdout
    assert case.thermo['PotEng'] == pytest.approx(case.energies, rel=1e-12)
    np.testing.assert_allclose(case.frames.forces, case.forces, atol=1e-12)
    pressures = [case.thermo[component][0] * 1e-4 / EV_PER_A3_TO_GPA for component in COMPONENTS]
    np.testing.assert_allclose(pressures, -np.array(case.expected[0]['stress']), rtol=1e-6)  # LAMMPS' own constants


def test_dynamics_in_a_cell_that_changes(cases):
    """Each frame of a run equals an evaluation from scratch, while lists of neighbours are kept and renewed."""
    case = cases['npt']
    assert len(case.frames) == 6
    assert np.ptp(np.linalg.det(case.frames.cells)) > 1e-3
    np.testing.assert_allclose(case.thermo['PotEng'][::12], case.energies, rtol=1e-12)
    np.testing.assert_allclose(case.frames.forces, case.forces, atol=1e-12)


def test_energy_is_conserved(cases):
    thermo = cases['nve'].thermo
    assert np.ptp(thermo['PotEng']) > 100 * np.ptp(thermo['TotEng'])


def test_single_precision_is_a_choice(cases):
    case = cases['single']
    assert 'float32 on cpu' in case.stdout
    np.testing.assert_allclose(case.frames.forces, case.forces, atol=1e-5)
    difference = np.abs(case.frames.forces - cases['small'].forces).max()
    assert 1e-9 < difference < 1e-4


# -- committees -------------------------------------------------------------------------------------------------------


def test_committee_runs_with_its_mean_and_is_graded_by_its_spread(cases):
    case = cases['committee']
    assert case.thermo['PotEng'] == pytest.approx(case.energies, rel=1e-12)
    np.testing.assert_allclose(case.frames.forces, case.forces, atol=1e-12)
    members = np.array(case.expected[0]['forces_comm'])
    squares = ((members - members.mean(axis=0)) ** 2).sum(axis=(0, 2)) / 2  # three members
    saved = read_cfg(case.preselected, SPECIES)
    assert saved.frames.grades == pytest.approx([SCALE * np.sqrt(squares.max())], rel=1e-5)
    np.testing.assert_allclose(saved.nbh_grades, SCALE * np.sqrt(squares), rtol=1e-4)


@pytest.fixture
def lmp(tmp_path, mace_files) -> MaceProgram:
    return copy_models(MaceProgram(tmp_path), mace_files)


def test_committee_breaks(lmp):
    style = 'pair_style mace/committee preselected.cfg 0 1e-6 1'
    process = lmp.run(sheared(), [style, MEMBERS], n_steps=5)
    assert process.returncode == 1
    assert 'Exceeded Break Threshold' in process.stdout


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('lines', 'message'),
    [
        (['pair_style mace', 'pair_coeff * * m0.pt Li C Xe'], 'the model does not know Xe'),
        (['pair_style mace', 'pair_coeff * * m0.pt Li C'], 'takes one file, and 3 element(s)'),
        (['pair_style mace', 'pair_coeff * * absent.pt Li C O'], 'Cannot open the MACE file absent.pt'),
        (['pair_style mace', 'pair_coeff * * s.data Li C O'], 's.data is no model in TorchScript'),
        (['pair_style mace fast', 'pair_coeff * * m0.pt Li C O'], 'unknown argument fast'),
        (['pair_style mace/committee', 'pair_coeff * * m0.pt Li C O'], 'takes two files or more'),
        (['pair_style mace/committee', MEMBERS, GRADE], 'needs pair_style mace/committee with thresholds'),
    ],
)  # fmt: skip
def test_refused(lmp, lines, message):
    process = lmp.run(sheared(), lines, n_steps=0)
    assert process.returncode == 1
    assert message in process.stdout


def test_without_torch_the_styles_are_not_listed():
    def styles(python: str) -> list[str]:
        command = [python, '-m', 'aiida_seimlip.embedded.lmp', '-h']
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return found.partition('* Pair styles:')[2].split()

    assert 'mace/committee' in styles(PYTHON)
    assert not {'mace', 'mace/committee'} & set(styles(sys.executable))
