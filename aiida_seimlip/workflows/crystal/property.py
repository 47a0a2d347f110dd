"""The outline that all properties of crystals share: minima, frames, evaluations, results."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, if_, while_

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import faults_of_structure, get_frame
from aiida_seimlip.functions.crystal.models import gather_crystals, names_of
from aiida_seimlip.functions.crystal.property import MINIMA, job_parameters
from aiida_seimlip.options.crystal.property import Ions, PropertyOptions
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.structures.cells import describe_vacuum
from aiida_seimlip.science.structures.supercells import StructureError
from aiida_seimlip.workflows.model_inputs import ENGINE, faults_of_model, faults_of_names
from aiida_seimlip.workflows.model_jobs import ModelJobsWorkChain


class CrystalPropertyWorkChain(ModelJobsWorkChain):
    """Compute a property of crystals with several models, and compare them.

    Each model relaxes the crystals, then evaluates the frames that the property needs, many in a job: how many jobs
    there are does not depend on the number of crystals and frames. A crystal that a model cannot relax or evaluate, and
    a model that does not run, are told with the reason, and cost nothing of the others.

    A subclass names the model of its options, a calcfunction ``plan`` that makes the frames of the minima of a model,
    and a calcfunction ``measure`` that returns the outputs, ``properties`` among them; ``gather`` if its phases of the
    package are other cells than primitive ones (`PropertyOptions.geometry_of`). Where the minima are all that is
    wanted, there is no ``plan``.
    """

    options_class: ClassVar[type[PropertyOptions]]
    options_help: ClassVar[str]
    gather: ClassVar[Callable[..., FramesData]] = staticmethod(gather_crystals)
    plan: ClassVar[Callable[..., FramesData]]
    measure: ClassVar[Callable[..., Mapping[str, orm.Data]]]

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        spec.input_namespace(
            'structures', valid_type=(orm.StructureData, FramesData), dynamic=True, required=False,
            help='Crystals by name, each a structure or one frame; besides those that `options` names.',
        )  # fmt: skip
        spec.input('options', **cls.options_class.port(cls.options_help))
        spec.inputs.validator = cls.validate_inputs
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            if_(cls.should_relax)(
                cls.queue_relaxations,
                while_(cls.should_run_jobs)(cls.run_jobs, cls.inspect_jobs),
                cls.inspect_relaxations,
            ),
            cls.queue_evaluations,
            while_(cls.should_run_jobs)(cls.run_jobs, cls.inspect_jobs),
            cls.inspect_evaluations,
            cls.results,
        )
        spec.output('properties', valid_type=orm.Dict, required=False, help='What was found, by crystal and model.')
        spec.output_namespace(
            'minima', valid_type=FramesData, dynamic=True, required=False,
            help='The crystals at the minimum of each model.',
        )  # fmt: skip
        spec.output_namespace(
            'frames', valid_type=FramesData, dynamic=True, required=False,
            help='What each model has evaluated, by what became of the ions; of a reference, ready to be learned from.',
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the inputs against each other.

        :param inputs: all inputs.
        :return: one sentence that names the input at fault, or None if all is well.
        """
        if cls.options_class.explain(inputs['options'], 'options'):
            return None  # the port itself says so
        return next(find_faults(inputs, cls.options_class.from_node(inputs['options'])), None)

    @cached_property
    def settings(self) -> PropertyOptions:
        """The options."""
        return self.options_class.from_node(self.inputs.options)

    def setup(self) -> None:
        """Gather the crystals; without relaxations they are the minima of all models."""
        structures = dict(self.inputs.get('structures', {}))
        names = names_of(self.settings.crystals, structures)
        self.ctx.names = orm.List(names).store()  # the context is written down
        self.ctx.crystals = type(self).gather(self._options, **({'structures': structures} if structures else {}))
        self.setup_models()
        jobs = orm.List([*([MINIMA] if self.should_relax() else []), *self.settings.ions_of_frames])
        self.ctx.parameters = {
            name: job_parameters(self._options, model['parameters'], jobs)
            for name, model in self.inputs.models.items() if ENGINE not in model
        }  # fmt: skip
        for found in self.ctx.found.values() if not self.should_relax() else ():
            found[MINIMA] = {'labelled': self.ctx.crystals}

    def should_relax(self) -> bool:
        """Return whether each model relaxes the crystals."""
        return self.settings.minimum is not None

    def queue_relaxations(self) -> None:
        """Have each model relax all crystals."""
        for name in self.inputs.models:
            self._queue(name, MINIMA, self.ctx.crystals)

    def inspect_relaxations(self) -> None:
        """Take the minima that there are."""
        minima = {name: found[MINIMA]['labelled'] for name, found in self.ctx.found.items() if self.has(name, MINIMA)}
        self.out(MINIMA, minima)

    def queue_evaluations(self) -> ExitCode | None:
        """Have each model evaluate the frames of its minima."""
        models = [name for name in self.ctx.found if self.has(name, MINIMA)]
        if not models:
            return self.exit_codes.ERROR_NO_PROPERTY.format(reason='; '.join(self.ctx.problems.values()))
        frames = None
        for name in models if self.settings.ions_of_frames else ():
            if self.should_relax() or frames is None:
                frames = type(self).plan(self._options, self.ctx.found[name][MINIMA]['labelled'])
            for ions in self._jobs_of_ions() if frames.n_frames else ():
                self._queue(name, ions, frames)
        return None

    def _jobs_of_ions(self) -> list[Ions]:
        """Return what becomes of the ions, a job for each: a relaxation begins with what is clamped."""
        every = self.settings.ions_of_frames
        return ['relaxed'] if 'relaxed' in every else every

    def inspect_evaluations(self) -> None:
        """Take what there is, be it of some models only; the starts of relaxations are what is clamped."""
        for found in self.ctx.found.values():
            if 'trace' in found.get('relaxed', {}):
                relaxed = found['relaxed']
                found['clamped'] = {'labelled': relaxed['trace']}
                found['relaxed'] = {key: node for key, node in relaxed.items() if key != 'trace'}
        self.out('frames', {
            f'{name}_{ions}': self.ctx.found[name][ions]['labelled'] for name in self.ctx.found
            for ions in self.settings.ions_of_frames if self.has(name, ions)
        })  # fmt: skip

    def results(self) -> ExitCode | None:
        """Compare, and say which model is missing."""
        measured = type(self).measure(self._options, self.ctx.names, self.ctx.crystals, models=self.ctx.found)
        self.out_many(measured)
        if not self.ctx.problems:
            return None
        name, reason = next(iter(self.ctx.problems.items()))
        return self.exit_codes.ERROR_MODEL_FAILED.format(name=name, reason=reason)

    @property
    def _options(self) -> orm.Dict:
        """The options as they were given."""
        node: orm.Dict = self.inputs.options
        return node

    def _queue(self, name: str, stage: str, frames: FramesData) -> None:
        """Have a model do a stage of its work: find the minima, or evaluate frames."""
        self.queue_stage(name, stage, frames, self.ctx.parameters.get(name, {}).get(stage))


