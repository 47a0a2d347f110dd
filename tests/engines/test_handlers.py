"""How the adapters deal with jobs that do not end well: each handler, without a program."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from plumpy import ProcessState

from aiida_seimlip.calculations.lammps import LammpsCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.science.frames import Frames

from .conftest import image


def make(socket, name, **inputs):
    """Return an engine's process, set up but not run."""
    process = instantiate_process(get_manager().get_runner(), load_engine(socket, name), **inputs)
    process.setup()
    return process


def finished_job(job_class, label: str | None, inputs: dict[str, Any], **outputs: Any) -> orm.CalcJobNode:
    """Return a terminated job; `label` names its exit code.

    Unless other files are given as `retrieved`, its program has printed nothing.
    """
    outputs = {'retrieved': folder(stdout=''), **outputs}
    node = orm.CalcJobNode(computer=orm.load_computer('localhost'))
    node.set_process_label(job_class.__name__)
    node.set_process_state(ProcessState.FINISHED)
    exit_code = job_class.spec().exit_codes[label] if label else None
    node.set_exit_status(exit_code.status if exit_code else 0)
    node.set_exit_message('It ended badly.' if exit_code else '')
    node.set_option('scheduler_stderr', '_scheduler-stderr.txt')
    node.set_option('scheduler_stdout', '_scheduler-stdout.txt')
    for name, value in inputs.items():
        if isinstance(value, orm.Node):
            value.store()
            node.base.links.add_incoming(value, link_type=LinkType.INPUT_CALC, link_label=name)
    node.store()
    for name, value in outputs.items():
        value.base.links.add_incoming(node, link_type=LinkType.CREATE, link_label=name)
        value.store()
    return node


def run_next(process, job_class, label, **outputs):
    """Let the process start a job and inspect it once it has ended; return what the inspection says."""
    process.ctx.iteration += 1
    process.node.base.extras.set('considered_handlers', [[]] * process.ctx.iteration)
    job = finished_job(job_class, label, dict(process.ctx.inputs), **outputs)
    process.ctx.setdefault('children', []).append(job)
    return process.inspect_process()


def folder(**files: str) -> orm.FolderData:
    """Return the files that were retrieved from a job."""
    node = orm.FolderData()
    for name, content in files.items():
        node.base.repository.put_object_from_bytes(content.encode(), name)
    return node


# -- exploration ------------------------------------------------------------------------------------------------------

PARAMETERS = {
    'temperature': 20.0, 'timestep': 2.0, 'n_steps': 100, 'dump_every': 10, 'thermo_every': 10, 'seed': 5,
}  # fmt: skip


def frames(n, seed=0, **arrays):
    found = Frames.from_atoms([image(1000 * seed + index) for index in range(n)])
    return FramesData(found.replace(**arrays))


def results(outcome, n_steps=100, grade=None, n_candidates=0):
    return orm.Dict({'outcome': outcome, 'n_steps': n_steps, 'highest_grade': grade, 'n_candidates': n_candidates})


@pytest.fixture
def exploration(settings, potential):
    return make(
        'exploration', 'lammps', **settings('exploration', 'lammps'), structure=frames(1), potential=potential,
        parameters=orm.Dict(PARAMETERS),
    )  # fmt: skip


def test_survival(exploration):
    assert run_next(exploration, LammpsCalculation, None, results=results('completed')) is None
    assert not exploration.should_run_process()
    exploration.results()
    assert exploration.outputs['results']['outcome'] == 'completed'


def test_handle_break(exploration):
    """A break ends the exploration well."""
    outputs = {'results': results('broke', 40, 11.0, 2), 'candidates': frames(2, grades=np.array([3.0, 11.0]))}
    assert not run_next(exploration, LammpsCalculation, 'BREAKING_THRESHOLD_EXCEEDED', **outputs).status
    assert not exploration.should_run_process()
    exploration.results()
    assert exploration.outputs['results']['outcome'] == 'broke'
    assert exploration.outputs['candidates'].n_frames == 2


@pytest.fixture
def repeated(settings, potential):
    """Return an exploration that repeats twice what breaks."""
    return make(
        'exploration', 'lammps', **settings('exploration', 'lammps'), structure=frames(1), potential=potential,
        parameters=orm.Dict({**PARAMETERS, 'n_repeats': 2}),
    )  # fmt: skip


