"""The CalcJob ``seimlip.mace.train``: trains one model of MACE."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.common.datastructures import CalcInfo, CodeInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJob, CalcJobProcessSpec
from ase.data import atomic_numbers

from aiida_seimlip.calculations.mace_faults import faults_of_training
from aiida_seimlip.calculations.remote_files import write_scripts
from aiida_seimlip.calculations.script import faults_of_interpreter
from aiida_seimlip.calculations.validation import CheckedInputs
from aiida_seimlip.calculations.walltime import time_limit
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.held_out import divide_training
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.mace import MaceTrainOptions
from aiida_seimlip.science.frames import Frames

UPLOADED_ARRAYS = ('numbers', 'positions', 'ptr', 'cells', 'pbc', 'energies', 'forces', 'stresses')

REPLAY_PORT: dict[str, Any] = {
    'valid_type': FramesData, 'dynamic': True, 'required': False,
    'help': 'Frames with labels of the kind that a pickled `start` has learned from: it is fine-tuned with two heads, '
    'one of which keeps to them, so that less is forgotten. The potential has the other head alone.',
}  # fmt: skip


class MaceTrainCalculation(CheckedInputs, CalcJob):
    """Train one model of MACE.

    The code is a Python interpreter that has mace-torch. The job stops by itself before the wall time ends, and leaves
    a checkpoint of its last whole epoch however it ended; the one that goes on from it does what the first one would
    have done.
    """

    SCRIPT_FILENAME = 'run_mace_train.py'
    MODULE_FILENAMES = ('mace_loop.py', 'mace_model.py')
    OPTIONS_FILENAME, RESULTS_FILENAME = 'options.json', 'results.json'
    TRAINING_FILENAME, VALIDATION_FILENAME = 'training.npz', 'validation.npz'
    REPLAY_FILENAMES = ('replay.npz', 'replay_validation.npz')
    START_FILENAME, CHECKPOINT_FILENAME, RESUMED_FILENAME = 'start.model', 'checkpoint.pt', 'earlier.pt'
    MODEL_FILENAME, PICKLE_FILENAME = 'model.pt', 'model.model'
    TRAINING_PREDICTIONS, VALIDATION_PREDICTIONS = 'training_predictions.npz', 'validation_predictions.npz'
    STDOUT_FILENAME, STDERR_FILENAME = 'mace.out', 'mace.err'

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the ports and exit codes."""
        super().define(spec)
        spec.input_namespace(
            'training', valid_type=FramesData, dynamic=True,
            help='Labelled frames to learn from, in the order of the keys.',
        )  # fmt: skip
        spec.input_namespace(
            'validation', valid_type=FramesData, dynamic=True, required=False,
            help='Labelled frames for validation; without them, some of `training` are held out.',
        )  # fmt: skip
        spec.input(
            'start', valid_type=PotentialData, required=False,
            help='MACE potential to go on from: one trained here, of the size that `parameters` ask for, or a pickled '
            'model of any size for fine-tuning. Of a committee, each member goes on from its own.',
        )  # fmt: skip
        spec.input_namespace('replay', **REPLAY_PORT)
        spec.input(
            'checkpoint', valid_type=orm.SinglefileData, required=False,
            help='Of a job that was stopped, to go on from.',
        )  # fmt: skip
        spec.input('parameters', **MaceTrainOptions.port('The size of the model, and how to train it.'))
        options: Any = spec.inputs['metadata']['options']  # type: ignore[index]
        options['parser_name'].default = 'seimlip.mace.train'
        options['withmpi'].default = False
        options['resources'].default = lambda: {'num_machines': 1, 'num_mpiprocs_per_machine': 1}
        spec.inputs['code'].required = True
        spec.inputs.validator = cls.validate_inputs  # type: ignore[assignment]
        cls._define_outputs(spec)
        cls._define_exit_codes(spec)

    @classmethod
    def _define_outputs(cls, spec: CalcJobProcessSpec) -> None:
        spec.output('potential', valid_type=PotentialData, required=False, help='The best model of all epochs.')
        spec.output(
            'errors', valid_type=orm.Dict, required=False,
            help='Errors on the training set in eV, eV/Å and GPa; `force` is the norm of the error of each atom.',
        )  # fmt: skip
        spec.output(
            'history', valid_type=orm.ArrayData, required=False,
            help='Of each epoch: `epoch`, `loss` (mean over the steps), `validation_loss`, `energy_rmse` (eV/atom), '
            '`force_rmse` (eV/Å, of components), `stress_rmse` (eV/Å³), all three on the validation set, `stage`, '
            '`learning_rate`, `seconds`.',
        )  # fmt: skip
        spec.output(
            'results', valid_type=orm.Dict, required=False,
            help='`n_epochs` (done), `best_epoch`, `best_loss`, `why` it ended, `validation_errors`, `counts` of what '
            'was read, `atom_energies` (eV), `seconds`, `cpu_seconds` and `versions`.',
        )  # fmt: skip
        spec.output(
            'checkpoint', valid_type=orm.SinglefileData, required=False,
            help='Of a job that was stopped behind its first epoch: all that the next one needs.',
        )  # fmt: skip
        spec.output(
            'validation_predictions', valid_type=FramesData, required=False,
            help='The frames for validation, with energies, forces and stresses by the potential.',
        )  # fmt: skip
        spec.default_output_node = 'results'

    @classmethod
    def _define_exit_codes(cls, spec: CalcJobProcessSpec) -> None:
        again = {'invalidates_cache': True}
        for status, label, message, options in (
            (
                300,
                'OUTPUT_MISSING',
                'The file `{filename}` was not retrieved: the script did not come to its end.',
                again,
            ),
            (301, 'OUTPUT_INVALID', 'The output cannot be read, or does not fit the input: {reason}', again),
            (302, 'PROGRAM_FAILED', 'MACE failed: {reason}', {}),
            (310, 'SETUP', 'MACE cannot be run with the input `code`: {reason}', again),
            (311, 'NO_CUDA', 'Input `parameters` asks for the device `cuda`: {reason}', again),
            (312, 'START_UNUSABLE', 'The input `start` cannot be gone on from: {reason}', {}),
            (313, 'CHECKPOINT_UNUSABLE', 'The input `checkpoint` cannot be gone on from: {reason}', {}),
            (320, 'BAD_DATA', 'The input `training` or `validation` cannot be learned from: {reason}', {}),
            (322, 'WRONG_ATOM_ENERGIES', 'The model has other energies of isolated atoms: {reason}', {}),
            (323, 'WRONG_DTYPE', 'The model is of another precision: {reason}', {}),
            (330, 'DIVERGED', 'The training diverged: {reason}', {}),
            (340, 'TORCHSCRIPT_FAILED', 'The model cannot be written in TorchScript: {reason}', {}),
            (400, 'OUT_OF_WALLTIME', 'The wall time ended after {n_epochs} of {n_epochs_asked} epochs.', again),
            (401, 'INTERRUPTED', 'The job was stopped after {n_epochs} of {n_epochs_asked} epochs.', again),
            (
                402,
                'OUT_OF_MEMORY',
                'The memory was used up after {n_epochs} of {n_epochs_asked} epochs: {reason}',
                again,
            ),
            (403, 'OUT_OF_DISK', 'The disk was full after {n_epochs} of {n_epochs_asked} epochs: {reason}', again),
        ):
            spec.exit_code(status, f'ERROR_{label}', message=message, **options)

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong; an input may be absent where a workflow gives it later."""
        if 'code' in inputs:
            yield from faults_of_interpreter('code', inputs['code'])
        if 'parameters' in inputs:
            yield from faults_of_training(MaceTrainOptions.from_node(inputs['parameters']), inputs)

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Write the scripts, the options and the frames.

        :param folder: where the files of the job are gathered.
        """
        options = MaceTrainOptions.from_node(self.inputs.parameters)
        sets = divide_training(
            self.inputs.training, self.inputs.get('validation'), options.validation_fraction, options.seed
        )
        write_scripts(folder, self.SCRIPT_FILENAME, *self.MODULE_FILENAMES)
        names = [self.TRAINING_FILENAME, self.VALIDATION_FILENAME]
        every = [*sets]
        if self.inputs.get('replay'):
            names += self.REPLAY_FILENAMES
            every += divide_training(self.inputs.replay, None, options.validation_fraction, options.seed)
        for name, frames in zip(names, every, strict=True):
            with folder.open(name, 'wb') as handle:
                handle.write(pack_labelled(frames))
        if 'start' in self.inputs:
            names.append(self.START_FILENAME)
            with folder.open(self.START_FILENAME, 'wb') as handle:
                handle.write(start_of_member(self.inputs.start, options.member))
        with folder.open(self.OPTIONS_FILENAME, 'w') as handle:
            json.dump(self._options_for_script(options, Frames.concatenate(sets)), handle, indent=1)
        return self._calc_info(names)

    def _calc_info(self, left_out: list[str]) -> CalcInfo:
        code_info = CodeInfo()
        code_info.code_uuid = self.inputs.code.uuid
        code_info.cmdline_params = ['-B', self.SCRIPT_FILENAME]
        code_info.stdout_name, code_info.stderr_name = self.STDOUT_FILENAME, self.STDERR_FILENAME
        calc_info = CalcInfo()
        calc_info.codes_info = [code_info]
        calc_info.provenance_exclude_list = left_out  # input nodes hold them
        if 'checkpoint' in self.inputs:
            checkpoint = self.inputs.checkpoint
            calc_info.local_copy_list = [(checkpoint.uuid, checkpoint.filename, self.RESUMED_FILENAME)]
        calc_info.retrieve_list = [self.STDOUT_FILENAME, self.STDERR_FILENAME]
        calc_info.retrieve_temporary_list = [
            self.RESULTS_FILENAME, self.CHECKPOINT_FILENAME, self.MODEL_FILENAME, self.PICKLE_FILENAME,
            self.TRAINING_PREDICTIONS, self.VALIDATION_PREDICTIONS,
        ]  # fmt: skip
        return calc_info

    def _options_for_script(self, options: MaceTrainOptions, frames: Frames) -> dict[str, Any]:
        start: PotentialData | None = self.inputs.get('start')
        species = species_of(options, frames.elements, start)
        return {
            'arguments': options.to_arguments(), 'settings': options.to_settings(), 'patience': options.patience,
            'threads': options.threads, 'numbers': [atomic_numbers[symbol] for symbol in species],
            'atom_energies': {str(atomic_numbers[name]): energy for name, energy in options.atom_energies.items()},
            'start': None if start is None else {
                'filename': self.START_FILENAME, 'is_torchscript': start.is_torchscript,
                'keeps_elements': options.foundation_model_elements,
            },
            'has_replay': bool(self.inputs.get('replay')),
            'checkpoint': self.RESUMED_FILENAME if 'checkpoint' in self.inputs else None,
            'time_limit_seconds': time_limit(self.inputs.metadata.options.get('max_wallclock_seconds')),
        }  # fmt: skip


def species_of(options: MaceTrainOptions, elements: tuple[str, ...], start: PotentialData | None) -> list[str]:
    """Return the chemical symbols that a model is for, by increasing atomic number.

    :param elements: of the frames.
    :param start: what it starts from; one in TorchScript stays for the same.
    """
    found = start.species if start is not None and start.is_torchscript else (options.atom_energies or elements)
    return sorted(found, key=atomic_numbers.__getitem__)


def start_of_member(start: PotentialData, member: int) -> bytes:
    """Return the model that a member of a committee goes on from: its own, or that of a start which is no committee.

    :param member: its number.
    """
    models = start.get_members()
    return models[member % len(models)]


def pack_labelled(frames: Frames) -> bytes:
    """Return the arrays that the script needs as an npz archive.

    :param frames: with energies and forces.
    """
    buffer = io.BytesIO()
    arrays = {name: getattr(frames, name) for name in UPLOADED_ARRAYS}
    np.savez(buffer, **{name: array for name, array in arrays.items() if array is not None})
    return buffer.getvalue()
