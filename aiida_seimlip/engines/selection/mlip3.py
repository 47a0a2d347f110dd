"""Selection with MLIP-3's ``mlp select_add``, or with ``seimlip-mlp``."""

from __future__ import annotations

from aiida.engine import ExitCode, ProcessSpec

from aiida_seimlip.calculations.mlip3_select import Mlip3SelectCalculation
from aiida_seimlip.engines.selection.contract import SelectionWorkChain
from aiida_seimlip.options.mlip3 import Mlip3SelectOptions


class Mlip3SelectionWorkChain(SelectionWorkChain):
    """Select by MaxVol, that is, D-optimality."""

    plugin_prefix = 'seimlip.mlip3.'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters and the outline."""
        super().define(spec)
        spec.input('parameters', **Mlip3SelectOptions.port('How to select.'))
        spec.outline(cls.run_job, cls.inspect_job)  # type: ignore[attr-defined]

    def run_job(self) -> None:
        """Run the job."""
        names = ('code', 'potential', 'training', 'candidates', 'parameters')
        inputs = {name: self.inputs[name] for name in names}
        self.to_context(job=self.submit(Mlip3SelectCalculation, **inputs, metadata=self.job_metadata()))

    def inspect_job(self) -> ExitCode | None:
        """Attach what was selected."""
        job = self.ctx.job
        if not job.is_finished_ok:
            details = {'pk': job.pk, 'status': job.exit_status, 'reason': job.exit_message}
            return self.exit_codes.ERROR_PROGRAM_FAILED.format(**details)
        self.out('selected', job.outputs.selected)
        return None
