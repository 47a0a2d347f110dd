"""What the labels by VASP do about jobs that do not end well, without a run."""

from __future__ import annotations

import pytest
from aiida import orm
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.vasp import prepare_vasp
from aiida_seimlip.options.vasp import VaspLabelOptions

from .conftest import VASP_SCHEDULER, image
from .test_handlers import folder, run_next

pytest.importorskip('aiida_vasp')

from aiida_vasp.calcs.vasp import VaspCalculation

from aiida_seimlip.engines.reference.vasp_job import VaspLabelWorkChain


@pytest.fixture
def process(vasp_code, potcar_family):
    """Return a process that is set up, and a function that lets a job end with a message in some file."""

    def make(*, scheduler=None, incar=None, recovery=None):
        frame = FramesData.from_atoms([image(1)])
        parameters = {'potential_family': potcar_family, 'incar': incar or {}, 'recovery': recovery or {}}
        made = prepare_vasp(frame, VaspLabelOptions.serializer(parameters))
        found = instantiate_process(
            get_manager().get_runner(), VaspLabelWorkChain, code=vasp_code, **made['shared'],
            structure=made['structures']['frame_00000'],
            calc={'metadata': {'options': {**VASP_SCHEDULER, **(scheduler or {})}}},
        )  # fmt: skip
        found.setup()
        assert found.init_inputs() is None
        return found

    return make


def end_job(process, label='ERROR_DID_NOT_FINISH', **files):
    """Let a job end, and return what the process makes of it."""
    names = {'stderr': '_scheduler-stderr.txt', 'stdout': '_scheduler-stdout.txt', 'said': 'vasp_output'}
    retrieved = folder(**{'OUTCAR': 'begun', 'vasp_output': '', **{names[key]: text for key, text in files.items()}})
    return run_next(process, VaspCalculation, label, retrieved=retrieved)


OOM = 'slurmstepd: error: Detected 1 oom_kill event in StepId=7.batch. Some of the step tasks have been OOM Killed.'


def test_out_of_memory_asks_for_memory(process):
    found = process(scheduler={'max_memory_kb': 1000}, incar={'kpar': 4})
    assert not end_job(found, stderr=OOM).status
    assert found.ctx.inputs.parameters['kpar'] == 1
    for memory in (2000, 4000):
        assert not end_job(found, stderr=OOM).status
        assert found.ctx.inputs.metadata['options']['max_memory_kb'] == memory
    exit_code = end_job(found, stderr=OOM)
    assert exit_code.status == VaspLabelWorkChain.exit_codes.ERROR_OUT_OF_MEMORY.status
    assert 'oom_kill' in exit_code.message


def test_out_of_memory_asks_for_machines(process, monkeypatch):
    found = process()
    monkeypatch.setattr(orm.Computer, 'scheduler_type', 'core.slurm')
    assert not end_job(found, stderr=OOM).status
    assert found.ctx.inputs.metadata['options']['resources'] == {'num_machines': 2, 'num_mpiprocs_per_machine': 1}


def test_out_of_walltime_needs_a_wall_time(process):
    message = 'slurmstepd: error: *** JOB 7 ON n CANCELLED AT 2026-01-01T00:00:00 DUE TO TIME LIMIT ***'
    assert end_job(process(), stderr=message).status == VaspLabelWorkChain.exit_codes.ERROR_OUT_OF_WALLTIME.status
    found = process(scheduler={'max_wallclock_seconds': 100})
    for seconds in (200, 400):
        assert not end_job(found, stderr=message).status
        assert found.ctx.inputs.metadata['options']['max_wallclock_seconds'] == seconds
    assert end_job(found, stderr=message).status == VaspLabelWorkChain.exit_codes.ERROR_OUT_OF_WALLTIME.status


@pytest.mark.parametrize(
    'message',
    ['*** JOB 7 ON n CANCELLED AT 2026-01-01T00:00:00 ***', '*** CANCELLED AT 2026-01-01T00:00:00 DUE TO NODE FAILURE'],
)
def test_interruptions_are_forgiven_once(process, message):
    found = process()
    assert not end_job(found, stderr=message).status
    assert end_job(found, stderr=message).status == VaspLabelWorkChain.exit_codes.ERROR_INTERRUPTED.status


def test_excepted_job_is_run_again_once(process):
    found = process()
    for expected in (None, VaspLabelWorkChain.exit_codes.ERROR_INTERRUPTED.status):
        job = orm.CalcJobNode(computer=orm.load_computer('localhost'))
        job.set_process_state('excepted')
        job.set_exception('OSError: the folder is gone')
        found.ctx.iteration += 1
        found.ctx.setdefault('children', []).append(job.store())
        exit_code = found.inspect_process()
        assert (exit_code.status if exit_code else None) == expected
    assert 'the folder is gone' in exit_code.message


def test_no_recovery(process):
    found = process(recovery={'enabled': False})
    exit_code = end_job(found, 'ERROR_ELECTRONIC_NOT_CONVERGED')
    assert exit_code.status == VaspLabelWorkChain.exit_codes.ERROR_SCF_NOT_CONVERGED.status


def test_refusal_is_not_repeated(process):
    exit_code = end_job(process(), said=" Error reading item 'ENCUT' from file INCAR.\n")
    assert exit_code.status == VaspLabelWorkChain.exit_codes.ERROR_VASP_REFUSED.status
    assert 'ENCUT' in exit_code.message


def test_algorithm_is_changed_to_another_one(process):
    found = process(incar={'algo': 'All'})
    assert not end_job(found, 'ERROR_ELECTRONIC_NOT_CONVERGED').status
    assert (found.ctx.inputs.parameters['algo'], found.ctx.inputs.parameters['nelm']) == ('Normal', 200)
