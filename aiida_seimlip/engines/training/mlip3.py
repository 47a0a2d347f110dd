"""Training with MLIP-3's ``mlp train``, or with ``seimlip-mlp``."""

from __future__ import annotations

from aiida import orm
from aiida.engine import ProcessHandlerReport, ProcessSpec, process_handler

from aiida_seimlip.calculations.mlip3_train import Mlip3TrainCalculation
from aiida_seimlip.engines.restart import RestartMixin
from aiida_seimlip.engines.training.contract import TrainingWorkChain
from aiida_seimlip.options.mlip3 import Mlip3TrainOptions

EXIT_CODES = Mlip3TrainCalculation.spec().exit_codes


class Mlip3TrainingWorkChain(TrainingWorkChain, RestartMixin):
    """Train a moment tensor potential and build its active set."""

    _process_class = Mlip3TrainCalculation
    plugin_prefix = 'seimlip.mlip3.'
    failure = 'ERROR_NO_POTENTIAL'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters."""
        super().define(spec)
        spec.input('parameters', **Mlip3TrainOptions.port('How to train.'))

    @process_handler(
        exit_codes=[
            EXIT_CODES.ERROR_OUTPUT_STDOUT_MISSING, EXIT_CODES.ERROR_COMMAND_STOPPED, EXIT_CODES.ERROR_OUTPUT_MISSING,
            EXIT_CODES.ERROR_POTENTIAL_INCOMPLETE,
        ]
    )  # fmt: skip
    def handle_killed(self, calculation: orm.CalcJobNode) -> ProcessHandlerReport | None:
        """Start again, once: a killed ``mlp`` leaves a file behind that is no potential."""
        if self.ctx.iteration > 1:
            return None
        self.report_error_handled(calculation, 'It is started again.')
        return ProcessHandlerReport(True)
