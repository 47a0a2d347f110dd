"""Production dynamics with the programs that come with the package."""

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_seimlip.calculations.lammps import LammpsCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.track import load_track
from aiida_seimlip.engines.contract import engine_names, load_engine
from aiida_seimlip.functions.parameters import with_remaining_steps
from aiida_seimlip.functions.transport.dynamics import join_dynamics
from aiida_seimlip.options.dynamics import LammpsDynamicsOptions
from aiida_seimlip.testing.dynamics import PARAMETERS, start

from .conftest import LENNARD_JONES, image, labelled

ENGINES = engine_names('dynamics')
all_engines = pytest.mark.parametrize('name', ENGINES)


def run(name, settings, **inputs):
    inputs.setdefault('structure', start())
    parameters = {**PARAMETERS, **inputs.pop('parameters', {})}
    own = settings('dynamics', name) | {key: inputs.pop(key) for key in ('code',) if key in inputs}
    merged = orm.Dict({**own.pop('parameters', {}), **parameters})
    outputs, node = run_get_node(load_engine('dynamics', name), **own, **inputs, parameters=merged)
    assert node.is_finished_ok, node.exit_message
    return node, outputs


def test_engines_agree(settings, potential):
    """The same potential, start and velocities give the same path, whichever program follows it."""
    moving = start(velocity=0.0)
    parameters = {'ensemble': 'nve', 'velocities': 'keep', 'n_steps': 20, 'timestep': 2.0}
    found = [run(name, settings, potential=potential, structure=moving, parameters=parameters)[1] for name in ENGINES]
    first, *others = (outputs['trajectory'].get_frames() for outputs in found)
    assert np.abs(first.positions[-8:] - first.positions[:8]).max() > 0.02
    for other in others:
        np.testing.assert_allclose(other.positions, first.positions, atol=1e-6)
        np.testing.assert_allclose(other.energies, first.energies, atol=1e-8)
        np.testing.assert_allclose(other.forces, first.forces, atol=1e-6)
    tracks = [load_track(outputs['track']) for outputs in found]
    np.testing.assert_allclose(tracks[0].positions, tracks[1].positions, atol=6e-5)
    np.testing.assert_allclose(tracks[0].framework, tracks[1].framework, atol=1e-6)
    finals = [outputs['final'].get_frames() for outputs in found]
    np.testing.assert_allclose(finals[0].velocities, finals[1].velocities, atol=1e-4)


def test_crash_is_an_outcome(settings, potential):
    _, outputs = run('lammps', settings, potential=potential, parameters={'timestep': 3000.0})
    results = outputs['results'].get_dict()
    assert results['outcome'] == 'crashed'
    assert results['message']
    assert results['n_steps'] < 60
    assert outputs['trajectory'].n_frames >= 1
    assert 'final' not in outputs


def test_lammps_finds_the_dialect(settings, potential):
    node, outputs = run('lammps', settings, potential=potential, parameters={'n_steps': 0, 'dialect': 'auto'})
    job = next(job for job in node.called if job.process_label == 'LammpsCalculation')
    assert job.inputs.parameters['dialect'] == 'mlip'
    assert outputs['results']['outcome'] == 'completed'


def test_lammps_breaks_if_it_is_asked_for_grades(settings, potential):
    parameters = {'temperature': 2000.0, 'n_steps': 2000, 'with_grades': True, 'threshold_break': 4.0}
    _, outputs = run('lammps', settings, potential=potential, parameters=parameters)
    results = outputs['results'].get_dict()
    assert results['outcome'] == 'broke'
    assert results['highest_grade'] > 4.0
    assert load_track(outputs['track']).steps[-1] <= results['n_steps'] < 2000


