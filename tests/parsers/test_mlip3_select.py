"""Test the parser of `mlp select_add` on recordings."""

import numpy as np
import pytest

from aiida_seimlip.calculations.mlip3_select import Mlip3SelectCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg

EXIT = Mlip3SelectCalculation.exit_codes


@pytest.fixture
def candidates(frames_labelled):
    """16 candidates with grades and MD steps."""
    frames = frames_labelled.get_frames().without_labels()
    return FramesData(frames.replace(grades=np.linspace(2.0, 9.5, 16), origin_steps=np.arange(16) * 10))


@pytest.fixture
def parse(parse_mlip3, potential_trained, frames_training, candidates):
    """Return a function that parses the selection from 16 candidates."""

    def factory(case='13_select_add', files=None, texts=None, **inputs):
        given = {
            'potential': potential_trained, 'training__a': frames_training, 'candidates': candidates, **inputs
        }  # fmt: skip
        files = {'selected.cfg': f'{case}/selected.cfg'} if files is None else files
        return parse_mlip3('select', case, given, files, texts)

    return factory


def test_success(parse, fixtures, candidates):
    job = parse()
    assert job.exit_status == 0, job.exit_message
    results = job.outputs['results'].get_dict()
    assert results['n_selected'] == len(results['indices']) == 9
    assert results['indices'] == sorted(results['indices'])
    written = read_cfg(fixtures / 'mlip3' / '13_select_add' / 'selected.cfg', ('Li', 'C', 'O')).frames
    positions = candidates.get_frames()[results['indices']].positions
    distances = [
        np.abs(one.positions - positions.reshape(9, 24, 3)).max(axis=(1, 2)).min() for one in written
    ]  # fmt: skip
    assert max(distances) < 1e-6


def test_grades_and_origin(parse, candidates):
    job = parse()
    indices = job.outputs['results']['indices']
    selected, original = job.outputs['selected'].get_frames(), candidates.get_frames()
    assert selected.hashes() == original[indices].hashes()
    np.testing.assert_array_equal(selected.grades, original.grades[indices])
    np.testing.assert_array_equal(selected.origin_steps, original.origin_steps[indices])
    assert selected.origin_indices.tolist() == indices
    assert set(selected.origin_uuids) == {candidates.uuid}


def test_nothing_selected(parse):
    job = parse('F_select_empty', files={'selected.cfg': 'F_select_empty/sel.cfg'})
    assert job.exit_status == 0, job.exit_message
    assert job.outputs['selected'].n_frames == 0
    assert job.outputs['results'].get_dict() == {'n_selected': 0, 'indices': []}


def test_candidates_of_the_other_pair_style(parse, load_potential, load_frames):
    job = parse(
        '55_mtp_preselected_read', {'selected.cfg': '55_mtp_preselected_read/sel.cfg'},
        potential=load_potential('shared/l08_nbh_30.almtp'),
        candidates=load_frames('55_mtp_preselected_read/preselected.cfg'),
    )  # fmt: skip
    assert job.exit_status == 0, job.exit_message
    assert job.outputs['results']['n_selected'] == 7
    assert job.outputs['selected'].get_frames().grades[0] == 2.378823


# -- failures ---------------------------------------------------------------------------------------------------------


def test_bad_data(parse):
    job = parse('F_truncated_cfg_select_add', files={})
    assert job.exit_status == EXIT.ERROR_BAD_DATA.status
    assert job.exit_message.endswith('cannot use its configurations: Unable to read AtomData. Wrong Size specified?.')


def test_message_beside_success(parse, fixtures):
    text = (fixtures / 'mlip3' / '13_select_add' / 'stdout.txt').read_text()
    job = parse(texts={'stdout.txt': f'No selection data provided with MLIP\n{text}'})
    assert job.exit_status == EXIT.ERROR_COMMAND_FAILED.status
    assert job.exit_message == '`mlp select_add` failed: No selection data provided with MLIP.'


def test_stopped(parse):
    job = parse(texts={'stdout.txt': 'Training set loaded from train.cfg\n'})
    assert job.exit_status == EXIT.ERROR_COMMAND_STOPPED.status


def test_output_missing(parse):
    assert parse(files={}).exit_status == EXIT.ERROR_OUTPUT_MISSING.status


def test_output_truncated(parse, fixtures):
    content = (fixtures / 'mlip3' / '13_select_add' / 'selected.cfg').read_bytes()
    assert parse(files={'selected.cfg': content[:10000]}).exit_status == EXIT.ERROR_OUTPUT_UNREADABLE.status


def test_other_configurations(parse, frames_training):
    job = parse(candidates=frames_training)
    assert job.exit_status == EXIT.ERROR_OUTPUT_MISMATCH.status


def test_other_number_of_configurations(parse):
    job = parse(files={'selected.cfg': b''})
    assert job.exit_status == EXIT.ERROR_OUTPUT_MISMATCH.status
    assert job.exit_message.endswith('`selected.cfg` holds 0 configurations, but 9 were selected.')
