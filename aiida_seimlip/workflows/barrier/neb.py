"""The WorkChain ``seimlip.neb``: the migration barrier between two configurations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ProcessSpec, WorkChain, if_

from aiida_seimlip.calculations.calculators import faults_of_species
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.structure import elements_of, get_frame
from aiida_seimlip.engines.contract import SocketWorkChain, load_engine
from aiida_seimlip.engines.path.contract import PathWorkChain
from aiida_seimlip.functions.barrier.neb import describe_barrier, grade_path, interpolate_path, join_ends
from aiida_seimlip.options.barrier.neb import NEBOptions, PathEngineNames
from aiida_seimlip.science.analysis.barrier import find_collapsed
from aiida_seimlip.science.structures.band import faults_of_ends, faults_of_fixed, largest_displacement
from aiida_seimlip.workflows.failures import explain_failure
from aiida_seimlip.workflows.protocols.neb import NEBProtocolMixin

SOCKETS = ('path', 'reference')
NOT_CONVERGED = PathWorkChain.spec().exit_codes.ERROR_NOT_CONVERGED.status


class NEBWorkChain(NEBProtocolMixin, WorkChain):
    """Relax both ends, put a band between them, and find the path of lowest energy and its barriers.

    With settings for `reference`, the images of the path are then labelled by the reference program: the barrier is
    checked, and the labels may be learned from.
    """

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports, the outline and the exit codes."""
        super().define(spec)
        structure = (orm.StructureData, FramesData)
        spec.input('initial', valid_type=structure, help='One end of the path: a structure, or one frame.')
        spec.input(
            'final', valid_type=structure, help='The other end: the same atoms in the same order, and the same cell.'
        )
        spec.input(
            'potential', valid_type=PotentialData, required=False,
            help='The potential, trained; with an active set, the images are graded.',
        )  # fmt: skip
        spec.input('options', **NEBOptions.port('The band, and what its ends must be.'))
        spec.input('engines', **PathEngineNames.port('Which engine does each job.'))
        spec.input_namespace('path', dynamic=True, help='Settings of the engine that finds the path.')
        spec.input_namespace(
            'reference', dynamic=True, required=False,
            help='Settings of the engine that checks the barrier; without them it is not checked.',
        )  # fmt: skip
        spec.inputs.validator = cls.validate_inputs
        spec.outline(  # type: ignore[attr-defined]
            cls.setup,
            if_(cls.should_relax)(
                cls.run_relaxation,
                cls.inspect_relaxation,
            ),
            cls.run_path,
            cls.inspect_path,
            if_(cls.should_label)(
                cls.run_labelling,
                cls.inspect_labelling,
            ),
            cls.results,
        )
        spec.output('ends', valid_type=FramesData, required=False, help='Both ends, relaxed.')
        spec.output(
            'path', valid_type=FramesData, required=False,
            help='The images in order, with energies (eV), forces (eV/Å) and, where the potential knows them, grades.',
        )  # fmt: skip
        spec.output('barrier', valid_type=orm.Dict, required=False, help='What was found, as a `BarrierRecord`.')
        spec.output(
            'profile', valid_type=orm.ArrayData, required=False,
            help='Energies and forces along the path, and the spline through them; see `neb_results`.',
        )  # fmt: skip
        spec.output(
            'labelled', valid_type=FramesData, required=False,
            help='The images as the reference has labelled them, ready to be learned from.',
        )  # fmt: skip
        spec.exit_code(
            310, 'ERROR_RELAXATION_FAILED',
            message='The inputs `initial` and `final` were not relaxed: {reason}',
        )  # fmt: skip
        spec.exit_code(
            311, 'ERROR_SAME_MINIMUM',
            message='The inputs `initial` and `final` have relaxed into the same minimum: no atom is further than '
            '{distance:.3f} Å from its place in the other; the output `ends` shows them.',
        )  # fmt: skip
        spec.exit_code(320, 'ERROR_PATH_FAILED', message='No path was found: {reason}')
        spec.exit_code(
            400, 'ERROR_NOT_CONVERGED',
            message='The path has not converged, so that `barrier` is of its last band: {reason}',
        )  # fmt: skip
        spec.exit_code(
            410, 'ERROR_IMAGES_COLLAPSED',
            message='Of the output `path`, the image(s) {images} lie on the one before: it tells no barrier.',
        )  # fmt: skip
        spec.exit_code(
            420, 'ERROR_REFERENCE_FAILED',
            message='The barrier was found, but not checked with the reference: {reason}',
        )  # fmt: skip

    @classmethod
    def validate_inputs(cls, inputs: Mapping[str, Any], _: Any) -> str | None:
        """Check the inputs against each other.

        :param inputs: all inputs.
        :return: one sentence that names the input at fault, or None if all is well.
        """
        if any(name not in inputs for name in ('initial', 'final', 'options')):
            return None  # the ports themselves say so
        if NEBOptions.explain(inputs['options'], 'options') or PathEngineNames.explain(inputs['engines'], 'engines'):
            return None
        return next(find_faults(inputs), None)

    @cached_property
    def settings(self) -> NEBOptions:
        """The options."""
        return NEBOptions.from_node(self.inputs.options)

    def setup(self) -> None:
        """Begin with the ends as they were given."""
        self.ctx.ends = join_ends(self.inputs.initial, self.inputs.final)
        self.ctx.labels, self.ctx.failure = {}, None

    def should_relax(self) -> bool:
        """Return whether the ends are to be relaxed."""
        return self.settings.relax is not None

    def run_relaxation(self) -> None:
        """Relax both ends."""
        relax = orm.Dict(self.settings.relax.to_dict() if self.settings.relax is not None else {})
        self.to_context(relaxation=self._submit_path('relax', images=self.ctx.ends, relax=relax))

    def inspect_relaxation(self) -> ExitCode | None:
        """Take the relaxed ends, unless they have become the same."""
        process = self.ctx.relaxation
        if not process.is_finished_ok:
            return self.exit_codes.ERROR_RELAXATION_FAILED.format(reason=explain_failure(process))
        self.ctx.ends = process.outputs.path
        self.out('ends', self.ctx.ends)
        distance = largest_displacement(*self.ctx.ends.get_frames().to_atoms())
        if distance < self.settings.end_points.min_displacement:
            return self.exit_codes.ERROR_SAME_MINIMUM.format(distance=distance)
        return None

    def run_path(self) -> None:
        """Put a band between the ends and relax it."""
        images = interpolate_path(self.ctx.ends, self.inputs.options)
        self.to_context(band=self._submit_path('band', images=images))

    def inspect_path(self) -> ExitCode | None:
        """Take the path, converged or not, and grade its images."""
        process = self.ctx.band
        if not process.is_finished_ok:
            self.ctx.failure = explain_failure(process)
        if 'path' not in process.outputs or process.exit_status not in (0, NOT_CONVERGED):
            if 'path' in process.outputs:
                self.out('path', process.outputs.path)
            return self.exit_codes.ERROR_PATH_FAILED.format(reason=self.ctx.failure)
        path = process.outputs.path
        potential = self.inputs.get('potential')
        if potential is not None and potential.family == 'mtp' and potential.selection_mode is not None:
            path = grade_path(path, potential)
        self.ctx.path = path
        self.out('path', path)
        collapsed = find_collapsed(path.get_frames(), self.settings.collapse_ratio)
        if collapsed:
            return self.exit_codes.ERROR_IMAGES_COLLAPSED.format(images=', '.join(map(str, collapsed)))
        return None

    def should_label(self) -> bool:
        """Return whether the reference is to check the path: only one that has converged."""
        return bool(self.inputs.get('reference')) and self.ctx.failure is None

    def run_labelling(self) -> None:
        """Label the images of the path with the reference program."""
        names = PathEngineNames.from_node(self.inputs.engines)
        engine: type[SocketWorkChain] = load_engine('reference', names.reference)
        metadata = {'call_link_label': 'reference'}
        process = self.submit(engine, **self.inputs.reference, frames=self.ctx.path, metadata=metadata)
        self.to_context(labelling=process)

    def inspect_labelling(self) -> None:
        """Take the labels."""
        process = self.ctx.labelling
        if not process.is_finished_ok:
            self.ctx.unchecked = explain_failure(process)
            self.report(self.ctx.unchecked)
            return
        self.ctx.labels['failures'] = process.outputs.failures
        if 'frames' in process.outputs:
            self.ctx.labels['labelled'] = process.outputs.frames
            self.out('labelled', process.outputs.frames)
        reasons = process.outputs.failures.get_dict()
        if reasons:
            index, reason = next(iter(reasons.items()))
            self.ctx.unchecked = f'{len(reasons)} of {self.ctx.path.n_frames} images failed; image {index}: {reason}'

    def results(self) -> ExitCode | None:
        """Attach what the path says, and how far it can be trusted."""
        beside = {'potential': self.inputs.potential} if 'potential' in self.inputs else {}
        found = describe_barrier(
            self.ctx.path, self.ctx.band.outputs.results, self.inputs.options, **beside, **self.ctx.labels
        )
        self.out_many(found)
        if self.ctx.failure is not None:
            return self.exit_codes.ERROR_NOT_CONVERGED.format(reason=self.ctx.failure)
        if 'unchecked' in self.ctx:
            return self.exit_codes.ERROR_REFERENCE_FAILED.format(reason=self.ctx.unchecked)
        return None

    def _submit_path(self, label: str, **data: Any) -> orm.ProcessNode:
        """Submit the engine of the socket `path` with the settings of the user.

        :param label: of the link to the process.
        :param data: the inputs of this call.
        """
        engine = load_engine('path', PathEngineNames.from_node(self.inputs.engines).path)
        if 'potential' in self.inputs:
            data['potential'] = self.inputs.potential
        if self.settings.fixed:
            data['fixed'] = orm.List(list(self.settings.fixed))
        return self.submit(engine, **self.inputs.path, **data, metadata={'call_link_label': label})


