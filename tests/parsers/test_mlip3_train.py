"""Test the parser of `mlp train` on recordings."""

import re

import numpy as np
import pytest
from aiida.orm import CalcJobNode

from aiida_seimlip.calculations.mlip3_train import Mlip3TrainCalculation
from aiida_seimlip.functions.evaluation import read_errors

EXIT = Mlip3TrainCalculation.exit_codes


@pytest.fixture
def parse(parse_mlip3, potential_untrained, frames_training):
    """Return a function that parses a training from an untrained potential on 40 frames."""

    def factory(case='01_train_l08', files=None, texts=None, **inputs):
        given = {'start': potential_untrained, 'training__a': frames_training, **inputs}
        files = {'pot.almtp': f'{case}/pot.almtp'} if files is None else files
        return parse_mlip3('train', case, given, files, texts)

    return factory


def test_success(parse, fixtures):
    job = parse()
    assert job.exit_status == 0, job.exit_message
    assert set(job.outputs) == {'potential', 'errors', 'history', 'results'}
    potential = job.outputs['potential']
    assert potential.get_content(mode='rb') == (fixtures / 'mlip3' / '01_train_l08' / 'pot.almtp').read_bytes()
    assert potential.species == ('Li', 'C', 'O')
    assert (potential.is_trained, potential.selection_mode) == (True, 'nbh')


def test_results(parse):
    outputs = parse().outputs
    results = outputs['results'].get_dict()
    loss = outputs['history'].get_array('loss')
    assert results == {
        'n_configurations': 40, 'n_iterations': 100, 'loss': loss[-1], 'stop_reason': 'iteration_limit',
        'min_distance': pytest.approx(0.725586, abs=1e-5),
    }  # fmt: skip
    assert loss.shape == (100,)
    assert np.all(np.diff(loss) <= 0)
    assert outputs['history'].get_array('pretraining_loss').size > 0


def test_errors(parse):
    errors = parse().outputs['errors'].get_dict()
    assert errors['energy_per_atom']['count'] == 40
    assert errors['force']['count'] == 40 * 24
    assert set(errors) == {'energy', 'energy_per_atom', 'force', 'stress_energy', 'stress_pressure'}
    assert all(block['max'] >= block['rms'] >= block['mean'] > 0 for block in errors.values())


def test_error_of_stresses_that_nobody_gave_is_unknown(parse, fixtures):
    text = (fixtures / 'mlip3' / '01_train_l08' / 'stdout.txt').read_text()
    head, mark, tail = text.rpartition('Stresses (in energy units):')
    tail = re.sub(r'checked for \d+', 'checked for 0', tail)
    tail = re.sub(r'^(\t.* = )\S+$', r'\g<1>0', tail, flags=re.MULTILINE)
    job = parse(texts={'stdout.txt': head + mark + tail})
    assert job.exit_status == 0, job.exit_message
    errors = job.outputs['errors'].get_dict()
    for name in ('stress_energy', 'stress_pressure'):
        assert errors[name] == {
            'count': 0, 'max': None, 'mean': None, 'rms': None, 'relative_max': None, 'relative_rms': None
        }  # fmt: skip
    assert errors['force']['rms'] > 0
    record = read_errors(errors)
    assert record.stress_gpa is None
    assert record.force_ev_per_angstrom > 0


def test_parts_of_the_training_set_are_counted_together(parse, frames_training):
    frames = frames_training.get_frames()
    parts = {'training__a': type(frames_training)(frames[:30]), 'training__b': type(frames_training)(frames[30:])}
    assert parse(**parts).exit_status == 0


def test_text_on_stderr_is_no_failure(parse):
    assert parse(texts={'stderr.txt': 'Loading module intel/2021\n'}).exit_status == 0


