"""Test the parser of `mlp calculate_efs` on recordings."""

import numpy as np
import pytest

from aiida_seimlip.calculations.mlip3_evaluate import Mlip3EvaluateCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.mtp.evaluate import evaluate

EXIT = Mlip3EvaluateCalculation.exit_codes


@pytest.fixture
def frames(load_frames):
    """Two labelled frames."""
    return load_frames('shared/valid2.cfg')


@pytest.fixture
def parse(parse_mlip3, potential_trained, frames):
    """Return a function that parses the evaluation of two frames."""

    def factory(case='11_calculate_efs', files=None, texts=None, **inputs):
        given = {'potential': potential_trained, 'frames': frames, **inputs}
        files = {'out.cfg': f'{case}/out.cfg'} if files is None else files
        return parse_mlip3('evaluate', case, given, files, texts)

    return factory


def test_success(parse, potential_trained, frames):
    job = parse()
    assert job.exit_status == 0, job.exit_message
    evaluated = job.outputs['evaluated'].get_frames()
    expected = evaluate(potential_trained.get_mtp(), frames.get_frames())
    np.testing.assert_allclose(evaluated.energies, expected.energies, atol=1e-9)
    np.testing.assert_allclose(evaluated.forces, expected.forces, atol=1e-6)
    np.testing.assert_allclose(evaluated.stresses, expected.stresses, atol=1e-7)
    assert evaluated.hashes() == frames.hashes
    assert set(evaluated.origin_uuids) == {frames.uuid}
    assert set(evaluated.methods) == {f'potential:{potential_trained.uuid}'}
    assert job.outputs['evaluated'].n_labelled == 0


def test_errors(parse, frames):
    job = parse()
    errors, evaluated = job.outputs['errors'].get_dict(), job.outputs['evaluated'].get_frames()
    original = frames.get_frames()
    assert errors['energy_per_atom']['count'] == 2
    assert errors['energy']['max'] == pytest.approx(np.abs(evaluated.energies - original.energies).max())
    assert errors['force_component']['rms'] == pytest.approx(
        np.sqrt(np.mean((evaluated.forces - original.forces) ** 2))
    )


def test_unlabelled_frames_have_no_errors(parse, frames):
    job = parse(frames=FramesData(frames.get_frames().without_labels()))
    assert job.exit_status == 0, job.exit_message
    assert set(job.outputs) == {'evaluated'}


def test_files_of_mpi_ranks(parse, load_potential, frames_labelled):
    potential = load_potential('shared/l08_nbh_30.almtp')
    files = {f'out.cfg.{rank}': f'72_mpi2_efs/out.cfg.{rank}' for rank in range(2)}
    job = parse('72_mpi2_efs', files, potential=potential, frames=frames_labelled)
    assert job.exit_status == 0, job.exit_message
    expected = evaluate(potential.get_mtp(), frames_labelled.get_frames())
    np.testing.assert_allclose(job.outputs['evaluated'].get_frames().energies, expected.energies, atol=1e-9)


def test_more_ranks_than_frames(parse, potential_trained, frames):
    """A rank without a frame writes an empty file."""
    files = {f'out.cfg.{rank}': f'74_mpi3_efs/out.cfg.{rank}' for rank in range(3)}
    job = parse('74_mpi3_efs', files)
    assert job.exit_status == 0, job.exit_message
    expected = evaluate(potential_trained.get_mtp(), frames.get_frames())
    np.testing.assert_allclose(job.outputs['evaluated'].get_frames().energies, expected.energies, atol=1e-9)


# -- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('case', 'reason'),
    [
        ('F_corruptpot', 'Error reading .mtp file "pot.almtp".'),
        ('F_missing_cfg', "Can't open input configurations file."),
        ('F_missing_pot', 'Cannot open nopot.almtp.'),
    ],
)
def test_command_failed(parse, case, reason):
    job = parse(case, files={})
    assert job.exit_status == EXIT.ERROR_COMMAND_FAILED.status
    assert job.exit_message == f'`mlp calculate_efs` failed: {reason}'


@pytest.mark.parametrize(
    ('case', 'label', 'reason'),
    [
        ('F_nan', 'ERROR_BAD_DATA', 'Unable to read AtomData. Wrong Size specified?.'),
        ('F_truncated_cfg_calculate_efs', 'ERROR_BAD_DATA', 'Unable to read field name.'),
        ('F_untrained_efs', 'ERROR_UNKNOWN_SPECIES', 'Atomic number 1 is not present in the MTP potential!.'),
    ],
)
def test_known_cause(parse, case, label, reason):
    job = parse(case, files={})
    assert job.exit_status == EXIT[label].status
    assert job.exit_message.endswith(reason)


def test_stopped(parse):
    assert parse(texts={'stdout.txt': 'MTP loaded from pot.almtp\n'}).exit_status == EXIT.ERROR_COMMAND_STOPPED.status


def test_output_missing(parse):
    assert parse(files={}).exit_status == EXIT.ERROR_OUTPUT_MISSING.status


def test_output_truncated(parse, fixtures):
    content = (fixtures / 'mlip3' / '11_calculate_efs' / 'out.cfg').read_bytes()
    assert parse(files={'out.cfg': content[:-200]}).exit_status == EXIT.ERROR_OUTPUT_UNREADABLE.status


def test_other_configurations(parse, frames_training):
    assert parse(frames=frames_training).exit_status == EXIT.ERROR_OUTPUT_MISMATCH.status


def test_labels_missing(parse, fixtures):
    lines = (fixtures / 'mlip3' / '11_calculate_efs' / 'out.cfg').read_text().splitlines(keepends=True)
    without = ''.join(line for i, line in enumerate(lines) if 'Energy' not in line and 'Energy' not in lines[i - 1])
    job = parse(files={'out.cfg': without.encode()})
    assert job.exit_status == EXIT.ERROR_OUTPUT_MISMATCH.status
    assert job.exit_message.endswith('`out.cfg` lacks energies or forces.')
