"""Epochs of a training of MACE; uploaded beside ``run_mace_train.py``, which puts `Loop.train` in MACE's place.

What is done in a step, and how errors are found, is MACE's own code. The loop around it differs in this: it stops where
no epoch improves (MACE goes on), before the wall time ends and on a signal; after *every* epoch it writes a checkpoint,
in one piece, that holds the raw and the averaged weights, the best ones so far with their loss, the state of the
optimiser, the schedulers and the generators of random numbers. So a job that goes on does what the first one would have
done, to the last digit on one CPU, and what is returned are the best weights of all epochs.
"""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .shared import Record, StopError
else:
    from shared import Record, StopError

CHECKPOINT_FILENAME = 'checkpoint.pt'
TOLERANCE = 1e-3
"""Relative difference of the loss that weights from a checkpoint may have: other computers round in another way."""

METRICS = {'energy_rmse': 'rmse_e_per_atom', 'force_rmse': 'rmse_f', 'stress_rmse': 'rmse_stress'}
"""Errors on the validation set that are kept of each epoch, in eV, eV/Å and eV/Å³, by MACE's names."""


class Finished(Exception):
    """The last epoch is done; what MACE does then (tables, files) is not needed."""


class BatchLosses:
    """Takes the place of MACE's logger of metrics, and keeps the mean loss of an epoch."""

    def __init__(self) -> None:
        self.losses: list[float] = []

    def log(self, metrics: Record) -> None:
        """Keep the loss of a step.

        :raises StopError: if it is not finite.
        """
        if metrics.get('mode') == 'opt':
            self.losses.append(float(metrics['loss']))
            if not math.isfinite(self.losses[-1]):
                raise StopError('diverged', f'the loss is {self.losses[-1]} in epoch {metrics["epoch"]}.')

    def take_mean(self) -> float:
        """Return the mean loss, and begin a new epoch."""
        mean = sum(self.losses) / len(self.losses)
        self.losses = []
        return mean


class Watched:
    """The batches of an epoch; before each one it is asked whether to stop."""

    def __init__(self, loader: Any, check: Callable[[], None]) -> None:
        self.loader, self.check = loader, check

    def __iter__(self) -> Iterator[Any]:
        for batch in self.loader:
            self.check()
            yield batch


