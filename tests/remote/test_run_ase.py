"""The script that ``seimlip.ase`` uploads: what it writes when calculators fail, crash, hang, or the job is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from aiida_seimlip.calculations.script import pack
from aiida_seimlip.remote import run_ase
from aiida_seimlip.remote.batch import RESERVE_FILENAME
from aiida_seimlip.remote.shared import descendants
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.units import ASE_VELOCITY_TO_ANGSTROM_PER_PS

CALCULATOR = """
import errno, os, subprocess, time
import numpy as np
from ase.calculators.lj import LennardJones

class Odd(LennardJones):
    '''Misbehaves for some frames, which it tells by their number of atoms.'''

    def calculate(self, atoms=None, properties=None, system_changes=()):
        super().calculate(atoms, properties, system_changes)
        n_atoms = len(self.atoms)
        if n_atoms == 2:
            os._exit(7)
        if n_atoms == 3:
            time.sleep(60)
        if n_atoms == 4:
            self.results['forces'] = np.full((4, 3), np.nan)
        if n_atoms == 5:
            self.converged = False
        if n_atoms == 6:
            raise RuntimeError('SCF not converged in 250 cycles')
        if n_atoms == 8:
            subprocess.run(['sleep', '61.25'])
        if n_atoms == 9:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

class Program(LennardJones):
    '''Finds in its folder what another frame has left there, as a program would find its files.'''

    command = 'program'

    def calculate(self, atoms=None, properties=None, system_changes=()):
        super().calculate(atoms, properties, system_changes)
        path = os.path.join(self.directory, 'wavefunctions')
        if os.path.exists(path):
            raise RuntimeError('there are wave functions of another frame')
        open(path, 'w').close()
        time.sleep(0.2)
        if len(self.atoms) == 6:
            raise RuntimeError('SCF not converged in 250 cycles')

class Slow(LennardJones):
    '''Takes its time.'''

    def calculate(self, atoms=None, properties=None, system_changes=()):
        super().calculate(atoms, properties, system_changes)
        time.sleep(0.05)

class NoStress(LennardJones):
    implemented_properties = ['energy', 'forces']
"""


@pytest.fixture
def start(tmp_path):
    """Return a function that starts the script on frames of given numbers of atoms."""
    (tmp_path / 'odd.py').write_text(CALCULATOR)
    started = []

    def factory(images, folder=tmp_path, limit_bytes=None, **changes):
        options = {
            'calculator': {'target': 'odd:Odd', 'package': 'ase', 'reusable': False, 'kwargs': {'sigma': 2.0}},
            'task': {'kind': 'single_point'}, 'stress': True, 'n_frames': len(images), 'processes': 1, 'threads': 1,
            'seconds_per_frame': None, 'time_limit_seconds': None, **changes,
        }  # fmt: skip
        (folder / 'options.json').write_text(json.dumps(options))
        (folder / 'frames.npz').write_bytes(pack(Frames.from_atoms(images)))
        limit = [] if limit_bytes is None else ['prlimit', f'--fsize={limit_bytes}']
        process = subprocess.Popen(
            [*limit, sys.executable, run_ase.__file__], cwd=folder, stderr=subprocess.PIPE, text=True,
            env={**os.environ, 'PYTHONPATH': str(tmp_path)},
        )  # fmt: skip
        started.append(process)
        return process

    yield factory
    for process in started:
        process.kill()
        process.wait()
        process.stderr.close()


def chain(n_atoms):
    """Return a periodic chain of so many argon atoms."""
    atoms = bulk('Ar', 'sc', a=2.2) * (n_atoms, 1, 1)
    atoms.rattle(0.05, seed=n_atoms)
    return atoms


def read(folder):
    return [json.loads(line) for line in (folder / 'results.jsonl').read_text().splitlines()]


def wait_for(condition, seconds=60.0):
    """Wait until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, 'the condition did not come true in time'
        time.sleep(0.05)


