"""Labels from any ASE calculator: many frames in one job, or in a few jobs side by side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.engine import ProcessSpec, while_

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.calculations.calculators import faults_of_calculator
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.interruption import Cause, Interruption
from aiida_seimlip.engines.reference.batches import BatchMixin
from aiida_seimlip.engines.reference.known import find_dynamics, find_labelled
from aiida_seimlip.functions.frames import split_frames
from aiida_seimlip.functions.parameters import with_dynamics
from aiida_seimlip.options.ase import AseLabelOptions

EXIT_CODES = AseCalculation.spec().exit_codes
STOPS = {
    EXIT_CODES.ERROR_OUT_OF_WALLTIME.status: Cause.OUT_OF_WALLTIME,
    EXIT_CODES.ERROR_OUT_OF_DISK.status: Cause.OUT_OF_DISK,
    EXIT_CODES.ERROR_INTERRUPTED.status: Cause.CANCELLED,
}


class AseReferenceWorkChain(BatchMixin):
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

    def submit_batch(self, name: str, frames: FramesData) -> orm.CalcJobNode:
        """Submit a job.

        :param name: of the link to it.
        :param frames: what it is to label.
        """
        given = {name: self.inputs[name] for name in ('code', 'potential') if name in self.inputs}
        inputs = {**given, 'frames': frames, 'parameters': self.ctx.parameters}
        return self.submit(AseCalculation, **inputs, metadata=self.job_metadata(name))  # type: ignore[return-value]

    def is_hopeless(self, job: orm.CalcJobNode) -> bool:
        """Return whether the calculator cannot be set up."""
        return bool(job.exit_status == EXIT_CODES.ERROR_CALCULATOR_SETUP.status)

    def explain_stop(self, job: orm.CalcJobNode) -> Interruption | None:
        """Return whether the script stopped at the wall time or by a signal, or was killed outright."""
        cause = STOPS.get(job.exit_status)
        return None if cause is None else Interruption(cause, job.exit_message)

    def results(self) -> None:
        """Attach the labels in the order of the frames."""
        jobs = list(self.ctx.done.values())
        if len(jobs) != 1 or jobs[0].inputs.frames.uuid != self.inputs.frames.uuid:
            self.attach_labels(self.jobs_done())
            return
        self.out('failures', jobs[0].outputs.failures)
        if 'labelled' in jobs[0].outputs:
            self.out('frames', jobs[0].outputs.labelled)
