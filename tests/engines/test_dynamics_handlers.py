"""How the engines of production dynamics deal with jobs that do not end well: each handler, without a program."""

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.calculations.lammps import LammpsCalculation
from aiida_seimlip.calculations.md import MdCalculation
from aiida_seimlip.data.charges import store_charges
from aiida_seimlip.data.track import load_track, store_track
from aiida_seimlip.science.analysis.track import Track

from .test_handlers import frames, make, run_next

JOBS = {'ase': MdCalculation, 'lammps': LammpsCalculation}
PARAMETERS = {'temperature': 20.0, 'n_steps': 100, 'seed': 5, 'mobile': ['Ne'], 'track_every': 10}
VELOCITIES = np.ones((8, 3))

all_engines = pytest.mark.parametrize('name', JOBS)
one_engine = pytest.mark.parametrize('name', ['lammps'])


@pytest.fixture
def dynamics(settings, potential):
    def factory(name, **inputs):
        own = settings('dynamics', name)
        parameters = orm.Dict({**own.pop('parameters', {}), **PARAMETERS})
        return make('dynamics', name, **own, structure=frames(1), potential=potential, parameters=parameters, **inputs)

    return factory


def results(outcome, n_steps=100, temperature=20.0):
    return orm.Dict({
        'outcome': outcome, 'n_steps': n_steps, 'n_steps_asked': 100, 'n_jobs': 1, 'message': None, 'seconds': 7.0,
        'mean_temperature': temperature, 'mean_pressure': None, 'n_track_frames': 0,
    })  # fmt: skip


def track(first, last):
    """Return the part of a straight path between two steps, both ends included."""
    inner = [step for step in range(0, 101, 10) if first < step < last]
    steps = np.array([first, *inner, last])
    positions = np.tile(0.01 * steps[:, np.newaxis, np.newaxis], (1, 2, 3))
    cells = np.tile(9.0 * np.eye(3), (steps.size, 1, 1))
    found = Track(positions, ('Ne', 'Ne'), np.zeros((steps.size, 3)), cells, steps, 0.5)
    return store_track(found, every=10)


@all_engines
def test_completed(dynamics, name):
    process = dynamics(name)
    assert run_next(process, JOBS[name], None, results=results('completed'), track=track(0, 100)) is None
    assert not process.should_run_process()
    process.results()
    assert process.outputs['results'].creator.process_label == JOBS[name].__name__
    assert len(load_track(process.outputs['track'])) == 11


@all_engines
def test_handle_out_of_walltime_goes_on(dynamics, name):
    process = dynamics(name)
    outputs = {
        'results': results('out_of_walltime', 34), 'final': frames(1, seed=7, velocities=VELOCITIES),
        'track': track(0, 34), 'trajectory': frames(2, seed=1, origin_steps=np.array([0, 20])),
    }  # fmt: skip
    run_next(process, JOBS[name], 'ERROR_OUT_OF_WALLTIME', **outputs)
    assert process.should_run_process()
    parameters = process.ctx.inputs.parameters
    assert (parameters['n_steps'], parameters['first_step'], parameters['velocities']) == (66, 34, 'keep')
    assert JOBS[name].spec().inputs['parameters'].validate(parameters) is None
    assert process.ctx.inputs.structure.uuid == outputs['final'].uuid
    last = {
        'results': results('completed', 66, 30.0), 'final': frames(1, seed=8, velocities=VELOCITIES),
        'track': track(34, 100), 'trajectory': frames(4, seed=2, origin_steps=np.array([40, 60, 80, 100])),
    }  # fmt: skip
    run_next(process, JOBS[name], None, **last)
    assert not process.should_run_process()
    process.results()
    found = process.outputs['results'].get_dict()
    assert (found['outcome'], found['n_steps'], found['n_steps_asked'], found['n_jobs']) == ('completed', 100, 100, 2)
    assert found['seconds'] == 14.0
    assert found['mean_temperature'] == pytest.approx(0.34 * 20.0 + 0.66 * 30.0)
    assert found['mean_pressure'] is None
    joined = load_track(process.outputs['track'])
    assert joined.steps.tolist() == list(range(0, 101, 10))
    np.testing.assert_allclose(joined.positions[:, 0, 0], 0.01 * joined.steps, atol=1e-6)
    steps = process.outputs['trajectory'].get_frames().origin_steps
    assert steps.tolist() == [0, 20, 40, 60, 80, 100]
    assert process.outputs['final'].uuid == last['final'].uuid


