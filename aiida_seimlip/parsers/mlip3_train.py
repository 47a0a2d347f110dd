"""Parser of ``mlp train``."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
from aiida import orm

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.mlip3 import Mlip3TrainOptions
from aiida_seimlip.parsers.mlip3_base import Mlip3Parser, OutputError, plain
from aiida_seimlip.science.formats.mlip3_output import TrainOutput, parse_train

GROWTH = 10.0
"""A loss that ends so many times higher than it began has diverged."""

STOPPED = ('ERROR_COMMAND_STOPPED', 'ERROR_OUT_OF_WALLTIME')
"""Exit codes of jobs that were stopped from outside."""


class Mlip3TrainParser(Mlip3Parser):
    """Attach the potential, but only if it is complete: a killed ``mlp`` leaves a plausible file behind."""

    COMPLETE = re.compile(r'^training complete\s*$', re.MULTILINE)

    def parse_job(self) -> None:
        """Attach the history and the results as far as they go, then the potential and the errors.

        A job that was stopped leaves what it has for the next one to go on from.
        """
        output = parse_train(self.stdout, self.stderr)
        if output.losses.size or output.pretraining_losses.size:
            self.out('history', orm.ArrayData({
                'loss': output.losses, 'pretraining_loss': output.pretraining_losses,
            }))  # fmt: skip
        if output.success or output.losses.size:
            self.out('results', orm.Dict(plain(summarise(output))))
        self.check_convergence(output)
        try:
            self.check_completion()
        except OutputError as error:
            if error.label in STOPPED:
                self.attach_checkpoint(output)
            raise
        self.check_training_set(output)
        self.out('potential', self.read_potential())
        if output.errors is not None:
            self.out('errors', orm.Dict(plain(output.errors)))

    @property
    def train_options(self) -> Mlip3TrainOptions:
        """The options of the job."""
        inputs = self.node.inputs
        return Mlip3TrainOptions.from_node(inputs.parameters if 'parameters' in inputs else None)

    def check_convergence(self, output: TrainOutput) -> None:
        """Check that the loss is finite and did not grow: ``mlp`` goes on with either, and says that all is well.

        :raises OutputError: if it is not, or did.
        """
        losses = np.concatenate([output.pretraining_losses, output.losses])
        wrong = np.flatnonzero(~np.isfinite(losses))
        if wrong.size:
            reason = f'the loss is not finite from iteration {wrong[0] + 1} of {losses.size} on.'
            raise OutputError('ERROR_DIVERGED', reason=reason)
        if output.losses.size and output.losses[-1] > GROWTH * output.losses[0]:
            reason = f'the loss grew from {output.losses[0]:g} to {output.losses[-1]:g}.'
            raise OutputError('ERROR_DIVERGED', reason=reason)

    def attach_checkpoint(self, output: TrainOutput) -> None:
        """Attach the potential of a job that was stopped, if its file is whole and it has got beyond its start."""
        if not output.losses.size:
            return
        try:
            _, content = next(iter(self.read_output().items()))
            checkpoint = self.potential_from(content)
        except (OutputError, ValueError) as error:
            self.logger.warning(f'There is no potential to go on from: {error}')
            return
        if checkpoint.is_trained:
            self.out('checkpoint', checkpoint)

    def check_training_set(self, output: TrainOutput) -> None:
        """Check that the program has read all configurations.

        :raises OutputError: if it has read more or fewer.
        """
        sets, options = self.node.inputs.training, self.train_options
        expected = sum(frames.n_frames * options.weight_of(name) for name, frames in sets.items())
        if output.n_configurations != expected:
            reason = f'{output.n_configurations} configurations were read for training, but {expected} were given.'
            raise OutputError('ERROR_OUTPUT_MISMATCH', reason=reason)
        used = expected if output.errors is None else output.errors.energy.count
        if used != expected:
            reason = f'only {used} of {expected} have labels that it understands.'
            raise OutputError('ERROR_BAD_DATA', reason=reason)

    def read_potential(self) -> PotentialData:
        """Return the potential that the job made.

        :raises OutputError: if the file is not there, or not complete.
        """
        name, content = next(iter(self.read_output().items()))
        try:
            potential = self.potential_from(content)
        except ValueError as error:
            raise OutputError('ERROR_POTENTIAL_INCOMPLETE', filename=name, reason=error) from error
        if not potential.is_trained or potential.selection_mode is None:
            lacking = 'an active set' if potential.is_trained else 'coefficients'
            raise OutputError('ERROR_POTENTIAL_INCOMPLETE', filename=name, reason=f'it lacks {lacking}.')
        return potential

    def potential_from(self, content: bytes) -> PotentialData:
        """Return the node of a potential, with the species of the start.

        :param content: of the file.
        :raises ValueError: if it cannot be read, or holds numbers that are not finite.
        """
        inputs = self.node.inputs
        potential = PotentialData(io.BytesIO(content), self.job.OUTPUT_FILE, species=inputs.start.species)
        energies = self.train_options.atom_energies
        if energies and potential.is_trained:
            potential = PotentialData.from_mtp(
                potential.get_mtp().with_constants_raised(energies), self.job.OUTPUT_FILE
            )
        potential.set_compositions(node.get_frames() for node in inputs.training.values())
        return potential


def summarise(output: TrainOutput) -> dict[str, Any]:
    """Return the content of the output `results`.

    :param output: what the program printed.
    """
    return {
        'n_configurations': output.n_configurations, 'n_iterations': len(output.losses),
        'loss': output.losses[-1] if output.losses.size else None, 'stop_reason': output.stop_reason,
        'min_distance': output.min_dist,
    }  # fmt: skip
