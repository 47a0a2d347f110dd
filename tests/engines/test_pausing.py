"""Engines that pause, where they would fail, until a user lets them go on."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from aiida import orm
from aiida.engine import run_get_node
from aiida.plugins import WorkflowFactory
from aiida.plugins.entry_point import get_entry_point_names

from aiida_seimlip.calculations.lammps import LammpsCalculation
from aiida_seimlip.engines.restart import RestartMixin

from .test_handlers import PARAMETERS, frames, make, results, run_next

FAILS = 'ERROR_INITIALISATION'


@pytest.fixture
def exploration(settings, potential):
    """Return a function that gives an exploration with further inputs."""
    return lambda **inputs: make(
        'exploration', 'lammps', **settings('exploration', 'lammps'), structure=frames(1), potential=potential,
        parameters=orm.Dict(PARAMETERS), **inputs,
    )  # fmt: skip


def messages(process):
    return ' '.join(entry.message for entry in orm.Log.collection.get_logs_for(process.node))


def test_abort_is_the_default(exploration):
    process = exploration()
    assert run_next(process, LammpsCalculation, FAILS).status == process.exit_codes.ERROR_PROGRAM_FAILED.status
    assert not process.paused


def test_pause(exploration):
    """The reason is what the process would have failed with; when it goes on, the new job is looked at."""
    process = exploration(on_unhandled_failure='pause')
    assert run_next(process, LammpsCalculation, FAILS) is None
    assert process.paused
    assert 'It ended badly.' in process.status
    assert f'verdi process play {process.node.pk}' in messages(process)
    assert process.should_run_process()
    process.play()
    assert run_next(process, LammpsCalculation, None, results=results('completed')) is None
    assert not process.should_run_process()
    process.results()
    assert process.outputs['results']['outcome'] == 'completed'


def test_restart_once(exploration):
    process = exploration(on_unhandled_failure=orm.Str('restart_once'))
    assert run_next(process, LammpsCalculation, FAILS) is None
    assert process.should_run_process() and not process.paused
    assert run_next(process, LammpsCalculation, FAILS).status


def test_restart_and_pause(exploration):
    process = exploration(on_unhandled_failure=orm.Str('restart_and_pause'))
    assert run_next(process, LammpsCalculation, FAILS) is None
    assert not process.paused
    assert run_next(process, LammpsCalculation, FAILS) is None
    assert process.paused


def test_job_that_was_killed(exploration):
    """A job that did not even finish is a failure like others."""
    process = exploration(on_unhandled_failure='pause')
    job = orm.CalcJobNode(computer=orm.load_computer('localhost'))
    job.set_process_state('killed')
    process.ctx.iteration, process.ctx.children = 1, [job.store()]
    assert process.inspect_process() is None
    assert process.paused


def test_pause_at_the_last_job(exploration):
    process = exploration(pause_on_max_iterations=True, max_iterations=orm.Int(2))
    assert not run_next(process, LammpsCalculation, 'ERROR_INTERRUPTED').status
    assert not process.paused
    assert run_next(process, LammpsCalculation, 'ERROR_INTERRUPTED') is None
    assert process.paused
    process.play()
    assert process.ctx.iteration == 0
    assert not process._is_last_job()
    assert run_next(process, LammpsCalculation, None, results=results('completed')) is None
    assert len(process.all_jobs) == 3


def test_pause_at_the_last_job_is_for_the_last_job(exploration):
    process = exploration(pause_on_max_iterations=True, max_iterations=orm.Int(2))
    assert run_next(process, LammpsCalculation, FAILS).status


def test_unknown_answer_is_refused(exploration):
    with pytest.raises(ValueError, match='Must be one of: abort, pause'):
        exploration(on_unhandled_failure='sleep')


def test_every_engine_that_runs_one_job_can_pause():
    names = [name for name in get_entry_point_names('aiida.workflows') if name.startswith('seimlip.')]
    engines = [engine for engine in map(WorkflowFactory, names) if issubclass(engine, RestartMixin)]
    assert len(engines) >= 6
    for engine in engines:
        assert {'on_unhandled_failure', 'pause_on_max_iterations'} <= set(engine.spec().inputs)


def test_program_that_works_the_second_time(code, training, potential, tmp_path, monkeypatch):
    """From end to end: the process pauses, is let go on, and ends well with what the new job gave."""
    program, marker = tmp_path / 'mlp', tmp_path / 'was_here'
    real = Path(sys.executable).parent / 'seimlip-mlp'
    program.write_text(f'#!/bin/sh\n[ -e "{marker}" ] || {{ touch "{marker}"; exit 3; }}\nexec "{real}" "$@"\n')
    os.chmod(program, program.stat().st_mode | stat.S_IXUSR)
    engine, paused = WorkflowFactory('seimlip.selection.mlip3'), []

    def pause(self, message=None):
        paused.append(message)
        answer = RestartMixin.pause(self, message)
        self.loop.call_later(0.1, self.play)
        return answer

    monkeypatch.setattr(engine, 'pause', pause)
    _, node = run_get_node(
        engine, code=code('seimlip.mlip3.select', str(program)), training=training, potential=potential,
        candidates=frames(3, seed=7), on_unhandled_failure='pause',
    )  # fmt: skip
    assert len(paused) == 1 and 'ended with status' in paused[0]
    assert node.is_finished_ok, node.exit_message
    assert [job.is_finished_ok for job in node.called if isinstance(job, orm.CalcJobNode)].count(True) == 1
