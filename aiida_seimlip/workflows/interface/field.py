"""The WorkChain ``seimlip.field``: how ions move in an electric field that acts on fixed charges."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, if_, while_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.audit import audit_grades
from aiida_seimlip.functions.interface.analysis import analyse_field, judge_field
from aiida_seimlip.functions.run_verdict import EXIT_CODES, OF_RUNS
from aiida_seimlip.options.interface.field import FieldOptions
from aiida_seimlip.options.interface.field_results import FieldResults
from aiida_seimlip.workflows.interface.field_runs import FieldRunsMixin
from aiida_seimlip.workflows.interface.field_validation import validate_field
from aiida_seimlip.workflows.protocols.field import FieldProtocolMixin


class FieldWorkChain(FieldProtocolMixin, FieldRunsMixin):
    """Run molecular dynamics without and in electric fields that act on fixed charges, and find how ions drift.

    The field is that at the ions. There is no Coulomb part beside the potential, and nothing is screened: the charges
    do not respond. All runs of a replica begin alike, so that they differ by the field.

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
            cls.queue_equilibrations,
            while_(cls.has_jobs)(
                cls.run_jobs,
                cls.inspect_jobs,
            ),
            cls.find_charges,
            cls.queue_productions,
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
            'structure', valid_type=(FramesData, orm.StructureData),
            help='The start: one frame, or a structure, whose kinds tell apart atoms of one element.',
        )  # fmt: skip
        spec.input('potential', valid_type=PotentialData, help='The potential, trained.')
        spec.input('options', **FieldOptions.port('The fields, the charges that they act on, and how long.'))
        spec.input(
            'charges', valid_type=orm.ArrayData, required=False,
            help='Fixed charge of each atom (array `charges`, in e), neutral together, instead of those by label.',
        )  # fmt: skip
        cls.define_engine(spec)
        spec.inputs.validator = validate_field

    @classmethod
    def _define_outputs(cls, spec: ProcessSpec) -> None:
        spec.output('field', valid_type=orm.Dict, required=False, help='What was found: a `FieldResults`.')
        spec.output(
            'charges', valid_type=orm.ArrayData, required=False,
            help='The charges that the fields act on (array `charges`, in e), with the `labels` of the atoms and their '
            '`source` as attributes.',
        )  # fmt: skip
        spec.output(
            'drift', valid_type=orm.ArrayData, required=False,
            help='Mean displacements in Å of the atoms with one label, relative to the atoms that are not mobile, such '
            'as `E1_r0_Li` (shape (n, 3)), and their times `E1_r0_time_ps`.',
        )  # fmt: skip
        spec.output(
            'hops', valid_type=orm.ArrayData, required=False,
            help='Hops of the mobile ions, an array for each run, such as `E1_r0`; the attribute `columns` names what '
            'is in a row: the chain, the place in it, the atom, the sites (by the atoms that were there first), '
            'the times (ps) and the displacement (Å).',
        )  # fmt: skip
        spec.output('parity', valid_type=orm.Dict, required=False, help='The check of the start: a `ParityRecord`.')
        spec.output_namespace(
            'tracks', valid_type=orm.ArrayData, dynamic=True, required=False,
            help='Unwrapped paths of all atoms, for each run: `E0_r0` without a field, `E1_r0` in the first, ...',
        )  # fmt: skip
        spec.output_namespace(
            'trajectories', valid_type=FramesData, dynamic=True, required=False,
            help='Whole frames of the productions, with velocities and what the potential says, for each run.',
        )  # fmt: skip

    @classmethod
    def _define_exit_codes(cls, spec: ProcessSpec) -> None:
        cls.define_ends_of_runs(spec)
        spec.exit_code(330, 'ERROR_NO_CHARGES', message='There are no charges that a field may act on: {reason}')
        for label in OF_RUNS:
            status, message = EXIT_CODES[label]
            spec.exit_code(status, label, message=message)

    # -- end ----------------------------------------------------------------------------------------------------------

    def analyse(self) -> None:
        """Read the tracks, and ask whether the potential knew what it met."""
        runs, options = self.usable, self.inputs.options
        frames = {key: process.outputs.trajectory for key, process in runs.items() if 'trajectory' in process.outputs}
        groups: dict[str, Any] = {
            'results': self.results_of_runs(), 'potential': {'used': self.inputs.potential},
            'program': {'engines': self.inputs.engines},
            'tracks': {key: process.outputs.track for key, process in runs.items()},
        }  # fmt: skip
        if frames:
            groups['trajectories'] = frames
        potential = self.inputs.potential
        if frames and potential.family == 'mtp' and potential.selection_mode is not None:
            groups['audit'] = {'all': audit_grades(options, potential, **frames)}
        self.out_many(
            analyse_field(
                options, self.ctx.start, self.ctx.charges, self.ctx.plan, orm.Dict(self.ctx.ends), **groups
            )
        )  # fmt: skip

    def results(self) -> ExitCode | None:
        """Say what the result is worth."""
        verdict = judge_field(FieldResults.model_validate(self.outputs['field'].get_dict()))
        return None if verdict is None else self.exit_codes[verdict.label].format(**verdict.details)