def break_off(exploration, seed, n_steps=40, grade=11.0, **outputs):
    outputs |= {'results': results('broke', n_steps, grade, 2), 'candidates': frames(2, seed=seed)}
    assert not run_next(exploration, LammpsCalculation, 'BREAKING_THRESHOLD_EXCEEDED', **outputs).status


@pytest.mark.parametrize('end', ['BREAKING_THRESHOLD_EXCEEDED', 'ERROR_CRASHED', 'ERROR_OUT_OF_WALLTIME', None])
def test_handle_break_repeats_for_more_candidates(repeated, end):
    """The outcome is that of the first run, whatever becomes of the repeats."""
    break_off(repeated, 1, trajectory=frames(4))
    seeds = [PARAMETERS['seed'], repeated.ctx.inputs.parameters['seed']]
    assert repeated.should_run_process()
    outputs = {'results': results('crashed', 50, 99.0, 2), 'candidates': frames(2, seed=2), 'trajectory': frames(9)}
    assert not run_next(repeated, LammpsCalculation, end, **outputs).status
    assert repeated.should_run_process()
    seeds.append(repeated.ctx.inputs.parameters['seed'])
    break_off(repeated, 3, 30, 12.0)
    assert not repeated.should_run_process()
    assert len(set(seeds)) == 3
    repeated.results()
    found = repeated.outputs['results'].get_dict()
    assert (found['outcome'], found['n_steps'], found['highest_grade'], found['n_jobs']) == ('broke', 40, 11.0, 3)
    assert found['n_candidates'] == repeated.outputs['candidates'].n_frames == 6
    assert repeated.outputs['trajectory'].n_frames == 4
    assert [one['n_steps'] for one in found['tries']] == [40]
    assert repeated.ctx.inputs.parameters.creator.process_label == 'with_other_velocities'
    assert 'final' not in repeated.outputs


def test_handle_break_repeats_only_what_costs_little(repeated):
    break_off(repeated, 1, 60)
    assert repeated.should_run_process()
    break_off(repeated, 2, 50)
    assert not repeated.should_run_process()  # 110 steps of 100 that the run was to take


def test_handle_repeat_leaves_what_survives_alone(repeated):
    assert run_next(repeated, LammpsCalculation, None, results=results('completed')) is None
    assert not repeated.should_run_process()


def test_handle_repeat_leaves_what_crashed_alone(repeated):
    """More cautious steps have shown what there was to see."""
    crash(repeated, 1)
    break_off(repeated, 2)
    assert not repeated.should_run_process()


def test_handle_crash_tries_a_smaller_step(exploration):
    outputs = {'results': results('crashed', 40, 5.0, 2), 'candidates': frames(2, seed=1), 'trajectory': frames(4)}
    run_next(exploration, LammpsCalculation, 'ERROR_CRASHED', **outputs)
    assert exploration.should_run_process()
    parameters = exploration.ctx.inputs.parameters
    assert (parameters['timestep'], parameters['n_steps'], parameters['dump_every']) == (1.0, 200, 20)
    assert parameters['temperature'] == 20.0
    assert parameters.creator.process_label == 'with_back_off'
    run_next(exploration, LammpsCalculation, None, results=results('completed', 200, 3.0), trajectory=frames(10))
    assert not exploration.should_run_process()
    exploration.results()
    found = exploration.outputs['results'].get_dict()
    assert (found['outcome'], found['n_steps'], found['n_steps_asked'], found['n_jobs']) == ('completed', 100, 100, 2)
    assert found['highest_grade'] == 5.0
    assert exploration.outputs['candidates'].n_frames == 2
    assert exploration.outputs['trajectory'].n_frames == 10


def crash(exploration, seed):
    outputs = {'results': results('crashed', 40, None, 2), 'candidates': frames(2, seed=seed)}
    run_next(exploration, LammpsCalculation, 'ERROR_CRASHED', **outputs)


def test_handle_crash_takes_the_last_one_as_data(exploration):
    for seed in (1, 2, 3):
        assert exploration.should_run_process()
        crash(exploration, seed)
    assert not exploration.should_run_process()
    exploration.results()
    found = exploration.outputs['results'].get_dict()
    assert (found['outcome'], found['n_candidates']) == ('crashed', 6)
    assert exploration.outputs['candidates'].n_frames == 6
    tries = [(one['temperature'], one['timestep'], one['outcome']) for one in found['tries']]
    assert tries == [(20.0, 2.0, 'crashed'), (20.0, 1.0, 'crashed'), (16.0, 0.5, 'crashed')]


