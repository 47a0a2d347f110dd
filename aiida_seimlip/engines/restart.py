"""What the adapters have in common that run one job, and run it again where that helps."""

from __future__ import annotations

from typing import Any, ClassVar

from aiida.common import AttributeDict
from aiida.engine import BaseRestartWorkChain, ExitCode, ProcessHandlerReport, ProcessSpec, process_handler, while_
from aiida.orm import CalcJobNode


class RestartMixin(BaseRestartWorkChain):
    """Run one CalcJob with the ports of the contract; a failure that no handler deals with ends the process.

    Comes behind a contract among the base classes.
    """

    failure: ClassVar[str]
    """Label of the exit code for failures that no handler deals with."""

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the outline."""
        super().define(spec)
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            while_(cls.should_run_process)(
                cls.run_process,
                cls.inspect_process,
            ),
            cls.results,
        )

    def setup(self) -> None:
        """Take the inputs of the job from those of the contract."""
        super().setup()
        ports = set(self.process_class.spec().inputs) - {'metadata'}
        self.ctx.inputs = AttributeDict({name: value for name, value in self.inputs.items() if name in ports})
        self.ctx.inputs.metadata = {'options': self.scheduler_options}

    @property
    def scheduler_options(self) -> dict[str, Any]:
        """The scheduler's settings."""
        return self.inputs.options.get_dict() if 'options' in self.inputs else {}

    def results(self) -> ExitCode | None:
        """Attach those outputs of the last job that the contract knows."""
        outputs = self.ctx.children[-1].outputs
        self.out_many({name: outputs[name] for name in self.spec().outputs if name in outputs})
        return None

    def report_error_handled(self, calculation: CalcJobNode, action: str) -> None:
        """Say what was done about a job that failed.

        :param calculation: the job.
        :param action: what was done, in words.
        """
        self.report(
            f'{calculation.process_label}<{calculation.pk}> ended with status {calculation.exit_status}: '
            f'{calculation.exit_message} {action}'
        )

    @process_handler(priority=-1000)
    def handle_unrecoverable(self, calculation: CalcJobNode) -> ProcessHandlerReport | None:
        """End with the message of the job, where no other handler knows better."""
        if calculation.is_finished_ok:
            return None
        exit_code = self.exit_codes[self.failure].format(
            pk=calculation.pk, status=calculation.exit_status, reason=calculation.exit_message
        )
        self.report(exit_code.message)
        return ProcessHandlerReport(True, exit_code)
