"""What is known of jobs of `AseCalculation` besides running them: faults of their settings, and how they end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.calculations.calculators import faults_of_calculator
from aiida_seimlip.engines.interruption import Cause, Interruption
from aiida_seimlip.options.calculator import CalculatorOptions

EXIT_CODES = AseCalculation.spec().exit_codes
STOPS = {
    EXIT_CODES.ERROR_OUT_OF_WALLTIME.status: Cause.OUT_OF_WALLTIME,
    EXIT_CODES.ERROR_OUT_OF_DISK.status: Cause.OUT_OF_DISK,
    EXIT_CODES.ERROR_INTERRUPTED.status: Cause.CANCELLED,
}


def explain_calculator(namespace: str, settings: Mapping[str, Any]) -> str | None:
    """Say what is wrong with the calculator that the settings of an engine name.

    :param namespace: where the user gave them, for the message.
    :param settings: inputs by port.
    """
    if 'parameters' not in settings:
        return None
    calculator = CalculatorOptions.model_validate(settings['parameters']['calculator'])
    fault = next(faults_of_calculator(calculator, settings), None)
    return None if fault is None else re.sub('`(potential|parameters)`', rf'`{namespace}.\1`', fault)


class AseJobsMixin:
    """What an engine says of its jobs that run in batches, and whose parameters name a calculator.

    Comes before `BatchMixin` and a contract among the base classes.
    """

    @classmethod
    def explain_settings(cls, namespace: str, settings: Mapping[str, Any], **details: Any) -> str | None:
        """Say what is wrong with the settings, the calculator included."""
        message: str | None = super().explain_settings(namespace, settings, **details)  # type: ignore[misc]
        return message or explain_calculator(namespace, settings)

    @classmethod
    def faults_of_call(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield what the job would refuse."""
        yield from AseCalculation.find_faults(inputs)

    def is_hopeless(self, job: orm.CalcJobNode) -> bool:
        """Return whether the calculator cannot be set up."""
        return bool(job.exit_status == EXIT_CODES.ERROR_CALCULATOR_SETUP.status)

    def explain_stop(self, job: orm.CalcJobNode) -> Interruption | None:
        """Return whether the script stopped at the wall time or by a signal, or was killed outright."""
        cause = STOPS.get(job.exit_status)
        return None if cause is None else Interruption(cause, job.exit_message)
