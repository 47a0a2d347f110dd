"""The CalcJob ``seimlip.mace.train``: its files, and what it refuses."""

import json

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from tests.mace_models.alloys import SMALL, alloys
from tests.mace_models.torch_files import pickled, torchscript

FRAMES = alloys(12)


def start(content=torchscript, species=('Cu', 'Au'), cutoff=4.0):
    if content is torchscript:
        return PotentialData.from_mace([torchscript(0), torchscript(1)], species=species, cutoff=cutoff)
    return PotentialData(pickled(), 'a.model', family='mace', species=species, cutoff=cutoff)


@pytest.fixture
def inputs(code):
    return {
        'code': code('seimlip.mace.train'), 'parameters': SMALL,
        'training': {'a': FramesData(FRAMES[:7]), 'b': FramesData(FRAMES[7:])},
    }  # fmt: skip


def test_files(generate_calc_job, inputs):
    inputs['metadata'] = {'options': {'max_wallclock_seconds': 3600}}
    job = generate_calc_job('seimlip.mace.train', inputs)
    assert job.command_line == '-B run_mace_train.py'
    options = json.loads(job.read('options.json'))
    assert options['numbers'] == [29, 79]
    assert options['time_limit_seconds'] == 3480.0
    assert options['atom_energies'] == {'29': 0.0, '79': 0.0}
    with np.load(job.folder / 'training.npz') as one, np.load(job.folder / 'validation.npz') as other:
        energies = np.concatenate([one['energies'], other['energies']])
        assert 0 < other['energies'].size < 12
    np.testing.assert_array_equal(np.sort(energies), np.sort(FRAMES.energies))
    assert {'training.npz', 'validation.npz'} <= set(job.calc_info.provenance_exclude_list)


def test_members_have_one_validation_set(generate_calc_job, inputs):
    """Their seeds differ, the frames that are held out do not."""
    sets, seeds = [], []
    for member in (0, 1):
        parameters = {**SMALL, 'committee': 2, 'member': member}
        job = generate_calc_job('seimlip.mace.train', {**inputs, 'parameters': parameters})
        seeds.append(json.loads(job.read('options.json'))['arguments']['seed'])
        with np.load(job.folder / 'validation.npz') as archive:
            sets.append(archive['energies'])
    assert seeds == [1, 2]
    np.testing.assert_array_equal(*sets)


def test_validation_apart(generate_calc_job, inputs):
    inputs['validation'] = {'x': FramesData(alloys(2, seed=50))}
    with np.load(generate_calc_job('seimlip.mace.train', inputs).folder / 'training.npz') as archive:
        assert archive['energies'].size == 12


def test_member_goes_on_from_its_own(generate_calc_job, inputs):
    inputs |= {'start': start(), 'parameters': {**SMALL, 'committee': 2, 'member': 1}}
    job = generate_calc_job('seimlip.mace.train', inputs)
    assert (job.folder / 'start.model').read_bytes() == torchscript(1)
    assert json.loads(job.read('options.json'))['start']['is_torchscript']


def test_checkpoint_goes_along(generate_calc_job, inputs, tmp_path):
    (tmp_path / 'checkpoint.pt').write_bytes(b'x')
    inputs['checkpoint'] = orm.SinglefileData(tmp_path / 'checkpoint.pt').store()
    job = generate_calc_job('seimlip.mace.train', inputs)
    assert job.calc_info.local_copy_list == [(inputs['checkpoint'].uuid, 'checkpoint.pt', 'earlier.pt')]
    assert json.loads(job.read('options.json'))['checkpoint'] == 'earlier.pt'


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'atom_energies': {}}, 'gives no `atom_energies`'),
        ({'atom_energies': {'Cu': 0.0}}, 'gives no Au among `atom_energies`, which input `training.a` holds'),
        ({'batch_size': 12}, 'a `batch_size` of 12, but the training set holds'),
        ({'threads': 3}, 'asks for 3 `threads`, but the `resources` of the scheduler give the job 1 cores'),
        ({'colour': 'red'}, '`colour` is not a known option'),
    ],
)
def test_faults_of_parameters(generate_calc_job, inputs, changes, words):
    with pytest.raises(ValueError, match=words):
        generate_calc_job('seimlip.mace.train', {**inputs, 'parameters': {**SMALL, **changes}})


def _half_of_the_stresses():
    stresses = FRAMES.stresses.copy()
    stresses[::2] = np.nan
    return FRAMES.replace(stresses=stresses)


def _nan_in_a_force():
    forces = FRAMES.forces.copy()
    forces[3, 1] = np.nan
    return FRAMES.replace(forces=forces)


def _nan_energy():
    energies = FRAMES.energies.copy()
    energies[2] = np.nan
    return FRAMES.replace(energies=energies)