def test_survival_of_a_cooler_run_is_none(exploration):
    """The condition that was asked for has not been survived; what was found on the way is kept."""
    for seed in (1, 2):
        crash(exploration, seed)
    last = {'trajectory': frames(10), 'final': frames(1, seed=9, velocities=np.ones((8, 3)))}
    run_next(exploration, LammpsCalculation, None, results=results('completed', 400, 3.0), **last)
    exploration.results()
    found = exploration.outputs['results'].get_dict()
    assert (found['outcome'], found['n_steps'], found['n_jobs']) == ('crashed', 100, 3)
    assert found['message'] == 'The run crashed at 20 K, and came to its end at 16 K only.'
    assert exploration.outputs['candidates'].n_frames == 4
    assert 'final' not in exploration.outputs


def test_crashes_without_retries(settings, potential):
    exploration = make(
        'exploration', 'lammps', **settings('exploration', 'lammps'), structure=frames(1), potential=potential,
        parameters=orm.Dict({**PARAMETERS, 'crash_retries': 0}),
    )  # fmt: skip
    crash(exploration, 1)
    assert not exploration.should_run_process()


def test_handle_out_of_walltime_goes_on(exploration):
    velocities = np.ones((8, 3))
    outputs = {
        'results': results('out_of_walltime', 30, 2.5, 1), 'final': frames(1, seed=7, velocities=velocities),
        'candidates': frames(1, seed=1), 'trajectory': frames(3, seed=2),
    }  # fmt: skip
    run_next(exploration, LammpsCalculation, 'ERROR_OUT_OF_WALLTIME', **outputs)
    assert exploration.should_run_process()
    parameters = exploration.ctx.inputs.parameters
    assert (parameters['n_steps'], parameters['first_step'], parameters['velocities']) == (70, 30, 'keep')
    assert exploration.ctx.inputs.structure.uuid == outputs['final'].uuid
    last = frames(1, seed=8, velocities=velocities)
    run_next(exploration, LammpsCalculation, None, results=results('completed', 70), trajectory=frames(7), final=last)
    exploration.results()
    found = exploration.outputs['results'].get_dict()
    assert (found['outcome'], found['n_steps'], found['n_jobs']) == ('completed', 100, 2)
    assert exploration.outputs['trajectory'].n_frames == 10
    assert exploration.outputs['final'].uuid == last.uuid


def test_out_of_walltime_without_progress_fails(exploration):
    outcome = run_next(exploration, LammpsCalculation, 'ERROR_OUT_OF_WALLTIME', results=results('out_of_walltime', 0))
    assert outcome.status == exploration.exit_codes.ERROR_PROGRAM_FAILED.status


def test_handle_interrupted_once(exploration):
    run_next(exploration, LammpsCalculation, 'ERROR_INTERRUPTED', results=results('interrupted', 10))
    assert exploration.should_run_process()
    outcome = run_next(exploration, LammpsCalculation, 'ERROR_INTERRUPTED', results=results('interrupted', 10))
    assert outcome.status == exploration.exit_codes.ERROR_PROGRAM_FAILED.status


@pytest.mark.parametrize('label', ['ERROR_INITIALISATION', 'ERROR_CANDIDATES_FRAGMENTED', 'ERROR_OUTPUT_UNREADABLE'])
def test_handle_unrecoverable(exploration, label):
    outcome = run_next(exploration, LammpsCalculation, label)
    assert outcome.status == exploration.exit_codes.ERROR_PROGRAM_FAILED.status
    assert 'It ended badly.' in outcome.message


# -- training ---------------------------------------------------------------------------------------------------------


def test_training_without_labels_is_refused(settings, potential):
    with pytest.raises(ValueError, match=r'`training.one` holds frames without energy or forces'):
        make('training', 'mlip3', **settings('training', 'mlip3'), training={'one': frames(2)}, start=potential)


def test_empty_training_set_is_refused(settings, potential):
    with pytest.raises(ValueError, match='`training` holds no frames'):
        make('training', 'mlip3', **settings('training', 'mlip3'), training={}, start=potential)
