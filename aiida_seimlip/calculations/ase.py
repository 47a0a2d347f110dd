"""The CalcJob ``seimlip.ase``: a batch of frames through any ASE calculator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatch
from typing import Any

from aiida import orm
from aiida.common.datastructures import CalcInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJobProcessSpec

from aiida_seimlip.calculations.calculators import faults_of_calculator, faults_of_periodicity, faults_of_species
from aiida_seimlip.calculations.script import ScriptCalculation
from aiida_seimlip.calculations.validation import faults_of_fixed
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.ase import AseOptions
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.science.frames import Frames


class AseCalculation(ScriptCalculation):
    """Label, relax, condense or run molecular dynamics from many frames in one job, with any ASE calculator.

    Each finished frame is written at once, so that a killed job loses only what it was working on; of a frame that is
    condensed, what came after its last checkpoint, which is at most a minute.
    """

    SCRIPT_FILENAME = 'run_ase.py'
    MODULE_FILENAMES = ('batch.py', 'condense.py', 'stages.py', 'tasks.py', 'worker.py')
    RESULTS_FILENAME = 'results.jsonl'
    CHECKPOINTS = 'checkpoint-*.npz'
    TEMPORARY_FILENAMES = (RESULTS_FILENAME, CHECKPOINTS)
    STDOUT_FILENAME = 'ase.out'
    STDERR_FILENAME = 'ase.err'

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the ports and exit codes."""
        super().define(spec)
        spec.input('frames', valid_type=FramesData, help='The frames; labels that they carry are ignored.')
        spec.input('parameters', **AseOptions.port('The calculator, and what to do with each frame.'))
        spec.input(
            'indices', valid_type=orm.List, serializer=orm.to_aiida_type, required=False,
            help='Indices of the frames to work on, in this order; all by default. The others are not counted.',
        )  # fmt: skip
        spec.input(
            'checkpoints', valid_type=orm.FolderData, required=False,
            help='Output of an earlier job of the task `condense` with the same frames and stages, to go on from.',
        )  # fmt: skip
        metadata: Any = spec.inputs['metadata']
        metadata['options']['parser_name'].default = 'seimlip.ase'

        spec.output(
            'labelled', valid_type=FramesData, required=False,
            help='The frames that were finished, in order, with energies (eV), forces (eV/Å) and stresses (eV/Å³); '
            'relaxed geometries for the task `relax`, samples in order of step for `md`, last states for `condense`.',
        )  # fmt: skip
        spec.output(
            'trace', valid_type=FramesData, required=False,
            help='Labelled frames on the way, in order of frame and step: of the task `condense`, and of `relax` where '
            'the starts are kept.',
        )  # fmt: skip
        spec.output(
            'record', valid_type=orm.ArrayData, required=False,
            help='What was recorded on the way, as `pack_record` describes it; of the task `condense`.',
        )  # fmt: skip
        spec.output(
            'checkpoints', valid_type=orm.FolderData, required=False,
            help='What the next job goes on from, a file for each frame that was begun and not finished; of the task '
            '`condense`.',
        )  # fmt: skip
        spec.output(
            'failures', valid_type=orm.Dict, required=False,
            help='Index of each input frame that was not finished, as a string, and the reason.',
        )  # fmt: skip
        spec.output(
            'results', valid_type=orm.Dict, required=False,
            help='Counts, times in s, versions, and `indices`: the input frame that each labelled frame belongs to. Of '
            'the task `condense` also how `stages` ended, `n_steps`, and the steps after which each frame `began` and '
            'of which there are `checkpoints`.',
        )  # fmt: skip
        spec.exit_code(
            300, 'ERROR_OUTPUT_MISSING', invalidates_cache=True,
            message='The file `{filename}` was not retrieved: the script did not start.',
        )  # fmt: skip
        spec.exit_code(
            301, 'ERROR_OUTPUT_INVALID', invalidates_cache=True,
            message='The file `{filename}` holds results that do not fit the input `frames`: {reason}',
        )  # fmt: skip
        spec.exit_code(
            320, 'ERROR_ALL_FRAMES_FAILED',
            message='None of the {n_frames} frames of the input `frames` was finished; the first failed with: {reason}',
        )  # fmt: skip
        spec.exit_code(
            400, 'ERROR_OUT_OF_WALLTIME', invalidates_cache=True,
            message='The wall time ended after {n_finished} of {n_frames} frames of the input `frames`.',
        )  # fmt: skip
        spec.exit_code(
            401, 'ERROR_INTERRUPTED', invalidates_cache=True,
            message='The job was stopped from outside after {n_finished} of {n_frames} frames of the input `frames`.',
        )  # fmt: skip
        spec.exit_code(
            402, 'ERROR_OUT_OF_DISK', invalidates_cache=True,
            message='The disk was full after {n_finished} of {n_frames} frames of the input `frames`: {reason}',
        )  # fmt: skip

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong; an input may be absent where a workflow gives it later."""
        yield from super().find_faults(inputs)
        if 'frames' not in inputs:
            return
        n_frames = inputs['frames'].n_frames
        if not n_frames:
            yield 'Input `frames` holds no frames.'
        if 'parameters' in inputs:
            options = AseOptions.from_node(inputs['parameters'])
            yield from faults_of_calculator(options.calculator, inputs)
            yield from faults_of_periodicity('frames', inputs['frames'], options.calculator)
            if options.relaxes_cell and not inputs['frames'].get_frames().pbc.all(axis=1).any():
                yield (
                    'Input `parameters` asks for relaxed cells, but no frame of input `frames` is periodic in all '
                    'three directions: relax with `cell: fixed`.'
                )
            if options.task != 'condense' and 'checkpoints' in inputs:
                yield 'Input `checkpoints` is given, but only the task `condense` of input `parameters` has any.'
            if options.relax is not None:
                yield from faults_of_fixed(options.relax.fixed, inputs['frames'], 'frames')
            try:
                options.temperatures(n_frames)
            except ValueError as exception:
                yield f'Input `parameters` does not fit input `frames`: {exception}'
        yield from _faults_of_indices(inputs.get('indices'), n_frames)
        yield from faults_of_species('frames', inputs['frames'].elements, inputs.get('potential'))

    def frames_for_script(self) -> Frames:
        """Return the frames."""
        frames: Frames = self.inputs.frames.get_frames()
        return frames

    def calculator_options(self) -> CalculatorOptions:
        """Return which calculator the script uses."""
        return AseOptions.from_node(self.inputs.parameters).calculator

    def options_for_script(self, calculator: dict[str, Any], time_limit_seconds: float | None) -> dict[str, Any]:
        """Return what the script reads."""
        options = AseOptions.from_node(self.inputs.parameters)
        content = options.to_remote(self.inputs.frames.n_frames, time_limit_seconds, calculator)
        return {**content, 'indices': self.inputs.indices.get_list() if 'indices' in self.inputs else None}

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Write what there is to go on from beside what all scripts have.

        :param folder: where the files of the job are gathered.
        """
        calcinfo = super().prepare_for_submission(folder)
        if 'checkpoints' in self.inputs:
            repository = self.inputs.checkpoints.base.repository
            names = [name for name in repository.list_object_names() if fnmatch(name, self.CHECKPOINTS)]
            for name in names:
                with folder.open(name, 'wb') as handle:
                    handle.write(repository.get_object_content(name, mode='rb'))
            calcinfo.provenance_exclude_list = [*(calcinfo.provenance_exclude_list or []), *names]
        return calcinfo


def _faults_of_indices(indices: orm.List | None, n_frames: int) -> Iterator[str]:
    """Look for indices of frames that are not there, or are there twice."""
    if indices is None:
        return
    wanted = indices.get_list()
    wrong = [index for index in wanted if not (isinstance(index, int) and 0 <= index < n_frames)]
    if wrong:
        yield f'Input `indices` names {wrong[0]!r}, but the {n_frames} frames of input `frames` are counted from 0.'
    elif len(set(wanted)) < len(wanted) or not wanted:
        yield 'Input `indices` names a frame twice.' if wanted else 'Input `indices` names no frame.'
