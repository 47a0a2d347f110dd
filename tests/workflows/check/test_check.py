"""`CheckWorkChain`: green on programs that are sound, red on those that err, with what to do."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.engine import run_get_node
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager

from aiida_seimlip.options import ase as ase_options
from aiida_seimlip.options.check.report import CheckReport
from aiida_seimlip.workflows.check import programs as check_programs
from aiida_seimlip.workflows.check.check import CheckWorkChain
from aiida_seimlip.workflows.check.programs import find_check
from tests.calculations.test_lammps_mace import mace
from tests.mace_models.fixtures import PYTHON, needs_mace
from tests.stand_ins.programs import STAND_INS, make_program

QUICK = {'level': 6, 'n_cells': 2, 'n_steps': 20, 'iteration_limit': 3}
LENNARD_JONES = {'sigma': 1.8, 'epsilon': 0.05, 'rc': 6.0, 'smooth': True}


def check(code, **inputs):
    """Run a check and return its process and its report."""
    outputs, node = run_get_node(CheckWorkChain, code=code, **{'parameters': QUICK, **inputs})
    assert node.is_finished, node.exception
    return node, CheckReport.model_validate(outputs['report'].get_dict())


def statuses(report):
    return {line.name: line.status for line in report.checks}


def line_of(report, name):
    return next(line for line in report.checks if line.name == name)


def assert_has_provenance(node):
    """Every node that the judge looked at was made by a process, or given."""
    judge = next(process for process in node.called if process.process_label.startswith('judge_'))
    known = {'parameters', 'processes', 'made__structure', 'made__settings'}
    inputs = judge.base.links.get_incoming(link_type=LinkType.INPUT_CALC).all()
    unmade = {link.link_label for link in inputs if link.node.creator is None}
    assert unmade <= known


# -- LAMMPS -----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_sound_lammps(code):
    node, report = check(code('seimlip.lammps', 'seimlip-lmp'))
    assert node.exit_status == 0, node.exit_message
    assert set(statuses(report).values()) == {'passed'}
    assert list(statuses(report)) == [
        'help', 'pair style', 'energy', 'forces', 'stress', 'type order', 'grade on = off', 'grade', 'break',
        'speed', 'speed with grades',
    ]  # fmt: skip
    assert (report.kind, report.facts['dialect']) == ('lammps', 'mlip')
    assert line_of(report, 'energy').value < 1e-10
    assert line_of(report, 'forces').value < 1e-8
    plain, graded = report.speeds
    assert [speed.with_grade for speed in report.speeds] == [False, True]
    assert (plain.level, plain.n_species, plain.n_atoms, plain.n_ranks) == (6, 3, 32, 1)
    assert plain.atom_steps_per_second == line_of(report, 'speed').value > 0
    assert graded.atom_steps_per_second > 0
    jobs = {process.uuid for process in node.called}
    assert all(line.process_uuid in jobs for line in report.checks)
    assert_has_provenance(node)


@pytest.mark.slow
def test_lammps_that_errs(code, tmp_path):
    """Wrong sign of the stress, types by occurrence, and a threshold that is ignored: each has its own red line."""
    program = make_program(tmp_path, 'lmp_that_errs', SEIMLIP_LMP_FAULTS='stress,types,threshold')
    node, report = check(code('seimlip.lammps', str(program)))
    assert node.exit_status == 400
    assert node.exit_message.startswith('3 of 11 checks of ')
    assert [line.name for line in report.failed] == ['stress', 'type order', 'break']
    stress, types, stop = report.failed
    assert stress.message == 'Compared with our own evaluation, the numbers have the wrong sign.'
    assert stress.value > 0.1 > stress.limit
    assert types.value > 1.0
    assert 'type 1 for the first species' in types.remedy
    assert 'was not stopped at 10' in stop.message
    assert all(line.remedy for line in report.failed)
    assert all(line.remedy is None for line in report.checks if line.status != 'failed')


def test_program_that_is_no_lammps(code):
    node, report = check(code('seimlip.lammps', '/bin/true'))
    assert node.exit_status == 400
    assert [line.name for line in report.failed] == ['job probe']
    assert 'does not answer `-h` as LAMMPS does' in report.failed[0].message
    assert 'path of a LAMMPS executable' in report.failed[0].remedy
    assert {status for name, status in statuses(report).items() if name != 'job probe'} == {'skipped'}


def test_lammps_without_the_pair_styles(code, tmp_path):
    program = make_program(tmp_path, 'lmp_that_only_helps')
    node, report = check(code('seimlip.lammps', str(program)))
    assert node.exit_status == 400
    assert [line.name for line in report.failed] == ['pair style']
    assert 'agni, agni/omp, mliap' in report.failed[0].message
    assert report.facts['version'] == '22 Jul 2025 - Update 4'
    assert statuses(report)['energy'] == 'skipped'


def test_lammps_without_the_dialect_that_is_wanted(code, tmp_path):
    program = make_program(tmp_path, 'lmp_that_only_helps', SEIMLIP_LMP_STAND_IN='mlip')
    _, report = check(code('seimlip.lammps', str(program)), parameters={**QUICK, 'dialect': 'mtp'})
    assert report.failed[0].message == 'The dialect `mtp` is not among what it speaks.'
    assert report.failed[0].remedy.endswith('or choose one of mlip.')


def test_lammps_that_fails_in_every_job(code, tmp_path):
    """Failed jobs are red lines; what depends on them is skipped."""
    program = make_program(tmp_path, 'lmp_that_only_helps', SEIMLIP_LMP_STAND_IN='mlip')
    node, report = check(code('seimlip.lammps', str(program)))
    assert node.exit_status == 400
    names = ['job plain', 'job subset', 'job graded', 'job breaking', 'job speed_plain', 'job speed_graded']
    assert [line.name for line in report.failed] == names
    assert all('It ended with status' in line.message for line in report.failed)
    assert statuses(report)['stress'] == 'skipped'
    assert report.speeds == []


def test_ranks_that_would_save_fragments_are_red(code, tmp_path):
    """Inputs that the jobs refuse end up in the report, too."""
    program = make_program(tmp_path, 'lmp_that_only_helps', SEIMLIP_LMP_STAND_IN='mlip')
    options = {'withmpi': False, 'resources': {'num_machines': 1, 'num_mpiprocs_per_machine': 1}}
    code = code('seimlip.lammps', str(program))
    process = check_process(code, options={**options, 'withmpi': True, 'resources': {'tot_num_mpiprocs': 4}})
    process.ctx.made = process.check.prepare(process.inputs.parameters, process.given)
    process.ctx.outputs = {'probe': {'results': orm.Dict({'dialects': ['mlip'], 'pair_styles': ['mlip']}).store()}}
    process.ctx.rounds, process.ctx.processes = ['speed_graded'], {}
    process.check.plan('points', process.inputs.parameters, process.ctx.made, process.ctx.outputs, process.given)
    process.run_jobs()
    refused = process.ctx.processes['speed_graded']
    assert refused['exit_status'] is None
    assert 'asks for 4 MPI ranks' in refused['message']


def check_process(code, **inputs):
    """Return a process that is not run."""
    from aiida.engine.utils import instantiate_process
    from aiida.manage import get_manager

    return instantiate_process(get_manager().get_runner(), CheckWorkChain, code=code, parameters=QUICK, **inputs)


# -- mlp --------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_sound_mlp(code):
    node, report = check(code('seimlip.mlip3.train', 'seimlip-mlp'))
    assert node.exit_status == 0, node.exit_message
    assert set(statuses(report).values()) == {'passed'}
    assert len(report.checks) == 12
    assert report.facts['build'] == 'serial'
    selection = line_of(report, 'selection')
    assert re.fullmatch(r'[1-7] of 8 candidates, the same as by us\.', selection.message)
    assert (selection.value, selection.limit) == (0.0, 0.0)
    assert line_of(report, 'energy, own potential').value < 1e-9
    assert_has_provenance(node)


def test_mlp_that_does_nothing(code):
    node, report = check(code('seimlip.mlip3.train', '/bin/true'))
    assert node.exit_status == 400
    assert [line.name for line in report.failed] == ['job train', 'job evaluate', 'job grade', 'job select']
    assert all('did not say that it is complete' in line.message for line in report.failed)
    assert all('the program `mlp` of MLIP-3' in line.remedy for line in report.failed)
    assert statuses(report)['grades, own potential'] == 'skipped'


# -- reference programs -----------------------------------------------------------------------------------------------


@pytest.fixture
def label_with(code, monkeypatch):
    """Return a function that checks an ASE calculator; `spoiled` ones are stand-ins."""
    known = ase_options.KnownCalculator('inconsistent_calculator:InconsistentForces', 'ase', reusable=True)
    monkeypatch.setitem(ase_options.CALCULATORS, 'spoiled', known)
    python = code('seimlip.ase', sys.executable, prepend_text=f'export PYTHONPATH={STAND_INS}')

    def run(name, kwargs, **inputs):
        parameters = orm.Dict({'calculator': {'name': name, 'kwargs': kwargs}})
        return check(python, reference={'parameters': parameters}, **inputs)

    return run


def test_sound_calculator(label_with):
    node, report = label_with('lj', LENNARD_JONES)
    assert node.exit_status == 0, node.exit_message
    assert list(statuses(report)) == ['labels', 'forces', 'stress', 'extensivity', 'speed', 'energy per atom']
    assert line_of(report, 'forces').value < 0.002
    assert line_of(report, 'stress').value < 0.05
    assert line_of(report, 'extensivity').value < 1e-12
    energies = line_of(report, 'energy per atom')
    assert (energies.status, energies.limit) == ('passed', 1e-3)
    assert energies.value < 1e-9
    assert [f'({n_atoms} atoms)' in energies.message for n_atoms in (2, 8, 16)] == [True] * 3
    (speed,) = report.speeds
    assert (speed.n_atoms, speed.atom_steps_per_second) == (4, None)
    assert speed.seconds_per_frame == line_of(report, 'speed').value > 0
    assert_has_provenance(node)


def test_calculator_with_forces_that_do_not_belong_to_its_energy(label_with):
    node, report = label_with('spoiled', {**LENNARD_JONES, 'force_factor': 1.1, 'stress_factor': -1.0, 'constant': 0.1})
    assert node.exit_status == 400
    assert node.exit_message.endswith('failed: forces, stress, extensivity; see the output `report`.')
    forces, stress, extensivity = report.failed
    assert re.search(r'they are 1\.(09|1)\d* times what they should be', forces.message)
    assert '`energy_free`' in forces.remedy
    assert 'wrong sign' in stress.message
    assert extensivity.value == pytest.approx(0.1 / 8)
    assert 'k-points' in extensivity.remedy
    energies = line_of(report, 'energy per atom')
    assert energies.status == 'warning', 'to know before the program is used, but no error of the program'
    assert energies.value == pytest.approx(0.1 * (1 / 2 - 1 / 16))
    assert energies.remedy == extensivity.remedy


def test_calculator_without_stress(label_with):
    node, report = label_with('spoiled', {**LENNARD_JONES, 'stress_factor': 0.0})
    assert node.exit_status == 0, node.exit_message
    assert statuses(report)['stress'] == 'not applicable'


def test_calculator_that_does_not_know_the_elements(label_with):
    node, report = label_with('emt', {})
    assert node.exit_status == 400
    assert 'Li' in report.failed[0].message
    assert 'If it does not know Li and F' in report.failed[0].remedy
    assert '--options' in report.failed[0].remedy
    assert statuses(report)['forces'] == statuses(report)['energy per atom'] == 'skipped'


def test_structure_of_the_user(label_with):
    from aiida_seimlip.data.frames import FramesData
    from aiida_seimlip.science.structures.alloy import alloy

    structure = FramesData.from_atoms([alloy(1, n_cells=1)])
    node, report = label_with('emt', {}, structure=structure)
    assert node.exit_status == 0, node.exit_message
    assert report.facts['cell'].endswith(', 22 frames')
    assert 'Ag' in report.facts['cell']
    assert_has_provenance(node)


def test_calculator_that_is_not_installed(label_with):
    node, report = label_with('gpaw', {})
    assert node.exit_status == 400
    assert report.failed[0].name == 'job label'
    assert 'could not be set up' in report.failed[0].message


def test_process_can_be_taken_up_by_another_worker(code):
    """All that a check keeps between two steps survives a checkpoint."""
    from aiida.engine.persistence import get_object_loader
    from aiida.orm.utils import serialize
    from plumpy import Bundle, LoadSaveContext

    parameters = orm.Dict({'calculator': {'name': 'lj', 'kwargs': LENNARD_JONES}})
    process = check_process(code('seimlip.ase', sys.executable), reference={'parameters': parameters})
    process.setup()
    process.ctx.outputs['label'] = {'failures': orm.Dict({}).store()}
    process.ctx.processes['label'] = process._describe(message='It was refused.')
    text = serialize.serialize(Bundle(process, LoadSaveContext(loader=get_object_loader())))
    context = serialize.deserialize_unsafe(text)['CONTEXT']
    assert context.made['frames'].uuid == process.ctx.made['frames'].uuid
    assert context.outputs['label']['failures'].get_dict() == {}
    assert context.processes == process.ctx.processes


# -- inputs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('plugin', 'inputs', 'message'),
    [
        ('core.arithmetic.add', {}, r'Input `code` is a code for `core\.arithmetic\.add`, which no engine drives'),
        (None, {}, r'Input `code` has no default plugin .* give `engine` \(lammps, mlip3, ase'),
        ('seimlip.lammps', {'engine': 'siesta'}, r'Input `engine` is `siesta`, but there are checks for lammps, mlip3'),
        ('seimlip.ase', {}, r'Input `reference.parameters` is missing'),
        ('seimlip.lammps', {'reference': {'parameters': {}}}, r'Input `reference` is for reference programs'),
        ('seimlip.lammps', {'parameters': {'level': 7}}, r'`level`'),
        ('seimlip.lammps', {'parameters': {'dialect': 'x'}}, r'`dialect` must be one of auto, mlip, mtp'),
        ('seimlip.ase', {'parameters': {'elements': ['Li', 'Qq']}}, r'`Qq` is not an element'),
    ],
)
def test_wrong_inputs_are_refused(aiida_localhost, plugin, inputs, message):
    code = orm.InstalledCode(
        label='any', computer=aiida_localhost, filepath_executable='/bin/true', default_calc_job_plugin=plugin
    )
    if 'reference' in inputs:
        inputs = {'reference': {'parameters': orm.Dict({'calculator': {'name': 'lj'}})}}
    with pytest.raises(ValueError, match=message):
        run_get_node(CheckWorkChain, code=code, **inputs)


def test_engine_tells_what_a_code_without_plugin_is(aiida_localhost):
    code = orm.InstalledCode(label='bare', computer=aiida_localhost, filepath_executable='/bin/true')
    _, report = check(code, engine='lammps')
    assert report.kind == 'lammps'
    assert [line.name for line in report.failed] == ['job probe']


@pytest.mark.parametrize(
    ('plugin', 'engine'),
    [('seimlip.lammps', 'lammps'), ('seimlip.mlip3.train', 'mlip3'), ('seimlip.ase', 'ase'), ('vasp.vasp', 'vasp')],
)
def test_default_plugin_tells_the_engine(aiida_localhost, plugin, engine):
    if plugin.startswith('vasp'):
        pytest.importorskip('aiida_vasp')
    code = orm.InstalledCode(
        label='any', computer=aiida_localhost, filepath_executable='/bin/true', default_calc_job_plugin=plugin
    )
    assert find_check(code).engine == engine


def test_engine_that_is_not_installed_stands_in_nobodys_way(aiida_localhost, monkeypatch):
    def load(socket, name):
        raise ValueError(f'The engine `{name}` of the socket `{socket}` cannot be loaded: no module.')

    monkeypatch.setattr(check_programs, 'load_engine', load)
    program = {'computer': aiida_localhost, 'filepath_executable': '/bin/true', 'label': 'any'}
    lammps = orm.InstalledCode(default_calc_job_plugin='seimlip.lammps', **program)
    assert find_check(lammps).engine == 'lammps'
    with pytest.raises(ValueError, match='which no engine drives'):
        find_check(orm.InstalledCode(default_calc_job_plugin='vasp.vasp', **program))


def test_structure_that_no_check_can_use(code, unusable_start, make_frames):
    python = code('seimlip.ase', sys.executable)
    runner = get_manager().get_runner()
    reference = {'parameters': orm.Dict({'calculator': {'name': 'emt'}})}
    start, words = unusable_start
    if 'stated is' in words:
        with pytest.raises(ValueError, match=words):
            instantiate_process(
                runner, CheckWorkChain, code=python, parameters={}, reference=reference, structure=start
            )
    with pytest.raises(ValueError, match='holds 2 frames, but exactly one is needed'):
        instantiate_process(
            runner, CheckWorkChain, code=python, parameters={}, reference=reference, structure=make_frames(2)
        )


# -- MACE -------------------------------------------------------------------------------------------------------------


@needs_mace
@pytest.mark.slow
def test_lammps_with_a_mace_potential_and_its_python(code, mace_code, mace_potential):
    """The embedded program agrees with MACE's own calculator, and the speeds in both precisions are kept."""
    lammps = code('seimlip.lammps', str(Path(PYTHON).with_name('seimlip-lmp')))
    potential = mace_potential(('Li', 'F'), (21,))
    node, report = check(lammps, potential=potential, reference={'code': mace_code})
    assert node.exit_status == 0, node.exit_message
    assert set(statuses(report).values()) == {'passed'}
    assert list(statuses(report)) == [
        'help', 'pair style', 'file', 'energy, by MACE', 'forces, by MACE', 'stress, by MACE', 'single precision',
        'speed, float64', 'speed, float32',
    ]  # fmt: skip
    assert line_of(report, 'forces, by MACE').value < 1e-9
    assert [speed.precision for speed in report.speeds] == ['float64', 'float32']
    assert {speed.potential_uuid for speed in report.speeds} == {potential.uuid}
    for speed, job in zip(report.speeds, ('speed_double', 'speed_single'), strict=True):
        results = next(child for child in node.called if link_label(child) == job).outputs.results
        expected = speed.n_atoms * QUICK['n_steps'] / results['loop_seconds']
        assert speed.atom_steps_per_second == pytest.approx(expected)


@needs_mace
@pytest.mark.slow
def test_python_with_a_mace_potential(mace_code, mace_potential):
    node, report = check(mace_code, potential=mace_potential(('Li', 'F'), (21,)))
    assert node.exit_status == 0, node.exit_message
    assert list(statuses(report)) == ['file', 'single precision', 'speed, float64', 'speed, float32']


def test_lammps_without_a_pair_style_for_mace(code):
    """The embedded program where there is no torch: a red line, and what to do."""
    node, report = check(code('seimlip.lammps', 'seimlip-lmp'), potential=mace())
    assert node.exit_status == 400
    line = line_of(report, 'pair style')
    assert line.status == 'failed'
    assert 'make mace' in line.remedy


def test_potential_of_another_family_is_refused(code, potential):
    with pytest.raises(ValueError, match='`potential` is for checks with MACE'):
        check(code('seimlip.lammps', 'seimlip-lmp'), potential=potential)


def link_label(node):
    return node.base.links.get_incoming(link_type=LinkType.CALL_CALC).one().link_label