def find_faults(inputs: Mapping[str, Any]) -> Iterator[str]:
    """Yield one sentence for each input that is wrong.

    :param inputs: all inputs.
    """
    options, names = NEBOptions.from_node(inputs['options']), PathEngineNames.from_node(inputs['engines'])
    yield from _faults_of_ends(inputs, options)
    for socket in SOCKETS:
        if socket not in inputs or (socket == 'reference' and not inputs[socket]):
            continue
        try:
            engine: Any = load_engine(socket, getattr(names, socket))
        except ValueError as exception:
            yield f'Input `engines` is wrong: {exception}'
            continue
        message = engine.explain_settings(socket, inputs[socket], species=elements_of(inputs['initial']))
        if message is None and socket == 'path':
            message = engine.explain_potential(inputs[socket], inputs.get('potential'))
        if message is not None:
            yield message
        elif socket == 'path' and options.relax is not None and not engine.supports_relaxation:
            yield (
                f'Input `options.relax` is given, but the engine `{names.path}` of the socket `path` does not relax '
                'the ends: relax them beforehand, and set it to none.'
            )
        elif socket == 'path' and options.fixed and not engine.supports_fixed_atoms:
            yield (
                f'Input `options.fixed` keeps atoms in place, which the engine `{names.path}` of the socket `path` '
                'cannot do.'
            )


def _faults_of_ends(inputs: Mapping[str, Any], options: NEBOptions) -> Iterator[str]:
    """Look for ends that do not fit together, or that hold what the potential does not know."""
    ends = []
    for name in ('initial', 'final'):
        try:
            frame = get_frame(inputs[name])
        except ValueError as exception:
            yield f'Input `{name}` is wrong: {exception}'
            return
        yield from faults_of_species(name, frame.elements, inputs.get('potential'))
        ends += frame.to_atoms()
    asked = options.end_points
    yield from faults_of_ends(
        *ends, max_displacement=asked.max_displacement, min_displacement=asked.min_displacement,
        check_order=asked.check_order,
    )  # fmt: skip
    yield from faults_of_fixed(*ends, fixed=options.fixed)
