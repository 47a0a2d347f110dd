"""Labels from any ASE calculator: many frames in one job, or in a few jobs side by side."""

from __future__ import annotations

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import ExitCode, ProcessSpec, while_

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.calculations.functions.frames import list_unfinished, split_frames, unfinished_frames
from aiida_seimlip.calculations.functions.parameters import with_dynamics
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.engines.reference.contract import ReferenceWorkChain
from aiida_seimlip.engines.reference.known import find_labelled
from aiida_seimlip.options.ase import AseLabelOptions

SETUP_FAILED = AseCalculation.spec().exit_codes.ERROR_CALCULATOR_SETUP.status


class AseReferenceWorkChain(ReferenceWorkChain):
    """Label frames with an ASE calculator; what a job had no time for is done by the next one."""

    plugin_prefix = 'seimlip.ase'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters and the outline."""
        super().define(spec)
        spec.input('parameters', **AseLabelOptions.port('The calculator.'))
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

    def find_known(self) -> dict[str, FramesData]:
        """Return what `AseCalculation` has labelled with the same calculator."""
        return find_labelled(self.inputs.parameters, self.inputs.frames)

    def should_run_jobs(self) -> bool:
        """Return whether there are frames left to label."""
        return bool(self.ctx.batches)

    def run_jobs(self) -> None:
        """Run a job for each batch of frames."""
        self.ctx.jobs = AttributeDict()
        for number, frames in enumerate(self.ctx.batches, start=len(self.ctx.done)):
            name = f'job_{number:03d}'
            inputs = {'code': self.inputs.code, 'frames': frames, 'parameters': self.ctx.parameters}
            self.to_context(**{
                f'jobs.{name}': self.submit(AseCalculation, **inputs, metadata=self.job_metadata(name))
            })  # fmt: skip

    def inspect_jobs(self) -> ExitCode | None:
        """Keep what was labelled, and gather what a job that got something done had no time for."""
        self.ctx.batches = []
        for name, job in self.ctx.jobs.items():
            if 'failures' not in job.outputs or job.exit_status == SETUP_FAILED:
                details = {'pk': job.pk, 'status': job.exit_status, 'reason': job.exit_message}
                return self.exit_codes.ERROR_PROGRAM_FAILED.format(**details)
            self.ctx.done[name] = job
            unfinished = list_unfinished(job.outputs.failures.get_dict())
            if unfinished and len(unfinished) < job.inputs.frames.n_frames and 'dynamics' not in self.inputs:
                self.report(f'job {job.pk} left {len(unfinished)} frames, which the next one labels')
                self.ctx.batches.append(unfinished_frames(job.inputs.frames, job.outputs.failures))
        return None

    def results(self) -> None:
        """Attach the labels in the order of the frames."""
        if len(self.ctx.done) != 1 or self.ctx.known is not None:
            self.attach_labels({
                name: {'frames': job.inputs.frames, **{
                    output: job.outputs[output] for output in ('labelled', 'failures') if output in job.outputs
                }} for name, job in self.ctx.done.items()
            })  # fmt: skip
            return
        (job,) = self.ctx.done.values()
        self.out('failures', job.outputs.failures)
        if 'labelled' in job.outputs:
            self.out('frames', job.outputs.labelled)
