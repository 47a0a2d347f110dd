"""What is known of jobs of `AseCalculation` besides running them: faults, ends, and what others have labelled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.calculations.calculators import faults_of_calculator
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.interruption import Cause, Interruption
from aiida_seimlip.engines.reference.batches import BatchMixin
from aiida_seimlip.engines.reference.known import find_dynamics, find_labelled
from aiida_seimlip.options.ase import AseLabelOptions

EXIT_CODES = AseCalculation.spec().exit_codes
STOPS = {
    EXIT_CODES.ERROR_OUT_OF_WALLTIME.status: Cause.OUT_OF_WALLTIME,
    EXIT_CODES.ERROR_OUT_OF_DISK.status: Cause.OUT_OF_DISK,
    EXIT_CODES.ERROR_INTERRUPTED.status: Cause.CANCELLED,
}


class AseJobsMixin(BatchMixin):
    """Label frames in batches, each a job of `AseCalculation`, whose parameters name a calculator."""

    @classmethod
    def explain_settings(cls, namespace: str, settings: Mapping[str, Any], **details: Any) -> str | None:
        """Say what is wrong with the settings, the calculator included."""
        message = super().explain_settings(namespace, settings, **details)
        if message is not None or 'parameters' not in settings:
            return message
        calculator = AseLabelOptions.from_node(settings['parameters']).calculator
        fault = next(faults_of_calculator(calculator, settings), None)
        return None if fault is None else re.sub('`(potential|parameters)`', rf'`{namespace}.\1`', fault)

    @classmethod
    def faults_of_call(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield what the job would refuse."""
        yield from AseCalculation.find_faults(inputs)

    @classmethod
    def describe_labels(cls, settings: Mapping[str, Any]) -> tuple[str, str]:
        """Return the method of the calculator; which energy it offers shows when it is run."""
        calculator = AseLabelOptions.from_node(settings['parameters']).calculator
        potential = settings.get('potential')
        return calculator.method_given(None if potential is None else potential.uuid), ''

    def find_known(self) -> dict[str, FramesData]:
        """Return what `AseCalculation` has labelled with the same calculator."""
        return find_labelled(self.inputs.parameters, self.inputs.frames, self.inputs.get('potential'))

    def find_known_dynamics(self) -> dict[str, dict[str, orm.Data]]:
        """Return what this engine has done with the same calculator from the same frames."""
        return find_dynamics(type(self), self.inputs)

    def is_hopeless(self, job: orm.CalcJobNode) -> bool:
        """Return whether the calculator cannot be set up."""
        return bool(job.exit_status == EXIT_CODES.ERROR_CALCULATOR_SETUP.status)

    def explain_stop(self, job: orm.CalcJobNode) -> Interruption | None:
        """Return whether the script stopped at the wall time or by a signal, or was killed outright."""
        cause = STOPS.get(job.exit_status)
        return None if cause is None else Interruption(cause, job.exit_message)
