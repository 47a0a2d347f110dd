"""The WorkChain ``seimlip.compare``: several models on the same frames, crystals, paths and dynamics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, WorkChain, if_, while_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.barrier.comparison import REFERENCE, compare_paths
from aiida_seimlip.functions.comparison.barriers import path_parameters
from aiida_seimlip.functions.comparison.compare import put_side_by_side
from aiida_seimlip.functions.model_jobs import describe_model
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.comparison.compare import CompareOptions
from aiida_seimlip.options.models.comparison import LABELS
from aiida_seimlip.workflows.comparison.runs import ShortRunsMixin, faults_of_runs
from aiida_seimlip.workflows.crystal.atlas import PROPERTIES, AtlasWorkChain
from aiida_seimlip.workflows.failures import explain_failure
from aiida_seimlip.workflows.model_inputs import ENGINE, faults_of_model, faults_of_names
from aiida_seimlip.workflows.model_jobs import ModelJobsWorkChain
from aiida_seimlip.workflows.models.evaluate import EvaluateWorkChain
from aiida_seimlip.workflows.protocols.compare import CompareProtocolMixin

ERRORS, CRYSTALS = 'errors', 'crystals'
CHILDREN: dict[str, type[WorkChain]] = {ERRORS: EvaluateWorkChain, CRYSTALS: AtlasWorkChain}
"""Who does a part of the comparison, by the name of the inputs that it is given."""
HELP = {
    ERRORS: 'Inputs of the `seimlip.evaluate` that finds the errors of the models on the same frames.',
    CRYSTALS: 'Inputs of the `seimlip.atlas` that computes crystals with the models.',
}  # fmt: skip
PATHS = 'paths'


class ComparisonWorkChain(CompareProtocolMixin, ShortRunsMixin, ModelJobsWorkChain):
    """Compare several models on the same frames, crystals, migration paths and dynamics.

    Every part is optional: it is done if its inputs are given. What one part or one model cannot do costs nothing of
    the others. The output `comparison` holds each quantity by all models, the difference of every two with an interval
    where one is known (paired over frames for errors), and which is better, if that is more than chance.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        for name, process in CHILDREN.items():
            spec.expose_inputs(
                process, namespace=name, exclude=('models',),
                namespace_options={
                    'required': False, 'populate_defaults': False, 'validator': None, 'help': HELP[name],
                },
            )  # fmt: skip
        spec.input_namespace(
            PATHS, valid_type=FramesData, dynamic=True, required=False,
            help='Images of migration paths in order, by the name of the path: all models evaluate the same images.',
        )  # fmt: skip
        spec.input('options', **CompareOptions.port('The other parts of the comparison, and how sure the numbers are.'))
        spec.inputs.validator = cls.validate_inputs
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            cls.run_children,
            cls.inspect_children,
            if_(cls.has_paths)(
                cls.queue_paths,
                while_(cls.should_run_jobs)(cls.run_jobs, cls.inspect_jobs),
                cls.inspect_paths,
            ),
            if_(cls.should_plan_runs)(
                cls.plan_runs,
                while_(cls.should_run_next)(cls.run_next, cls.inspect_run),
            ),
            cls.results,
        )
        for name, process in CHILDREN.items():
            spec.expose_outputs(process, namespace=name, namespace_options={'required': False})
        spec.output('comparison', valid_type=orm.Dict, required=False, help='What was found: a `CompareResults`.')
        spec.output_namespace(
            'profiles', valid_type=orm.ArrayData, dynamic=True, required=False,
            help='Energies and forces along each path, with the name of each model as prefix.',
        )  # fmt: skip
        spec.exit_code(
            401, 'ERROR_PART_FAILED', message='The comparison is attached, but of the {name} not all: {reason}'
        )

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the inputs of each part.

        :param inputs: all inputs.
        :return: one sentence that names the input at fault, or None if all is well.
        """
        if 'options' not in inputs or CompareOptions.explain(inputs['options'], 'options'):
            return None  # the port itself says so
        return next(find_faults(inputs, CompareOptions.from_node(inputs['options'])), None)

    @cached_property
    def settings(self) -> CompareOptions:
        """The options."""
        return CompareOptions.from_node(self.inputs.options)

    def setup(self) -> None:
        """Begin with the models alone."""
        self.setup_models()
        self.setup_runs()
        self.ctx.missing, self.ctx.children, self.ctx.compared = {}, {}, {}

    # -- errors and crystals ------------------------------------------------------------------------------------------

    def run_children(self) -> None:
        """Begin errors and crystals at once."""
        for name, process in CHILDREN.items():
            if self.inputs.get(name):
                given = self.exposed_inputs(process, namespace=name, agglomerate=False)
                metadata = {'call_link_label': name}
                node = self.submit(process, **{**given, 'models': dict(self.inputs.models), 'metadata': metadata})
                self.to_context(**{f'child_{name}': node})

    def inspect_children(self) -> None:
        """Attach what there is, and note what is missing."""
        for name, process in CHILDREN.items():
            node = self.ctx.get(f'child_{name}')
            if node is None:
                continue
            self.out_many(self.exposed_outputs(node, process, namespace=name, agglomerate=False))
            if 'properties' in node.outputs:
                self.ctx.children = {**self.ctx.children, name: node.uuid}
            if not node.is_finished_ok:
                self._note_missing(name, explain_failure(node))

    # -- barriers -----------------------------------------------------------------------------------------------------

    def has_paths(self) -> bool:
        """Return whether barriers are compared."""
        return bool(self.inputs.get(PATHS))

    def queue_paths(self) -> None:
        """Have each model evaluate the images of each path."""
        for name, model in self.inputs.models.items():
            parameters = None if ENGINE in model else path_parameters(model['parameters'])
            for path, images in self.inputs[PATHS].items():
                self.queue_stage(name, f'path_{path}', images, parameters)

    def inspect_paths(self) -> None:
        """Compare those models that have evaluated all images of a path."""
        profiles: dict[str, orm.Data] = {}
        for path, images in self.inputs[PATHS].items():
            labelled = {name: node for name in self.inputs.models if (node := self._images(name, path, images))}
            if self.settings.reference == LABELS:
                labelled[REFERENCE] = images
            elif self.settings.reference in labelled:
                labelled[REFERENCE] = labelled.pop(self.settings.reference)
            elif self.settings.reference is not None:
                self._note_missing(f'path {path} of {self.settings.reference}', 'the reference has not all images')
            if not set(labelled) - {REFERENCE}:
                continue
            compared = compare_paths(**labelled)
            self.ctx.compared = {**self.ctx.compared, path: compared['comparison']}
            profiles[path] = compared['profiles']
        if profiles:
            self.out('profiles', profiles)

    def _images(self, name: str, path: str, images: FramesData) -> FramesData | None:
        """Return what a model has made of the images of a path, None if some are missing."""
        found = self.ctx.found[name].get(f'path_{path}', {}).get('labelled')
        if found is None or found.hashes != images.hashes:
            self._note_missing(f'path {path} of {name}', self.ctx.problems.get(name, 'some images were not evaluated'))
            return None
        return found

    # -- end ----------------------------------------------------------------------------------------------------------

    def results(self) -> ExitCode | None:
        """Put everything side by side, and say what is missing."""
        groups: dict[str, Any] = {}
        dynamics = self.describe_runs()
        if dynamics:
            groups |= {'dynamics': dynamics, 'runs': self.ctx.runs}
        groups |= self._found_by_children()
        if self.ctx.compared:
            groups['paths'] = self.ctx.compared
        if not groups:
            return self.exit_codes.ERROR_NO_PROPERTY.format(reason='; '.join(self.ctx.missing.values()))
        methods = {name: describe_model(found) for name, found in self.ctx.found.items()}
        notes = {'missing': self.ctx.missing, 'methods': {name: method for name, method in methods.items() if method}}
        groups['notes'] = {name: orm.Dict(content).store() for name, content in notes.items()}
        self.out('comparison', put_side_by_side(self.inputs.options, **groups))
        for name, reason in self.ctx.missing.items():
            return self.exit_codes.ERROR_PART_FAILED.format(name=name, reason=reason)
        return None

    def _found_by_children(self) -> dict[str, Any]:
        """Return what the comparison takes of errors and crystals."""
        groups: dict[str, Any] = {}
        if ERRORS in self.ctx.children:
            outputs = orm.load_node(self.ctx.children[ERRORS]).outputs
            groups['errors'] = {'properties': outputs.properties, 'plan': outputs.plan}
            groups['frames'] = dict(outputs.frames) if 'frames' in outputs else {}
            given = self.inputs[ERRORS].get('frames', {})
            if given:
                groups['given'] = dict(given)
        if CRYSTALS in self.ctx.children:
            groups['crystals'] = dict(orm.load_node(self.ctx.children[CRYSTALS]).outputs.properties)
        return groups

    def _note_missing(self, name: str, reason: str) -> None:
        self.report(f'{name}: {reason}')
        self.ctx.missing = {**self.ctx.missing, name: reason}


def find_faults(inputs: Mapping[str, Any], options: CompareOptions) -> Iterator[str]:
    """Yield one sentence for each input that is wrong.

    :param inputs: all inputs.
    :param options: which are right.
    """
    models, paths = inputs.get('models') or {}, inputs.get(PATHS) or {}
    given = {name: inputs.get(name) for name in CHILDREN}
    if not models:
        yield 'Input `models` is empty: at least one model is needed.'
    if not any(given.values()) and not paths and options.dynamics is None:
        yield 'Nothing is compared: give one of the inputs `errors`, `crystals` and `paths`, or `options.dynamics`.'
    for place, names in (('models', models), (PATHS, paths)):
        yield from faults_of_names(place, names)
    if options.reference not in (None, LABELS, *models):
        yield f'Input `options` names the reference `{options.reference}`, which is not among the input `models`.'
    for name, part in given.items():
        if part:
            yield from _faults_of_child(name, {**part, 'models': models})
    yield from _faults_of_paths(models, paths, options)
    yield from faults_of_runs(inputs, options)


def _faults_of_child(name: str, inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield what a child says of its inputs, with their names here."""
    process: Any = CHILDREN[name]
    if name == ERRORS and 'options' not in inputs:
        yield f'Input `{name}.options` is missing.'
        return
    fault = process.validate_inputs(inputs, None)
    if fault is not None:
        own = ('options', 'frames', 'structures', 'engines', 'dynamics', 'potential', *PROPERTIES)
        for port in own:
            fault = fault.replace(f'`{port}`', f'`{name}.{port}`').replace(f'`{port}.', f'`{name}.{port}.')
        yield fault


def _faults_of_paths(
    models: Mapping[str, Any], paths: Mapping[str, FramesData], options: CompareOptions
) -> Iterator[str]:  # fmt: skip
    for path, images in paths.items():
        place = f'{PATHS}.{path}'
        if images.n_frames < 3:
            yield f'Input `{place}` holds {images.n_frames} frame(s), but a path has three at least.'
            return
        if len(set(images.formulas)) > 1:
            yield f'Input `{place}` holds several compositions, which are no path.'
            return
        if options.reference == LABELS and images.n_labelled < images.n_frames:
            yield f'Input `options` names labels as the reference, but not all images of the input `{place}` carry one.'
        if REFERENCE in models and options.reference != REFERENCE:
            yield f'Input `models` holds the name `{REFERENCE}`, which stands for the reference of the paths.'
        for name, model in models.items():
            yield from faults_of_model(
                f'models.{name}', model, _evaluation, images, place,
            )  # fmt: skip


def _evaluation(calculator: CalculatorOptions) -> dict[str, Any]:
    """Return the parameters of the job that evaluates images."""
    return {'calculator': calculator.to_dict(), 'task': 'single_point'}
