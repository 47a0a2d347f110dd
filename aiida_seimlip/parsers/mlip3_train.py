"""Parser of ``mlp train``."""

from __future__ import annotations

import io
import re

from aiida import orm

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.parsers.mlip3_base import Mlip3Parser, OutputError, plain
from aiida_seimlip.science.formats.mlip3_output import TrainOutput, parse_train


class Mlip3TrainParser(Mlip3Parser):
    """Attach the potential, but only if it is complete: a killed ``mlp`` leaves a plausible file behind."""

    COMPLETE = re.compile(r'^training complete\s*$', re.MULTILINE)

    def parse_job(self) -> None:
        """Attach the history as far as it goes, then the potential, the errors and the results."""
        output = parse_train(self.stdout, self.stderr)
        if output.losses.size or output.pretraining_losses.size:
            self.out('history', orm.ArrayData({
                'loss': output.losses, 'pretraining_loss': output.pretraining_losses,
            }))  # fmt: skip
        self.check_completion()
        self.check_training_set(output)
        self.out('potential', self.read_potential())
        self.out('results', orm.Dict(plain({
            'n_configurations': output.n_configurations, 'n_iterations': len(output.losses),
            'loss': output.losses[-1] if output.losses.size else None, 'stop_reason': output.stop_reason,
            'min_distance': output.min_dist,
        })))  # fmt: skip
        if output.errors is not None:
            self.out('errors', orm.Dict(plain(output.errors)))

    def check_training_set(self, output: TrainOutput) -> None:
        """Check that the program has read all configurations.

        :raises OutputError: if it has read more or fewer.
        """
        expected = sum(frames.n_frames for frames in self.node.inputs.training.values())
        if output.n_configurations != expected:
            reason = f'{output.n_configurations} configurations were read for training, but {expected} were given.'
            raise OutputError('ERROR_OUTPUT_MISMATCH', reason=reason)

    def read_potential(self) -> PotentialData:
        """Return the potential that the job made.

        :raises OutputError: if the file is not there, or not complete.
        """
        name, content = next(iter(self.read_output().items()))
        try:
            potential = PotentialData(io.BytesIO(content), name, species=self.node.inputs.start.species)
        except ValueError as error:
            raise OutputError('ERROR_POTENTIAL_INCOMPLETE', filename=name, reason=error) from error
        if not potential.is_trained or potential.selection_mode is None:
            lacking = 'an active set' if potential.is_trained else 'coefficients'
            raise OutputError('ERROR_POTENTIAL_INCOMPLETE', filename=name, reason=f'it lacks {lacking}.')
        return potential
