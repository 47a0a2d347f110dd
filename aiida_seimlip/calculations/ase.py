"""The CalcJob ``seimlip.ase``: a batch of frames through any ASE calculator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.engine import CalcJobProcessSpec

from aiida_seimlip.calculations.calculators import faults_of_calculator, faults_of_periodicity, faults_of_species
from aiida_seimlip.calculations.script import ScriptCalculation
from aiida_seimlip.calculations.validation import faults_of_fixed
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.ase import AseOptions
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.science.frames import Frames


class AseCalculation(ScriptCalculation):
    """Label, relax or run molecular dynamics from many frames in one job, with any ASE calculator.

    Each finished frame is written at once, so that a killed job loses only what it was working on.
    """

    SCRIPT_FILENAME = 'run_ase.py'
    MODULE_FILENAMES = ('batch.py', 'tasks.py', 'worker.py')
    RESULTS_FILENAME = 'results.jsonl'
    TEMPORARY_FILENAMES = (RESULTS_FILENAME,)
    STDOUT_FILENAME = 'ase.out'
    STDERR_FILENAME = 'ase.err'

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the ports and exit codes."""
        super().define(spec)
        spec.input('frames', valid_type=FramesData, help='The frames; labels that they carry are ignored.')
        spec.input('parameters', **AseOptions.port('The calculator, and what to do with each frame.'))
        metadata: Any = spec.inputs['metadata']
        metadata['options']['parser_name'].default = 'seimlip.ase'

        spec.output(
            'labelled', valid_type=FramesData, required=False,
            help='The frames that were finished, in order, with energies (eV), forces (eV/Å) and stresses (eV/Å³); '
            'relaxed geometries for the task `relax`, samples in order of step for `md`.',
        )  # fmt: skip
        spec.output(
            'failures', valid_type=orm.Dict, required=False,
            help='Index of each input frame that was not finished, as a string, and the reason.',
        )  # fmt: skip
        spec.output(
            'results', valid_type=orm.Dict, required=False,
            help='Counts, times in s, versions, and `indices`: the input frame that each labelled frame belongs to.',
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
            if options.relax is not None:
                yield from faults_of_fixed(options.relax.fixed, inputs['frames'], 'frames')
            try:
                options.temperatures(n_frames)
            except ValueError as exception:
                yield f'Input `parameters` does not fit input `frames`: {exception}'
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
        return options.to_remote(self.inputs.frames.n_frames, time_limit_seconds, calculator)
