"""Train a model of MACE; uploaded and run by the CalcJob ``seimlip.mace.train``.

Usage: ``python3 run_mace_train.py`` in a folder that holds nothing but

- ``options.json``: as `aiida_seimlip.calculations.mace_train.MaceTrainCalculation` writes it;
- ``training.npz`` and ``validation.npz``: labelled frames, as the packed arrays of
  `aiida_seimlip.science.frames.Frames`;
- ``replay.npz`` and ``replay_validation.npz``: frames with labels of the kind that the start has learned from, to
  fine-tune with two heads, if the options say so;
- a model to start from, or a checkpoint to go on from, where the options name one.

It leaves ``model.pt`` (TorchScript) and ``model.model`` (pickled), ``training_predictions.npz`` and
``validation_predictions.npz``, ``checkpoint.pt`` (see ``mace_loop.py``), and ``results.json``: how it ended. MACE's own
`run` reads the files and builds model, loss and optimiser; only its loop over epochs is another one.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
import traceback
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or __package__:
    from .mace_loop import CHECKPOINT_FILENAME, FinishedTraining, Loop
    from .mace_model import (
        compare_counts,
        count_labels,
        finish,
        load_weights,
        predict,
        read_start,
        set_atom_energies,
        write_frames,
    )
    from .shared import THREAD_VARIABLES, Record, StopError, is_full, save_arrays
else:
    from mace_loop import CHECKPOINT_FILENAME, FinishedTraining, Loop
    from mace_model import (
        compare_counts,
        count_labels,
        finish,
        load_weights,
        predict,
        read_start,
        set_atom_energies,
        write_frames,
    )
    from shared import THREAD_VARIABLES, Record, StopError, is_full, save_arrays

OPTIONS_FILENAME, RESULTS_FILENAME = 'options.json', 'results.json'
SETS = ('training', 'validation')
REPLAY_SETS = ('replay', 'replay_validation')
GROWTH = 10.0
"""A best loss that is so many times the one of the untrained model has diverged."""

EXIT_STATUS = {'finished': 0, 'out_of_walltime': 3, 'terminated': 4}
"""Of the script; 1 for all other ends."""


class Run:
    """One training, from its files to its results.

    :param folder: of the job.
    :param options: what it is to do.
    :param started: when the script began, by the monotonic clock.
    """

    def __init__(self, folder: Path, options: Record, started: float) -> None:
        self.folder, self.options = folder, options
        limit = options['time_limit_seconds']
        self.deadline = None if limit is None else started + limit
        self.signal: int | None = None
        self.loop: Loop | None = None
        self.model: Any = None
        self.start: Record | None = None
        self.counts: dict[str, Record] = {}
        self.facts: Record = {}

    def interrupt(self, signum: int, frame: Any) -> None:
        """Remember a signal; the loop ends behind the present batch."""
        self.signal = signum

    def check(self, seconds: float) -> None:
        """Stop if it is time to.

        :param seconds: how long the next piece of work takes.
        :raises StopError: if a signal came, or there is not so much time left.
        """
        if self.signal is not None:
            raise StopError('terminated', f'the script received the signal {signal.Signals(self.signal).name}.')
        if self.deadline is not None and time.monotonic() + seconds > self.deadline:
            raise StopError('out_of_walltime', f'the time limit of {self.options["time_limit_seconds"]:g} s has come.')

    def run(self) -> None:
        """Train, write the model and what it predicts.

        :raises StopError: with what keeps it from that.
        """
        self._set_up()
        arrays = {name: _load(self.folder / f'{name}.npz') for name in SETS}
        is_virial = self.options['arguments']['loss'] == 'virials'
        self.sent = {
            name: write_frames(self.folder / f'{name}.extxyz', arrays[name], is_virial) for name in SETS
        }  # fmt: skip
        for name in REPLAY_SETS if self.options['has_replay'] else ():
            self.sent[name] = write_frames(self.folder / f'{name}.extxyz', _load(self.folder / f'{name}.npz'), False)
        self._check_sizes()
        self.loop = Loop(self.folder, self.options, self.check, self._prepare)
        self._train(self.loop)
        self._check_convergence(self.loop)
        self.facts = finish(self.model, self.options, self.folder)
        for name in SETS:
            found = predict(self.folder, arrays[name], self.options['arguments']['device'])
            save_arrays(self.folder / f'{name}_predictions.npz', **found)

    def _check_sizes(self) -> None:
        for name in SETS:
            if not self.sent[name]['frames']:
                raise StopError('bad_data', f'the {name} set is empty.')
        number, batch = self.sent['training']['frames'], int(self.options['arguments']['batch_size'])
        if batch > number:
            raise StopError('bad_data', f'a batch of {batch} is larger than the training set of {number}.')

    def _set_up(self) -> None:
        try:
            import torch
            from mace.cli import run_train  # noqa: F401  # what it needs is looked for as well
        except ImportError as exception:
            reason = (
                f'{exception}. The Python interpreter of the job, {sys.executable}, needs `pip install mace-torch`.'
            )
            raise StopError('setup_failed', reason) from exception
        torch.set_num_threads(self.options['threads'])
        if self.options['arguments']['device'] == 'cuda' and not torch.cuda.is_available():
            raise StopError('no_cuda', f'torch {torch.__version__} finds no GPU that it can use.')

    def _arguments(self) -> list[str]:
        """Return the arguments of MACE's command line."""
        numbers, energies = self.options['numbers'], self.options['atom_energies']
        found = {
            'name': 'mace', 'train_file': 'training.extxyz', 'valid_file': 'validation.extxyz',
            'E0s': '{' + ', '.join(f'{number}: {energy!r}' for number, energy in energies.items()) + '}',
            'atomic_numbers': str(numbers), **self.options['arguments'],
            **{f'{name}_key': f'REF_{name}' for name in ('energy', 'forces', 'stress', 'virials')},
        }  # fmt: skip
        start = self.options['start']
        if start and start['is_torchscript']:
            self.start = read_start(self.folder / start['filename'], numbers)
            if not energies:
                found['E0s'] = str(dict(zip(numbers, _atom_energies_of(self.start), strict=True)))
            found |= {'avg_num_neighbors': self.start['avg_num_neighbors'], 'compute_avg_num_neighbors': False}
        elif start:
            found |= {'foundation_model': start['filename'], 'multiheads_finetuning': False}
            found |= {'foundation_model_elements': start['keeps_elements']}
            if not energies:
                found['E0s'] = 'foundation'
            if self.options['has_replay']:
                found |= {
                    'multiheads_finetuning': True, 'force_mh_ft_lr': True, 'real_pt_data_ratio_threshold': 0.0,
                    'pt_train_file': 'replay.extxyz', 'pt_valid_file': 'replay_validation.extxyz',
                }  # fmt: skip
        return [f'--{name}' if value is None else f'--{name}={value}' for name, value in found.items()]

    def _train(self, loop: Loop) -> None:
        from mace import tools
        from mace.cli.run_train import run

        arguments = self._arguments()
        original, tools.train = tools.train, loop.train
        try:
            run(tools.build_default_arg_parser().parse_args(arguments))
        except FinishedTraining:
            return
        except SystemExit as exception:
            raise StopError('program_failed', 'it does not know all of its arguments.') from exception
        finally:
            tools.train = original
        raise StopError('program_failed', 'it ended without training.')

    def _prepare(self, model: Any, training: Any, validation: dict[str, Any]) -> None:
        """Check what MACE has read, and complete the model that it has made."""
        self.model = model
        found = {'training': count_labels(training), 'validation': count_labels(validation['Default'])}
        self.counts = found
        replayed = self.sent.get('replay', {})
        for name in SETS:
            more = replayed if name == 'training' else {}
            compare_counts(name, found[name], {key: n + more.get(key, 0) for key, n in self.sent[name].items()})
        if self.start is not None:
            load_weights(model, self.start)
        if self.options['start']:
            set_atom_energies(model, {int(key): value for key, value in self.options['atom_energies'].items()})

    def _check_convergence(self, loop: Loop) -> None:
        if loop.initial is not None and loop.best['loss'] > GROWTH * loop.initial and loop.stage == 1:
            reason = (
                f'the lowest validation loss is {loop.best["loss"]:g}, that of the untrained model {loop.initial:g}.'
            )
            raise StopError('diverged', reason)

    def summarise(self) -> Record:
        """Return what is known about the training, however far it came."""
        loop, facts = self.loop, dict(self.facts)
        facts |= {'counts': self.counts, 'versions': _versions(), 'has_checkpoint': _is_there(self.folder)}
        if loop is not None:
            facts |= {
                'n_epochs': loop.epoch, 'best_epoch': loop.best['epoch'], 'best_loss': loop.best['loss'],
                'initial_loss': loop.initial, 'last_loss': loop.last, 'why': loop.why, 'history': loop.history,
                'stage': loop.stage,
            }  # fmt: skip
        return facts


