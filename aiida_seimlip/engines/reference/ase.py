"""Labels from any ASE calculator: many frames in one job, or in a few jobs side by side."""

from __future__ import annotations

from aiida import orm
from aiida.engine import ProcessSpec, while_

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.reference.ase_jobs import AseLabelsMixin
from aiida_seimlip.functions.frames import split_frames
from aiida_seimlip.functions.parameters import with_dynamics
from aiida_seimlip.options.ase import AseLabelOptions


class AseReferenceWorkChain(AseLabelsMixin):
    """Label frames with an ASE calculator; what a job leaves undone is done by the next one."""

    plugin_prefix = 'seimlip.ase'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters and the outline."""
        super().define(spec)
        spec.input('parameters', **AseLabelOptions.port('The calculator.'))
        spec.input(
            'potential', valid_type=PotentialData, required=False, help='What a calculator of potentials is given.'
        )
        spec.input(
            'n_jobs', valid_type=orm.Int, serializer=orm.to_aiida_type, default=lambda: orm.Int(1),
            help='Number of jobs among which frames are divided, unless they are starts of dynamics; within a job, '
            '`processes` of the `parameters` run side by side.',
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
        """Divide the frames that nobody has labelled yet among jobs."""
        frames = self.split_known()
        self.ctx.done, self.ctx.parameters = {}, self.inputs.parameters
        self.ctx.batches = [] if frames is None else [frames]
        if 'dynamics' in self.inputs:
            self.ctx.parameters = with_dynamics(self.inputs.parameters, self.inputs.dynamics)
        elif frames is not None and self.inputs.n_jobs.value > 1:
            parts = split_frames(frames, self.inputs.n_jobs)
            self.ctx.batches = [parts[name] for name in sorted(parts)]

    def submit_batch(self, name: str, frames: FramesData) -> orm.CalcJobNode:
        """Submit a job.

        :param name: of the link to it.
        :param frames: what it is to label.
        """
        given = {name: self.inputs[name] for name in ('code', 'potential') if name in self.inputs}
        inputs = {**given, 'frames': frames, 'parameters': self.ctx.parameters}
        return self.submit(AseCalculation, **inputs, metadata=self.job_metadata(name))  # type: ignore[return-value]

    def results(self) -> None:
        """Attach the labels in the order of the frames."""
        jobs = list(self.ctx.done.values())
        if len(jobs) != 1 or jobs[0].inputs.frames.uuid != self.inputs.frames.uuid:
            self.attach_labels(self.jobs_done())
            return
        self.out('failures', jobs[0].outputs.failures)
        if 'labelled' in jobs[0].outputs:
            self.out('frames', jobs[0].outputs.labelled)
