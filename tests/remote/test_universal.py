"""SevenNet and CHGNet in the scripts of the jobs: labels, relaxation, molecular dynamics and bands.

They run with the Python interpreter that `SEIMLIP_CALCULATORS_PYTHON` names (`make calculators`).
"""

import json
import os
import subprocess

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from aiida_seimlip.calculations.script import pack
from aiida_seimlip.options.ase import AseOptions
from aiida_seimlip.options.barrier.neb import BandOptions
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.dynamics import AseDynamicsOptions
from aiida_seimlip.parsers.md import read_records
from aiida_seimlip.remote import run_ase, run_md, run_neb
from aiida_seimlip.science.frames import Frames

PYTHON = os.environ.get('SEIMLIP_CALCULATORS_PYTHON', '')
NAMES = ('sevennet', 'chgnet')

pytestmark = pytest.mark.skipif(
    not PYTHON, reason='SEIMLIP_CALCULATORS_PYTHON names no interpreter that has sevenn and chgnet (make calculators)'
)


@pytest.fixture
def run(tmp_path):
    """Return a function that runs a script in a folder of its own, and gives the folder and the exit code."""

    def factory(script, options, images):
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        (folder / 'options.json').write_text(json.dumps(options))
        (folder / 'frames.npz').write_bytes(pack(Frames.from_atoms(images)))
        done = subprocess.run([PYTHON, script.__file__], cwd=folder, capture_output=True, text=True, check=False)
        return folder, done.returncode

    return factory


def lithium_fluoride():
    """Return a distorted cell of four atoms without a right angle."""
    atoms = bulk('LiF', 'rocksalt', a=4.0).repeat((1, 1, 2))
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.03 * np.tri(3)), scale_atoms=True)
    atoms.rattle(0.05, seed=3)
    return atoms


def left_handed(atoms):
    """Return the same crystal in the same cell, of which two vectors have changed places."""
    turned = atoms.copy()
    turned.set_cell(atoms.cell.array[[1, 0, 2]])
    assert turned.cell.handedness == -atoms.cell.handedness
    return turned


def samples_of(folder):
    records = [json.loads(line) for line in (folder / 'results.jsonl').read_text().splitlines()]
    samples = {record['index']: record for record in records if record['kind'] == 'sample'}
    return [samples[index] for index in sorted(samples)]


@pytest.mark.parametrize('name', NAMES)
def test_handedness_changes_nothing(run, name):
    """Labels and a relaxed cell: CHGNet itself gives left-handed cells stresses turned over, which swells them."""
    right = lithium_fluoride()
    images = [right, left_handed(right)]
    relax = {'cell': 'full', 'fmax': 0.05, 'max_steps': 3, 'accept_unconverged': True}
    options = AseOptions(calculator=CalculatorOptions(name=name), task='relax', relax=relax).to_remote(2, None)
    one, other = samples_of(run(run_ase, options, images)[0])
    np.testing.assert_allclose(np.array(other['cell'])[[1, 0, 2]], one['cell'], atol=2e-3)
    assert np.abs(one['cell'] - right.cell.array).max() > 0.005
    for quantity, tolerance in (('energy', 1e-3), ('forces', 0.02), ('stress', 5e-4)):
        np.testing.assert_allclose(one[quantity], other[quantity], atol=tolerance)


@pytest.mark.slow
def test_pressure_of_left_handed_cells(run):
    """Dynamics at constant pressure see the pressure of the crystal, not its opposite."""
    right = lithium_fluoride()
    calculator = CalculatorOptions(name='chgnet')
    dynamics = AseDynamicsOptions(
        calculator=calculator, temperature=300.0, seed=3, timestep=1.0, n_steps=2, ensemble='npt_iso'
    )
    options = dynamics.to_remote(calculator.to_remote(), None) | {'thermo_every': 1}
    pressures = []
    for image in (right, left_handed(right)):
        folder, code = run(run_md, options, [image])
        assert code == 0
        pressures.append(read_records(folder / 'thermo.npy')['pressure'])
    assert len(pressures[0]) == 3
    np.testing.assert_allclose(pressures[0], pressures[1], atol=0.01 * np.abs(pressures[0]).max())


@pytest.mark.parametrize('name', NAMES)
def test_band(run, name):
    """A lithium ion halfway between two places that are the same by symmetry: so are the energies of both ends."""
    images = []
    for share in (0.0, 0.5, 1.0):
        atoms = bulk('LiF', 'rocksalt', a=4.05, cubic=True)
        lithium = [atom.index for atom in atoms if atom.symbol == 'Li']
        first, second = lithium[:2]
        way = atoms.get_distance(first, second, mic=True, vector=True)
        atoms.positions[first] += share * way
        del atoms[second]
        images.append(atoms)
    options = BandOptions(calculator=CalculatorOptions(name=name), max_steps=1, climb=False)
    folder, code = run(run_neb, options.to_remote(None, options.calculator.to_remote()), images)
    assert code == run_neb.EXIT_CODES['not_converged']
    energies = np.load(folder / 'band.npz')['energies']
    assert energies[0] == pytest.approx(energies[2], abs=1e-3)
    assert 0.1 < energies[1] - energies[0] < 5.0


def test_download_without_a_network(run):
    """The job ends with the plain reason, where its computer has no network; where it has one, nothing is shown."""
    calculator = {'name': 'sevennet', 'kwargs': {'model': '7net-omni'}, 'allow_download': True}
    options = AseOptions.from_node({'calculator': calculator}).to_remote(1, None)
    folder, code = run(run_ase, options, [Atoms('LiF', [[0, 0, 0], [2, 2, 2]], cell=[4, 4, 4], pbc=True)])
    if code == 0:
        pytest.skip('this computer has a network')
    end = json.loads((folder / 'results.jsonl').read_text().splitlines()[-1])
    assert end['status'] == 'setup_failed'
    assert 'The weights of the model are not there and could not be downloaded' in end['message']
    assert 'github.com' in end['message']
