"""The outline that comparisons of models on the same frames share: frames, evaluations, results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, if_, while_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.learned import training_sets
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.functions.models.comparison import EVALUATION, evaluation_parameters
from aiida_seimlip.functions.models.sampling import gather_frames
from aiida_seimlip.options.models.comparison import LABELS, ComparisonOptions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.workflows.model_inputs import ENGINE, faults_of_model, faults_of_names
from aiida_seimlip.workflows.model_jobs import ModelJobsWorkChain
from aiida_seimlip.workflows.models.sampling import SamplingMixin, faults_of_sampling


class ModelComparisonWorkChain(SamplingMixin, ModelJobsWorkChain):
    """Compare several models with a reference on exactly the same frames.

    The frames are given, or drawn from molecular dynamics. Each model evaluates all of them in one job. A frame that a
    model cannot evaluate, a run that crashes and a model that does not run are told with the reason, and cost nothing
    of the others.

    A subclass names the model of its options and a calcfunction ``measure`` that returns the output ``properties``.
    """

    options_class: ClassVar[type[ComparisonOptions]]
    options_help: ClassVar[str]
    measure: ClassVar[Callable[..., Mapping[str, orm.Data]]]
    starts_place: ClassVar[str]
    """Name of the input that holds the starts."""

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        spec.input_namespace(
            'frames', valid_type=FramesData, dynamic=True, required=False,
            help='Sets of frames by name, instead of dynamics. Labels that they carry are ignored, unless they are the '
            'reference.',
        )  # fmt: skip
        spec.input('options', **cls.options_class.port(cls.options_help))
        spec.inputs.validator = cls.validate_inputs
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            if_(cls.should_sample)(
                cls.queue_dynamics,
                while_(cls.should_run_dynamics)(cls.run_dynamics, cls.inspect_dynamics),
            ),
            cls.gather,
            cls.queue_evaluations,
            while_(cls.should_run_jobs)(cls.run_jobs, cls.inspect_jobs),
            cls.inspect_evaluations,
            cls.results,
        )
        spec.output('properties', valid_type=orm.Dict, required=False, help='What was found, by model.')
        spec.output(
            'plan', valid_type=orm.Dict, required=False,
            help='What each frame is and where it comes from: a `SamplePlan`.',
        )  # fmt: skip
        spec.output_namespace(
            'frames', valid_type=FramesData, dynamic=True, required=False,
            help='The frames with the labels of each model; of a reference, ready to be learned from.',
        )  # fmt: skip
        spec.exit_code(320, 'ERROR_NO_FRAMES', message='There is no frame to compare models on: {reason}')
        spec.exit_code(330, 'ERROR_REFERENCE_FAILED', message='The reference `{name}` has evaluated no frame: {reason}')
        spec.exit_code(
            401, 'ERROR_RUN_FAILED', message='The results are attached, but without frames of the run {run}: {reason}'
        )

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the inputs against each other.

        :param inputs: all inputs.
        :return: one sentence that names the input at fault, or None if all is well.
        """
        if 'options' not in inputs or cls.options_class.explain(inputs['options'], 'options'):
            return None  # the port itself says so
        return next(cls.find_faults(inputs, cls.options_class.from_node(inputs['options'])), None)

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any], options: Any) -> Iterator[str]:
        """Yield one sentence for each input that is wrong.

        :param inputs: all inputs.
        :param options: which are right.
        """
        yield from faults_of_comparison(inputs, options)
        starts: Mapping[str, orm.Data] = {}
        if options.sampling is not None:
            starts = cls.starts_of(inputs, options)
            yield from faults_of_sampling(inputs, options.sampling, starts, cls.starts_place)
        source = cls.starts_place if starts else 'frames'
        nodes = list(starts.values()) or list((inputs.get('frames') or {}).values())
        frames = joined(nodes)
        for name, model in (inputs.get('models') or {}).items():
            yield from faults_of_model(f'models.{name}', model, options.evaluation, frames, source)

    @classmethod
    def starts_of(cls, inputs: Mapping[str, Any], options: Any) -> Mapping[str, orm.Data]:
        """Return the starts of the dynamics by name, for checks; they need not be stored.

        :param inputs: all inputs.
        :param options: among them.
        """
        raise NotImplementedError

    @cached_property
    def settings(self) -> Any:
        """The options."""
        return self.options_class.from_node(self.inputs.options)

    def setup(self) -> None:
        """Begin with the models alone."""
        self.setup_models()
        self.setup_sampling()

    def perfect_cells(self) -> Mapping[str, FramesData]:
        """Return supercells without displacements that the models evaluate besides, by name."""
        return {}

    def gather(self) -> ExitCode | None:
        """Join all frames."""
        groups = {
            'given': dict(self.inputs.get('frames', {})), 'trajectories': dict(self.ctx.trajectories),
            'perfect': dict(self.perfect_cells()),
        }  # fmt: skip
        given = {name: nodes for name, nodes in groups.items() if nodes}
        gathered = gather_frames(self.inputs.options, self.ctx.runs, orm.Dict(self.ctx.lost), **given)
        self.ctx.plan = gathered['plan']
        self.out('plan', self.ctx.plan)
        if self.ctx.trajectories:
            self.out('trajectories', dict(self.ctx.trajectories))
        if all(frame['is_perfect'] for frame in self.ctx.plan['frames']):
            reasons = [f'{run}: {reason}' for run, reason in self.ctx.lost.items()]
            return self.exit_codes.ERROR_NO_FRAMES.format(reason=next(iter(reasons), 'none was drawn.'))
        self.ctx.sample = gathered['frames']
        return None

    def queue_evaluations(self) -> None:
        """Have each model evaluate all frames."""
        for name, model in self.inputs.models.items():
            parameters: Any = None
            if ENGINE not in model:
                parameters = evaluation_parameters(self.inputs.options, model['parameters'])
            self.queue_stage(name, EVALUATION, self.ctx.sample, parameters)

    def inspect_evaluations(self) -> ExitCode | None:
        """Take what there is; without the reference there is nothing to compare."""
        done = {name: self.ctx.found[name][EVALUATION] for name in self.ctx.found if self.has(name, EVALUATION)}
        self.out('frames', {name: outputs['labelled'] for name, outputs in done.items()})
        name = self.settings.reference
        if name != LABELS and name not in done:
            reason = self.ctx.problems.get(name, 'its job says nothing of them.')
            return self.exit_codes.ERROR_REFERENCE_FAILED.format(name=name, reason=reason)
        if not set(done) - {name}:
            return self.exit_codes.ERROR_NO_PROPERTY.format(reason='; '.join(self.ctx.problems.values()))
        return None

    def results(self) -> ExitCode | None:
        """Compare, and say which model or run is missing."""
        potentials = {name: model['potential'] for name, model in self.inputs.models.items() if 'potential' in model}
        sets = {
            name: {f'set_{number:03d}': node for number, node in enumerate(training_sets(potential))}
            for name, potential in potentials.items()
        }  # fmt: skip
        learned = {name: nodes for name, nodes in sets.items() if nodes}
        groups = {'models': self.ctx.found, **({'training': learned} if learned else {})}
        measured = type(self).measure(self.inputs.options, self.ctx.plan, self.ctx.sample, **groups)
        self.out_many(measured)
        return self.judge(measured['properties'].get_dict())

    def judge(self, properties: Mapping[str, Any]) -> ExitCode | None:
        """Return what the end is worth.

        :param properties: what was found.
        """
        for name, reason in self.ctx.problems.items():
            return self.exit_codes.ERROR_MODEL_FAILED.format(name=name, reason=reason)
        for run, reason in self.ctx.lost.items():
            return self.exit_codes.ERROR_RUN_FAILED.format(run=run, reason=reason)
        return None


