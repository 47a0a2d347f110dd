"""Short dynamics with each model, one run after the other, as part of the outline of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from aiida import orm
from aiida.engine import ProcessSpec, WorkChain

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import elements_of, faults_of_structure
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.functions.comparison.dynamics import REFERENCE, find_distributions, plan_runs
from aiida_seimlip.options.comparison.compare import CompareOptions, ShortDynamicsOptions
from aiida_seimlip.workflows.failures import explain_failure
from aiida_seimlip.workflows.model_inputs import ENGINE

DYNAMICS, START, TRAJECTORY = 'dynamics', 'start', 'trajectory'
DONE = 'completed'
"""How a run ends that counts."""


class ShortRunsMixin(WorkChain):
    """Run the same dynamics with each model that has a program for it.

    Runs are done one after the other, after all else: speeds want a quiet machine.

    The context holds ``runs``: `results` of the runs that came to their end, by model and number; ``trajectories``
    likewise; ``missing``: why others have none.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports."""
        super().define(spec)
        spec.input(
            START, valid_type=(orm.StructureData, FramesData), required=False,
            help='Start of the dynamics of all models: a structure, or one frame.',
        )  # fmt: skip
        spec.input_namespace(
            DYNAMICS, dynamic=True, required=False,
            help='The program that runs the dynamics of each model, by its name: `engine` (of the socket `dynamics`), '
            '`code`, `parameters` and `options`. Its potential is that of the input `models`. Models that are not '
            'named run none.',
        )  # fmt: skip
        spec.input(
            TRAJECTORY, valid_type=FramesData, required=False,
            help='Frames of dynamics by a reference, whose radial distributions those of the models are compared with.',
        )  # fmt: skip
        spec.output_namespace(
            'trajectories', valid_type=FramesData, dynamic=True, required=False,
            help='Whole frames of each run, by model and number, such as `grown_r0`.',
        )  # fmt: skip
        spec.output(
            'rdf', valid_type=orm.ArrayData, required=False,
            help='Radial distributions of each model: see `CompareResults`.',
        )  # fmt: skip

    @cached_property
    def short(self) -> ShortDynamicsOptions | None:
        """What is asked for of the dynamics, None if there is none."""
        return CompareOptions.from_node(self.inputs.options).dynamics

    def setup_runs(self) -> None:
        """Begin without runs."""
        self.ctx.waiting, self.ctx.runs, self.ctx.trajectories = [], {}, {}

    def should_plan_runs(self) -> bool:
        """Return whether there are dynamics."""
        return self.short is not None

    def plan_runs(self) -> None:
        """Lay out the runs: first one of each model, then the next of each."""
        assert self.short is not None
        given = self.inputs[DYNAMICS]
        engines = {
            name: {'parameters': settings['parameters']} for name, settings in given.items() if 'parameters' in settings
        }
        self.ctx.run_parameters = dict(plan_runs(self.inputs.options, orm.List(list(given)), **engines))
        self.ctx.waiting = [[name, repeat] for repeat in range(self.short.repeats) for name in given]
        self.ctx.engine_defaults = {name: self._engine(name).default_nodes() for name in given}

    def should_run_next(self) -> bool:
        """Return whether there are runs left."""
        return bool(self.ctx.waiting)

    def run_next(self) -> None:
        """Submit the next run."""
        (name, repeat), self.ctx.waiting = self.ctx.waiting[0], self.ctx.waiting[1:]
        self.ctx.running = [name, f'{name}_r{repeat}']
        model = self.inputs.models[name]
        potential = {'potential': model['potential']} if 'potential' in model else {}
        settings = {key: node for key, node in self.inputs[DYNAMICS][name].items() if key != ENGINE}
        inputs = {
            **self.ctx.engine_defaults[name], **settings, **potential, 'structure': self.inputs[START],
            'parameters': self.ctx.run_parameters[f'{name}_r{repeat}'],
        }  # fmt: skip
        metadata = {'call_link_label': f'dynamics_{name}_r{repeat}'}
        self.to_context(run_process=self.submit(self._engine(name), **inputs, metadata=metadata))

    def inspect_run(self) -> None:
        """Take a run that came to its end; a model that fails once is not tried again."""
        name, key = self.ctx.running
        process = self.ctx.run_process
        problem = explain_run(process)
        if problem is not None:
            self.report(f'{key}: {problem}')
            self.ctx.missing = {**self.ctx.missing, f'dynamics of {name}': problem}
            self.ctx.waiting = [run for run in self.ctx.waiting if run[0] != name]
            return
        self.ctx.runs = {**self.ctx.runs, name: {**self.ctx.runs.get(name, {}), key: process.outputs.results}}
        if 'trajectory' in process.outputs:
            found = {**self.ctx.trajectories.get(name, {}), key: process.outputs.trajectory}
            self.ctx.trajectories = {**self.ctx.trajectories, name: found}

    def describe_runs(self) -> dict[str, orm.Data]:
        """Attach trajectories and radial distributions, and return what the comparison takes of them."""
        if not self.ctx.runs:
            return {}
        self.out('trajectories', {key: node for runs in self.ctx.trajectories.values() for key, node in runs.items()})
        facts = {name: self._describe(name) for name in self.ctx.runs}
        found = {'start': self.inputs[START], 'engines': orm.Dict(facts).store()}
        if CompareOptions.from_node(self.inputs.options).rdf is None or not self.ctx.trajectories:
            return found
        if not all(node.get_frames().pbc.all() for runs in self.ctx.trajectories.values() for node in runs.values()):
            self.ctx.missing = {**self.ctx.missing, 'radial distributions': 'the start is not periodic'}
            return found
        reference = {REFERENCE: {'frames': self.inputs[TRAJECTORY]}} if TRAJECTORY in self.inputs else {}
        found['rdf'] = find_distributions(self.inputs.options, models=self.ctx.trajectories, **reference)
        self.out('rdf', found['rdf'])
        return found

    def _describe(self, name: str) -> dict[str, str]:
        """Return who ran the dynamics of a model."""
        settings = self.inputs[DYNAMICS][name]
        code = settings.get('code')
        where = {} if code is None else {'code': code.full_label, 'computer': code.computer.label}
        return {'engine': settings[ENGINE].value, **where}

    def _engine(self, name: str) -> Any:
        return load_engine(DYNAMICS, self.inputs[DYNAMICS][name][ENGINE].value)


def explain_run(process: orm.ProcessNode) -> str | None:
    """Return why a run does not count, None if it does.

    :param process: an engine of the socket `dynamics` that is over.
    """
    if 'results' not in process.outputs:
        return explain_failure(process)
    results = process.outputs.results.get_dict()
    if results.get('outcome') != DONE:
        return f'it ended as {results.get("outcome")}: {results.get("message")}'
    if not results.get('loop_seconds') or not results.get('n_steps'):
        return 'the program does not tell how long its steps took'
    return None


def faults_of_runs(inputs: Mapping[str, Any], options: CompareOptions) -> Iterator[str]:
    """Yield one sentence for each input of the dynamics that is wrong.

    :param inputs: all inputs of the workflow.
    :param options: which are right.
    """
    given, models = inputs.get(DYNAMICS) or {}, inputs.get('models') or {}
    if options.dynamics is None:
        if given:
            yield f'Input `{DYNAMICS}` is given, but no `dynamics` in the input `options`.'
        return
    if START not in inputs or not given:
        yield f'Input `options` asks for dynamics, which take the inputs `{START}` and `{DYNAMICS}`.'
        return
    yield from faults_of_structure(START, inputs[START], periodic='a short run', moves=True)
    for name, settings in given.items():
        place = f'{DYNAMICS}.{name}'
        if name not in models:
            yield f'Input `{place}` is of a model that is not among the input `models`.'
        elif name == REFERENCE:
            yield f'Input `{place}`: the name `{REFERENCE}` stands for the frames of a reference.'
        elif ENGINE not in settings:
            yield f'Input `{place}.{ENGINE}` is missing.'
        else:
            yield from _faults_of_engine(place, settings, models[name], inputs[START], options.dynamics)


def _faults_of_engine(
    place: str, settings: Mapping[str, Any], model: Mapping[str, Any], start: orm.Data, short: ShortDynamicsOptions
) -> Iterator[str]:
    """Yield what an engine says of its inputs."""
    try:
        engine = load_engine(DYNAMICS, settings[ENGINE].value)
    except ValueError as exception:
        yield f'Input `{place}.{ENGINE}` is wrong: {exception}'
        return
    own = {key: node for key, node in settings.items() if key != ENGINE}
    message = engine.explain_settings(place, own, given_later=('parameters',), species=elements_of(start))
    if message is not None:
        yield message
        return
    content = own['parameters'].get_dict() if 'parameters' in own else {}
    parameters = orm.Dict({**content, **short.run(1)})
    error = engine.spec().inputs['parameters'].validate(parameters, (place,))
    if error is not None:
        yield f'Input `{place}.parameters` or `options` is wrong: {error.message}'
        return
    potential = {'potential': model['potential']} if 'potential' in model else {}
    error = engine.spec().inputs.validate({**own, **potential, 'structure': start, 'parameters': parameters})
    if error is not None:
        yield f'The engine of the input `{place}` refuses the inputs: {error.message}'
