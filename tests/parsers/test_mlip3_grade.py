"""Test the parser of `mlp calculate_grade` on recordings."""

import numpy as np
import pytest

from aiida_seimlip.calculations.mlip3_grade import Mlip3GradeCalculation
from aiida_seimlip.data.frames import FramesData

EXIT = Mlip3GradeCalculation.exit_codes


@pytest.fixture
def parse(parse_mlip3, potential_trained, frames_labelled):
    """Return a function that parses the grades of 16 frames."""

    def factory(case='12_calculate_grade', files=None, texts=None, **inputs):
        given = {'potential': potential_trained, 'frames': frames_labelled, **inputs}
        files = {'out.cfg': f'{case}/out.cfg'} if files is None else files
        return parse_mlip3('grade', case, given, files, texts)

    return factory


def test_success(parse, frames_labelled):
    job = parse()
    assert job.exit_status == 0, job.exit_message
    assert set(job.outputs) == {'graded', 'results'}
    graded, original = job.outputs['graded'].get_frames(), frames_labelled.get_frames()
    printed = [0.890692, 1.05239, 0.908838, 0.71538, 1.35984]
    np.testing.assert_allclose(graded.grades[:5], printed, rtol=1e-5)
    assert job.outputs['results'].get_dict() == {
        'highest_grade': graded.grades.max(), 'grades': graded.grades.tolist(), 'output_files': ['out.cfg'],
    }  # fmt: skip
    assert graded.hashes() == original.hashes(), 'positions keep all their digits'
    np.testing.assert_array_equal(graded.energies, original.energies)
    np.testing.assert_array_equal(graded.forces, original.forces)


def test_origin(parse, frames_labelled):
    graded = parse().outputs['graded'].get_frames()
    assert set(graded.origin_uuids) == {frames_labelled.uuid}
    assert graded.origin_indices.tolist() == list(range(16))


def test_earlier_origin_is_kept(parse, frames_labelled):
    first = frames_labelled.store()
    second = FramesData(first.get_frames(trace=True)[::-1])
    graded = parse(frames=second).outputs['graded'].get_frames()
    assert set(graded.origin_uuids) == {first.uuid}
    assert graded.origin_indices.tolist() == list(range(15, -1, -1))
    np.testing.assert_allclose(graded.grades[-1], 0.890692, rtol=1e-5)


@pytest.mark.parametrize(
    ('case', 'names'),
    [('70_mpi2_grade', ('out.cfg.0', 'out.cfg.1')), ('71_mpi1_grade', ('out.cfg.0',))],
)
def test_files_of_mpi_ranks(parse, load_potential, case, names):
    potential = load_potential('shared/l08_nbh_30.almtp')
    job = parse(case, {name: f'{case}/{name}' for name in names}, potential=potential)
    assert job.exit_status == 0, job.exit_message
    serial = parse('71_mpi1_grade', {'out.cfg': '71_mpi1_grade/out.cfg.0'}, potential=potential)
    assert job.outputs['results']['grades'] == serial.outputs['results']['grades']


def test_more_ranks_than_frames(parse, load_frames):
    """The third rank writes nothing, and what the second prints comes behind the words of success."""
    files = {f'out.cfg.{rank}': f'73_mpi3_grade/out.cfg.{rank}' for rank in range(2)}
    job = parse('73_mpi3_grade', files, frames=load_frames('shared/valid2.cfg'))
    assert job.exit_status == 0, job.exit_message
    assert job.outputs['results']['grades'] == pytest.approx([0.890692, 1.05239], abs=1e-5)


# -- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('case', 'reason'),
    [
        ('F_bad_command', 'command calculate_grades does not exist.'),
        ('F_missing_args', '3 arguments required.'),
        ('F_untrained_grade', 'No selection data provided with MLIP.'),
        ('75_mpi2_err', 'Cannot open nopot.almtp.'),
    ],
)
def test_command_failed(parse, case, reason):
    job = parse(case, files={})
    assert job.exit_status == EXIT.ERROR_COMMAND_FAILED.status
    assert job.exit_message == f'`mlp calculate_grade` failed: {reason}'
    assert job.outputs == {}


def test_bad_data(parse):
    job = parse('F_truncated_cfg_calculate_grade', files={})
    assert job.exit_status == EXIT.ERROR_BAD_DATA.status
    assert job.exit_message.endswith('cannot use its configurations: Unable to read AtomData. Wrong Size specified?.')


def test_stdout_missing(parse):
    assert parse(texts={'stderr.txt': None}).exit_status == EXIT.ERROR_OUTPUT_STDOUT_MISSING.status


def test_stopped(parse):
    job = parse(texts={'stdout.txt': 'Starting grades evaluation\nSampling: cfg# 1\tgrade: 0.890692\n'})
    assert job.exit_status == EXIT.ERROR_COMMAND_STOPPED.status


def test_output_missing(parse):
    job = parse(files={})
    assert job.exit_status == EXIT.ERROR_OUTPUT_MISSING.status
    assert job.exit_message == '`mlp calculate_grade` did not write the file `out.cfg`.'


def test_output_truncated(parse, fixtures):
    content = (fixtures / 'mlip3' / '12_calculate_grade' / 'out.cfg').read_bytes()
    job = parse(files={'out.cfg': content[:30000]})
    assert job.exit_status == EXIT.ERROR_OUTPUT_UNREADABLE.status
    assert job.exit_message.startswith('The output cannot be read: out.cfg, ')


def test_file_of_a_rank_missing(parse, load_potential):
    files = {'out.cfg.1': '70_mpi2_grade/out.cfg.1'}
    job = parse('70_mpi2_grade', files, potential=load_potential('shared/l08_nbh_30.almtp'))
    assert job.exit_status == EXIT.ERROR_OUTPUT_MISMATCH.status
    assert job.exit_message.endswith('`out.cfg` holds 8 of 16 configurations.')


def test_other_configurations(parse, frames_training):
    job = parse(frames=frames_training)
    assert job.exit_status == EXIT.ERROR_OUTPUT_MISMATCH.status
    assert job.exit_message.endswith('configuration 1 in `out.cfg` is not in the input.')


def test_grades_missing(parse):
    job = parse(files={'out.cfg': 'shared/valid16.cfg'})
    assert job.exit_status == EXIT.ERROR_OUTPUT_MISMATCH.status
    assert job.exit_message.endswith('`out.cfg` lacks grades.')
