"""The outline that all properties of crystals share: minima, frames, evaluations, results."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any, ClassVar

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import ExitCode, ProcessSpec, WorkChain, if_

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import faults_of_structure, get_frame
from aiida_seimlip.functions.crystal.models import gather_crystals, names_of
from aiida_seimlip.functions.crystal.property import MINIMA, job_parameters
from aiida_seimlip.options.crystal.property import PropertyOptions
from aiida_seimlip.science.structures.supercells import StructureError
from aiida_seimlip.workflows.crystal.models import MODELS_HELP, faults_of_model
from aiida_seimlip.workflows.failures import explain_failure

NAME = re.compile(r'[A-Za-z](_?[A-Za-z0-9])*_?')
"""What may be the name of a model or a structure, which becomes part of the names of links."""
OUTPUTS = ('labelled', 'failures', 'results')
"""Outputs of a job that are read."""


class CrystalPropertyWorkChain(WorkChain):
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
        spec.input_namespace('models', dynamic=True, help=MODELS_HELP)
        spec.input('options', **cls.options_class.port(cls.options_help))
        spec.inputs.validator = cls.validate_inputs
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            if_(cls.should_relax)(
                cls.run_relaxations,
                cls.inspect_relaxations,
            ),
            cls.run_evaluations,
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
        spec.exit_code(310, 'ERROR_NO_PROPERTY', message='None of the input `models` gave anything: {reason}')
        spec.exit_code(
            400, 'ERROR_MODEL_FAILED',
            message='The results are attached, but without `{name}` of the input `models`: {reason}',
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
        self.ctx.crystals = type(self).gather(
            orm.List(list(self.settings.crystals)), **({'structures': structures} if structures else {})
        )
        self.ctx.found, self.ctx.problems = {}, {}
        jobs = orm.List([*([MINIMA] if self.should_relax() else []), *self.settings.ions_of_frames])
        self.ctx.parameters = {
            name: job_parameters(self._options, model['parameters'], jobs) for name, model in self.inputs.models.items()
        }
        for name, model in self.inputs.models.items():
            self.ctx.found[name] = {'potential': model['potential']} if 'potential' in model else {}
            if not self.should_relax():
                self.ctx.found[name][MINIMA] = {'labelled': self.ctx.crystals}

    def should_relax(self) -> bool:
        """Return whether each model relaxes the crystals."""
        return self.settings.minimum is not None

    def run_relaxations(self) -> None:
        """Relax all crystals with each model."""
        self.ctx.jobs = AttributeDict()
        for name in self.inputs.models:
            self._submit(name, MINIMA, self.ctx.crystals)

    def inspect_relaxations(self) -> None:
        """Take the minima that there are."""
        self._collect()
        minima = {name: found[MINIMA]['labelled'] for name, found in self.ctx.found.items() if self._has(name, MINIMA)}
        self.out(MINIMA, minima)

    def run_evaluations(self) -> ExitCode | None:
        """Evaluate the frames of each model's minima."""
        self.ctx.jobs = AttributeDict()
        models = [name for name in self.ctx.found if self._has(name, MINIMA)]
        if not models:
            return self.exit_codes.ERROR_NO_PROPERTY.format(reason='; '.join(self.ctx.problems.values()))
        frames = None
        for name in models if self.settings.ions_of_frames else ():
            if self.should_relax() or frames is None:
                frames = type(self).plan(self._options, self.ctx.found[name][MINIMA]['labelled'])
            for ions in self.settings.ions_of_frames if frames.n_frames else ():
                self._submit(name, ions, frames)
        return None

    def inspect_evaluations(self) -> None:
        """Take what there is, be it of some models only."""
        self._collect()
        self.out('frames', {
            f'{name}_{ions}': self.ctx.found[name][ions]['labelled'] for name in self.ctx.found
            for ions in self.settings.ions_of_frames if self._has(name, ions)
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

    def _has(self, name: str, stage: str) -> bool:
        return 'labelled' in self.ctx.found[name].get(stage, {})

    def _submit(self, name: str, stage: str, frames: FramesData) -> None:
        """Submit a job of a model.

        :param name: of the model.
        :param stage: what it is for: the minima, or what becomes of the ions.
        :param frames: to work on.
        """
        model = self.inputs.models[name]
        given = {key: model[key] for key in ('code', 'potential') if key in model}
        options = model['options'].get_dict() if 'options' in model else {}
        job = self.submit(
            AseCalculation, **given, frames=frames, parameters=self.ctx.parameters[name][stage],
            metadata={'options': options, 'call_link_label': f'{stage}_{name}'},
        )  # fmt: skip
        self.to_context(**{f'jobs.{name}.{stage}': job})

    def _collect(self) -> None:
        """Take what every job has left, however it ended."""
        for name, jobs in self.ctx.jobs.items():
            for stage, job in jobs.items():
                self.ctx.found[name][stage] = {key: job.outputs[key] for key in OUTPUTS if key in job.outputs}
                if not job.is_finished_ok and name not in self.ctx.problems:
                    self.ctx.problems[name] = explain_failure(job)
                    self.report(self.ctx.problems[name])
                    self.ctx.found[name]['problem'] = orm.Str(self.ctx.problems[name]).store()


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
        wrong = [name for name in names if not NAME.fullmatch(name)]
        if wrong:
            yield (
                f'Input `{place}` holds the name `{wrong[0]}`: names are made of letters, digits and single '
                'underscores, and begin with a letter.'
            )
            return
    twice = sorted(set(structures) & set(options.crystals))
    if twice:
        yield f'Input `structures` holds `{twice[0]}`, which is a name among the `crystals` of input `options` as well.'
    parts = [options.geometry_of(name) for name in options.crystals]
    for name, node in structures.items():
        faults = list(faults_of_structure(f'structures.{name}', node, periodic='a crystal'))
        if isinstance(node, FramesData) and node.n_frames != 1:
            faults.append(f'Input `structures.{name}` holds {node.n_frames} frames, but one is needed.')
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
