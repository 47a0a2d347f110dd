"""The WorkChain ``seimlip.conductivity``: from the diffusion of ions to their conductivity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, WorkChain, if_

from aiida_seimlip.functions.transport.conductivity import analyse_conductivity
from aiida_seimlip.options.transport.conductivity import ConductivityOptions
from aiida_seimlip.options.transport.results import ConductivityResults, DiffusivityResults
from aiida_seimlip.workflows.failures import explain_failure
from aiida_seimlip.workflows.protocols.conductivity import ConductivityProtocolMixin
from aiida_seimlip.workflows.transport.diffusivity import DiffusivityWorkChain

RUN, FINISHED = 'diffusivity', 'finished'
"""Namespaces of the inputs: of a diffusivity to run, and of one that has ended."""

NEEDED = ('diffusivity', 'posterior', 'tracks')
"""Outputs of a diffusivity that the conductivity is found from."""


class ConductivityWorkChain(ConductivityProtocolMixin, WorkChain):
    """Take or run a diffusivity, and find the ionic conductivity: Nernst–Einstein, collective, and their ratio."""

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        spec.input('options', **ConductivityOptions.port('What carries the charge, and what is computed.'))
        spec.expose_inputs(
            DiffusivityWorkChain, namespace=RUN,
            namespace_options={
                'required': False, 'populate_defaults': False,
                'help': 'Inputs of a `seimlip.diffusivity` to be run first, instead of `finished`.',
            },
        )  # fmt: skip
        spec.input_namespace(
            FINISHED,
            required=False,
            help='Outputs of a `seimlip.diffusivity` that has ended, instead of `diffusivity`.',
        )
        spec.input(f'{FINISHED}.diffusivity', valid_type=orm.Dict, required=False, help='Its output `diffusivity`.')
        spec.input(f'{FINISHED}.posterior', valid_type=orm.ArrayData, required=False, help='Its output `posterior`.')
        spec.input_namespace(
            f'{FINISHED}.tracks', valid_type=orm.ArrayData, dynamic=True, required=False, help='Its output `tracks`.'
        )
        spec.inputs.validator = cls.validate_inputs
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            if_(cls.should_run_diffusivity)(
                cls.run_diffusivity,
                cls.inspect_diffusivity,
            ),
            cls.analyse,
            cls.results,
        )
        spec.expose_outputs(DiffusivityWorkChain, namespace=RUN, namespace_options={'required': False})
        spec.output('conductivity', valid_type=orm.Dict, required=False, help='What was found: `ConductivityResults`.')
        spec.output(
            'posterior', valid_type=orm.ArrayData, required=False,
            help='Samples of the posterior, for each temperature: `T0600_sigma` and `T0600_collective_sigma` (S/m) and '
            '`T0600_haven_ratio`.',
        )  # fmt: skip
        spec.exit_code(300, 'ERROR_DIFFUSIVITY_FAILED', message='The diffusivity left nothing to go on with: {reason}')
        spec.exit_code(
            400, 'ERROR_DIFFUSIVITY_DOUBTFUL',
            message='The conductivity is attached, but the diffusivity that it rests on did not end well: {reason}',
        )  # fmt: skip
        spec.exit_code(
            410, 'ERROR_NO_CONDUCTIVITY', message='At none of the temperatures is there a diffusion coefficient.'
        )

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check that there is one diffusivity to go on from, and that it is complete.

        :param inputs: all inputs.
        :return: one sentence that names the input at fault, or None if all is well.
        """
        finished, to_run = inputs.get(FINISHED) or {}, inputs.get(RUN) or {}
        if bool(finished) == bool(to_run):
            what = 'both are given' if finished else 'neither is given'
            return f'Either the input `{RUN}` or the input `{FINISHED}` is needed, but {what}.'
        if to_run:
            return None
        missing = [name for name in ('diffusivity', 'posterior') if name not in finished]
        if missing:
            return f'Input `{FINISHED}.{missing[0]}` is missing.'
        try:
            DiffusivityResults.model_validate(finished['diffusivity'].get_dict())
        except ValueError as exception:
            return f'Input `{FINISHED}.diffusivity` is not the output of a `seimlip.diffusivity`: {exception}'
        return None

    def setup(self) -> None:
        """Take the diffusivity that was given, if there is one."""
        self.ctx.found = dict(self.inputs.get(FINISHED, {}))

    def should_run_diffusivity(self) -> bool:
        """Return whether the diffusivity has to be found first."""
        return not self.ctx.found

    def run_diffusivity(self) -> None:
        """Find the diffusivity."""
        inputs = self.exposed_inputs(DiffusivityWorkChain, namespace=RUN)
        process = self.submit(DiffusivityWorkChain, **inputs, metadata={'call_link_label': RUN})
        self.to_context(process=process)

    def inspect_diffusivity(self) -> ExitCode | None:
        """Go on with what the diffusivity has left, however it ended."""
        process = self.ctx.process
        found = self.exposed_outputs(process, DiffusivityWorkChain, namespace=RUN)
        self.out_many(found)
        if not process.is_finished_ok:
            self.report(explain_failure(process))
        if not all(name in process.outputs for name in ('diffusivity', 'posterior')):
            return self.exit_codes.ERROR_DIFFUSIVITY_FAILED.format(reason=explain_failure(process))
        self.ctx.found = {name: process.outputs[name] for name in NEEDED if name in process.outputs}
        return None

    def analyse(self) -> None:
        """Find the conductivities."""
        found = dict(self.ctx.found)
        tracks = {'tracks': dict(found['tracks'])} if found.get('tracks') else {}
        self.out_many(analyse_conductivity(self.inputs.options, found['diffusivity'], found['posterior'], **tracks))

    def results(self) -> ExitCode | None:
        """Say what the result is worth."""
        results = ConductivityResults.model_validate(self.outputs['conductivity'].get_dict())
        if all(point.sigma is None for point in results.points):
            return self.exit_codes.ERROR_NO_CONDUCTIVITY
        if results.message is not None:
            return self.exit_codes.ERROR_DIFFUSIVITY_DOUBTFUL.format(reason=results.message)
        return None