@pytest.mark.parametrize(
    ('frames', 'words'),
    [
        (FRAMES.replace(stresses=None), 'has no stress of 12 of 12 frames.*set `stress_weight: 0`'),
        (_half_of_the_stresses(), 'has no stress of 6 of 12 frames.*`allow_missing_stresses: true`'),
        (_nan_in_a_force(), '1 of 12 frames without a finite energy and finite forces'),
        (_nan_energy(), '1 of 12 frames without a finite energy and finite forces'),
        (FRAMES[:0], 'holds no frames'),
        (FRAMES[:1], 'holds 1 frame: of two at least one is held out'),
    ],
)
def test_faults_of_frames(generate_calc_job, inputs, frames, words):
    with pytest.raises(ValueError, match=words):
        generate_calc_job('seimlip.mace.train', {**inputs, 'training': {'a': FramesData(frames)}})


def test_element_only_in_the_validation_set(generate_calc_job, inputs):
    frames = alloys(2, seed=60)
    numbers = np.where(frames.numbers == 29, 47, frames.numbers)
    inputs['validation'] = {'x': FramesData(frames.replace(numbers=numbers))}
    with pytest.raises(ValueError, match=r'gives no Ag among `atom_energies`, which input `validation\.x` holds'):
        generate_calc_job('seimlip.mace.train', inputs)


def test_missing_stresses_may_be_allowed(generate_calc_job, inputs):
    inputs |= {'training': {'a': FramesData(_half_of_the_stresses())}}
    inputs['parameters'] = {**SMALL, 'allow_missing_stresses': True}
    assert generate_calc_job('seimlip.mace.train', inputs)


@pytest.mark.parametrize(
    ('facts', 'changes', 'words'),
    [
        (dict(species=('Cu', 'Ag')), {}, 'stays for the same species'),
        (dict(cutoff=5.0), {}, 'a cut-off of 5 Å, but `parameters` asks for `r_max` 4'),
        (dict(content=None), {}, 'add `trust_model: true`'),
        (dict(content=None, species=('Cu', 'Ag')), {'trust_model': True}, 'does not know Au'),
        (dict(species=('Cu', 'Ag')), {'atom_energies': {}}, 'holds Au, which the input `start` does not know'),
    ],
)
def test_faults_of_start(generate_calc_job, inputs, facts, changes, words):
    with pytest.raises(ValueError, match=words):
        generate_calc_job('seimlip.mace.train', {**inputs, 'start': start(**facts), 'parameters': {**SMALL, **changes}})


def test_other_family_is_no_start(generate_calc_job, inputs, potential_trained):
    with pytest.raises(ValueError, match='of the family `mtp`, but `mace` is needed'):
        generate_calc_job('seimlip.mace.train', {**inputs, 'start': potential_trained})


def test_atom_energies_of_the_start_are_enough(generate_calc_job, inputs):
    inputs |= {'start': start(), 'parameters': {**SMALL, 'atom_energies': {}}}
    assert json.loads(generate_calc_job('seimlip.mace.train', inputs).read('options.json'))['numbers'] == [29, 79]


def test_other_codes_are_refused(generate_calc_job, inputs, code):
    with pytest.raises(ValueError, match='a Python interpreter is needed'):
        generate_calc_job('seimlip.mace.train', {**inputs, 'code': code('seimlip.lammps')})


def replayed(inputs, **parameters):
    changed = {**SMALL, 'loss': 'universal', 'trust_model': True, **parameters}
    return {**inputs, 'start': start(pickled), 'replay': {'old': FramesData(alloys(8, seed=70))}, 'parameters': changed}


def test_replay_is_divided_as_well(generate_calc_job, inputs):
    job = generate_calc_job('seimlip.mace.train', replayed(inputs))
    assert json.loads(job.read('options.json'))['has_replay'] is True
    found = []
    for name in ('replay.npz', 'replay_validation.npz'):
        with np.load(job.folder / name) as archive:
            found.append(archive['energies'])
    assert all(len(energies) for energies in found)
    np.testing.assert_array_equal(np.sort(np.concatenate(found)), np.sort(alloys(8, seed=70).energies))


@pytest.mark.parametrize(
    ('change', 'parameters', 'words'),
    [
        (lambda: {'start': start()}, {}, 'no pickled `start`'),
        (dict, {'loss': 'stress'}, 'MACE takes `universal`'),
        (lambda: {'replay': {'old': FramesData(alloys(1))}}, {}, 'less than two frames'),
        (lambda: {'replay': {'old': FramesData(alloys(2).without_labels())}}, {}, r'`replay\.old` holds 2 of 2 frames'),
    ],
)
def test_replay_that_is_refused(generate_calc_job, inputs, change, parameters, words):
    with pytest.raises(ValueError, match=words):
        generate_calc_job('seimlip.mace.train', {**replayed(inputs, **parameters), **change()})
