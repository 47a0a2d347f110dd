"""What becomes of the frames of several models when their jobs end in all ways, without a program."""

import sys

import pytest
from aiida import orm
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager
from ase.build import bulk
from ase.calculators.emt import EMT

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.model_jobs import Finished
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.workflows.crystal.relaxation import RelaxationWorkChain
from tests.engines.test_handlers import finished_job

LATE = 'NotFinished: the job ended before this frame was begun.'


@pytest.fixture
def process(code, monkeypatch):
    """Return the relaxation of four crystals by one model, whose jobs are only noted."""
    model = {'code': code('seimlip.ase', sys.executable), 'parameters': orm.Dict({'calculator': {'name': 'emt'}})}
    structures = {name: FramesData.from_atoms([bulk(name)]) for name in ('Ag', 'Au', 'Cu', 'Ni')}
    inputs = {'structures': structures, 'models': {'emt': model}, 'options': orm.Dict({})}
    process = instantiate_process(get_manager().get_runner(), RelaxationWorkChain, **inputs)
    process.submitted = []
    monkeypatch.setattr(process, 'submit', lambda job, **given: process.submitted.append(given))
    monkeypatch.setattr(process, 'to_context', lambda **kwargs: None)
    process.setup()
    process.queue_relaxations()
    return process


def end_job(process, label, failures, notes=()):
    """Run the job of the model, which ends with an exit code and the reasons of failures by index."""
    process.submitted.clear()
    process.run_jobs()
    (given,) = process.submitted
    frames = given['frames'].get_frames(trace=True)
    wanted = given['indices'].get_list() if 'indices' in given else range(len(frames))
    done = [index for index in wanted if str(index) not in failures]
    outputs = {'failures': orm.Dict(failures), 'results': orm.Dict({'indices': done, 'notes': dict(notes)})}
    if done:
        images = frames[done].to_atoms()
        for atoms in images:
            atoms.calc = EMT()
            atoms.get_forces()
        outputs['labelled'] = FramesData(Frames.from_atoms(images))
    inputs = {name: given[name] for name in ('frames', 'indices') if name in given}
    process.ctx.jobs['job_0'] = finished_job(AseCalculation, label, inputs, **outputs)
    process.inspect_jobs()
    return given


def test_what_the_wall_time_left_is_done_by_another_job(process):
    """The crystals come back in their order, with their notes, and each failure is that of the last job."""
    end_job(process, 'ERROR_OUT_OF_WALLTIME', {'1': 'ValueError: no', '2': LATE, '0': LATE}, {'3': 'NotConverged: 3'})
    assert process.should_run_jobs()
    given = end_job(process, None, {}, {'0': 'NotConverged: 0'})
    assert given['indices'].get_list() == [0, 2]
    assert given['metadata']['call_link_label'] == 'minima_emt_1'
    assert not process.should_run_jobs()
    assert process.ctx.problems == {}
    finished = Finished.of(process.ctx.found['emt']['minima'], 4, 'lost')
    assert finished.indices == [0, 2, 3]
    assert finished.frames.formulas == ['Ag', 'Cu', 'Ni']
    assert finished.failures == {1: 'ValueError: no'}
    assert finished.notes == {0: '0', 3: '3'}


def test_job_that_got_nothing_done_is_the_last(process):
    """A crystal whose relaxation takes longer than the wall time would take as long again."""
    begun = 'NotFinished, begun: the job ended while it worked on this frame.'
    end_job(process, 'ERROR_OUT_OF_WALLTIME', {'0': begun, '1': LATE})
    assert end_job(process, 'ERROR_OUT_OF_WALLTIME', {'0': begun})['indices'].get_list() == [1, 0]
    end_job(process, 'ERROR_OUT_OF_WALLTIME', {'0': begun})
    assert not process.should_run_jobs()
    assert 'ended with status 400' in process.ctx.problems['emt']
    finished = Finished.of(process.ctx.found['emt']['minima'], 4, 'lost')
    assert finished.indices == [1, 2, 3]
    assert finished.failures == {0: begun}