def test_configuration_mode(parse, load_potential, load_frames):
    start = load_potential('shared/l08_checkpoint.mtp')
    job = parse('04_train_cfgmode', start=start, training__a=load_frames('shared/train30.cfg'))
    assert job.exit_status == 0, job.exit_message
    assert job.outputs['potential'].selection_mode == 'cfg'
    assert 'history' not in job.outputs
    assert job.outputs['results']['stop_reason'] is None


# -- failures ---------------------------------------------------------------------------------------------------------


def test_stdout_missing(parse):
    job = parse(texts={'stdout.txt': None})
    assert job.exit_status == EXIT.ERROR_OUTPUT_STDOUT_MISSING.status
    assert job.exit_message == 'The file `stdout.txt` was not retrieved.'


@pytest.mark.parametrize(
    ('case', 'reason'),
    [
        ('F_bad_option', 'while parsing option iteration_limit: abc is not a valid int.'),
        ('F_missing_args_train', '2 arguments are required.'),
    ],
)
def test_command_failed(parse, case, reason):
    job = parse(case, files={})
    assert job.exit_status == EXIT.ERROR_COMMAND_FAILED.status
    assert job.exit_message == f'`mlp train` failed: {reason}'
    assert 'potential' not in job.outputs


@pytest.mark.parametrize(
    ('case', 'reason'),
    [
        ('F_nanF', 'Unable to read AtomData. Wrong Size specified?.'),
        ('F_nanE', 'Configuration reading eror. Reading energy failed.'),
    ],
)
def test_bad_data(parse, case, reason):
    job = parse(case, files={})
    assert job.exit_status == EXIT.ERROR_BAD_DATA.status
    assert job.exit_message == f'`mlp train` cannot use its configurations: {reason}'


def test_frames_without_labels(parse, load_frames):
    """Configurations without labels are read and left out in silence."""
    job = parse('39_train_unlabelled', training__a=load_frames('39_train_unlabelled/train.cfg'), files={})
    assert job.exit_status == EXIT.ERROR_BAD_DATA.status
    assert job.exit_message.endswith('only 30 of 37 have labels that it understands.')


def test_unknown_species(parse):
    job = parse('F_species_train', files={})
    assert job.exit_status == EXIT.ERROR_UNKNOWN_SPECIES.status
    assert 'Atomic number 2 from the MTP is not present in the training set' in job.exit_message


def test_diverged(parse, load_frames):
    """`mlp` ends well and says `training complete` with a potential of numbers that are none."""
    job = parse('F_diverged', training__a=load_frames('F_diverged/train.cfg'), files={})
    assert job.exit_status == EXIT.ERROR_DIVERGED.status
    assert 'the loss is not finite from iteration 1 of 85 on.' in job.exit_message
    assert set(job.outputs) == {'history', 'results'}
    assert job.outputs['results']['loss'] is None


def test_loss_that_grows(parse, fixtures):
    text = (fixtures / 'mlip3' / '01k_train_killed' / 'stdout.txt').read_text()
    job = parse('01k_train_killed', texts={'stdout.txt': text + 'BFGS iter 297: f=5000.0\n'})
    assert job.exit_status == EXIT.ERROR_DIVERGED.status
    assert 'the loss grew from' in job.exit_message
    assert 'checkpoint' not in job.outputs


def test_killed(parse, fixtures):
    """What was reached is kept to go on from, and is no result."""
    job = parse('01k_train_killed')
    assert job.exit_status == EXIT.ERROR_COMMAND_STOPPED.status
    assert job.exit_message == '`mlp train` did not say that it is complete.'
    assert set(job.outputs) == {'history', 'results', 'checkpoint'}
    assert job.outputs['history'].get_array('loss').size == 297
    assert (job.outputs['results']['n_iterations'], job.outputs['results']['stop_reason']) == (297, None)
    checkpoint = job.outputs['checkpoint']
    assert (checkpoint.is_trained, checkpoint.selection_mode) == (True, None)
    assert checkpoint.get_content(mode='rb') == (fixtures / 'mlip3' / '01k_train_killed' / 'pot.almtp').read_bytes()


