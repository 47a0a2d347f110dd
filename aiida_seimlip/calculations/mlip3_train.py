"""CalcJob that trains a moment tensor potential with ``mlp train``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from aiida import orm
from aiida.common.datastructures import CalcInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJobProcessSpec

from aiida_seimlip.calculations.mlip3_base import Mlip3Calculation, define_training
from aiida_seimlip.calculations.validation import faults_of_labels, faults_of_potential, faults_of_training_set
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.mlip3 import Mlip3TrainOptions
from aiida_seimlip.science.analysis.composition_span import count_elements
from aiida_seimlip.science.formats.mlip3_potential import write_almtp
from aiida_seimlip.science.frames import Frames


class Mlip3TrainCalculation(Mlip3Calculation):
    """Train a moment tensor potential, and build its active set."""

    COMMAND = 'train'
    PARSER = 'seimlip.mlip3.train'
    POTENTIAL_PORT = 'start'
    POTENTIAL_FILE = 'start.almtp'
    OUTPUT_FILE = 'pot.almtp'
    TRAINING_FILE = 'train.cfg'

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the ports and exit codes."""
        super().define(spec)
        spec.input(
            'start', valid_type=PotentialData,
            help='Potential to start from, trained or not; its species list gives the order of the types.',
        )  # fmt: skip
        define_training(spec, 'Labelled frames to learn from; all elements of the species list must occur.')
        spec.input('parameters', **Mlip3TrainOptions.port('How to train.'))
        spec.output('potential', valid_type=PotentialData, help='The trained potential with its active set.')
        spec.output(
            'errors', valid_type=orm.Dict, required=False,
            help='Errors on the training set in eV, eV/Å and GPa; `force` is the norm of the error of each atom.',
        )  # fmt: skip
        spec.output(
            'history', valid_type=orm.ArrayData, required=False,
            help='`loss` before each iteration, and `pretraining_loss` of the fits that prepare an untrained start.',
        )  # fmt: skip
        spec.output('results', valid_type=orm.Dict, required=False, help='How the training went, and why it ended.')
        spec.output(
            'checkpoint', valid_type=PotentialData, required=False,
            help='Of a job that was stopped: the coefficients as far as it came, to go on from; they are no result.',
        )  # fmt: skip
        spec.default_output_node = 'results'
        spec.exit_code(
            310, 'ERROR_POTENTIAL_INCOMPLETE', message='The file `{filename}` is no complete potential: {reason}'
        )
        spec.exit_code(
            330, 'ERROR_DIVERGED',
            message='The training diverged: {reason} Look for frames with absurd labels or atoms on top of each other.',
        )  # fmt: skip

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong."""
        yield from super().find_faults(inputs)
        if 'start' not in inputs:
            return
        start: PotentialData = inputs['start']
        yield from faults_of_potential('start', start, trained=False)
        yield from _faults_of_selection_mode(start, Mlip3TrainOptions.from_node(inputs.get('parameters')).al_mode)
        if 'training' in inputs:
            training: Mapping[str, FramesData] = inputs['training']
            yield from faults_of_training_set('training', training, start.species)
            for key, frames in training.items():
                yield from faults_of_labels(f'training.{key}', frames)
            yield from _faults_of_coverage(training, start.species)
        if 'parameters' in inputs:
            options = Mlip3TrainOptions.from_node(inputs['parameters'])
            energies = options.atom_energies
            unknown = sorted(set(options.weights) - set(inputs.get('training', options.weights)))
            if unknown:
                known = ', '.join(sorted(inputs['training']))
                yield (
                    f'Input `parameters` gives weights to {", ".join(unknown)}, which `training` does not hold: its '
                    f'sets are {known}.'
                )
            lacking = [symbol for symbol in start.species if energies and symbol not in energies]
            if lacking:
                yield f'Input `parameters` gives no {", ".join(lacking)} among `atom_energies`, which `start` is for.'

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Write the files; a start that is trained gives energies less those of lone atoms, as the training set does.

        :param folder: where to write.
        """
        calc_info = super().prepare_for_submission(folder)
        start: PotentialData = self.inputs.start
        if start.is_trained and self.atom_energies:
            lower = {symbol: -energy for symbol, energy in self.atom_energies.items()}
            with folder.open(self.POTENTIAL_FILE, 'wb') as handle:
                handle.write(write_almtp(start.get_mtp().with_constants_raised(lower)))
            calc_info.local_copy_list = []
            calc_info.provenance_exclude_list.append(self.POTENTIAL_FILE)  # type: ignore[union-attr]
        return calc_info

    @property
    def atom_energies(self) -> dict[str, float]:
        """Energies of lone atoms in eV by element; empty if nothing is known of them."""
        return Mlip3TrainOptions.from_node(self.inputs.parameters).atom_energies

    def get_configurations(self) -> dict[str, Frames]:
        """Return the training set, each part as often as it counts, and less the energies of lone atoms if given."""
        options, parts = Mlip3TrainOptions.from_node(self.inputs.parameters), self.inputs.training
        repeated = [parts[name].get_frames() for name in sorted(parts) for _ in range(options.weight_of(name))]
        training = Frames.concatenate(repeated).replace(grades=None)
        if self.atom_energies:
            species = tuple(self.atom_energies)
            lone = count_elements(training, species) @ np.array([self.atom_energies[symbol] for symbol in species])
            training = training.replace(energies=training.energies - lone)
        return {self.TRAINING_FILE: training}

    def get_arguments(self) -> list[str]:
        """Return the arguments of ``mlp train``."""
        options = Mlip3TrainOptions.from_node(self.inputs.parameters)
        return [self.POTENTIAL_FILE, self.TRAINING_FILE, f'--save_to={self.OUTPUT_FILE}', *options.command_line()]


def _faults_of_selection_mode(start: PotentialData, al_mode: str) -> Iterator[str]:
    """Look for a mode that ``mlp`` would ignore in silence."""
    if start.selection_mode not in (None, al_mode):
        yield (
            f'Input `parameters` asks for an active set with `al_mode` `{al_mode}`, but `start` has one with '
            f'`{start.selection_mode}`, which is kept.'
        )


def _faults_of_coverage(training: Mapping[str, FramesData], species: Sequence[str]) -> Iterator[str]:
    """Look for species that do not occur: ``mlp`` refuses them, or counts the types in another way."""
    present = {element for frames in training.values() for element in frames.elements}
    absent = [symbol for symbol in species if symbol not in present]
    if absent:
        yield f'Input `training` holds no {", ".join(absent)}, but `start` is for {list(species)}.'
