"""The parser of ``seimlip.mace.train``, on files as the script leaves them; each exit code."""

import io
import json

import numpy as np
import pytest
from aiida import orm

from aiida_seimlip.calculations.mace_train import MaceTrainCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.held_out import divide_training
from aiida_seimlip.options.mace import MaceTrainOptions
from aiida_seimlip.parsers.mace_train import EXIT_CODES
from aiida_seimlip.science.frames import PREDICTION
from tests.mace_models.alloys import SMALL, alloys
from tests.mace_models.torch_files import pickled, torchscript

CODES = {label: code.status for label, code in MaceTrainCalculation.spec().exit_codes.items()}
FRAMES = alloys(12)
SHIFT = 0.25
"""By how much each component of a predicted force is wrong, in eV/Å."""

RECORD = {
    'stage': 1, 'loss': 2.0, 'energy_rmse': 0.1, 'force_rmse': 0.2, 'stress_rmse': 0.3, 'learning_rate': 0.01,
    'seconds': 1.0,
}  # fmt: skip
END = {
    'status': 'finished', 'message': None, 'n_epochs': 2, 'best_epoch': 1, 'best_loss': 3.0, 'initial_loss': 9.0,
    'last_loss': 3.0, 'stage': 1, 'why': 'all epochs are done', 'counts': {}, 'n_parameters': 100, 'dtype': 'float64',
    'numbers': [29, 79], 'r_max': 4.0, 'atom_energies': {'29': 0.0, '79': 0.0}, 'versions': {'mace-torch': '0.3.16'},
    'seconds': 5.0, 'cpu_seconds': 4.0,
    'history': [{'epoch': 0, 'validation_loss': 4.0, **RECORD}, {'epoch': 1, 'validation_loss': 3.0, **RECORD}],
}  # fmt: skip


def predictions(frames, shift=SHIFT):
    buffer = io.BytesIO()
    np.savez(buffer, energies=frames.energies + 4.0, forces=frames.forces + shift, stresses=frames.stresses)
    return buffer.getvalue()


@pytest.fixture
def parse(parse_recording):
    """Return a function that parses a training whose files are replaced, or left out where they are None."""

    def factory(end=None, *, options=None, shift=SHIFT, **changes):
        node, settings = FramesData(FRAMES), MaceTrainOptions.from_node(SMALL)
        training, validation = divide_training({'a': node}, None, settings.validation_fraction, settings.seed)
        files = {
            'results.json': json.dumps({**END, **(end or {})}).encode(), 'model.pt': torchscript(),
            'model.model': pickled().getvalue(), 'checkpoint.pt': b'checkpoint',
            'training_predictions.npz': predictions(training, shift),
            'validation_predictions.npz': predictions(validation, shift),
        }  # fmt: skip
        files = {name: content for name, content in {**files, **changes}.items() if content is not None}
        inputs = {'training__a': node, 'parameters': orm.Dict(settings.to_dict())}
        kept = {'mace.out': '', 'mace.err': ''}
        return parse_recording('seimlip.mace.train', kept, inputs, temporary=files, options=options)

    return factory


def test_finished(parse):
    job = parse()
    assert job.exit_status == 0
    potential = job.outputs['potential']
    assert (potential.family, potential.species, potential.cutoff) == ('mace', ('Cu', 'Au'), 4.0)
    assert (potential.n_parameters, potential.dtype, potential.version) == (100, 'float64', '0.3.16')
    assert potential.get_members() == [torchscript()]
    assert potential.get_pickles() == [pickled().getvalue()]
    assert potential.compositions == [[1, 1]]
    assert potential.is_torchscript
    potential.store()
    assert job.outputs['history'].get_array('validation_loss').tolist() == [4.0, 3.0]
    results = job.outputs['results'].get_dict()
    assert (results['n_epochs'], results['best_epoch']) == (2, 1)
    assert results['atom_energies'] == {'Cu': 0.0, 'Au': 0.0}
    assert 'checkpoint' not in job.outputs


def test_errors(parse):
    """They are those that the predictions were made with: 4 eV on 4 atoms, and a shift of all components."""
    job = parse()
    for errors in (job.outputs['errors'].get_dict(), job.outputs['results']['validation_errors']):
        assert errors['energy_per_atom']['rms'] == pytest.approx(1.0)
        assert errors['force']['rms'] == pytest.approx(np.sqrt(3.0) * SHIFT)
        assert errors['stress_pressure']['rms'] == pytest.approx(0.0)
    counted = [
        errors['energy']['count'] for errors in (job.outputs['errors'], job.outputs['results']['validation_errors'])
    ]
    assert sum(counted) == 12


def test_predictions_say_whose_they_are(parse):
    job = parse()
    node = job.outputs['validation_predictions']
    assert not node.is_labelled
    assert set(node.methods) == {PREDICTION + job.outputs['potential'].uuid}


@pytest.mark.parametrize('status', sorted(EXIT_CODES))
def test_exit_codes(parse, status):
    job = parse({'status': status, 'message': 'that is why.'})
    assert job.exit_status == CODES[EXIT_CODES[status]]
    assert 'potential' not in job.outputs
    assert 'that is why.' in job.exit_message or '2 of 5 epochs' in job.exit_message
    assert ('checkpoint' in job.outputs) == (
        status in ('out_of_walltime', 'terminated', 'out_of_memory', 'out_of_disk')
    )


def test_killed_outright(parse):
    job = parse(**{'results.json': None})
    assert job.exit_status == CODES['ERROR_INTERRUPTED']
    assert job.outputs['checkpoint'].get_content(mode='rb') == b'checkpoint'


def test_nothing_is_left(parse):
    job = parse(**{'results.json': None, 'checkpoint.pt': None})
    assert job.exit_status == CODES['ERROR_OUTPUT_MISSING']
    assert '`results.json`' in job.exit_message


@pytest.mark.parametrize('name', ['model.pt', 'model.model'])
def test_model_is_missing(parse, name):
    job = parse(**{name: None})
    assert job.exit_status == CODES['ERROR_OUTPUT_MISSING']
    assert f'`{name}`' in job.exit_message


def test_model_that_is_no_torchscript(parse):
    job = parse(**{'model.pt': b'nonsense'})
    assert job.exit_status == CODES['ERROR_OUTPUT_INVALID']


def test_results_that_are_cut(parse):
    job = parse(**{'results.json': b'{"status": "fini'})
    assert job.exit_status == CODES['ERROR_OUTPUT_INVALID']


def test_predictions_that_are_not_finite(parse):
    assert parse(shift=np.nan).exit_status == CODES['ERROR_DIVERGED']