def test_failures_are_those_of_frames(start, tmp_path):
    process = start([chain(n) for n in (1, 2, 4, 5, 6, 7)], processes=2)
    assert process.wait() == 0
    records = read(tmp_path)
    errors = {record['index']: record['error'] for record in records if record['kind'] == 'frame'}
    assert errors == {
        0: None,
        1: 'WorkerDied: the worker process ended with exit code 7 during this frame.',
        2: 'NonFiniteNumber: the forces of the calculator holds values that are not finite.',
        3: 'NotConverged: the calculator reports that its self-consistency cycle has not converged.',
        4: 'RuntimeError: SCF not converged in 250 cycles',
        5: None,
    }
    assert sorted(record['index'] for record in records if record['kind'] == 'sample') == [0, 5]
    assert records[0]['kind'] == 'header'
    assert records[-1]['status'] == 'finished'


@pytest.mark.parametrize('processes', [1, 2])
def test_programs_find_no_files_of_other_frames(start, tmp_path, processes):
    calculator = {'target': 'odd:Program', 'package': 'ase', 'reusable': False, 'kwargs': {'sigma': 2.0}}
    assert start([chain(n) for n in (1, 3, 6, 7)], calculator=calculator, processes=processes).wait() == 0
    errors = {record['index']: record['error'] for record in read(tmp_path) if record['kind'] == 'frame'}
    assert errors == {0: None, 1: None, 2: 'RuntimeError: SCF not converged in 250 cycles', 3: None}
    assert [path.name for path in tmp_path.glob('frame-*')] == ['frame-2'], 'files of a frame that failed are kept'


def test_slow_frame_is_stopped(start, tmp_path):
    process = start([chain(3), chain(1)], seconds_per_frame=2.0)
    assert process.wait() == 0
    errors = {record['index']: record['error'] for record in read(tmp_path) if record['kind'] == 'frame'}
    assert errors == {0: 'TimeLimit: the frame took longer than 2 s and was stopped.', 1: None}


def test_program_of_a_slow_frame_is_stopped(start, tmp_path):
    """What the calculator has started does not outlive the frame."""
    process = start([chain(8), chain(1)], seconds_per_frame=3.0)
    wait_for(lambda: sleepers(process.pid))
    (sleeper,) = sleepers(process.pid)
    assert process.wait() == 0
    errors = [record['error'] for record in read(tmp_path) if record['kind'] == 'frame']
    assert errors == ['TimeLimit: the frame took longer than 3 s and was stopped.', None]
    wait_for(lambda: not Path(f'/proc/{sleeper}').exists())


def sleepers(pid):
    """Return the processes below another one that do nothing but sleep."""
    found = []
    for child in descendants(pid):
        try:
            command = Path(f'/proc/{child}/cmdline').read_bytes()
        except FileNotFoundError:
            continue
        found += [child] if command.startswith(b'sleep') else []
    return found


def test_time_limit_ends_the_batch(start, tmp_path):
    process = start([chain(1), chain(3)], processes=2, time_limit_seconds=10.0)
    assert process.wait() == run_ase.EXIT_CODES['out_of_walltime']
    records = read(tmp_path)
    assert [record['index'] for record in records if record['kind'] == 'sample'] == [0]
    assert (records[-1]['status'], records[-1]['message']) == ('out_of_walltime', 'The time limit of 10 s has passed.')


def test_frame_on_which_time_ran_out_is_told_from_those_that_were_not_begun(start, tmp_path):
    process = start([chain(3), chain(1), chain(7)], time_limit_seconds=6.0)
    assert process.wait() == run_ase.EXIT_CODES['out_of_walltime']
    assert [record['index'] for record in read(tmp_path) if record['kind'] == 'begin'] == [0]


def test_full_disk_is_no_fault_of_the_frame(start, tmp_path):
    process = start([chain(1), chain(9), chain(7)])
    assert process.wait() == run_ase.EXIT_CODES['out_of_disk']
    records = read(tmp_path)
    assert [record['index'] for record in records if record['kind'] == 'frame'] == [0]
    assert (records[-1]['kind'], records[-1]['status']) == ('end', 'out_of_disk')
    assert 'No space left on device' in records[-1]['message']


