"""What the labels by pw.x do about jobs that do not end well, without a run."""

from __future__ import annotations

import io

import pytest
from aiida import orm
from aiida.engine.utils import instantiate_process
from aiida.manage import get_manager

pytest.importorskip('aiida_quantumespresso')

from aiida_pseudo.data.pseudo.upf import UpfData
from aiida_quantumespresso.calculations.pw import PwCalculation

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.reference.quantumespresso_job import PwLabelWorkChain
from aiida_seimlip.functions.quantumespresso import prepare_pw
from aiida_seimlip.options.quantumespresso import PwLabelOptions
from tests.espresso.fixtures import SCHEDULER, lif

from .test_handlers import folder, run_next

EXIT_CODES = PwLabelWorkChain.exit_codes
BORDER = '%' * 78


def potential(element):
    """Return a file that is no pseudopotential, but has the header of one."""
    header = f'<PP_HEADER\nelement="{element}"\npseudo_type="NC"\nfunctional="PBE"\nz_valence="1.0"/>'
    return UpfData(io.BytesIO(header.encode()), f'{element}.upf').store()


@pytest.fixture
def process(aiida_localhost):
    """Return a function that makes a process and sets it up."""
    code = orm.InstalledCode(
        label='pw', computer=aiida_localhost, filepath_executable='/bin/true', with_mpi=False,
        default_calc_job_plugin='quantumespresso.pw',
    ).store()  # fmt: skip

    def make(*, scheduler=None, **parameters):
        options = PwLabelOptions.serializer({'potential_family': 'made-up', **parameters})
        pseudos = {element: potential(element) for element in ('Li', 'F')}
        made = prepare_pw(FramesData.from_atoms([lif(1)]), options, pseudos=pseudos)
        shared = dict(made['shared'])
        job = {name: shared.pop(name) for name in ('parameters', 'parallelization') if name in shared}
        found = instantiate_process(
            get_manager().get_runner(), PwLabelWorkChain, kpoints=next(iter(made['kpoints'].values())), **shared,
            pw={
                'code': code, 'structure': made['structures']['frame_00000'], 'pseudos': pseudos, **job,
                'metadata': {'options': {**SCHEDULER, **(scheduler or {})}},
            },
        )  # fmt: skip
        found.setup()
        assert found.validate_kpoints() is None
        return found

    return make


def end_job(process, label=None, *, said='PWSCF', **files):
    """Let a job end, and return what the process makes of it."""
    names = {'stderr': '_scheduler-stderr.txt', 'crash': 'CRASH', 'xml': 'data-file-schema.xml'}
    retrieved = folder(**{'aiida.out': said, **{names[key]: text for key, text in files.items()}})
    process.prepare_process()
    remote = orm.RemoteData(computer=orm.load_computer('localhost'), remote_path='/nowhere')
    bands = orm.Dict({'number_of_bands': 10})
    return run_next(process, PwCalculation, label, retrieved=retrieved, remote_folder=remote, output_parameters=bands)


def stopped(routine, message):
    return f'PWSCF\n {BORDER}\n     Error in routine {routine} (1):\n     {message}\n {BORDER}\n'


def parameters(process, namelist):
    return process.ctx.inputs.parameters[namelist]


def test_only_our_handlers_act():
    """The handlers of aiida-quantumespresso would act beside ours, and go on with a mixing that nobody asked for."""
    handlers = {handler.__name__ for handler in PwLabelWorkChain.get_process_handlers()}
    assert all(name.startswith('handle_') for name in handlers)
    assert {'handle_scf_not_converged', 'handle_out_of_walltime', 'handle_out_of_memory', 'handle_io_error'} <= handlers
    assert not {'handle_diagonalization_errors', 'handle_electronic_convergence_not_reached'} & handlers


def test_out_of_walltime_goes_on_with_more(process):
    """pw.x stops by itself at 95 % of the wall time, and goes on from there."""
    found = process(scheduler={'max_wallclock_seconds': 100})
    for seconds in (200, 400):
        assert not end_job(found, 'ERROR_OUT_OF_WALLTIME').status
        assert found.ctx.inputs.metadata['options']['max_wallclock_seconds'] == seconds
        assert parameters(found, 'CONTROL')['restart_mode'] == 'restart'
        assert found.ctx.inputs.parent_folder.get_remote_path() == '/nowhere'
        found.prepare_process()
        assert parameters(found, 'CONTROL')['max_seconds'] == pytest.approx(0.95 * seconds)
    assert end_job(found, 'ERROR_OUT_OF_WALLTIME').status == EXIT_CODES.ERROR_OUT_OF_WALLTIME.status


def test_killed_at_the_wall_time_begins_anew(process):
    """What the scheduler ended had no time to write its wave functions."""
    message = 'slurmstepd: error: *** JOB 7 ON n CANCELLED AT 2026-01-01T00:00:00 DUE TO TIME LIMIT ***'
    found = process(scheduler={'max_wallclock_seconds': 100})
    assert not end_job(found, 'ERROR_OUTPUT_STDOUT_INCOMPLETE', stderr=message).status
    assert parameters(found, 'CONTROL')['restart_mode'] == 'from_scratch'
    assert 'parent_folder' not in found.ctx.inputs


