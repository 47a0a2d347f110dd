"""The script of ``seimlip.mace.train`` with MACE itself: what a training gives, however often it is stopped."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ase.data import atomic_numbers

from aiida_seimlip.calculations.mace_train import pack_labelled
from aiida_seimlip.options.mace import MaceTrainOptions
from tests.mace_models.alloys import SMALL, alloys
from tests.mace_models.fixtures import PYTHON, needs_mace

pytestmark = [needs_mace, pytest.mark.slow]

REMOTE = Path(__file__).parents[2] / 'aiida_seimlip' / 'remote'
RUN = Path(__file__).parents[1] / 'mace_models' / 'run.py'
TRAINING, VALIDATION = alloys(9), alloys(3, seed=100)
REPLAY = alloys(6, seed=200), alloys(2, seed=300)


def prepare(
    folder: Path, *, start=None, checkpoint=None, time_limit=None, training=None, replay=None, sent=None, **changes
) -> Path:
    """Write what the script reads."""
    options = MaceTrainOptions.from_node({**SMALL, **changes})
    folder.mkdir(parents=True)
    (folder / 'training.npz').write_bytes(pack_labelled(training or TRAINING))
    (folder / 'validation.npz').write_bytes(pack_labelled(VALIDATION))
    for name, frames in zip(('replay', 'replay_validation'), replay or (), strict=False):
        (folder / f'{name}.npz').write_bytes(pack_labelled(frames))
    if start:
        shutil.copy(start, folder / 'start.model')
    if checkpoint:
        shutil.copy(checkpoint, folder / 'earlier.pt')
    content = {
        'arguments': options.to_arguments(), 'settings': options.to_settings(), 'patience': options.patience,
        'threads': 1, 'numbers': [29, 79], 'time_limit_seconds': time_limit,
        'atom_energies': {str(atomic_numbers[key]): value for key, value in options.atom_energies.items()},
        'start': start and {
            'filename': 'start.model', 'is_torchscript': Path(start).suffix == '.pt', 'keeps_elements': False,
        },
        'has_replay': bool(replay), 'checkpoint': 'earlier.pt' if checkpoint else None,
    }  # fmt: skip
    content['arguments'] |= sent or {}
    (folder / 'options.json').write_text(json.dumps(content))
    return folder


def run(*trainings: tuple[Path, Any]) -> None:
    """Run trainings in folders, each with where it is killed, or None."""
    content = json.dumps([{'folder': str(folder), 'kill': kill} for folder, kill in trainings])
    subprocess.run([PYTHON, '-B', RUN, REMOTE, content], check=True, capture_output=True)


def end_of(folder: Path) -> SimpleNamespace:
    """Return how a training ended."""
    return SimpleNamespace(**json.loads((folder / 'results.json').read_text()))


def losses(end: SimpleNamespace) -> list[float]:
    return [record['validation_loss'] for record in end.history]


@pytest.fixture(scope='module')
def first(tmp_path_factory) -> Path:
    """Return the folder of trainings that nothing stops, and of those that are killed, run in one go."""
    folder = tmp_path_factory.mktemp('first')
    whole = prepare(folder / 'whole')
    run(
        (whole, None), (prepare(folder / 'again'), None),
        *((prepare(folder / f'killed_{epoch}'), [epoch, 4]) for epoch in (0, 2, 4)),
        (prepare(folder / 'late', time_limit=0.0), None),
        (prepare(folder / 'impatient', patience=2, max_num_epochs=40, lr_scheduler_gamma=1e-30, ema=False), None),
        (prepare(folder / 'two', swa=True, start_swa=3), None),
        (prepare(folder / 'wild', lr=1e6, ema=False, clip_grad=1e9), None),
        (prepare(folder / 'batch', sent={'batch_size': 64}), None),
        (prepare(folder / 'unknown', sent={'colour': 'red'}), None),
        (prepare(folder / 'nan', training=TRAINING.replace(forces=np.full_like(TRAINING.forces, np.nan))), None),
        (prepare(folder / 'cuda', sent={'device': 'cuda'}), None),
    )  # fmt: skip
    return folder


@pytest.fixture(scope='module')
def second(first, tmp_path_factory) -> Path:
    """Return the folder of trainings that go on from the first ones."""
    folder, whole = tmp_path_factory.mktemp('second'), first / 'whole'
    half = folder / 'half.pt'
    content = (whole / 'checkpoint.pt').read_bytes()
    half.write_bytes(content[: len(content) // 2])
    finer = {'atom_energies': {'Cu': 1.0, 'Au': -2.0}, 'max_num_epochs': 2}
    run(
        *(
            (prepare(folder / f'killed_{epoch}', checkpoint=first / f'killed_{epoch}' / 'checkpoint.pt'), None)
            for epoch in (2, 4)
        ),
        (prepare(folder / 'half', checkpoint=half), None),
        (prepare(folder / 'other', checkpoint=whole / 'checkpoint.pt', lr=0.02), None),
        (prepare(folder / 'script', start=whole / 'model.pt', **finer), None),
        (prepare(folder / 'pickle', start=whole / 'model.model', **finer), None),
        (prepare(folder / 'small', start=whole / 'model.pt', num_channels=8), None),
        (prepare(folder / 'frozen', start=whole / 'model.pt', lr=1.0, ema=False, max_num_epochs=1), None),
        (prepare(folder / 'replay', start=whole / 'model.model', replay=REPLAY, loss='universal', **finer), None),
        (prepare(folder / 'lora', start=whole / 'model.model', lora=True, max_num_epochs=2), None),
    )  # fmt: skip
    return folder


def test_training_ends_well(first):
    end = end_of(first / 'whole')
    assert end.status == 'finished'
    assert [record['epoch'] for record in end.history] == [0, 1, 2, 3, 4]
    assert end.counts['training'] == {'frames': 9, 'energy': 9, 'forces': 9, 'stress': 9, 'virials': 0}
    assert end.counts['validation']['frames'] == 3
    assert end.best_loss == min(losses(end)) < end.initial_loss
    assert end.numbers == [29, 79]
    assert end.dtype == 'float64'


def test_predictions_have_the_errors_that_mace_tells(first):
    """The model in TorchScript is the one of the best epoch: its errors are those that MACE found then."""
    end = end_of(first / 'whole')
    with np.load(first / 'whole' / 'validation_predictions.npz') as archive:
        errors = archive['forces'] - VALIDATION.forces
        per_atom = (archive['energies'] - VALIDATION.energies) / 4
        stresses = archive['stresses'] - VALIDATION.stresses
    best = end.history[end.best_epoch]
    assert np.sqrt(np.mean(errors**2)) == pytest.approx(best['force_rmse'], rel=1e-6)
    assert np.sqrt(np.mean(per_atom**2)) == pytest.approx(best['energy_rmse'], rel=1e-6)
    full = np.concatenate([stresses[:, :3], stresses[:, 3:], stresses[:, 3:]], axis=1)  # MACE's mean is over all nine
    assert np.sqrt(np.mean(full**2)) == pytest.approx(best['stress_rmse'], rel=1e-5)


def test_same_seed_gives_same_losses(first):
    assert losses(end_of(first / 'again')) == pytest.approx(losses(end_of(first / 'whole')), rel=1e-10)


@pytest.mark.parametrize('epoch', [2, 4])
def test_killed_training_goes_on_as_if_nothing_had_been(first, second, epoch):
    """No epoch is done twice or left out, and the result is that of the training that nothing stopped."""
    assert not (first / f'killed_{epoch}' / 'results.json').exists()
    end, whole = end_of(second / f'killed_{epoch}'), end_of(first / 'whole')
    assert [record['epoch'] for record in end.history] == [0, 1, 2, 3, 4]
    assert losses(end) == pytest.approx(losses(whole), rel=1e-10)
    assert end.best_loss == pytest.approx(whole.best_loss, rel=1e-10)


def test_training_killed_in_its_first_epoch_leaves_no_checkpoint(first):
    assert not (first / 'killed_0' / 'checkpoint.pt').exists()


def test_time_limit_stops_before_the_first_batch(first):
    end = end_of(first / 'late')
    assert (end.status, end.n_epochs, end.has_checkpoint) == ('out_of_walltime', 0, False)


def test_patience_stops(first):
    """The learning rate is nothing from the second epoch on, so that no loss is lower than the one before."""
    end = end_of(first / 'impatient')
    assert end.status == 'finished'
    assert end.n_epochs < 40
    assert end.best_epoch == end.n_epochs - 3
    assert end.why == '2 epochs brought no lower validation loss'


def test_stage_two_counts_by_its_own_loss(first):
    end = end_of(first / 'two')
    assert [record['stage'] for record in end.history] == [1, 1, 1, 2, 2]
    assert end.best_epoch >= 3
    assert end.history[3]['learning_rate'] != end.history[2]['learning_rate']


@pytest.mark.parametrize(
    ('name', 'status', 'words'),
    [
        ('wild', 'diverged', ''),
        ('batch', 'bad_data', 'a batch of 64 is larger than the training set of 9'),
        ('unknown', 'program_failed', 'arguments'),
        ('nan', 'diverged', 'nan'),
        ('cuda', 'no_cuda', 'no GPU'),
    ],
)
def test_what_mace_lets_pass_is_an_error(first, name, status, words):
    end = end_of(first / name)
    assert end.status == status
    assert words in end.message


@pytest.mark.parametrize(
    ('name', 'status', 'words'),
    [
        ('half', 'checkpoint_unusable', 'cannot be loaded'),
        ('other', 'checkpoint_unusable', 'it was written with `lr` 0.01, but 0.02 is asked for'),
        ('small', 'start_unusable', 'of another size'),
    ],
)
def test_what_cannot_be_gone_on_from_is_an_error(second, name, status, words):
    end = end_of(second / name)
    assert end.status == status
    assert words in end.message


@pytest.mark.parametrize('name', ['script', 'pickle'])
def test_fine_tuned_model_has_the_atom_energies_asked_for(second, name):
    """MACE alone would keep those of the model that it starts from, as the elements are the same."""
    end = end_of(second / name)
    assert end.status == 'finished'
    assert end.atom_energies == {'29': 1.0, '79': -2.0}


def test_head_of_the_replay_is_left_out(first, second):
    """The model has the new head alone, with the errors that MACE found for it and the energies asked for."""
    end, folder = end_of(second / 'replay'), second / 'replay'
    assert end.status == 'finished'
    assert end.counts['training']['frames'] == 9 + 6
    assert end.counts['validation']['frames'] == 3
    assert end.atom_energies == {'29': 1.0, '79': -2.0}
    assert end.n_parameters == end_of(first / 'whole').n_parameters
    with np.load(folder / 'validation_predictions.npz') as archive:
        rms = np.sqrt(np.mean((archive['forces'] - VALIDATION.forces) ** 2))
    assert rms == pytest.approx(end.history[end.best_epoch]['force_rmse'], rel=1e-6)
    assert end.history[0]['learning_rate'] == pytest.approx(0.01)  # MACE alone would take 0.0001


def test_warm_start_begins_where_the_other_ended(first, second):
    whole, start = end_of(first / 'whole'), end_of(second / 'frozen')
    assert start.initial_loss == pytest.approx(whole.best_loss, rel=1e-6)


def test_start_is_returned_where_nothing_is_better(first, second):
    """Steps that are far too large only make it worse."""
    end = end_of(second / 'frozen')
    assert end.best_epoch is None
    with (
        np.load(first / 'whole' / 'validation_predictions.npz') as old,
        np.load(second / 'frozen' / 'validation_predictions.npz') as new,
    ):
        assert new['forces'] == pytest.approx(old['forces'], abs=1e-10)


def test_low_rank_changes_are_merged(second):
    """The model is of the same size as the one that it starts from."""
    end = end_of(second / 'lora')
    assert end.status == 'finished'
    assert end.n_parameters == end_of(second / 'pickle').n_parameters
    assert end.best_loss < end.initial_loss
