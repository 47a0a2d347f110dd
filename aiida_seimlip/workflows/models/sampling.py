"""The dynamics that frames are drawn from, as part of the outline of comparisons of models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import ProcessSpec, WorkChain

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.structure import elements_of, faults_of_structure
from aiida_seimlip.engines.contract import SocketWorkChain, load_engine
from aiida_seimlip.functions.models.sampling import plan_sampling
from aiida_seimlip.options.models.sampling import SamplingEngines, SamplingOptions
from aiida_seimlip.workflows.failures import explain_failure

DYNAMICS = 'dynamics'
USABLE = ('completed', 'out_of_walltime')
"""How a run ends whose frames are taken: one that crashes was no longer physical before that."""


class SamplingMixin(WorkChain):
    """Run molecular dynamics of several starts at several temperatures, and keep the trajectories.

    A subclass has the input ``options`` (`ComparisonOptions`) and `make_starts`. The context holds ``runs``: a
    `SamplePlan`; ``trajectories``: by the key of the run; ``lost``: why others have none.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports."""
        super().define(spec)
        spec.input(
            'potential', valid_type=PotentialData, required=False,
            help='The potential that runs the dynamics, trained; engines that bring a calculator of their own can do '
            'without.',
        )  # fmt: skip
        spec.input('engines', **SamplingEngines.port('The program that runs the dynamics.'))
        spec.expose_inputs(
            SocketWorkChain, namespace=DYNAMICS, include=SocketWorkChain.settings,
            namespace_options={'required': False, 'populate_defaults': False},
        )  # fmt: skip
        namespace: Any = spec.inputs[DYNAMICS]
        namespace.dynamic = True
        namespace['code'].required = False  # the engine says whether it needs one
        namespace.help = f'Settings of the engine for the socket `{DYNAMICS}`.'
        spec.output_namespace(
            'trajectories', valid_type=FramesData, dynamic=True, required=False,
            help='The trajectories that frames are drawn from, by run, such as `T0300_r0_NAME`.',
        )  # fmt: skip

    @cached_property
    def sampling(self) -> SamplingOptions | None:
        """What is asked for of the dynamics, None if frames are given."""
        content = self.inputs.options['sampling']
        return None if content is None else SamplingOptions.from_node(content)

    def make_starts(self) -> Mapping[str, orm.Data]:
        """Return the starts by name."""
        raise NotImplementedError

    def setup_sampling(self) -> None:
        """Begin without runs."""
        self.ctx.waiting, self.ctx.dynamics_runs = [], AttributeDict()
        self.ctx.trajectories, self.ctx.lost, self.ctx.starts = {}, {}, {}
        self.ctx.runs = orm.Dict({}).store()

    def should_sample(self) -> bool:
        """Return whether frames are drawn from dynamics."""
        return self.sampling is not None

    def queue_dynamics(self) -> None:
        """Lay out the runs."""
        given = self.inputs.get(DYNAMICS, {})
        engine = {'engine': {'parameters': given['parameters']}} if 'parameters' in given else {}
        self.ctx.starts = dict(self.make_starts())
        planned = plan_sampling(self.inputs.options, orm.List(sorted(self.ctx.starts)), **engine)
        self.ctx.runs, self.ctx.run_parameters = planned['runs'], dict(planned['parameters'])
        self.ctx.sources = {run['key']: run['source'] for run in self.ctx.runs['runs']}
        self.ctx.waiting = list(self.ctx.sources)
        self.ctx.engine_defaults = self._engine.default_nodes()

    def should_run_dynamics(self) -> bool:
        """Return whether there are runs left."""
        return bool(self.ctx.waiting)

    def run_dynamics(self) -> None:
        """Submit as many runs as may be under way at once."""
        assert self.sampling is not None
        n = self.sampling.max_concurrent
        self.ctx.under_way, self.ctx.waiting = self.ctx.waiting[:n], self.ctx.waiting[n:] if n else []
        self.ctx.dynamics_runs = AttributeDict()
        potential = {'potential': self.inputs.potential} if 'potential' in self.inputs else {}
        for key in self.ctx.under_way:
            inputs = {
                **self.ctx.engine_defaults, **self.inputs.get(DYNAMICS, {}), **potential,
                'structure': self.ctx.starts[self.ctx.sources[key]], 'parameters': self.ctx.run_parameters[key],
            }  # fmt: skip
            process = self.submit(self._engine, **inputs, metadata={'call_link_label': key})
            self.to_context(**{f'dynamics_runs.{key}': process})

    def inspect_dynamics(self) -> None:
        """Take the trajectories of the runs that have come to their end."""
        for key in self.ctx.under_way:
            process = self.ctx.dynamics_runs[key]
            problem = _explain_run(process)
            if problem is None:
                self.ctx.trajectories = {**self.ctx.trajectories, key: process.outputs.trajectory}
            else:
                self.report(f'{key} gives no frames: {problem}')
                self.ctx.lost = {**self.ctx.lost, key: problem}

    @property
    def _engine(self) -> type[SocketWorkChain]:
        return load_engine(DYNAMICS, SamplingEngines.from_node(self.inputs.engines).dynamics)


def _explain_run(process: orm.ProcessNode) -> str | None:
    """Return why the frames of a run are not taken, None if they are."""
    if 'results' not in process.outputs or 'trajectory' not in process.outputs:
        return explain_failure(process)
    results = process.outputs.results.get_dict()
    if results.get('outcome') not in USABLE:
        return f'it ended as {results.get("outcome")}: {results.get("message")}'
    return None if process.is_finished_ok else explain_failure(process)


def faults_of_sampling(
    inputs: Mapping[str, Any], sampling: SamplingOptions, starts: Mapping[str, orm.Data], place: str
) -> Iterator[str]:
    """Yield one sentence for each input of the dynamics that is wrong.

    :param inputs: all inputs of the workflow.
    :param sampling: what is asked for.
    :param starts: by name.
    :param place: name of the input that they come from.
    """
    for name, node in starts.items():
        where = place if len(starts) == 1 and name == place else f'{place}.{name}'
        yield from faults_of_structure(where, node, periodic='molecular dynamics', moves=True)
    species = sorted({symbol for node in starts.values() for symbol in elements_of(node)})
    yield from _faults_of_potential(inputs.get('potential'), species, place)
    name = SamplingEngines.from_node(inputs.get('engines')).dynamics
    try:
        engine = load_engine(DYNAMICS, name)
    except ValueError as exception:
        yield f'Input `engines` is wrong: {exception}'
        return
    settings = inputs.get(DYNAMICS) or {}
    message = engine.explain_settings(DYNAMICS, settings, given_later=('parameters',), species=species)
    if message is not None:
        yield message
        return
    given = settings['parameters'].get_dict() if 'parameters' in settings else {}
    parameters = orm.Dict({**given, **sampling.run(sampling.temperatures[0], 1)})
    error = engine.spec().inputs['parameters'].validate(parameters, (DYNAMICS,))
    if error is not None:
        yield f'Input `{DYNAMICS}.parameters` or `options` is wrong: {error.message}'
        return
    data = {'potential': inputs['potential']} if 'potential' in inputs else {}
    for node in starts.values():
        error = engine.spec().inputs.validate({**settings, **data, 'structure': node, 'parameters': parameters})
        if error is not None:
            yield f'The engine `{engine.__name__}` refuses the inputs: {error.message}'
            return


def _faults_of_potential(potential: PotentialData | None, species: list[str], place: str) -> Iterator[str]:
    if potential is None:
        return
    if not potential.is_trained:
        yield 'Input `potential` is a potential that is not trained.'
    lacking = [symbol for symbol in species if symbol not in potential.species]
    if lacking:
        yield (
            f'Input `{place}` holds {", ".join(lacking)}, which the potential of the input `potential`, for '
            f'{list(potential.species)}, does not know.'
        )
