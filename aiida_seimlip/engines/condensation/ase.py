"""Condensation with any ASE calculator: many frames in one job, or in a few jobs side by side."""

from __future__ import annotations

from aiida import orm
from aiida.engine import ProcessSpec, while_

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.engines.ase_jobs import AseJobsMixin
from aiida_seimlip.engines.condensation.batches import CondensationBatchMixin
from aiida_seimlip.functions.starts.condensation import join_condensation, split_indices
from aiida_seimlip.options.ase import AseCondenseOptions

OUTPUTS = ('labelled', 'failures', 'trace', 'record', 'results')


class AseCondensationWorkChain(AseJobsMixin, CondensationBatchMixin):
    """Condense frames with an ASE calculator; what a job leaves undone is gone on with by the next one, in the middle.

    All jobs are given the same frames, and the indices of those that they work on, which the random numbers depend on.
    """

    plugin_prefix = 'seimlip.ase'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters and the outline."""
        super().define(spec)
        spec.input('parameters', **AseCondenseOptions.port('The calculator, and the stages.'))
        spec.input(
            'n_jobs', valid_type=orm.Int, serializer=orm.to_aiida_type, default=lambda: orm.Int(1),
            help='Number of jobs among which frames are divided; within a job, `processes` of the `parameters` run '
            'side by side.',
        )  # fmt: skip
        spec.input(
            'max_concurrent', valid_type=orm.Int, serializer=orm.to_aiida_type, required=False,
            help='Number of jobs that are under way at once; no limit if it is not given.',
        )  # fmt: skip
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            while_(cls.should_run_jobs)(
                cls.run_jobs,
                cls.inspect_jobs,
            ),
            cls.results,
        )

    def setup(self) -> None:
        """Divide the frames among jobs; a batch holds what a job is given beside them."""
        self.ctx.done, self.ctx.batches = {}, [{}]
        if self.inputs.n_jobs.value > 1:
            parts = split_indices(self.inputs.frames, self.inputs.n_jobs)
            self.ctx.batches = [{'indices': parts[name]} for name in sorted(parts)]

    def submit_batch(self, name: str, batch: dict[str, orm.Data]) -> orm.CalcJobNode:
        """Submit a job."""
        ports = ('code', 'frames', 'parameters', 'potential')
        given = {port: self.inputs[port] for port in ports if port in self.inputs}
        return self.submit(AseCalculation, **given, **batch, metadata=self.job_metadata(name))  # type: ignore[return-value]

    def results(self) -> None:
        """Attach the results of all jobs together."""
        given = {
            name: {output: job.outputs[output] for output in OUTPUTS if output in job.outputs}
            for name, job in self.ctx.done.items()
        }
        if len(given) == 1 and 'indices' not in next(iter(self.ctx.done.values())).inputs:
            outputs = next(iter(given.values()))
            self.out_many({'frames' if name == 'labelled' else name: node for name, node in outputs.items()})
        else:
            self.out_many(join_condensation(self.inputs.frames, **given))
