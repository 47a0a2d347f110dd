"""The WorkChain ``seimlip.neb.compare``: several potentials and the reference on the images of one path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.common import AttributeDict
from aiida.engine import ExitCode, ProcessSpec, WorkChain

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.functions.barrier.comparison import REFERENCE, compare_paths, evaluate_path
from aiida_seimlip.options.barrier.neb import PathEngineNames
from aiida_seimlip.workflows.failures import explain_failure

EVALUATOR = 'ase'
"""Engine of the socket `reference` that runs potentials as calculators."""


class PathComparisonWorkChain(WorkChain):
    """Evaluate a path with several potentials, and compare their barriers with each other and with the reference.

    Moment tensor potentials are evaluated in this process, unless `evaluation.mtp` says otherwise; those of other
    families by a job, for which the settings are in `evaluation` under the name of the family.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        spec.input('path', valid_type=FramesData, help='The images in order; labels that they carry are ignored.')
        spec.input_namespace(
            'potentials',
            valid_type=PotentialData,
            dynamic=True,
            help='The potentials, by the names that they are to have.',
        )
        spec.input(
            'labelled', valid_type=FramesData, required=False,
            help='The images with the labels of the reference, where it has labelled them already.',
        )  # fmt: skip
        spec.input_namespace(
            'reference', dynamic=True, required=False,
            help='Settings of the engine that labels the images, where there is no `labelled`.',
        )  # fmt: skip
        spec.input_namespace(
            'evaluation', dynamic=True, required=False,
            help='Settings of the reference engine `ase` for each family of potentials: `evaluation.mace.code`, '
            '`evaluation.mace.parameters`, ...',
        )  # fmt: skip
        spec.input('engines', **PathEngineNames.port('Which engine is the reference.'))
        spec.inputs.validator = cls.validate_inputs
        spec.outline(cls.run_evaluations, cls.inspect_evaluations, cls.results)  # type: ignore[attr-defined]
        spec.output('comparison', valid_type=orm.Dict, required=False, help='What was found: a `ComparisonRecord`.')
        spec.output(
            'profiles', valid_type=orm.ArrayData, required=False,
            help='Energies and forces along the path and the splines, with the name of each potential as prefix.',
        )  # fmt: skip
        spec.output(
            'labelled', valid_type=FramesData, required=False, help='The images as the reference has labelled them.'
        )
        spec.exit_code(
            310,
            'ERROR_EVALUATION_FAILED',
            message='The images of the input `path` were not evaluated by `{name}`: {reason}',
        )

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the inputs against each other.

        :param inputs: all inputs.
        :return: one sentence that names the input at fault, or None if all is well.
        """
        return next(find_faults(inputs), None) if 'path' in inputs else None

    def run_evaluations(self) -> None:
        """Evaluate the images: in this process where that is possible, by jobs elsewhere."""
        self.ctx.paths, self.ctx.jobs = {}, AttributeDict()
        for name, potential in self.inputs.potentials.items():
            settings = self.inputs.get('evaluation', {}).get(potential.family)
            if settings is None:
                self.ctx.paths[name] = evaluate_path(potential, self.inputs.path)
            else:
                self._submit(name, EVALUATOR, {**settings, 'potential': potential})
        if 'labelled' in self.inputs:
            self.ctx.paths[REFERENCE] = self.inputs.labelled
        elif self.inputs.get('reference'):
            engine = PathEngineNames.from_node(self.inputs.engines).reference
            self._submit(REFERENCE, engine, dict(self.inputs.reference))

    def inspect_evaluations(self) -> ExitCode | None:
        """Take in the labels; a comparison needs those of all images."""
        for name, process in self.ctx.jobs.items():
            reason = explain_failure(process) if not process.is_finished_ok else ''
            failures = {} if reason else process.outputs.failures.get_dict()
            for index, message in failures.items():
                reason = reason or f'image {index}: {message}'
            if reason:
                return self.exit_codes.ERROR_EVALUATION_FAILED.format(name=name, reason=reason)
            self.ctx.paths[name] = process.outputs.frames
        return None

    def results(self) -> None:
        """Compare."""
        self.out_many(compare_paths(**self.ctx.paths))
        if REFERENCE in self.ctx.paths:
            self.out('labelled', self.ctx.paths[REFERENCE])

    def _submit(self, name: str, engine: str, settings: Mapping[str, Any]) -> None:
        process = self.submit(
            load_engine('reference', engine), **settings, frames=self.inputs.path, metadata={'call_link_label': name}
        )
        self.to_context(**{f'jobs.{name}': process})


def find_faults(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield one sentence for each input that is wrong.

    :param inputs: all inputs.
    """
    potentials, evaluation = inputs.get('potentials', {}), inputs.get('evaluation', {})
    path: FramesData = inputs['path']
    if path.n_frames < 3:
        yield f'Input `path` holds {path.n_frames} frame(s), but a path has three at least.'
    if not potentials:
        yield 'Input `potentials` is empty: at least one potential is needed.'
    if 'labelled' in inputs and inputs['labelled'].hashes != path.hashes:
        yield 'Input `labelled` does not hold the images of the input `path`, in its order.'
    for name, potential in potentials.items():
        if name == REFERENCE:
            yield f'Input `potentials` holds the name `{REFERENCE}`, which stands for the reference program.'
        if potential.family != 'mtp' and potential.family not in evaluation:
            yield (
                f'Input `evaluation.{potential.family}` is missing, which the potential `{name}` of this family needs '
                'to be evaluated.'
            )
        lacking = [element for element in path.elements if element not in potential.species]
        if lacking:
            yield f'Input `path` holds {", ".join(lacking)}, which the potential `potentials.{name}` does not know.'
    for family, settings in evaluation.items():
        potential = next((potential for potential in potentials.values() if potential.family == family), None)
        given = settings if potential is None else {**settings, 'potential': potential}
        message = load_engine('reference', EVALUATOR).explain_settings(f'evaluation.{family}', given)
        if message is not None:
            yield message