def test_ase_takes_any_calculator(settings, potential):
    """motep knows the same potential; a calculator that is complete in itself needs none."""
    pytest.importorskip('motep')
    parameters = {'n_steps': 10, 'ensemble': 'npt_iso', 'timestep': 1.0}
    ours, theirs = (
        run('ase', settings, potential=potential, parameters={**parameters, 'calculator': {'name': name}})[1]
        for name in ('mtp', 'motep')
    )
    positions = [outputs['final'].get_frames().positions for outputs in (ours, theirs)]
    np.testing.assert_allclose(positions[0], positions[1], atol=1e-8)
    calculator = {'name': 'lj', 'kwargs': LENNARD_JONES}
    _, outputs = run('ase', settings, parameters={'n_steps': 0, 'calculator': calculator})
    expected = labelled(image(1, scale=0.02, strain=0.02))
    assert outputs['trajectory'].get_frames().energies[0] == pytest.approx(expected.get_potential_energy(), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize('ensemble', ['nvt', 'npt_iso'])
@all_engines
def test_run_goes_on_after_the_wall_time(name, ensemble, settings, potential):
    """Two jobs, cut off wherever the wall time came, give one track without a gap and without a frame twice."""
    settings_in_short = {**settings('dynamics', name), 'options': orm.Dict({'max_wallclock_seconds': 8})}
    parameters = {**settings_in_short.pop('parameters', {}), **PARAMETERS, 'n_steps': 10_000_000}
    parameters |= {'timestep': 1.0, 'track_every': 2, 'dump_every': 6, 'ensemble': ensemble, 'barostat_damping': 4000.0}
    outputs, node = run_get_node(
        load_engine('dynamics', name), **settings_in_short, structure=start(), potential=potential,
        parameters=orm.Dict(parameters), max_iterations=2,
    )  # fmt: skip
    assert node.is_finished_ok, node.exit_message
    results, track = outputs['results'].get_dict(), load_track(outputs['track'])
    jobs = [job for job in node.called if isinstance(job, orm.CalcJobNode)]
    assert (results['outcome'], results['n_jobs'], len(jobs)) == ('out_of_walltime', 2, 2)
    assert results['n_steps'] == sum(job.outputs.results['n_steps'] for job in jobs)
    assert outputs['final'].get_frames().origin_steps.tolist() == [results['n_steps']]
    np.testing.assert_array_equal(track.steps, np.arange(0, results['n_steps'] + 1, 2))
    assert results['n_track_frames'] == len(track)
    assert np.abs(np.diff(track.positions, axis=0)).max() < 1.0
    frames = outputs['trajectory'].get_frames()
    np.testing.assert_array_equal(frames.origin_steps, np.arange(0, results['n_steps'] + 1, 6))
    if ensemble == 'nvt':
        ions = frames.positions.reshape(-1, 8, 3)[:, frames[0].numbers == 10]
        np.testing.assert_allclose(track.positions[::3], ions, atol=6e-5)


def test_parts_are_the_whole(settings, potential):
    """A run in two jobs, the first of which ends between two frames of the track, is one run."""
    whole = run('lammps', settings, potential=potential, parameters={'ensemble': 'nve', 'n_steps': 120})[1]
    code = settings('dynamics', 'lammps')['code']
    given = LammpsDynamicsOptions(**{**PARAMETERS, 'ensemble': 'nve', 'n_steps': 120}).to_lammps()
    inputs = {
        'code': code,
        'structure': start(),
        'potential': potential,
        'parameters': orm.Dict(given | {'n_steps': 37}),
    }
    first, _ = run_get_node(LammpsCalculation, **inputs)
    rest = with_remaining_steps(orm.Dict(given), first['results'])
    second, _ = run_get_node(LammpsCalculation, **{**inputs, 'structure': first['final'], 'parameters': rest})
    names = ('results', 'track', 'trajectory')
    joined = join_dynamics(
        job_00={'parameters': inputs['parameters'], **{name: first[name] for name in names}},
        job_01={'parameters': rest, **{name: second[name] for name in names}},
    )
    track, expected = load_track(joined['track']), load_track(whole['track'])
    np.testing.assert_array_equal(track.steps, expected.steps)
    np.testing.assert_allclose(track.positions, expected.positions, atol=1e-4)
    np.testing.assert_allclose(track.framework, expected.framework, atol=1e-5)
    results, single = joined['results'].get_dict(), whole['results'].get_dict()
    assert (results['n_steps'], results['n_jobs'], results['n_track_frames']) == (120, 2, single['n_track_frames'])
    trajectories = [outputs['trajectory'].get_frames() for outputs in (joined, whole)]
    np.testing.assert_array_equal(trajectories[0].origin_steps, trajectories[1].origin_steps)
    np.testing.assert_allclose(trajectories[0].energies, trajectories[1].energies, atol=1e-7)


# -- refused ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'mobile': ['Li']}, 'names Li as `mobile`, but input `structure` holds none'),
        ({'mobile': ['Xy']}, '`Xy` is not an element'),
        ({'mobile': ['Ne', 'Ne']}, 'each element must be named once'),
        ({'n_steps': 65}, '`n_steps` (65) must be a multiple of `track_every` (10)'),
        ({'seed': None}, '`seed` is missing'),
        ({'velocities': 'keep'}, 'Input `structure` has no velocities'),
        ({'ensemble': 'npt'}, '`ensemble`'),
        ({'colour': 'red'}, '`colour` is not a known option'),
    ],
)
@all_engines
def test_wrong_parameters_are_refused(name, settings, potential, changes, message):
    with pytest.raises(ValueError, match='Input') as error:
        run(name, settings, potential=potential, parameters=changes)
    assert message in str(error.value)


@all_engines
def test_missing_potential_is_refused(name, settings):
    with pytest.raises(ValueError, match='Input `potential` is missing'):
        run(name, settings)


@all_engines
def test_strange_element_is_refused(name, settings, potential):
    atoms = image(1)
    atoms.symbols[0] = 'Kr'
    with pytest.raises(ValueError, match='Input `structure` holds Kr'):
        run(name, settings, potential=potential, structure=FramesData.from_atoms([atoms]))


@all_engines
def test_code_for_another_program_is_refused(name, settings, potential, code):
    with pytest.raises(ValueError, match='is a code for `seimlip'):
        run(name, settings, potential=potential, code=code('seimlip.mlip3.train', 'seimlip-mlp'))