@one_engine
def test_last_job_out_of_walltime_is_an_outcome(dynamics, name):
    process = dynamics(name, max_iterations=orm.Int(1))
    outputs = {'results': results('out_of_walltime', 34), 'final': frames(1, velocities=VELOCITIES)}
    assert not run_next(process, JOBS[name], 'ERROR_OUT_OF_WALLTIME', **outputs, track=track(0, 34)).status
    process.results()
    assert process.outputs['results']['outcome'] == 'out_of_walltime'
    assert load_track(process.outputs['track']).steps.tolist() == [0, 10, 20, 30]


@one_engine
def test_out_of_walltime_without_progress_fails(dynamics, name):
    outcome = run_next(dynamics(name), JOBS[name], 'ERROR_OUT_OF_WALLTIME', results=results('out_of_walltime', 0))
    assert outcome.status == 310


@one_engine
def test_handle_end_takes_a_crash_for_what_it_is(dynamics, name):
    process = dynamics(name)
    outputs = {'results': results('crashed', 70), 'track': track(0, 70)}
    assert not run_next(process, JOBS[name], 'ERROR_CRASHED', **outputs).status
    assert not process.should_run_process()
    process.results()
    assert process.outputs['results']['outcome'] == 'crashed'
    assert 'final' not in process.outputs


def test_handle_end_takes_a_break_for_what_it_is(dynamics):
    process = dynamics('lammps')
    outcome = run_next(process, LammpsCalculation, 'BREAKING_THRESHOLD_EXCEEDED', results=results('broke', 70))
    assert not outcome.status
    process.results()
    assert process.outputs['results']['outcome'] == 'broke'


@one_engine
def test_handle_interrupted_starts_once_more(dynamics, name):
    """The job that was interrupted leaves nothing in the results."""
    process = dynamics(name)
    run_next(process, JOBS[name], 'ERROR_INTERRUPTED', results=results('interrupted', 10), track=track(0, 10))
    assert process.should_run_process()
    run_next(process, JOBS[name], None, results=results('completed', 100), track=track(0, 100))
    process.results()
    assert process.outputs['results']['n_steps'] == 100
    assert load_track(process.outputs['track']).steps.tolist() == list(range(0, 101, 10))


@one_engine
def test_handle_interrupted_gives_up(dynamics, name):
    process = dynamics(name)
    run_next(process, JOBS[name], 'ERROR_INTERRUPTED', results=results('interrupted', 0))
    outcome = run_next(process, JOBS[name], 'ERROR_INTERRUPTED', results=results('interrupted', 0))
    assert outcome.status == process.exit_codes.ERROR_PROGRAM_FAILED.status


def test_handle_interrupted_goes_on_from_a_checkpoint(dynamics):
    process = dynamics('ase')
    outputs = {'results': results('interrupted', 40), 'final': frames(1, velocities=VELOCITIES)}
    run_next(process, MdCalculation, 'ERROR_INTERRUPTED', **outputs, track=track(0, 40))
    assert process.ctx.inputs.parameters['first_step'] == 40
    assert process.ctx.inputs.structure.uuid == outputs['final'].uuid


@pytest.mark.parametrize(
    ('name', 'label'),
    [
        ('ase', 'ERROR_CALCULATOR_SETUP'), ('ase', 'ERROR_START_FAILED'), ('ase', 'ERROR_TRACK_UNUSABLE'),
        ('lammps', 'ERROR_INITIALISATION'), ('lammps', 'ERROR_TRACK_UNUSABLE'),
    ],
)  # fmt: skip
def test_other_failures_end_it(dynamics, name, label):
    process = dynamics(name)
    outcome = run_next(process, JOBS[name], label, results=results('completed'))
    assert outcome.status == process.exit_codes.ERROR_PROGRAM_FAILED.status
    assert 'It ended badly.' in outcome.message


def test_a_run_in_a_field_goes_on_in_it(dynamics, settings, potential):
    charges = store_charges(np.array([0.5, -0.5] * 4))
    own = settings('dynamics', 'lammps')
    parameters = orm.Dict({**own.pop('parameters', {}), **PARAMETERS, 'field': [0.0, 0.0, 0.1]})
    process = make(
        'dynamics', 'lammps', **own, structure=frames(1), potential=potential, parameters=parameters, charges=charges
    )
    outputs = {
        'results': results('out_of_walltime', 34), 'final': frames(1, seed=7, velocities=VELOCITIES),
        'track': track(0, 34), 'trajectory': frames(2, seed=1, origin_steps=np.array([0, 20])),
    }  # fmt: skip
    run_next(process, LammpsCalculation, 'ERROR_OUT_OF_WALLTIME', **outputs)
    assert process.ctx.inputs.parameters['field'] == [0.0, 0.0, 0.1]
    assert process.ctx.inputs.charges.uuid == charges.uuid