def test_out_of_memory(process):
    oom = 'slurmstepd: error: Detected 1 oom_kill event in StepId=7.batch. Some of the tasks have been OOM Killed.'
    found = process(scheduler={'max_memory_kb': 1000}, parallelization={'npool': 4, 'ndiag': 1})
    assert not end_job(found, 'ERROR_OUTPUT_STDOUT_INCOMPLETE', stderr=oom).status
    assert found.ctx.inputs.parallelization == {'npool': 1, 'ndiag': 1}
    for memory in (2000, 4000):
        assert not end_job(found, 'ERROR_OUTPUT_STDOUT_INCOMPLETE', stderr=oom).status
        assert found.ctx.inputs.metadata['options']['max_memory_kb'] == memory
    exit_code = end_job(found, 'ERROR_OUTPUT_STDOUT_INCOMPLETE', stderr=oom)
    assert exit_code.status == EXIT_CODES.ERROR_OUT_OF_MEMORY.status
    assert 'oom_kill' in exit_code.message


@pytest.mark.parametrize(
    ('label', 'said', 'expected'),
    [
        ('ERROR_OUTPUT_FILES', stopped('davcio', 'error writing file'), 'ERROR_OUT_OF_DISK'),
        ('ERROR_OUTPUT_STDOUT_INCOMPLETE', 'PWSCF begun', 'ERROR_OUTPUT_TRUNCATED'),
        ('ERROR_OUTPUT_FILES', 'pw.x: cannot open shared object file', 'ERROR_NO_OUTPUT'),
        ('ERROR_OUTPUT_STDOUT_MISSING', 'PWSCF', 'ERROR_NO_OUTPUT'),
    ],
)
def test_what_is_tried_once_more(process, label, said, expected):
    found = process()
    assert not end_job(found, label, said=said).status
    assert end_job(found, label, said=said).status == EXIT_CODES[expected].status


def test_refusal_is_not_repeated(process):
    exit_code = end_job(process(), 'ERROR_OUTPUT_FILES', said=stopped('read_namelists', 'bad line in namelist &system'))
    assert exit_code.status == EXIT_CODES.ERROR_PW_REFUSED.status
    assert 'bad line in namelist &system (read_namelists, 1)' in exit_code.message


@pytest.mark.parametrize(('asked', 'expected'), [(None, 'cg'), ('cg', 'david')])
def test_diagonalisation(process, asked, expected):
    namelists = {'ELECTRONS': {'diagonalization': asked}} if asked else {}
    found = process(namelists=namelists)
    assert not end_job(found, 'ERROR_COMPUTING_CHOLESKY').status
    assert parameters(found, 'ELECTRONS')['diagonalization'] == expected
    assert end_job(found, 'ERROR_COMPUTING_CHOLESKY').status == EXIT_CODES.ERROR_PW_STOPPED.status


def test_steps_towards_convergence(process):
    """Mixing, screening, and a detour over a wider smearing, after which the cycle has to converge as asked."""
    found, label = process(electron_maxstep=50), 'ERROR_ELECTRONIC_CONVERGENCE_NOT_REACHED'
    electrons, system = parameters(found, 'ELECTRONS'), parameters(found, 'SYSTEM')
    asked = system['degauss']
    assert not end_job(found, label).status
    assert (electrons['electron_maxstep'], electrons['mixing_beta']) == (100, pytest.approx(0.28))
    assert not end_job(found, label).status
    assert (electrons['mixing_mode'], electrons['mixing_beta']) == ('local-TF', pytest.approx(0.28))
    assert not end_job(found, label).status
    assert system['degauss'] == pytest.approx(4 * asked)
    assert not end_job(found).status
    assert not found.ctx.is_finished
    assert (system['degauss'], electrons['startingpot']) == (pytest.approx(asked), 'file')
    exit_code = end_job(found, label)
    assert exit_code.status == EXIT_CODES.ERROR_SCF_NOT_CONVERGED.status
    assert '5 job(s)' in exit_code.message


def test_fixed_occupations_have_no_detour(process):
    found = process(smearing=None, recovery={'scf': ['smearing']})
    exit_code = end_job(found, 'ERROR_ELECTRONIC_CONVERGENCE_NOT_REACHED')
    assert exit_code.status == EXIT_CODES.ERROR_SCF_NOT_CONVERGED.status


def test_too_few_bands(process, fixtures):
    """pw.x ends well where its uppermost band is occupied; the next job has more bands."""
    text = (fixtures / 'espresso' / 'lif.xml').read_text()
    found = process()
    end_job(found, xml=text.replace('0.000000000000000e0\n          </occ', '0.3\n          </occ'))
    assert not found.ctx.is_finished
    assert parameters(found, 'SYSTEM')['nbnd'] == 14
    end_job(found, xml=text)
    assert found.ctx.is_finished


def test_no_recovery(process):
    found = process(recovery={'enabled': False})
    exit_code = end_job(found, 'ERROR_ELECTRONIC_CONVERGENCE_NOT_REACHED')
    assert exit_code.status == EXIT_CODES.ERROR_SCF_NOT_CONVERGED.status