def joined(nodes: list[Any]) -> FramesData:
    """Return frames of all nodes, for the checks of models; not to be stored.

    :param nodes: structures or frames.
    """
    parts = [node.get_frames() if isinstance(node, FramesData) else get_frame(node) for node in nodes]
    return FramesData(Frames.concatenate(parts))


def faults_of_comparison(inputs: Mapping[str, Any], options: ComparisonOptions) -> Iterator[str]:
    """Yield one sentence for each thing that is wrong with models, frames and reference.

    :param inputs: all inputs.
    :param options: which are right.
    """
    models, frames = inputs.get('models') or {}, inputs.get('frames') or {}
    if not [name for name in models if name != options.reference]:
        yield 'Input `models` holds no model to be compared with the reference: at least one is needed.'
    if LABELS in models:
        yield f'Input `models` holds the name `{LABELS}`, which stands for the labels that frames carry.'
    if options.reference not in (*models, LABELS):
        yield f'Input `options` names the reference `{options.reference}`, which is not among the input `models`.'
    for place, names in (('models', models), ('frames', frames)):
        yield from faults_of_names(place, names)
    if bool(frames) == (options.sampling is not None):
        yield 'Give either the input `frames`, or `sampling` in the input `options`.'
    for name, node in frames.items():
        if not node.n_frames:
            yield f'Input `frames.{name}` holds no frame.'
        elif options.reference == LABELS and not node.n_labelled:
            yield (
                f'Input `options` names the labels of the frames as the reference, but no frame of input '
                f'`frames.{name}` carries an energy and forces that no potential predicted.'
            )
    if options.reference == LABELS and options.sampling is not None:
        yield 'Input `options` names labels as the reference, but frames drawn from dynamics carry none.'
