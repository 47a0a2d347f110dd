"""The contract of the socket `training`: a program that fits a potential to labelled configurations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.engine import ProcessSpec

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.labels import explain_predictions, faults_of_mixture
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SocketWorkChain


class TrainingWorkChain(SocketWorkChain):
    """Fit a potential to labelled configurations."""

    socket = 'training'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports."""
        super().define(spec)
        spec.input_namespace(
            'training', valid_type=FramesData, dynamic=True, validator=validate_training,
            help='The labelled frames, in as many nodes as one likes; learned from in the order of the keys.',
        )  # fmt: skip
        spec.input(
            'start', valid_type=PotentialData, required=False,
            help='Where to start from: a trained potential for a warm start or fine-tuning, or an untrained one, which '
            'tells the form of the potential where an engine (`mlip3`) has no other way to know it.',
        )  # fmt: skip
        spec.output(
            'potential', valid_type=PotentialData,
            help='The trained potential, ready for exploration: with its active set, where its family has one.',
        )  # fmt: skip
        spec.output(
            'errors', valid_type=orm.Dict,
            help='Differences on the training set: `energy_per_atom` (eV), `force` (norm for each atom, eV/Å) and '
            '`stress_pressure` (Frobenius norm, GPa), each with `count`, `max`, `mean` and `rms`.',
        )  # fmt: skip
        spec.output('history', valid_type=orm.ArrayData, required=False, help='`loss` at each iteration.')
        spec.exit_code(
            310, 'ERROR_NO_POTENTIAL',
            message='The training gave no usable potential: job {pk} ended with status {status}: {reason}',
        )  # fmt: skip
        spec.exit_code(
            320, 'ERROR_BAD_DATA',
            message='The input `training` cannot be learned from: job {pk} ended with status {status}: {reason}',
        )  # fmt: skip
        spec.exit_code(
            321, 'ERROR_UNKNOWN_SPECIES',
            message='The inputs `training` and `start` are of different species: job {pk} ended with status {status}: '
            '{reason}',
        )  # fmt: skip
        spec.exit_code(
            330, 'ERROR_DIVERGED', message='The training diverged: job {pk} ended with status {status}: {reason}'
        )
        spec.exit_code(
            400, 'ERROR_OUT_OF_WALLTIME',
            message='The wall time was not enough: job {pk}, the last that was allowed, ended with status {status}: '
            '{reason}',
        )  # fmt: skip

    @classmethod
    def selection_mode(cls, settings: Mapping[str, Any]) -> str | None:
        """Return the kind of active set that potentials will have, None if it is unknown or there is none.

        :param settings: inputs by port.
        """
        return None

    def report_mixture(self) -> None:
        """Say so if labels are learned from that do not go together."""
        for doubt in faults_of_mixture('training', self.inputs.training):
            self.report(f'WARNING: {doubt}')


def validate_training(training: Mapping[str, FramesData], _: Any) -> str | None:
    """Refuse an empty training set, frames without labels, and predictions, which are none."""
    if not training:
        return 'Input `training` holds no frames.'
    for name, frames in training.items():
        predictions = explain_predictions(f'training.{name}', frames)
        if predictions is not None:
            return predictions
        if not frames.is_labelled:
            return f'Input `training.{name}` holds frames without energy or forces.'
    return None