def test_out_of_walltime(parse, monkeypatch):
    monkeypatch.setattr(CalcJobNode, 'exit_status', 120)  # as AiiDA sets it from what the scheduler says
    job = parse('01k_train_killed')
    assert job.exit_status == EXIT.ERROR_OUT_OF_WALLTIME.status
    assert job.exit_message == 'The wall time ended before `mlp train` said that it is complete.'
    assert 'checkpoint' in job.outputs


@pytest.mark.parametrize('share', [0.0, 0.4, 0.98])
def test_killed_while_it_wrote(parse, fixtures, share):
    """Half a potential is none to go on from."""
    content = (fixtures / 'mlip3' / '01k_train_killed' / 'pot.almtp').read_bytes()
    job = parse('01k_train_killed', files={'pot.almtp': content[: int(share * len(content))]})
    assert job.exit_status == EXIT.ERROR_COMMAND_STOPPED.status
    assert set(job.outputs) == {'history', 'results'}


def test_killed_behind_its_optimisation(parse, fixtures):
    """A file that is complete is no result as long as the program does not say so."""
    text = (fixtures / 'mlip3' / '01_train_l08' / 'stdout.txt').read_text().replace('training complete', '')
    job = parse(texts={'stdout.txt': text})
    assert job.exit_status == EXIT.ERROR_COMMAND_STOPPED.status
    assert job.outputs['results']['stop_reason'] == 'iteration_limit'
    assert set(job.outputs) == {'history', 'results', 'checkpoint'}


def test_killed_before_it_began(parse):
    job = parse(files={}, texts={'stdout.txt': ''})
    assert job.exit_status == EXIT.ERROR_COMMAND_STOPPED.status
    assert job.outputs == {}


def test_potential_missing(parse):
    job = parse(files={})
    assert job.exit_status == EXIT.ERROR_OUTPUT_MISSING.status
    assert job.exit_message == '`mlp train` did not write the file `pot.almtp`.'


def test_potential_without_active_set(parse):
    job = parse(files={'pot.almtp': '01k_train_killed/pot.almtp'})
    assert job.exit_status == EXIT.ERROR_POTENTIAL_INCOMPLETE.status
    assert job.exit_message == 'The file `pot.almtp` is no complete potential: it lacks an active set.'
    assert 'potential' not in job.outputs


def test_potential_untrained(parse):
    job = parse(files={'pot.almtp': '01_train_l08/08.almtp'})
    assert job.exit_status == EXIT.ERROR_POTENTIAL_INCOMPLETE.status
    assert job.exit_message.endswith('it lacks coefficients.')


@pytest.mark.parametrize('share', [0.0, 0.004, 0.3, 0.7, 0.99])
def test_potential_truncated(parse, fixtures, share):
    content = (fixtures / 'mlip3' / '01_train_l08' / 'pot.almtp').read_bytes()
    job = parse(files={'pot.almtp': content[: int(share * len(content))]})
    assert job.exit_status == EXIT.ERROR_POTENTIAL_INCOMPLETE.status
    assert job.exit_message.startswith('The file `pot.almtp` is no complete potential: pot.almtp, ')
    assert 'potential' not in job.outputs


def test_other_number_of_configurations(parse, load_frames):
    job = parse(training__a=load_frames('shared/train30.cfg'))
    assert job.exit_status == EXIT.ERROR_OUTPUT_MISMATCH.status
    assert job.exit_message.endswith('40 configurations were read for training, but 30 were given.')


def test_report_of_errors_damaged(parse, fixtures):
    text = (fixtures / 'mlip3' / '01_train_l08' / 'stdout.txt').read_text()
    job = parse(texts={'stdout.txt': text.replace('Forces:', 'Farces:')})
    assert job.exit_status == EXIT.ERROR_OUTPUT_UNREADABLE.status
    assert job.exit_message == 'The output cannot be read: stdout: The report of errors lacks the block `Forces:`.'