def find_faults(inputs: Mapping[str, Any], options: PropertyOptions) -> Iterator[str]:
    """Yield one sentence for each input that is wrong.

    :param inputs: all inputs.
    :param options: which are right.
    """
    structures, models = inputs.get('structures') or {}, inputs.get('models') or {}
    if not structures and not options.crystals:
        yield 'Input `structures` is empty, and `options` names no crystals: at least one is needed.'
        return
    if not models:
        yield 'Input `models` is empty: at least one model is needed.'
    if options.reference is not None and options.reference not in models:
        yield f'Input `options` names the reference `{options.reference}`, which is not among the input `models`.'
    for place, names in (('structures', structures), ('models', models)):
        wrong = list(faults_of_names(place, names))
        yield from wrong
        if wrong:
            return
    twice = sorted(set(structures) & set(options.crystals))
    if twice:
        yield f'Input `structures` holds `{twice[0]}`, which is a name among the `crystals` of input `options` as well.'
    parts = [options.geometry_of(name) for name in options.crystals]
    for name, node in structures.items():
        faults = list(faults_of_structure(f'structures.{name}', node, periodic='a crystal'))
        if isinstance(node, FramesData) and node.n_frames != 1:
            faults.append(f'Input `structures.{name}` holds {node.n_frames} frames, but one is needed.')
        faults += [] if faults else _faults_of_vacuum(name, get_frame(node))
        yield from faults
        if faults:
            return
        parts += get_frame(node).to_atoms()
    for name, atoms in zip([*options.crystals, *structures], parts, strict=True):
        try:
            options.check_sizes(atoms)
        except StructureError as exception:
            yield f'Input `options` cannot be met for the crystal `{name}`: {exception}'
            return
    frames = FramesData.from_atoms(parts)
    source = 'structures' if structures else 'options'
    for name, model in models.items():
        job = options.relaxation if options.minimum is not None else partial(options.evaluation, ions='clamped')
        yield from faults_of_model(f'models.{name}', model, job, frames, source)


def _faults_of_vacuum(name: str, frame: Frames) -> Iterator[str]:
    """Refuse what does not fill its cell: it has no volume, and nothing of what follows from it."""
    width = describe_vacuum(frame.positions, frame.cells[0])
    if width is not None:
        yield f'Input `structures.{name}` is no crystal: there is {width}.'
