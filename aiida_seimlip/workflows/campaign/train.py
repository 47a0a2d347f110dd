"""The stage that trains: a potential from all labelled frames so far."""

from __future__ import annotations

from aiida.engine import ExitCode

from aiida_seimlip.functions.campaign.warnings import explain_unfilled
from aiida_seimlip.workflows.campaign.also import AlsoTrainStage
from aiida_seimlip.workflows.failures import explain_failure


class TrainStage(AlsoTrainStage):
    """Train a potential, from the last one or from scratch."""

    def run_training(self) -> None:
        """Train on everything that is labelled."""
        warm = self.settings.warm_start and self.ctx.potential is not None
        start = self.ctx.potential if warm else self.ctx.untrained
        given = {} if start is None else {'start': start}
        process = self.submit_engine(
            'training', self.label_of('train'), training=self.labelled_so_far(), **given, **self.ctx.training_inputs
        )
        self.to_context(training_process=process)
        if self.also_trains_each:
            self.run_also_training()

    def inspect_training(self) -> ExitCode | None:
        """Take in the potential."""
        process = self.ctx.training_process
        if not process.is_finished_ok:
            return self.fail('ERROR_TRAINING_FAILED', iteration=self.ctx.iteration, reason=explain_failure(process))
        self.ctx.potential = self.made['potential'] = process.outputs.potential
        self.ctx.last_errors = self.made['errors'] = process.outputs.errors
        self.publish()
        if self.also_trains_each:
            self.inspect_also_training()
        unfilled = explain_unfilled(self.ctx.potential)
        self.warn([] if unfilled is None else [unfilled])
        return None
