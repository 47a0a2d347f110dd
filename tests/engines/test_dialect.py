"""The dialect of a LAMMPS is found by a probe where the user leaves it open."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.engine import run_get_node
from plumpy import ProcessState

from aiida_seimlip.calculations.lammps import LammpsCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.engines.exploration.dialect import PROBE, find_probe, find_running_probe
from aiida_seimlip.functions.parameters import with_dialect
from aiida_seimlip.science.frames import Frames
from tests.stand_ins.programs import make_program

from .conftest import image

PARAMETERS = {
    'ensemble': 'nve', 'temperature': 20.0, 'timestep': 2.0, 'n_steps': 10, 'dump_every': 10, 'thermo_every': 10,
    'seed': 5, 'threshold_break': 1e6, 'dialect': 'auto',
}  # fmt: skip


@pytest.fixture
def explore(potential):
    """Return a function that runs an exploration with a code and returns its process."""

    def run(code, **inputs):
        engine = load_engine('exploration', 'lammps')
        structure = FramesData(Frames.from_atoms([image(1, scale=0.0, strain=0.0)]))
        given = {'code': code, 'structure': structure, 'potential': potential, 'parameters': orm.Dict(PARAMETERS)}
        return run_get_node(engine, **{**given, **inputs})[1]

    return run


def jobs_of(process, label):
    return [job for job in process.called_descendants if job.process_label == label]


def store_probe(code, state=ProcessState.FINISHED, caller=None, **content):
    """Store a probe of a code, called by an exploration of a campaign."""
    node = orm.CalcJobNode(computer=code.computer, process_type=PROBE)
    node.set_process_state(state)
    if state is ProcessState.FINISHED:
        node.set_exit_status(0)
    node.base.links.add_incoming(code, link_type=LinkType.INPUT_CALC, link_label='code')
    if caller is not None:
        exploration = orm.WorkChainNode()
        exploration.base.links.add_incoming(caller, link_type=LinkType.CALL_WORK, link_label='exploration')
        exploration.store()
        node.base.links.add_incoming(exploration, link_type=LinkType.CALL_CALC, link_label='probe')
    node.store()
    if content:
        results = orm.Dict(content)
        results.base.links.add_incoming(node, link_type=LinkType.CREATE, link_label='results')
        results.store()
    return node


@pytest.fixture
def fresh_code(aiida_localhost):
    """Return a factory of codes that no other test has probed."""

    def factory(executable: str | Path) -> orm.InstalledCode:
        return orm.InstalledCode(
            label=f'lmp-{uuid.uuid4().hex[:8]}', computer=aiida_localhost,
            filepath_executable=str(executable), default_calc_job_plugin='seimlip.lammps',
        ).store()  # fmt: skip

    return factory


def test_dialect_comes_from_a_probe_that_is_run_once(explore, fresh_code, code):
    program = fresh_code(code('seimlip.lammps', 'seimlip-lmp').filepath_executable)
    process = explore(program)
    assert process.is_finished_ok, process.exit_message
    (probe,) = jobs_of(process, 'LammpsProbeCalculation')
    (job,) = jobs_of(process, 'LammpsCalculation')
    assert job.inputs.parameters['dialect'] == 'mlip'
    assert {key: job.inputs.parameters[key] for key in PARAMETERS} == {**PARAMETERS, 'dialect': 'mlip'}
    chosen = job.inputs.parameters.creator
    assert chosen.process_label == 'with_dialect'
    assert chosen.inputs.probe == probe.outputs.results
    again = explore(program)
    assert again.is_finished_ok, again.exit_message
    assert not jobs_of(again, 'LammpsProbeCalculation')
    assert jobs_of(again, 'LammpsCalculation')[0].inputs.parameters.creator.inputs.probe == probe.outputs.results


def test_code_without_the_pair_styles_ends_at_once(explore, fresh_code, tmp_path):
    process = explore(fresh_code(make_program(tmp_path, 'lmp_that_only_helps')))
    assert process.exit_status == 210
    assert process.exit_message == (
        'The LAMMPS of input `code` (22 Jul 2025 - Update 4) has none of the pair styles for moment tensor potentials; '
        'of those for machine-learning potentials it has agni, agni/omp, mliap, pod, snap, uf3.'
    )
    assert not jobs_of(process, 'LammpsCalculation')


def test_code_that_is_no_lammps(explore, fresh_code):
    process = explore(fresh_code('/bin/true'))
    assert process.exit_status == 211
    assert 'does not answer `-h` as LAMMPS does' in process.exit_message


def test_explicit_dialect_needs_no_probe(explore, code):
    parameters = orm.Dict({**PARAMETERS, 'dialect': 'mtp'})
    process = explore(code('seimlip.lammps', 'seimlip-lmp'), parameters=parameters)
    assert process.is_finished_ok, process.exit_message
    assert not jobs_of(process, 'LammpsProbeCalculation')
    (job,) = jobs_of(process, 'LammpsCalculation')
    assert job.inputs.parameters == parameters


# -- pieces -----------------------------------------------------------------------------------------------------------

SEVERAL_RANKS = {'withmpi': True, 'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 4}}


@pytest.mark.parametrize(
    ('dialects', 'options', 'chosen'),
    [
        (['mlip'], {}, 'mlip'),
        (['mtp'], {}, 'mtp'),
        (['mtp', 'mlip'], {}, 'mlip'),
        (['mlip', 'mtp'], SEVERAL_RANKS, 'mtp'),
        (['mlip', 'mtp'], {**SEVERAL_RANKS, 'withmpi': False}, 'mlip'),
        (['mlip'], SEVERAL_RANKS, 'mlip'),
    ],
)
def test_choice(aiida_profile, dialects, options, chosen):
    settings = {'options': orm.Dict(options)} if options else {}
    parameters = with_dialect(orm.Dict({'dialect': 'auto', 'seed': 3}), orm.Dict({'dialects': dialects}), **settings)
    assert parameters.get_dict() == {'dialect': chosen, 'seed': 3}


def test_probes_are_found_by_code(fresh_code):
    mine, other = fresh_code('/bin/true'), fresh_code('/bin/false')
    assert find_probe(mine) is None
    store_probe(other, dialects=['mtp'])
    assert find_probe(mine) is None
    older, newer = store_probe(mine, dialects=['mtp']), store_probe(mine, dialects=['mlip'])
    store_probe(mine, ProcessState.EXCEPTED)
    assert find_probe(mine) == newer != older


def test_running_probes_are_waited_for_within_a_campaign_only(fresh_code):
    code = fresh_code('/bin/true')
    campaign, other = orm.WorkChainNode().store(), orm.WorkChainNode().store()
    running = store_probe(code, ProcessState.WAITING, caller=campaign)
    assert find_running_probe(code, campaign) == running
    assert find_running_probe(code, other) is None
    assert find_running_probe(code, None) is None
    running.set_process_state(ProcessState.KILLED)
    assert find_running_probe(code, campaign) is None


def test_job_by_itself_refuses_an_open_dialect(aiida_profile):
    (fault,) = LammpsCalculation.find_faults({'parameters': orm.Dict(PARAMETERS)})
    assert fault.startswith('Input `parameters` leaves the dialect open (`auto`)')
    assert fault.endswith('a job by itself needs one of mlip, mtp, mace, mace/committee, mliap, symmetrix.')


@pytest.mark.parametrize(('dialect', 'is_fine'), [(None, False), ('mlip', False), ('mtp', True), ('auto', True)])
def test_dynamics_with_a_code_known_to_speak_another_dialect(fresh_code, potential, dialect, is_fine):
    """What the probe of a check has found is known to engines of dynamics, too."""
    program = fresh_code('/bin/true')
    store_probe(program, dialects=['mtp'], pair_styles=['mtp'], version='x')
    parameters = {'temperature': 300.0, 'n_steps': 10, 'seed': 1, **({'dialect': dialect} if dialect else {})}
    engine = load_engine('dynamics', 'lammps')
    structure = FramesData(Frames.from_atoms([image(1, scale=0.0, strain=0.0)]))
    inputs = {'code': program, 'structure': structure, 'potential': potential, 'parameters': orm.Dict(parameters)}
    message = engine.validate_inputs(inputs, None)
    assert (message is None) is is_fine
    assert is_fine or 'speaks `mtp`: set `dialect` to `mtp`, or to `auto`' in message


def test_dynamics_still_refuse_what_the_job_would_refuse(fresh_code, potential):
    parameters = {'temperature': 300.0, 'n_steps': 10, 'velocities': 'keep'}
    structure = FramesData(Frames.from_atoms([image(1, scale=0.0, strain=0.0)]))
    inputs = {'code': fresh_code('/bin/true'), 'structure': structure, 'potential': potential}
    message = load_engine('dynamics', 'lammps').validate_inputs({**inputs, 'parameters': orm.Dict(parameters)}, None)
    assert message.startswith('Input `structure` has no velocities')