class Loop:
    """All epochs of a training, from a checkpoint or from the beginning.

    :param folder: of the job.
    :param options: what the script has read.
    :param check: raises `StopError` if it is time to stop, given the seconds that are needed at least.
    :param prepare: called with the model and the batches of the training and validation set before the first epoch.
    """

    def __init__(self, folder: Path, options: Record, check: Callable[[float], None], prepare: Callable[..., None]):
        self.folder, self.options, self.check, self.prepare = folder, options, check, prepare
        self.epoch, self.n_worse, self.stage, self.why = 0, 0, 1, 'all epochs are done'
        self.initial: float | None = None
        self.last: float | None = None
        self.best: Record = {'loss': math.inf, 'epoch': None, 'weights': None}
        self.history: list[Record] = []

    # -- in MACE's place ----------------------------------------------------------------------------------------------

    def train(self, **parts: Any) -> None:
        """Do all epochs that are left; the keyword arguments are those of ``mace.tools.train``.

        :raises Finished: when all is done; the model then has the best weights.
        :raises StopError: with what keeps it from that.
        """
        self.parts, self.model, self.swa = parts, parts['model'], parts['swa']
        self.prepare(self.model, parts['train_loader'], parts['valid_loaders'])
        if self.options['checkpoint']:
            self._resume(self.folder / self.options['checkpoint'])
        else:
            self._begin()
        while self.epoch < parts['max_num_epochs'] and not self._is_patience_over():
            self.check(1.1 * max((record['seconds'] for record in self.history[-3:]), default=0.0))
            self._do_epoch()
            self._save()
        self.model.load_state_dict(self.best['weights'])
        raise Finished

    def _begin(self) -> None:
        self.initial, _ = self._evaluate('Initial')
        if self.options['start']:  # what it starts from is a result as well, if nothing better is found
            self._keep(self.initial, None)

    def _do_epoch(self) -> None:
        from mace.tools.train import train_one_epoch

        begun = time.monotonic()
        self._set_stage()
        logger, parts = BatchLosses(), self.parts
        train_one_epoch(
            model=self.model, loss_fn=self._loss, data_loader=Watched(parts['train_loader'], lambda: self.check(0.0)),
            optimizer=parts['optimizer'], epoch=self.epoch, output_args=parts['output_args'],
            max_grad_norm=parts['max_grad_norm'], ema=parts['ema'], logger=logger, device=parts['device'],
            distributed=False,
        )  # fmt: skip
        rate = parts['optimizer'].param_groups[0]['lr']
        with self._averaged():
            self.last, errors = self._evaluate(f'Epoch {self.epoch}')
            self._keep(self.last, self.epoch)
        self.history.append({
            'epoch': self.epoch, 'stage': self.stage, 'loss': logger.take_mean(), 'validation_loss': self.last,
            **errors, 'learning_rate': rate, 'seconds': time.monotonic() - begun,
        })  # fmt: skip
        self.epoch += 1

    def _set_stage(self) -> None:
        """Let the schedulers act as MACE does, and begin stage two where it is time."""
        is_two = self.swa is not None and self.epoch >= self.swa.start
        if is_two and self.stage == 1:
            logging.info('Changing loss based on Stage Two Weights')
            self.stage, self.n_worse, self.best = 2, 0, {**self.best, 'loss': math.inf}
        if self.epoch == 0:
            return
        if is_two:
            self.swa.scheduler.step()
        else:
            self.parts['lr_scheduler'].step(metrics=self.last)

    def _is_patience_over(self) -> bool:
        """Return whether to stop as nothing improves; in stage one of two, go on to stage two instead."""
        patience = self.options['patience']
        if patience is None or self.n_worse < patience:
            return False
        if self.swa is not None and self.stage == 1 and self.epoch < self.swa.start:
            self.epoch, self.n_worse = self.swa.start, 0
            return False
        self.why = f'{self.n_worse} epochs brought no lower validation loss'
        return True

    # -- losses and weights -------------------------------------------------------------------------------------------

    @property
    def _loss(self) -> Any:
        return self.parts['loss_fn'] if self.stage == 1 else self.swa.loss_fn

    def _averaged(self) -> Any:
        ema = self.parts['ema']
        return nullcontext() if ema is None else ema.average_parameters()

    def _evaluate(self, words: str) -> tuple[float, Record]:
        """Return the loss on the validation set, of the last head if there are several, and the errors.

        :raises StopError: if it is not finite.
        """
        from mace.tools.train import evaluate

        for name, loader in self.parts['valid_loaders'].items():
            loss, metrics = evaluate(
                model=self.model, loss_fn=self._loss, data_loader=loader, output_args=self.parts['output_args'],
                device=self.parts['device'],
            )  # fmt: skip
            errors = {key: float(metrics[known]) if known in metrics else math.nan for key, known in METRICS.items()}
            told = ', '.join(f'{key}={value:.6g}' for key, value in errors.items())
            logging.info(f'{words}: head: {name}, loss={loss:.8g}, {told}')
        if not math.isfinite(loss):
            raise StopError('diverged', f'the validation loss is {loss} ({words.lower()}).')
        return float(loss), errors

    def _keep(self, loss: float, epoch: int | None) -> None:
        """Keep the present weights if they are the best so far."""
        if loss < self.best['loss']:
            weights = {name: tensor.detach().clone() for name, tensor in self.model.state_dict().items()}
            self.best, self.n_worse = {'loss': loss, 'epoch': epoch, 'weights': weights}, 0
        else:
            self.n_worse += 1

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        """Write the checkpoint; the one before is there until this one is whole."""
        import torch

        parts, part = self.parts, self.folder / f'part-{CHECKPOINT_FILENAME}'
        torch.save({
            'settings': self.options['settings'], 'epoch': self.epoch, 'n_worse': self.n_worse, 'stage': self.stage,
            'initial': self.initial, 'last': self.last, 'best': self.best, 'history': self.history,
            'model': self.model.state_dict(), 'optimizer': parts['optimizer'].state_dict(),
            'ema': parts['ema'] and parts['ema'].state_dict(), 'lr_scheduler': _plain_state(parts['lr_scheduler']),
            'swa_scheduler': self.swa and _plain_state(self.swa.scheduler),
            'shuffling': parts['train_loader'].generator.get_state(), 'random': torch.get_rng_state(),
        }, part)  # fmt: skip
        os.replace(part, self.folder / CHECKPOINT_FILENAME)

    def _resume(self, path: Path) -> None:
        """Take over everything from a checkpoint, and see whether its weights have the loss that it names.

        :raises StopError: if it is damaged, or belongs to another training.
        """
        import torch

        try:
            found = torch.load(path, map_location='cpu', weights_only=True)
            differing = _difference(found['settings'], self.options['settings'])
            if differing is None:
                self._take_over(found)
        except Exception as exception:  # torch, zipfile and pickle have many kinds for a file that is damaged
            reason = f'{type(exception).__name__}: {exception}'
            raise StopError('checkpoint_unusable', f'it cannot be loaded: {reason}') from exception
        if differing is not None:
            raise StopError('checkpoint_unusable', differing)
        with self._averaged():
            loss, _ = self._evaluate('Resumed')
        if not math.isclose(loss, self.last, rel_tol=TOLERANCE):  # type: ignore[arg-type]
            reason = f'its weights have the validation loss {loss:.8g}, but {self.last:.8g} was recorded.'
            raise StopError('checkpoint_unusable', reason)

    def _take_over(self, found: Record) -> None:
        import torch

        parts, device = self.parts, self.parts['device']
        self.model.load_state_dict(found['model'])
        parts['optimizer'].load_state_dict(found['optimizer'])
        if parts['ema'] is not None:
            parts['ema'].load_state_dict(found['ema'])
            parts['ema'].to(device)
        parts['lr_scheduler'].load_state_dict(found['lr_scheduler'])
        if self.swa is not None:
            self.swa.scheduler.load_state_dict(found['swa_scheduler'])
        parts['train_loader'].generator.set_state(found['shuffling'])
        torch.set_rng_state(found['random'])
        for name in ('epoch', 'n_worse', 'stage', 'initial', 'last', 'best', 'history'):
            setattr(self, name, found[name])


def _plain_state(scheduler: Any) -> Record:
    """Return the state of a scheduler without functions, which a checkpoint cannot hold that loads safely."""
    state: Record = scheduler.state_dict()
    return {name: value for name, value in state.items() if not callable(value)}


def _difference(ours: Record, theirs: Record) -> str | None:
    """Say in which option a checkpoint differs from the job that is to go on from it."""
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            return f'it was written with `{name}` {ours.get(name)!r}, but {theirs.get(name)!r} is asked for.'
    return None
