"""The CalcJob ``seimlip.md``: molecular dynamics with any ASE calculator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import CalcJobProcessSpec

from aiida_seimlip.calculations.calculators import faults_of_calculator, faults_of_species
from aiida_seimlip.calculations.lammps import elements_of, faults_of_mobile, faults_of_start
from aiida_seimlip.calculations.script import ScriptCalculation
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.dynamics import AseDynamicsOptions
from aiida_seimlip.science.frames import Frames


class MdCalculation(ScriptCalculation):
    """Run molecular dynamics with any ASE calculator, and keep the paths of the mobile ions.

    Everything is written as it comes, so that a killed job loses only what came after its last checkpoint, at most a
    minute.
    """

    SCRIPT_FILENAME = 'run_md.py'
    TRACK_FILENAME = 'track.npy'
    TRAJECTORY_FILENAME = 'trajectory.npy'
    THERMO_FILENAME = 'thermo.npy'
    CHECKPOINT_FILENAME = 'checkpoint.npz'
    RESULTS_FILENAME = 'results.json'
    TEMPORARY_FILENAMES: ClassVar[tuple[str, ...]] = (
        TRACK_FILENAME, TRAJECTORY_FILENAME, THERMO_FILENAME, CHECKPOINT_FILENAME, RESULTS_FILENAME,
    )  # fmt: skip
    STDOUT_FILENAME = 'md.out'
    STDERR_FILENAME = 'md.err'

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the ports and exit codes."""
        super().define(spec)
        spec.input(
            'structure', valid_type=(FramesData, orm.StructureData),
            help='The start: exactly one frame, or a structure, periodic in all directions; velocities in Å/ps.',
        )  # fmt: skip
        spec.input('parameters', **AseDynamicsOptions.port('The calculator, ensemble, length and output.'))
        metadata: Any = spec.inputs['metadata']
        metadata['options']['parser_name'].default = 'seimlip.md'
        cls._define_outputs(spec)
        cls._define_exit_codes(spec)

    @classmethod
    def _define_outputs(cls, spec: CalcJobProcessSpec) -> None:
        spec.output(
            'track', valid_type=orm.ArrayData, required=False,
            help='Paths of the ions of the option `mobile` and of the centre of all other atoms, unwrapped; to be read '
            'by `aiida_seimlip.data.track.load_track`.',
        )  # fmt: skip
        spec.output(
            'trajectory', valid_type=FramesData, required=False,
            help='A frame every `dump_every` steps, with its MD step, unwrapped positions (Å), energy (eV) and forces '
            '(eV/Å).',
        )  # fmt: skip
        spec.output(
            'final', valid_type=FramesData, required=False,
            help='The last frame, with velocities (Å/ps), to go on from; of a run that was killed its last checkpoint; '
            'not of one that crashed.',
        )  # fmt: skip
        spec.output(
            'thermo', valid_type=orm.ArrayData, required=False,
            help='Thermodynamic output: an array for each quantity; the attribute `units` tells their units.',
        )  # fmt: skip
        spec.output(
            'results', valid_type=orm.Dict, required=False,
            help='`outcome` (completed, crashed, out_of_walltime or interrupted), `n_steps` (done), `message` (why a '
            'run ended early), means over the run, times in s, and versions.',
        )  # fmt: skip

    @classmethod
    def _define_exit_codes(cls, spec: CalcJobProcessSpec) -> None:
        spec.exit_code(
            300, 'ERROR_OUTPUT_MISSING', invalidates_cache=True,
            message='The file `{filename}` was not retrieved: the script did not start.',
        )  # fmt: skip
        spec.exit_code(
            301, 'ERROR_OUTPUT_INVALID', invalidates_cache=True,
            message='The output does not fit the input `structure`, or cannot be read: {reason}',
        )  # fmt: skip
        spec.exit_code(
            320, 'ERROR_START_FAILED', message='The input `structure` has no energy or forces: {reason}'
        )  # fmt: skip
        spec.exit_code(
            400, 'ERROR_OUT_OF_WALLTIME', invalidates_cache=True,
            message='The wall time ended after {n_steps} of {n_steps_asked} steps.',
        )  # fmt: skip
        spec.exit_code(
            401, 'ERROR_INTERRUPTED', invalidates_cache=True,
            message='The job was stopped from outside; {n_steps} of {n_steps_asked} steps are kept.',
        )  # fmt: skip
        spec.exit_code(
            402, 'ERROR_OUT_OF_DISK', invalidates_cache=True,
            message='The disk was full after {n_steps} of {n_steps_asked} steps: {reason}',
        )  # fmt: skip
        spec.exit_code(
            420, 'ERROR_CRASHED', message='The run crashed after {n_steps} of {n_steps_asked} steps: {reason}'
        )
        spec.exit_code(
            425, 'ERROR_TRACK_UNUSABLE', message='The track of the mobile ions cannot be put together: {reason}'
        )

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong; an input may be absent where a workflow gives it later."""
        yield from super().find_faults(inputs)
        options = cls.dynamics_options(inputs['parameters']) if 'parameters' in inputs else None
        if options is not None and 'structure' in inputs:
            yield from cls.faults_of_calculator(options.calculator, inputs)
            yield from faults_of_start(inputs['structure'], needs_velocities=options.velocities == 'keep')
            yield from faults_of_mobile(inputs['structure'], options.mobile)
        if 'structure' in inputs:
            elements = tuple(sorted(elements_of(inputs['structure'])))
            yield from faults_of_species('structure', elements, inputs.get('potential'))

    @classmethod
    def faults_of_calculator(cls, calculator: CalculatorOptions, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield what is wrong with the calculator and the potential that it is given, if there is one.

        :param calculator: of the input `parameters`.
        :param inputs: of the job.
        """
        yield from faults_of_calculator(calculator, inputs)

    @classmethod
    def dynamics_options(cls, parameters: orm.Dict) -> AseDynamicsOptions:
        """Return the options of the run, without what only a subclass knows.

        :param parameters: the input of this name.
        """
        return AseDynamicsOptions.from_node(parameters)

    def frames_for_script(self) -> Frames:
        """Return the start."""
        return get_frame(self.inputs.structure)

    def calculator_options(self) -> CalculatorOptions:
        """Return which calculator the script uses."""
        return self.dynamics_options(self.inputs.parameters).calculator

    def options_for_script(self, calculator: dict[str, Any], time_limit_seconds: float | None) -> dict[str, Any]:
        """Return what the script reads."""
        return AseDynamicsOptions.from_node(self.inputs.parameters).to_remote(calculator, time_limit_seconds)
