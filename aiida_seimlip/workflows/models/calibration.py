"""The WorkChain ``seimlip.calibrate``: how large errors of forces are at an extrapolation grade."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, WorkChain, if_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.models.calibration import calibrate_errors, store_calibration
from aiida_seimlip.options.models.calibration import CalibrationOptions
from aiida_seimlip.options.models.calibration_results import CalibrationResults
from aiida_seimlip.workflows.models.calibration_inputs import find_faults
from aiida_seimlip.workflows.protocols.calibrate import CalibrationProtocolMixin


class CalibrationWorkChain(CalibrationProtocolMixin, WorkChain):
    """Learn from labelled frames that a potential has not seen how large its errors of forces are at a grade.

    The output `potential` is the same potential with this knowledge: what is computed with it tells the errors of
    forces that are to be expected.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        spec.input('potential', valid_type=PotentialData, help='A trained moment tensor potential with an active set.')
        spec.input(
            'frames', valid_type=FramesData,
            help='Labelled by the reference. Frames without a label, copies, and frames of the training set are left '
            'out.',
        )  # fmt: skip
        spec.input_namespace(
            'training', valid_type=FramesData, dynamic=True, required=False,
            help='What the potential has learned from, by name.',
        )  # fmt: skip
        spec.input(
            'other', valid_type=PotentialData, required=False,
            help='A second potential, such as one of another seed or level: how far the forces of both are apart is '
            'calibrated as well, as a cross-check.',
        )  # fmt: skip
        spec.input('options', **CalibrationOptions.port('Which quantiles are calibrated.'))
        spec.inputs.validator = cls.validate_inputs
        spec.outline(  # type: ignore[attr-defined]
            cls.calibrate,
            if_(cls.should_store)(cls.store),
            cls.results,
        )
        spec.output('properties', valid_type=orm.Dict, required=False, help='What was found: `CalibrationResults`.')
        spec.output(
            'points', valid_type=orm.ArrayData, required=False,
            help='Of each atom: `grades`, `force_errors` (eV/Å), `frames` and `disagreements` (eV/Å).',
        )  # fmt: skip
        spec.output(
            'potential', valid_type=PotentialData, required=False,
            help='The potential with its `calibration`: a new node with the same file.',
        )  # fmt: skip
        spec.exit_code(400, 'ERROR_NOT_CALIBRATED', message='The potential was not calibrated: {reason}')

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check that there are grades, and enough frames to learn from.

        :param inputs: all inputs.
        :return: one sentence that names the input at fault, or None if all is well.
        """
        if any(name not in inputs for name in ('potential', 'frames', 'options')):
            return None  # the ports themselves say so
        if CalibrationOptions.explain(inputs['options'], 'options'):
            return None
        return next(find_faults(inputs, CalibrationOptions.from_node(inputs['options'])), None)

    def calibrate(self) -> None:
        """Evaluate the frames, and learn how errors depend on the grade."""
        groups: dict[str, Any] = {}
        if self.inputs.get('training'):
            groups['training'] = dict(self.inputs.training)
        if 'other' in self.inputs:
            groups['other'] = {'potential': self.inputs.other}
        found = calibrate_errors(self.inputs.options, self.inputs.potential, self.inputs.frames, **groups)
        self.out_many(found)
        self.ctx.found = CalibrationResults.model_validate(found['properties'].get_dict())

    def should_store(self) -> bool:
        """Return whether there is a calibration."""
        return self.ctx.found.grade is not None

    def store(self) -> None:
        """Make the potential that knows it."""
        self.out('potential', store_calibration(self.inputs.potential, self.outputs['properties']))

    def results(self) -> ExitCode | None:
        """Say what is missing."""
        for doubt in self.ctx.found.doubts:
            self.report(doubt)
        if self.ctx.found.failure is not None:
            return self.exit_codes.ERROR_NOT_CALIBRATED.format(reason=self.ctx.found.failure)
        return None
