"""The WorkChain ``seimlip.cross_examine``: where two models disagree by more than their errors allow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, while_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.models.cross_examination import (
    EVALUATION,
    cross_examine,
    draw_examined,
    examination_parameters,
    split_committee,
)
from aiida_seimlip.options.models.cross_examination import CrossExaminationOptions
from aiida_seimlip.options.models.cross_examination_results import CrossExaminationResults
from aiida_seimlip.workflows.model_inputs import ENGINE, faults_of_model, faults_of_names
from aiida_seimlip.workflows.model_jobs import ModelJobsWorkChain
from aiida_seimlip.workflows.protocols.cross_examine import CrossExaminationProtocolMixin

COMMITTEE = 'committee'


class CrossExaminationWorkChain(CrossExaminationProtocolMixin, ModelJobsWorkChain):
    """Let two models evaluate the frames of a run, and find those on which they disagree.

    Two models that learned in different ways seldom err in the same way: where their forces are further apart than the
    errors of both allow, at least one is wrong. What is allowed comes from the calibration of a potential, or from the
    deviation of a committee, each of whose members evaluates the frames. The output `disagreements` holds the frames
    that are worth a label, the worst first, each with its ratio of disagreement and allowance as grade.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        spec.input('frames', valid_type=FramesData, help='The frames, such as the `trajectory` of a run.')
        spec.input('options', **CrossExaminationOptions.port('How far the models may be apart, and what is kept.'))
        spec.inputs.validator = cls.validate_inputs
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            cls.queue_evaluations,
            while_(cls.should_run_jobs)(cls.run_jobs, cls.inspect_jobs),
            cls.results,
        )
        spec.output('audit', valid_type=orm.Dict, required=False, help='What was found: `CrossExaminationResults`.')
        spec.output(
            'points', valid_type=orm.ArrayData, required=False,
            help='Disagreement of each frame and atom, and what is allowed: see `CrossExaminationResults`.',
        )  # fmt: skip
        spec.output(
            'disagreements', valid_type=FramesData, required=False,
            help='The frames of disagreement without labels, the worst first; grades are ratios of disagreement and '
            'allowance. They can be given to a campaign as `bootstrap_candidates`.',
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the inputs against each other.

        :param inputs: all inputs.
        :return: one sentence that names the input at fault, or None if all is well.
        """
        if any(name not in inputs for name in ('frames', 'options')):
            return None  # the ports themselves say so
        if CrossExaminationOptions.explain(inputs['options'], 'options'):
            return None
        return next(find_faults(inputs, CrossExaminationOptions.from_node(inputs['options'])), None)

    @cached_property
    def settings(self) -> CrossExaminationOptions:
        """The options."""
        return CrossExaminationOptions.from_node(self.inputs.options)

    def setup(self) -> None:
        """Draw the frames that are evaluated."""
        self.setup_models()
        self.ctx.sample = draw_examined(self.inputs.options, self.inputs.frames)

    def queue_evaluations(self) -> None:
        """Have each model evaluate all frames, and each member of a committee by itself."""
        for name, model in self.inputs.models.items():
            parameters: Any = None
            if ENGINE not in model:
                parameters = examination_parameters(self.inputs.options, model['parameters'])
            potential = model.get('potential')
            if potential is not None and potential.selection_mode == COMMITTEE:
                for stage, member in split_committee(potential).items():
                    self.queue_stage(name, stage, self.ctx.sample, parameters, potential=member)
            else:
                self.queue_stage(name, EVALUATION, self.ctx.sample, parameters)

    def results(self) -> ExitCode | None:
        """Compare, and say what is missing."""
        n_given = orm.Int(self.inputs.frames.n_frames)
        self.out_many(cross_examine(self.inputs.options, self.ctx.sample, n_given, models=self.ctx.found))
        found = CrossExaminationResults.model_validate(self.outputs['audit'].get_dict())
        for doubt in found.doubts:
            self.report(doubt)
        if not found.n_frames:
            reason = next(iter([*self.ctx.problems.values(), *found.failed.values()]), 'no frame was evaluated by both')
            return self.exit_codes.ERROR_NO_PROPERTY.format(reason=reason)
        for name, reason in self.ctx.problems.items():
            return self.exit_codes.ERROR_MODEL_FAILED.format(name=name, reason=reason)
        return None


def find_faults(inputs: Mapping[str, Any], options: CrossExaminationOptions) -> Iterator[str]:
    """Yield one sentence for each input that is wrong.

    :param inputs: all inputs.
    :param options: which are right.
    """
    models, frames = inputs.get('models') or {}, inputs['frames']
    if len(models) != 2:
        yield f'Input `models` holds {len(models)} models, but two are compared.'
        return
    yield from faults_of_names('models', models)
    if not frames.n_frames:
        yield 'Input `frames` holds no frame.'
        return
    potentials = {name: model['potential'] for name, model in models.items() if 'potential' in model}
    hashes = {potential.base.repository.hash() for potential in potentials.values()}
    if len(potentials) == 2 and len(hashes) == 1:
        yield 'Input `models` holds the same potential twice, which agrees with itself.'
    for name, potential in potentials.items():
        calibration = potential.calibration
        if calibration is not None and options.level not in calibration.levels:
            known = ', '.join(map(str, calibration.levels))
            yield (
                f'Input `options.level` is {options.level:g}, but the potential of the input `models.{name}` is '
                f'calibrated for {known}.'
            )
    for name, model in models.items():
        yield from faults_of_model(f'models.{name}', model, options.evaluation, frames, 'frames')
