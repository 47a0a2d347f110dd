"""The WorkChain ``seimlip.crystal.compare``: the lattices of crystals at the minima of several models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import ExitCode, ProcessSpec, WorkChain

from aiida_seimlip.calculations.ase import AseCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.functions.crystal.lattice import compare_lattices, make_crystals, relaxation_parameters
from aiida_seimlip.options.crystal.lattice import EXPERIMENT, LatticeOptions
from aiida_seimlip.science.structures.crystals import CRYSTALS
from aiida_seimlip.workflows.crystal.models import MODELS_HELP, faults_of_model
from aiida_seimlip.workflows.failures import explain_failure

OUTPUTS = ('labelled', 'failures', 'results')
"""Outputs of a relaxation that the comparison needs."""


class LatticeComparisonWorkChain(WorkChain):
    """Relax crystals, positions and cells, with several models, and compare the lattices.

    The models are ASE calculators, potentials among them. One of them may be the teacher, which the potentials have
    learned from; it and the experiment are what all are compared with. Phases that a model cannot relax are told with
    the reason, and cost nothing of the others.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        spec.input('options', **LatticeOptions.port('Which crystals, and how they are relaxed.'))
        spec.input_namespace('models', dynamic=True, help=MODELS_HELP)
        spec.inputs.validator = cls.validate_inputs
        spec.outline(cls.run_relaxations, cls.inspect_relaxations, cls.results)  # type: ignore[attr-defined]
        spec.output('comparison', valid_type=orm.Dict, required=False, help='What was found: a `LatticeComparison`.')
        spec.output_namespace(
            'relaxed', valid_type=FramesData, dynamic=True, required=False,
            help='The primitive cells at the minimum of each model.',
        )  # fmt: skip
        spec.exit_code(310, 'ERROR_NO_RELAXATION', message='None of the input `models` has relaxed a crystal: {reason}')
        spec.exit_code(
            400, 'ERROR_MODEL_FAILED',
            message='The comparison is attached, but without `{name}` of the input `models`: {reason}',
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the models, and that they know the elements of the crystals.

        :param inputs: all inputs.
        :return: one sentence that names the input at fault, or None if all is well.
        """
        if LatticeOptions.explain(inputs['options'], 'options'):
            return None  # the port itself says so
        return next(find_faults(inputs), None)

    def run_relaxations(self) -> None:
        """Relax all crystals with each model."""
        self.ctx.crystals, self.ctx.jobs = make_crystals(self.inputs.options), AttributeDict()
        for name, model in self.inputs.models.items():
            given = {key: model[key] for key in ('code', 'potential') if key in model}
            options = model['options'].get_dict() if 'options' in model else {}
            job = self.submit(
                AseCalculation, **given, frames=self.ctx.crystals,
                parameters=relaxation_parameters(self.inputs.options, model['parameters']),
                metadata={'options': options, 'call_link_label': f'relax_{name}'},
            )  # fmt: skip
            self.to_context(**{f'jobs.{name}': job})

    def inspect_relaxations(self) -> ExitCode | None:
        """Take what every job has left, however it ended."""
        self.ctx.found, self.ctx.problems = {}, {}
        for name, job in self.ctx.jobs.items():
            found: dict[str, Any] = {key: job.outputs[key] for key in OUTPUTS if key in job.outputs}
            if not job.is_finished_ok:
                self.ctx.problems[name] = explain_failure(job)
                self.report(self.ctx.problems[name])
                found['problem'] = orm.Str(self.ctx.problems[name]).store()  # the context is written down
            if 'potential' in self.inputs.models[name]:
                found['potential'] = self.inputs.models[name]['potential']
            self.ctx.found[name] = found
        if not any('labelled' in found for found in self.ctx.found.values()):
            return self.exit_codes.ERROR_NO_RELAXATION.format(reason='; '.join(self.ctx.problems.values()))
        return None

    def results(self) -> ExitCode | None:
        """Compare, and say which model is missing."""
        self.out('comparison', compare_lattices(self.inputs.options, self.ctx.crystals, **self.ctx.found))
        self.out('relaxed', {name: found['labelled'] for name, found in self.ctx.found.items() if 'labelled' in found})
        if not self.ctx.problems:
            return None
        name, reason = next(iter(self.ctx.problems.items()))
        return self.exit_codes.ERROR_MODEL_FAILED.format(name=name, reason=reason)


def find_faults(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield one sentence for each input that is wrong.

    :param inputs: of the comparison, whose options are right.
    """
    options, models = LatticeOptions.from_node(inputs['options']), inputs.get('models', {})
    if not models:
        yield 'Input `models` is empty: at least one model is needed.'
    for name, model in models.items():
        if name == EXPERIMENT:
            yield f'Input `models` holds the name `{EXPERIMENT}`, which stands for what was measured.'
        yield from faults_of_model(f'models.{name}', model, options.relaxation, cells_of(options), 'options')


def cells_of(options: LatticeOptions) -> FramesData:
    """Return the cells that are relaxed, for the checks of models; not to be stored."""
    return FramesData.from_atoms([CRYSTALS[name].primitive() for name in options.crystals])