@pytest.fixture
def small_disk(tmp_path):
    """Return a folder with room for 96 kB."""
    folder = tmp_path / 'small'
    folder.mkdir()
    mount = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=96k', 'tmpfs', folder], check=False)
    if mount.returncode != 0:
        pytest.skip('a small disk can only be mounted by root')
    yield folder
    subprocess.run(['umount', '-l', folder], check=True)


def test_disk_that_fills_up_leaves_whole_records(start, tmp_path, small_disk):
    """What was written stays readable, and there is room for the last record."""
    images = [chain(80 + number) for number in range(12)]
    process = start(images, folder=small_disk)
    assert process.wait() == run_ase.EXIT_CODES['out_of_disk']
    assert 'No space left on device' in process.stderr.read()
    records = read(small_disk)
    finished = [record['index'] for record in records if record['kind'] == 'frame']
    assert finished == list(range(len(finished)))
    assert 0 < len(finished) < len(images)
    assert records[-1]['status'] == 'out_of_disk'
    assert not (small_disk / RESERVE_FILENAME).exists()


def test_file_that_may_not_grow(start, tmp_path):
    """A quota for a single file is treated like a full disk."""
    process = start([chain(80 + number) for number in range(12)], limit_bytes=24576)
    assert process.wait() == run_ase.EXIT_CODES['out_of_disk']
    assert 'File too large' in process.stderr.read()
    records = read(tmp_path)
    assert records[-1]['status'] == 'out_of_disk'
    assert any(record['kind'] == 'frame' for record in records)


def test_signal_ends_the_batch(start, tmp_path):
    process = start([chain(1), chain(3)])
    results = tmp_path / 'results.jsonl'
    wait_for(lambda: results.exists() and '"frame"' in results.read_text())
    process.send_signal(signal.SIGTERM)
    assert process.wait() == run_ase.EXIT_CODES['terminated']
    records = read(tmp_path)
    assert records[-1]['status'] == 'terminated'
    assert 'SIGTERM' in records[-1]['message']


def test_finished_frames_survive_a_kill(start, tmp_path):
    process = start([chain(1), chain(3)])
    results = tmp_path / 'results.jsonl'
    wait_for(lambda: results.exists() and results.read_text().count('"begin"') == 2)
    process.kill()
    process.wait()
    assert [record['kind'] for record in read(tmp_path)] == ['header', 'begin', 'sample', 'frame', 'begin']