def _is_there(folder: Path) -> bool:
    return (folder / CHECKPOINT_FILENAME).is_file()


def _load(path: Path) -> Record:
    import numpy as np

    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _atom_energies_of(start: Record) -> list[float]:
    from_model = start['weights']['atomic_energies_fn.atomic_energies']
    return [float(value) for value in from_model.reshape(-1)]


def _versions() -> Record:
    packages = ('mace-torch', 'torch', 'e3nn', 'ase', 'numpy')
    found = {name: metadata.version(name) for name in packages if _is_installed(name)}
    return {'python': sys.version.split()[0], **found}


def _is_installed(name: str) -> bool:
    try:
        metadata.version(name)
    except metadata.PackageNotFoundError:
        return False
    return True


def _explain(exception: Exception) -> StopError:
    """Return what an exception of MACE or torch means for the job."""
    words = f'{type(exception).__name__}: {exception}'
    if is_full(exception):
        return StopError('out_of_disk', words)
    if isinstance(exception, MemoryError) or 'out of memory' in words or 'not enough memory' in words:
        return StopError('out_of_memory', words)
    return StopError('program_failed', words)


def main(folder: Path | None = None) -> int:
    """Do what the folder asks for and return the exit code of the script."""
    folder, started = Path.cwd() if folder is None else folder, time.monotonic()
    options = json.loads((folder / OPTIONS_FILENAME).read_text(encoding='utf-8'))
    for name in THREAD_VARIABLES:
        os.environ[name] = str(options['threads'])
    run, status, message = Run(folder, options, started), 'finished', None
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, run.interrupt)
    try:
        run.run()
    except StopError as exception:
        status, message = exception.status, str(exception)
    except Exception as exception:  # MACE may raise anything; the reason is kept
        traceback.print_exc()
        stop = _explain(exception)
        status, message = stop.status, str(stop)
    record = {
        'status': status, 'message': message, 'seconds': time.monotonic() - started,
        'cpu_seconds': time.process_time(), **run.summarise(),
    }  # fmt: skip
    (folder / RESULTS_FILENAME).write_text(json.dumps(record), encoding='utf-8')
    if message is not None:
        print(message, file=sys.stderr)
    return EXIT_STATUS.get(status, 1)


if __name__ == '__main__':
    sys.exit(main())
