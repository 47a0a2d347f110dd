"""The parser of ``seimlip.mace.train``."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from aiida import orm
from aiida.engine import ExitCode
from aiida.parsers import Parser
from ase.data import chemical_symbols

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.held_out import divide_training
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.mace import MaceTrainOptions
from aiida_seimlip.parsers.mlip3_base import OutputError, plain
from aiida_seimlip.science.analysis.errors import compute_errors
from aiida_seimlip.science.frames import Frames, predicted_by

OUT_OF_WALLTIME_BY_SCHEDULER = 120

EXIT_CODES = {
    'setup_failed': 'ERROR_SETUP', 'terminated': 'ERROR_INTERRUPTED',
    **{name: f'ERROR_{name.upper()}' for name in (
        'no_cuda', 'start_unusable', 'checkpoint_unusable', 'bad_data', 'wrong_atom_energies', 'wrong_dtype',
        'diverged', 'torchscript_failed', 'out_of_walltime', 'out_of_memory', 'out_of_disk', 'program_failed',
    )},
}  # fmt: skip
"""Label of the exit code by the status with which the script ended early."""

RESULTS = (
    'n_epochs', 'best_epoch', 'best_loss', 'initial_loss', 'last_loss', 'stage', 'why', 'counts', 'n_parameters',
    'dtype', 'versions', 'seconds', 'cpu_seconds',
)  # fmt: skip
"""What the output `results` takes from the script as it stands."""


class MaceTrainParser(Parser):
    """Attach the model, what it predicts and how the training went; of one that was stopped, its checkpoint."""

    def parse(self, *, retrieved_temporary_folder: str, **kwargs: Any) -> ExitCode | None:  # type: ignore[override]
        """Parse the training.

        :param retrieved_temporary_folder: where the files are for the time of parsing.
        """
        self._folder = Path(retrieved_temporary_folder)
        self._options = MaceTrainOptions.from_node(self.node.inputs.parameters)
        try:
            end = self._read_end()
            self._parse(end)
        except OutputError as error:
            exit_code: ExitCode = self.exit_codes[error.label].format(**error.details)
            return exit_code
        except (ValueError, KeyError, BadZipFile) as error:
            return self.exit_codes.ERROR_OUTPUT_INVALID.format(reason=f'{type(error).__name__}: {error}')
        return None

    @property
    def _names(self) -> Any:
        """The class of the job, which knows the names of its files."""
        return self.node.process_class

    def _read_end(self) -> dict[str, Any]:
        """Return how the script ended; of one that was killed outright, what is known without its word.

        :raises OutputError: if it has left nothing at all.
        """
        path = self._folder / self._names.RESULTS_FILENAME
        if path.is_file():
            found: dict[str, Any] = json.loads(path.read_text(encoding='utf-8'))
            return found
        is_late = self.node.exit_status == OUT_OF_WALLTIME_BY_SCHEDULER
        if not is_late and not (self._folder / self._names.CHECKPOINT_FILENAME).is_file():
            raise OutputError('ERROR_OUTPUT_MISSING', filename=self._names.RESULTS_FILENAME)
        return {'status': 'out_of_walltime' if is_late else 'terminated', 'message': 'the job was killed.'}

    def _parse(self, end: dict[str, Any]) -> None:
        """Make the output nodes.

        :raises OutputError: if the script did not come to its end.
        """
        if end.get('history'):
            self.out('history', to_history(end['history']))
        status = end['status']
        if status != 'finished':
            self.out('results', orm.Dict(summarise(end)))
            self._attach_checkpoint(status)
            raise OutputError(
                EXIT_CODES.get(status, 'ERROR_PROGRAM_FAILED'), reason=end['message'],
                n_epochs=end.get('n_epochs', 'some'), n_epochs_asked=self._options.max_num_epochs,
            )  # fmt: skip
        training, validation = divide_training(
            self.node.inputs.training, self.node.inputs.get('validation', None), self._options.validation_fraction,
            self._options.seed,
        )  # fmt: skip
        potential = self._read_potential(end, training)
        learned, held_out = (
            with_predictions(frames, self._folder / name)
            for frames, name in ((training, self._names.TRAINING_PREDICTIONS), (validation, self._names.VALIDATION_PREDICTIONS))
        )  # fmt: skip
        self._check_predictions(learned, held_out)
        self.out('potential', potential)
        self.out('errors', orm.Dict(plain(compute_errors(training, learned))))
        self.out('validation_predictions', FramesData(held_out.computed_by(predicted_by(potential.uuid))))
        self.out('results', orm.Dict(summarise(end, plain(compute_errors(validation, held_out)))))

    def _read_potential(self, end: dict[str, Any], training: Frames) -> PotentialData:
        """Return the node of the model.

        :raises OutputError: if a file of it is missing.
        """
        contents = []
        for name in (self._names.MODEL_FILENAME, self._names.PICKLE_FILENAME):
            if not (self._folder / name).is_file():
                raise OutputError('ERROR_OUTPUT_MISSING', filename=name)
            contents.append((self._folder / name).read_bytes())
        potential = PotentialData.from_mace(
            contents[:1], species=[chemical_symbols[number] for number in end['numbers']], cutoff=end['r_max'],
            n_parameters=end['n_parameters'], pickles=contents[1:], dtype=end['dtype'],
            version=end['versions'].get('mace-torch'),
        )  # fmt: skip
        potential.set_compositions([training])
        return potential

    def _check_predictions(self, *sets: Frames) -> None:
        """Check that the model predicts finite numbers on all frames.

        :raises OutputError: if it does not.
        """
        for frames in sets:
            assert frames.energies is not None and frames.forces is not None
            if not (np.isfinite(frames.energies).all() and np.isfinite(frames.forces).all()):
                raise OutputError('ERROR_DIVERGED', reason='the model predicts energies or forces that are not finite.')

    def _attach_checkpoint(self, status: str) -> None:
        path = self._folder / self._names.CHECKPOINT_FILENAME
        if path.is_file() and status in ('terminated', 'out_of_walltime', 'out_of_memory', 'out_of_disk'):
            self.out('checkpoint', orm.SinglefileData(io.BytesIO(path.read_bytes()), path.name))


def with_predictions(frames: Frames, path: Path) -> Frames:
    """Return frames with the energies, forces and stresses that the model predicts.

    :param frames: that were predicted.
    :param path: of the file with the predictions.
    :raises ValueError: if they do not belong to the frames.
    """
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in ('energies', 'forces', 'stresses')}
    return frames.without_labels().replace(**arrays)


def to_history(records: list[dict[str, Any]]) -> orm.ArrayData:
    """Return an array for each quantity, with an entry for each epoch.

    :param records: one for each epoch.
    """
    return orm.ArrayData({name: np.array([record[name] for record in records]) for name in records[0]})


def summarise(end: dict[str, Any], validation_errors: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the content of the output `results`.

    :param end: what the script wrote.
    :param validation_errors: in the form of the output `errors`; None if there is no model.
    """
    energies = {chemical_symbols[int(number)]: energy for number, energy in end.get('atom_energies', {}).items()}
    found = {name: _finite(end.get(name)) for name in RESULTS}
    return {
        **found, 'status': end['status'], 'message': end['message'], 'atom_energies': energies or None,
        'validation_errors': validation_errors,
    }  # fmt: skip


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