def test_no_worker_outlives_a_killed_parent(start, tmp_path):
    process = start([chain(1), chain(7)] * 50)
    wait_for((tmp_path / 'results.jsonl').exists)
    children = subprocess.run(
        ['ps', '-o', 'pid=', '--ppid', str(process.pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    process.kill()
    process.wait()
    wait_for(lambda: not any(Path(f'/proc/{pid}/stat').exists() for pid in children))


@pytest.mark.parametrize(
    ('calculator', 'message'),
    [('no_such_module:X', "No module named 'no_such_module'"), ('odd:Absent', "no attribute 'Absent'")],
)
def test_setup_failure(start, tmp_path, calculator, message):
    process = start([chain(1)], calculator={'target': calculator, 'package': 'ase', 'reusable': True, 'kwargs': {}})
    assert process.wait() == run_ase.EXIT_CODES['setup_failed']
    (record,) = read(tmp_path)
    assert record['status'] == 'setup_failed'
    assert message in record['message']


def test_energy_and_stress_as_far_as_offered(start, tmp_path):
    calculator = {'target': 'odd:NoStress', 'package': 'ase', 'reusable': True, 'kwargs': {}}
    isolated = chain(2)
    isolated.pbc = False
    assert start([chain(2), isolated], calculator=calculator).wait() == 0
    samples = [record for record in read(tmp_path) if record['kind'] == 'sample']
    assert [sample.get('stress') for sample in samples] == [None, None]


MD = {
    'kind': 'md', 'ensemble': 'nve', 'temperature': [100.0], 'timestep': 1.0, 'n_steps': 40, 'sample_every': 10,
    'friction': 10.0, 'velocities': 'keep', 'seed': 1,
}  # fmt: skip
LJ = {
    'target': 'ase.calculators.lj:LennardJones', 'package': 'ase', 'reusable': True,
    'kwargs': {'sigma': 3.4, 'epsilon': 0.0104, 'smooth': True, 'rc': 8.0, 'ro': 6.0},
}  # fmt: skip


@pytest.fixture
def argon():
    atoms = bulk('Ar', 'fcc', a=5.3, cubic=True)
    atoms.rattle(0.05, seed=1)
    return atoms


def total_energy(atoms, samples):
    """Return the total energy of the last sample in eV."""
    velocities = np.array(samples[-1]['velocities']) / ASE_VELOCITY_TO_ANGSTROM_PER_PS
    return samples[-1]['energy'] + 0.5 * np.sum(atoms.get_masses()[:, None] * velocities**2)


def test_nve_keeps_the_energy_and_given_velocities(start, tmp_path, argon):
    rng = np.random.default_rng(0)
    argon.set_velocities(0.005 * rng.standard_normal((4, 3)))
    start_energy = argon.get_kinetic_energy()
    assert start([argon], calculator=LJ, task=MD).wait() == 0
    samples = [record for record in read(tmp_path) if record['kind'] == 'sample']
    assert [sample['step'] for sample in samples] == [10, 20, 30, 40]
    assert ['velocities' in sample for sample in samples] == [False, False, False, True]
    from ase.calculators.lj import LennardJones

    argon.calc = LennardJones(**LJ['kwargs'])
    assert total_energy(argon, samples) == pytest.approx(argon.get_potential_energy() + start_energy, abs=1e-5)


def test_nvt_reaches_its_temperature(start, tmp_path, argon):
    task = {**MD, 'ensemble': 'nvt', 'friction': 100.0, 'n_steps': 200, 'sample_every': 200, 'timestep': 4.0}
    images = [argon * (2, 2, 1)] * 2
    task['temperature'] = [40.0, 80.0]
    assert start(images, calculator=LJ, task=task, processes=2).wait() == 0
    for sample in (record for record in read(tmp_path) if record['kind'] == 'sample'):
        atoms = images[0].copy()
        atoms.set_velocities(np.array(sample['velocities']) / ASE_VELOCITY_TO_ANGSTROM_PER_PS)
        expected = task['temperature'][sample['index']]
        assert atoms.get_temperature() == pytest.approx(expected, rel=5 * np.sqrt(2 / (3 * len(atoms))))


def test_relaxation_that_does_not_converge(start, tmp_path, argon):
    task = {
        'kind': 'relax', 'cell': 'full', 'optimizer': 'BFGS', 'fmax': 1e-6, 'max_steps': 2, 'pressure': 0.0,
        'accept_unconverged': False,
    }  # fmt: skip
    assert start([argon], calculator=LJ, task=task).wait() == 0
    records = read(tmp_path)
    assert [record['kind'] for record in records] == ['header', 'begin', 'frame', 'end']
    assert records[2]['error'] == 'NotConverged: the forces did not fall below 1e-06 eV/Å in 2 steps.'
    assert start([argon], calculator=LJ, task={**task, 'accept_unconverged': True}).wait() == 0
    records = read(tmp_path)
    assert [record['kind'] for record in records] == ['header', 'begin', 'sample', 'frame', 'end']
    assert records[3]['error'] is None
    assert records[3]['note'].startswith('NotConverged: ')


def test_fixed_atoms_stay_and_keep_their_forces(start, tmp_path, argon):
    task = {
        'kind': 'relax', 'cell': 'fixed', 'optimizer': 'BFGS', 'fmax': 1e-4, 'max_steps': 200, 'pressure': 0.0,
        'accept_unconverged': False, 'fixed': [0, 2],
    }  # fmt: skip
    argon.positions[0] += [0.3, 0.1, 0.0]
    assert start([argon], calculator=LJ, task=task).wait() == 0
    (sample,) = [record for record in read(tmp_path) if record['kind'] == 'sample']
    np.testing.assert_array_equal(np.array(sample['positions'])[[0, 2]], argon.positions[[0, 2]])
    forces = np.linalg.norm(sample['forces'], axis=1)
    others = [index for index in range(len(argon)) if index not in (0, 2)]
    assert forces[others].max() < 1e-4
    assert forces[0] > 1e-3, 'labels are whole'


def test_relaxation_finds_the_minimum(start, tmp_path, argon):
    task = {
        'kind': 'relax', 'cell': 'full', 'optimizer': 'BFGS', 'fmax': 1e-4, 'max_steps': 200, 'pressure': 0.0,
        'accept_unconverged': False,
    }  # fmt: skip
    assert start([argon], calculator=LJ, task=task).wait() == 0
    (sample,) = [record for record in read(tmp_path) if record['kind'] == 'sample']
    assert np.abs(sample['forces']).max() < 1e-4
    assert np.abs(sample['stress']).max() < 1e-5
    lengths = np.linalg.norm(sample['cell'], axis=1)
    np.testing.assert_allclose(lengths, lengths[0], atol=5e-3)


# -- condensation -----------------------------------------------------------------------------------------------------

STAGE = {'kind': 'relax', 'optimizer': 'FIRE', 'fmax': 1e-9, 'max_steps': 100, 'n_steps': 100, 'maxstep': 0.1}
CONDENSE = {
    'kind': 'condense', 'stages': [STAGE], 'seed': None, 'record_every': 1, 'sample_every': 2, 'sample_max_force': None,
    'limits': {
        'min_volume_ratio': 0.2, 'max_volume_ratio': 4.0, 'max_energy_change': 10.0, 'max_temperature': 1e4,
        'min_distance': 0.5,
    },
}  # fmt: skip
SLOW = {'target': 'odd:Slow', 'package': 'ase', 'reusable': True, 'kwargs': {'sigma': 2.0}}


def rows(folder):
    return [record for record in read(folder) if record['kind'] == 'row'] if (folder / 'results.jsonl').exists() else []


@pytest.mark.parametrize('stop', ['terminate', 'time limit'])
def test_condensation_is_left_in_order_and_gone_on_with(start, tmp_path, stop):
    process = start([chain(3)], calculator=SLOW, task=CONDENSE, time_limit_seconds=None if stop == 'terminate' else 5.0)
    if stop == 'terminate':
        wait_for(lambda: len(rows(tmp_path)) > 5)
        process.terminate()
    ends = {'terminate': 'terminated', 'time limit': 'out_of_walltime'}
    assert process.wait() == run_ase.EXIT_CODES[ends[stop]]
    done = max((row['total'] for row in rows(tmp_path)), default=None)
    assert (tmp_path / 'checkpoint-00000.npz').exists() == (done is not None)
    assert start([chain(3)], calculator=SLOW, task=CONDENSE).wait() == 0
    records = read(tmp_path)
    assert [record['total'] for record in records if record['kind'] == 'resumed'] == ([] if done is None else [done])
    assert min(row['total'] for row in rows(tmp_path)) == (0 if done is None else done + 1)
    assert [record['step'] for record in records if record['kind'] == 'sample'] == [100]
    assert not list(tmp_path.glob('checkpoint-*'))


def test_condensation_that_is_killed_leaves_what_it_had(start, tmp_path):
    process = start([chain(3)], calculator=SLOW, task=CONDENSE)
    wait_for(lambda: len(rows(tmp_path)) > 5)
    process.kill()
    process.wait()
    kinds = [json.loads(line)['kind'] for line in (tmp_path / 'results.jsonl').read_text().splitlines()[:-1]]
    assert kinds.count('row') >= 5
    assert kinds.count('trace') >= 2


def test_only_the_frames_wanted_are_worked_on(start, tmp_path):
    assert start([chain(1), chain(7), chain(1)], indices=[2, 0]).wait() == 0
    assert [record['index'] for record in read(tmp_path) if record['kind'] == 'begin'] == [2, 0]
