"""The runs of a diffusivity, what is made of their tracks, and how the work can end."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.track import store_track
from aiida_seimlip.options.transport.results import DiffusivityResults
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.workflows.transport.diffusivity import DiffusivityWorkChain
from tests.workflows.transport.walks import OPTIONS, arrhenius, diffusivity_inputs, lattice_walk

WITH_EQUILIBRATION = {**OPTIONS['dynamics'], 'equilibration_steps': 100}

TOO_SLOW = 3e-11
"""In m²/s: some six hops of all ions in the time of a track."""

_RUN = {}


@pytest.fixture
def inputs(code, potential):
    return diffusivity_inputs(code('seimlip.lammps'), potential)


@pytest.fixture
def generate(inputs, monkeypatch):
    """Return a function that makes a process, set up but not run, whose submissions are noted: ``(options, **inputs)``.

    The inputs of each process that it submits stand in the attribute `launched` under its label.
    """

    def factory(options=None, **changes):
        merged = {**inputs, **changes, 'options': {**OPTIONS, **(options or {})}}
        process = instantiate_process(get_manager().get_runner(), DiffusivityWorkChain, **merged)
        process.launched = {}

        def submit(label, **data):
            process.launched[label] = data
            return label

        monkeypatch.setattr(process, 'submit_dynamics', submit)
        monkeypatch.setattr(process, 'to_context', lambda **_: None)
        process.setup()
        return process

    return factory


def results(outcome='completed', message=None, temperature=600.0, n_steps=399_000):
    return orm.Dict({
        'outcome': outcome, 'message': message, 'n_steps': n_steps, 'n_steps_asked': 399_000, 'n_jobs': 1,
        'mean_temperature': temperature + 1.0, 'mean_pressure': 5.0, 'mean_volume': 298.0,
    })  # fmt: skip


@pytest.fixture
def walk(finished, make_frames):
    """Return a function that ends a job as a run of known diffusion would: ``walk(run, D)``."""

    def end(run, diffusivity=None, **changes):
        temperature = run['temperature']
        D = arrhenius(temperature) if diffusivity is None else diffusivity
        track = lattice_walk(D, seed=run['seed'])
        return finished(
            results=results(temperature=temperature, **changes), track=store_track(track),
            trajectory=make_frames(4, seed=run['replica']), final=make_frames(1),
        )  # fmt: skip

    return end


@pytest.fixture
def run_jobs(finished, make_frames):
    """Return a function that goes through the queue: ``run_jobs(process, end, {job: terminated process})``.

    Productions end as ``end(run)`` says, by default without a track.
    """

    def run(process, end=None, ends=None):
        ends, order = ends or {}, []
        runs = {entry['key']: entry for entry in process.ctx.plan['runs']}
        final = make_frames(1)
        process.queue_runs()
        while process.ctx.queue:
            name, *process.ctx.queue = process.ctx.queue
            process.submit_job(name)
            order.append(name)
            key, _, phase = name.rpartition('_')
            if name not in ends:
                ends[name] = (
                    end(runs[key]) if end and phase == 'production' else finished(results=results(), final=final)
                )
            process.ctx.jobs[name] = ends[name]
            process.inspect_jobs()
        return order

    return run


@pytest.fixture
def run_all(run_jobs, walk):
    """Return a function that runs a process to its end: ``run_all(process, {job: terminated process})``."""

    def run(process, ends=None):
        order = run_jobs(process, walk, ends)
        exit_code = process.inspect_runs()
        if exit_code is None:
            process.analyse()
            exit_code = process.results()
        return exit_code, order

    return run


def found(process):
    return DiffusivityResults.model_validate(process.outputs['diffusivity'].get_dict())


# -- the runs ---------------------------------------------------------------------------------------------------------


def test_each_production_follows_its_equilibration(generate, run_jobs):
    process = generate({'dynamics': WITH_EQUILIBRATION, 'replicas': 2})
    order = run_jobs(process)
    assert len(order) == 8
    for name in order:
        data = process.launched[name]
        key, _, phase = name.rpartition('_')
        if phase == 'equilibration':
            assert data['structure'].uuid == process.ctx.start.uuid
            assert (data['parameters']['velocities'], data['parameters']['mobile']) == ('create', [])
        else:
            assert order.index(name) > order.index(f'{key}_equilibration')
            assert data['structure'].uuid == process.ctx.jobs[f'{key}_equilibration'].outputs.final.uuid
            assert (data['parameters']['velocities'], data['parameters']['mobile']) == ('keep', ['Ne'])


def test_without_equilibration_productions_draw_their_velocities(generate):
    process = generate()
    process.queue_runs()
    assert process.ctx.queue == ['T0600_r0_production', 'T1000_r0_production']
    assert all(process.ctx.parameters[name]['velocities'] == 'create' for name in process.ctx.queue)


def test_seeds_are_derived_and_do_not_change_with_other_temperatures(generate):
    seeds = {run['key']: run['seed'] for run in generate({'replicas': 2}).ctx.plan['runs']}
    assert len(set(seeds.values())) == 4
    plan = generate({'temperatures': [500.0, 600.0], 'replicas': 3}).ctx.plan
    more = {run['key']: run['seed'] for run in plan['runs']}
    assert more.keys() & seeds.keys() == {'T0600_r0', 'T0600_r1'}
    assert all(more[key] == seeds[key] for key in more.keys() & seeds.keys())
    other = {run['seed'] for run in generate({'seed': 8}).ctx.plan['runs']}
    assert not other & set(seeds.values())


def test_settings_of_the_engine_reach_it(generate, code):
    engine = {'code': code('seimlip.lammps'), 'parameters': orm.Dict({'dialect': 'mtp', 'temperature': 5.0})}
    parameters = generate(dynamics=engine).ctx.parameters
    assert parameters['T0600_r0_production']['dialect'] == 'mtp'
    assert parameters['T0600_r0_production']['temperature'] == 600.0
    assert all(node.creator.process_label == 'plan_diffusivity' for node in parameters.values())


# -- what is found ----------------------------------------------------------------------------------------------------


@pytest.fixture
def whole(generate, run_all):
    """Return a process that came to its end well, which is run once for all tests of this module."""
    if not _RUN:
        _RUN['process'] = generate({'rdf': {'cutoff': 5.0, 'kinds': 'element'}, 'replicas': 2})
        assert run_all(_RUN['process'])[0] is None
    return _RUN['process']


def test_known_diffusion_comes_out(whole):
    outcome = found(whole)
    for point in outcome.points:
        low, high = point.D_interval
        assert low < point.D < high
        assert abs(point.D - arrhenius(point.temperature)) < 3.5 * point.D_std
        assert point.used_in_fit
        assert (point.n_ions, point.n_atoms, len(point.replicas)) == (8, 8, 2)
        assert point.volume == pytest.approx(298.0)
        assert point.replica_scatter > 0.0
        assert point.scatter_factor >= 1.0
    assert abs(outcome.arrhenius.Ea - 0.25) < 3.5 * outcome.arrhenius.Ea_std
    assert outcome.arrhenius.n_points == 2
    assert outcome.extrapolation.is_extrapolated
    low, high = outcome.extrapolation.interval
    assert low < arrhenius(300.0) < high
    assert outcome.message is None


def test_numbers_are_those_of_the_science(whole):
    from aiida_seimlip.functions.transport.diffusivity import Purpose, millikelvin
    from aiida_seimlip.science.analysis.diffusion import estimate_diffusion
    from aiida_seimlip.science.analysis.replicas import combine_replicas
    from aiida_seimlip.science.seeds import derive_seed

    runs = [run for run in whole.ctx.plan['runs'] if run['temperature'] == 600.0]
    estimates = [
        estimate_diffusion(
            lattice_walk(arrhenius(600.0), seed=run['seed']),
            seed=derive_seed(7, Purpose.ESTIMATE, millikelvin(600.0), run['replica']),
        )
        for run in runs
    ]
    point = found(whole).points[0]
    assert [run.D for run in point.replicas] == pytest.approx([estimate.D.mean for estimate in estimates], rel=1e-12)
    seed = derive_seed(7, Purpose.ESTIMATE, millikelvin(600.0), 2)
    samples = combine_replicas([estimate.D.samples for estimate in estimates], seed=seed).samples
    np.testing.assert_allclose(whole.outputs['posterior'].get_array('T0600_D'), samples)
    msd = np.mean([estimate.curve.msd[:, 3] for estimate in estimates], axis=0)
    np.testing.assert_allclose(whole.outputs['msd'].get_array('T0600_msd'), msd)


def test_structure_and_arrays_are_attached(whole):
    assert set(whole.outputs['tracks']) == {'T0600_r0', 'T0600_r1', 'T1000_r0', 'T1000_r1'}
    assert whole.outputs['trajectories']['T0600_r0'].n_frames == 4
    names = whole.outputs['rdf'].get_arraynames()
    assert {'T0600_Ne_Ar_r', 'T0600_Ne_Ar_g', 'T1000_Ne_Ne_coordination'} <= set(names)
    assert whole.outputs['rdf'].base.attributes.get('T0600')['n_frames'] == 8
    msd = whole.outputs['msd']
    assert msd.get_array('T0600_msd').shape == msd.get_array('T0600_lag_ps').shape
    assert msd.get_array('T0600_msd_axes').shape == (*msd.get_array('T0600_lag_ps').shape, 3)
    assert {'T0600_r0_msd', 'T0600_r1_msd'} <= set(msd.get_arraynames())
    assert whole.outputs['posterior'].get_array('arrhenius').shape[1] == 2


# -- how it can end ---------------------------------------------------------------------------------------------------


def at_rest():
    return orm.Dict({'outcome': 'completed', 'message': None, 'mean_pressure': None})


def test_error_parity_failed(generate, finished, inputs):
    process = generate({'check_parity': True})
    assert process.should_check_parity()
    ours = evaluate(inputs['potential'].get_mtp(), process.ctx.start.get_frames().without_labels())
    process.run_parity()
    parameters = process.launched['parity']['parameters']
    assert (parameters['n_steps'], parameters['velocities'], parameters['mobile']) == (0, 'keep', [])
    process.ctx.parity_process = finished(results=at_rest(), trajectory=FramesData(ours))
    assert process.inspect_parity() is None
    wrong = FramesData(ours.replace(energies=ours.energies + 1.0))
    process.ctx.parity_process = finished(results=at_rest(), trajectory=wrong)
    exit_code = process.inspect_parity()
    assert exit_code.status == process.exit_codes.ERROR_PARITY_FAILED.status
    assert 'energy by 0.125 eV per atom' in exit_code.message
    assert process.outputs['parity']['is_equal'] is False


def test_error_program_failed(generate, finished):
    process = generate({'check_parity': True})
    for end, message in (
        (finished(310, 'there is no such program'), 'there is no such program'),
        (finished(results=results('crashed', 'Lost atoms')), 'Lost atoms'),
        (finished(results=at_rest()), 'returned no frame'),
    ):
        process.ctx.parity_process = end
        exit_code = process.inspect_parity()
        assert exit_code.status == process.exit_codes.ERROR_PROGRAM_FAILED.status
        assert message in exit_code.message


def test_error_all_runs_failed(generate, run_all, finished):
    process = generate({'dynamics': WITH_EQUILIBRATION})
    crash = finished(results=results('crashed', 'Lost atoms'))
    crashed = {f'{run["key"]}_equilibration': crash for run in process.ctx.plan['runs']}
    exit_code, order = run_all(process, crashed)
    assert exit_code.status == process.exit_codes.ERROR_ALL_RUNS_FAILED.status
    assert 'Lost atoms' in exit_code.message
    assert not any('production' in name for name in order)


def test_error_runs_failed_keeps_the_other_temperatures(generate, run_all, finished, walk):
    process = generate({'temperatures': [600.0, 800.0, 900.0, 1000.0]})
    run = process.ctx.plan['runs'][3]
    ends = {
        'T0600_r0_production': finished(310, 'no executable'),
        'T1000_r0_production': walk(run, outcome='crashed', message='Lost atoms', n_steps=5000),
    }  # fmt: skip
    exit_code, _ = run_all(process, ends)
    assert exit_code.status == process.exit_codes.ERROR_RUNS_FAILED.status
    assert '2 of 4 runs' in exit_code.message
    assert 'no executable' in exit_code.message
    outcome = found(process)
    assert [point.D is None for point in outcome.points] == [True, False, False, True]
    assert outcome.points[0].replicas[0].outcome == 'failed'
    assert any('crashed' in flag for flag in outcome.points[3].flags)
    assert outcome.arrhenius.left_out == [600.0, 1000.0]
    assert set(process.outputs['tracks']) == {'T0800_r0', 'T0900_r0', 'T1000_r0'}
    assert outcome.message == exit_code.message


def test_track_of_a_run_that_ran_out_of_wall_time_is_read(generate, run_all, walk):
    process = generate({'temperatures': [600.0]})
    run = process.ctx.plan['runs'][0]
    exit_code, _ = run_all(process, {'T0600_r0_production': walk(run, outcome='out_of_walltime', n_steps=300_000)})
    assert exit_code.status == process.exit_codes.ERROR_RUNS_FAILED.status
    assert found(process).points[0].D is not None


def test_error_no_diffusion(generate, run_all, walk):
    process = generate({'temperatures': [600.0]})
    run = process.ctx.plan['runs'][0]
    exit_code, _ = run_all(process, {'T0600_r0_production': walk(run, 0.0)})
    assert exit_code.status == process.exit_codes.ERROR_NO_DIFFUSION.status
    outcome = found(process)
    assert outcome.arrhenius is None
    assert any('too few hops' in flag for flag in outcome.points[0].flags), outcome.points[0].flags
    assert 'Left out of the Arrhenius fit: 600 K.' in outcome.warnings


def test_error_too_few_temperatures(generate, run_all, walk):
    process = generate()
    run = process.ctx.plan['runs'][0]
    exit_code, _ = run_all(process, {'T0600_r0_production': walk(run, TOO_SLOW)})
    assert exit_code.status == process.exit_codes.ERROR_TOO_FEW_TEMPERATURES.status
    assert '1000 K (they diffuse)' in exit_code.message
    outcome = found(process)
    assert outcome.points[1].used_in_fit
    assert (outcome.arrhenius, outcome.extrapolation) == (None, None)


@pytest.mark.parametrize(('max_share', 'label'), [(0.01, 'ERROR_OUT_OF_DOMAIN'), (0.05, None)])
def test_error_out_of_domain(generate, run_all, monkeypatch, max_share, label):
    """One run with too many frames above the threshold fails the work, and is left out of the fit."""
    from aiida_seimlip.workflows.transport import diffusivity

    def audit(options, potential, **trajectories):
        grades = {'n_graded': 100, 'n_above': 0, 'share_above_threshold': 0.0, 'highest_grade': 1.5}
        bad = {**grades, 'n_above': 2, 'share_above_threshold': 0.02, 'highest_grade': 31.0}
        return orm.Dict({key: bad if key == 'T1000_r0' else grades for key in trajectories})

    monkeypatch.setattr(diffusivity, 'audit_grades', audit)
    monkeypatch.setattr(DiffusivityWorkChain, 'has_grades', True)
    process = generate({'domain': {'max_share': max_share}})
    exit_code, _ = run_all(process)
    point = found(process).points[1]
    assert (point.highest_grade, point.share_above_threshold, point.n_graded) == (31.0, 0.02, 100)
    assert point.used_in_fit is (label is None)
    if label is None:
        assert exit_code is None
        return
    assert exit_code.status == process.exit_codes[label].status
    assert 'T1000_r0 (2 % of the frames, up to 31)' in exit_code.message
    assert any('out of domain' in flag for flag in point.flags)
