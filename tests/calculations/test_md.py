"""The CalcJob ``seimlip.md``."""

import io
import json

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.frames import Frames

RUN = {'calculator': {'name': 'emt'}, 'temperature': 300.0, 'n_steps': 20, 'seed': 1}


@pytest.fixture
def inputs(code, li2co3):
    return {
        'code': code('seimlip.ase'), 'structure': orm.StructureData(ase=li2co3),
        'parameters': {**RUN, 'mobile': ['Li'], 'track_every': 10},
    }  # fmt: skip


def test_files(generate_calc_job, inputs, li2co3):
    inputs['metadata'] = {'options': {'max_wallclock_seconds': 3600}}
    job = generate_calc_job('seimlip.md', inputs)
    assert sorted(path.name for path in job.folder.iterdir()) == [
        'frames.npz', 'make_calculator.py', 'options.json', 'run_md.py', 'shared.py'
    ]  # fmt: skip
    assert job.command_line == '-B run_md.py'
    options = json.loads(job.read('options.json'))
    assert (options['mobile'], options['time_limit_seconds'], options['n_steps']) == ([3], 3480.0, 20)
    assert options['calculator']['target'] == 'ase.calculators.emt:EMT'
    with np.load(job.folder / 'frames.npz') as archive:
        np.testing.assert_allclose(archive['positions'], li2co3.positions)
    assert job.calc_info.retrieve_list == ['md.out', 'md.err']
    assert set(job.calc_info.retrieve_temporary_list) == {
        'track.npy', 'trajectory.npy', 'thermo.npy', 'checkpoint.npz', 'results.json',
    }  # fmt: skip
    assert job.calc_info.provenance_exclude_list == ['frames.npz']


def test_potential_goes_along(generate_calc_job, inputs, potential_trained):
    inputs |= {'potential': potential_trained, 'parameters': {**RUN, 'calculator': {'name': 'mtp'}}}
    job = generate_calc_job('seimlip.md', inputs)
    name = json.loads(job.read('options.json'))['calculator']['kwargs']['potential']
    assert (job.folder / name).read_bytes() == potential_trained.get_content('rb')
    assert name in job.calc_info.provenance_exclude_list


def test_velocities_are_uploaded(generate_calc_job, inputs, li2co3):
    velocities = np.random.default_rng(1).normal(size=(len(li2co3), 3))
    frame = Frames.from_atoms([li2co3]).replace(velocities=velocities)
    inputs |= {'structure': FramesData(frame), 'parameters': {**RUN, 'velocities': 'keep'}}
    with np.load(generate_calc_job('seimlip.md', inputs).folder / 'frames.npz') as archive:
        np.testing.assert_array_equal(archive['velocities'], velocities)


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'calculator': {'name': 'mtp'}}, 'Input `potential` is missing: the calculator `mtp` needs one'),
        ({'velocities': 'keep'}, 'Input `structure` has no velocities'),
        ({'mobile': ['Na'], 'track_every': 10}, 'names Na as `mobile`'),
        ({'n_steps': 25, 'mobile': ['Li'], 'track_every': 10}, 'must be a multiple of `track_every`'),
        ({'calculator': {'name': 'mace'}}, 'the calculator `mace` needs one, or a model file'),
        ({'calculator': {'name': 'magic'}}, 'the known calculators are'),
    ],
)
def test_refused_parameters(generate_calc_job, inputs, changes, message):
    with pytest.raises(ValueError, match='Input') as error:
        generate_calc_job('seimlip.md', {**inputs, 'parameters': {**RUN, **changes}})
    assert message in str(error.value)


def test_refused_inputs(generate_calc_job, inputs, code, li2co3, potential_trained):
    two = FramesData.from_atoms([li2co3, li2co3])
    with pytest.raises(ValueError, match='holds 2 frames, but exactly one is needed'):
        generate_calc_job('seimlip.md', {**inputs, 'structure': two})
    with pytest.raises(ValueError, match='a Python interpreter is needed'):
        generate_calc_job('seimlip.md', {**inputs, 'code': code('seimlip.lammps')})
    with pytest.raises(ValueError, match='Input `potential` is given, but the calculator `emt` of `parameters` takes'):
        generate_calc_job('seimlip.md', {**inputs, 'potential': potential_trained})
    strange = PotentialData(io.BytesIO(potential_trained.get_content('rb')), species=['Li', 'C', 'N'])
    parameters = {**RUN, 'calculator': {'name': 'mtp'}}
    with pytest.raises(ValueError, match='Input `structure` holds O'):
        generate_calc_job('seimlip.md', {**inputs, 'parameters': parameters, 'potential': strange})
