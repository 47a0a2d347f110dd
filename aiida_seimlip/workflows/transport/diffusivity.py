"""The WorkChain ``seimlip.diffusivity``: how fast ions diffuse, at which temperatures, and how sure that is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, if_, while_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.audit import audit_grades
from aiida_seimlip.functions.run_verdict import EXIT_CODES
from aiida_seimlip.functions.transport.analysis import analyse_diffusion
from aiida_seimlip.functions.transport.diffusivity import warn_about_vacuum
from aiida_seimlip.functions.transport.run_structure import analyse_structure
from aiida_seimlip.functions.transport.verdict import judge
from aiida_seimlip.options.transport.diffusivity import DiffusivityOptions
from aiida_seimlip.options.transport.results import DiffusivityResults
from aiida_seimlip.workflows.protocols.diffusivity import DiffusivityProtocolMixin
from aiida_seimlip.workflows.transport.runs import TransportRunsMixin
from aiida_seimlip.workflows.transport.validation import validate_diffusivity


class DiffusivityWorkChain(DiffusivityProtocolMixin, TransportRunsMixin):
    """Run molecular dynamics at several temperatures, and find the diffusion coefficients and their activation energy.

    What there is becomes an output however the work ends; the exit code says what it is worth.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        cls._define_inputs(spec)
        cls._define_outputs(spec)
        cls._define_exit_codes(spec)
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            if_(cls.should_check_parity)(
                cls.run_parity,
                cls.inspect_parity,
            ),
            cls.queue_runs,
            while_(cls.has_jobs)(
                cls.run_jobs,
                cls.inspect_jobs,
            ),
            cls.inspect_runs,
            cls.analyse,
            cls.results,
        )

    @classmethod
    def _define_inputs(cls, spec: ProcessSpec) -> None:
        spec.input(
            'structure', valid_type=(FramesData, orm.StructureData), help='The start: one frame, or a structure.'
        )
        spec.input(
            'potential', valid_type=PotentialData, required=False,
            help='The potential, trained; engines that bring a calculator of their own can do without.',
        )  # fmt: skip
        spec.input('options', **DiffusivityOptions.port('Temperatures, lengths, and how the tracks are read.'))
        cls.define_engine(spec)
        spec.inputs.validator = validate_diffusivity

    @classmethod
    def _define_outputs(cls, spec: ProcessSpec) -> None:
        spec.output('diffusivity', valid_type=orm.Dict, required=False, help='What was found: a `DiffusivityResults`.')
        spec.output(
            'msd', valid_type=orm.ArrayData, required=False,
            help='Mean square displacements, the drift of the framework taken off. For each temperature, such as '
            '`T0600`: `T0600_lag_ps`, `T0600_msd` and `T0600_msd_std` (Å²; mean of the replicas), `T0600_msd_axes` '
            '(Å², along x, y and z; shape (n, 3)); of several replicas also `T0600_r0_lag_ps`, `T0600_r0_msd`, ...',
        )  # fmt: skip
        spec.output(
            'posterior', valid_type=orm.ArrayData, required=False,
            help='Samples of the posterior: `T0600_D` (m²/s) for each temperature; `arrhenius`, whose columns are '
            'ln D0 (D0 in m²/s) and Ea (eV).',
        )  # fmt: skip
        spec.output(
            'rdf', valid_type=orm.ArrayData, required=False,
            help='Radial distribution functions. For each temperature and pair: `T0600_Li_O_r` (Å), `T0600_Li_O_g`, '
            '`T0600_Li_O_g_error`, `T0600_Li_O_coordination` (running) and `T0600_Li_O_coordination_error`. The '
            'attribute `T0600` holds the `pairs`, with the first shell of each, `n_frames` and `n_blocks`.',
        )  # fmt: skip
        spec.output('parity', valid_type=orm.Dict, required=False, help='The check of the start: a `ParityRecord`.')
        spec.output_namespace(
            'tracks', valid_type=orm.ArrayData, dynamic=True, required=False,
            help='Unwrapped paths of the mobile ions, for each run, such as `T0600_r0`.',
        )  # fmt: skip
        spec.output_namespace(
            'trajectories', valid_type=FramesData, dynamic=True, required=False,
            help='Whole frames of the productions, for each run.',
        )  # fmt: skip

    @classmethod
    def _define_exit_codes(cls, spec: ProcessSpec) -> None:
        cls.define_ends_of_runs(spec)
        for label, (status, message) in EXIT_CODES.items():
            spec.exit_code(status, label, message=message)

    @classmethod
    def find_warnings(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield a sentence for each thing that is likely to go wrong, for those who are about to submit.

        :param inputs: that pass all checks.
        """
        yield from warn_about_vacuum(inputs['structure'], DiffusivityOptions.from_node(inputs['options']))

    # -- end ----------------------------------------------------------------------------------------------------------

    def analyse(self) -> None:
        """Read the tracks and the frames, and ask whether the potential knew what it met."""
        runs, options = self.usable, self.inputs.options
        frames = {key: process.outputs.trajectory for key, process in runs.items() if 'trajectory' in process.outputs}
        groups: dict[str, Any] = {'results': self.results_of_runs()}
        groups['tracks'] = {key: process.outputs.track for key, process in runs.items()}
        if frames:
            structure = analyse_structure(options, self.ctx.start, **frames)
            groups['units'] = {'all': structure['units']}
            self.out_many({name: node for name, node in structure.items() if name == 'rdf'})
        if frames and self.has_grades:
            groups['audit'] = {'all': audit_grades(options, self.inputs.potential, **frames)}
        if 'potential' in self.inputs:
            groups['potential'] = {'used': self.inputs.potential}
        self.out_many(
            analyse_diffusion(
                options, self.inputs.engines, self.ctx.start, self.ctx.plan, orm.Dict(self.ctx.ends), **groups
            )
        )

    def results(self) -> ExitCode | None:
        """Say what the result is worth."""
        verdict = judge(DiffusivityResults.model_validate(self.outputs['diffusivity'].get_dict()))
        return None if verdict is None else self.exit_codes[verdict.label].format(**verdict.details)

    @property
    def has_grades(self) -> bool:
        """Whether the potential knows how far it extrapolates."""
        potential = self.inputs.get('potential', None)
        return potential is not None and potential.family == 'mtp' and potential.selection_mode is not None
