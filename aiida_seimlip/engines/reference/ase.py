"""Labels from any ASE calculator: many frames in one job, or in a few jobs side by side."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import ExitCode, ProcessSpec, while_

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.calculations.functions.frames import list_unfinished, merge_labels, split_frames, unfinished_frames
from aiida_seimlip.calculations.functions.parameters import with_dynamics
from aiida_seimlip.engines.reference.contract import ReferenceWorkChain
from aiida_seimlip.options.ase import AseOptions


class AseReferenceWorkChain(ReferenceWorkChain):
    """Label frames with an ASE calculator; what a job had no time for is done by the next one."""

    plugin_prefix = 'seimlip.ase'

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the parameters and the outline."""
        super().define(spec)
        spec.input('parameters', **AseOptions.port('The calculator.'))
        spec.inputs['parameters'].validator = validate_parameters
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
        """Divide the frames among jobs."""
        self.ctx.done = {}
        self.ctx.parameters = self.inputs.parameters
        self.ctx.batches = [self.inputs.frames]
        if 'dynamics' in self.inputs:
            self.ctx.parameters = with_dynamics(self.inputs.parameters, self.inputs.dynamics)
        elif self.inputs.n_jobs.value > 1:
            self.ctx.batches = [
                part for _, part in sorted(split_frames(self.inputs.frames, self.inputs.n_jobs).items())
            ]

    def should_run_jobs(self) -> bool:
        """Return whether there are frames left to label."""
        return bool(self.ctx.batches)

    def run_jobs(self) -> None:
        """Run a job for each batch of frames."""
        self.ctx.jobs = AttributeDict()
        for number, frames in enumerate(self.ctx.batches, start=len(self.ctx.done)):
            inputs = {'code': self.inputs.code, 'frames': frames, 'parameters': self.ctx.parameters}
            job = self.submit(AseCalculation, **inputs, metadata=self.job_metadata(f'job_{number:03d}'))
            self.to_context(**{f'jobs.job_{number:03d}': job})

    def inspect_jobs(self) -> ExitCode | None:
        """Keep what was labelled, and gather what a job that got something done had no time for."""
        self.ctx.batches = []
        for name, job in self.ctx.jobs.items():
            if (
                'failures' not in job.outputs
                or job.exit_status == AseCalculation.exit_codes.ERROR_CALCULATOR_SETUP.status
            ):
                return self.exit_codes.ERROR_PROGRAM_FAILED.format(
                    pk=job.pk, status=job.exit_status, reason=job.exit_message
                )
            self.ctx.done[name] = job
            unfinished = list_unfinished(job.outputs.failures.get_dict())
            if unfinished and len(unfinished) < job.inputs.frames.n_frames and 'dynamics' not in self.inputs:
                self.report(f'job {job.pk} left {len(unfinished)} frames, which the next one labels')
                self.ctx.batches.append(unfinished_frames(job.inputs.frames, job.outputs.failures))
        return None

    def results(self) -> None:
        """Attach the labels in the order of the frames."""
        jobs = {name: labels_of(job) for name, job in self.ctx.done.items()}
        if len(jobs) > 1:
            self.out_many(merge_labels(self.inputs.frames, **jobs))
            return
        (job,) = jobs.values()
        self.out('failures', job['failures'])
        if 'labelled' in job:
            self.out('frames', job['labelled'])


def labels_of(job: orm.CalcJobNode) -> dict[str, Any]:
    """Return the frames that a job was given, those that it labelled, and why it did not label the others."""
    labelled = {'labelled': job.outputs.labelled} if 'labelled' in job.outputs else {}
    return {'frames': job.inputs.frames, 'failures': job.outputs.failures, **labelled}


def validate_parameters(parameters: orm.Dict, port: Any) -> str | None:
    """Refuse unknown options, and tasks that move the atoms: those are not labels of the frames."""
    message = AseOptions.validator(parameters, port)
    if message is None and AseOptions.from_node(parameters).task != 'single_point':
        message = f'Input `{port.name}` has the task `{parameters["task"]}`, but frames are labelled as they are.'
    return message
