"""The CalcJob ``seimlip.md``: molecular dynamics with any ASE calculator."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.common.datastructures import CalcInfo, CodeInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJob, CalcJobProcessSpec

from aiida_seimlip.calculations.ase import pack
from aiida_seimlip.calculations.lammps import elements_of, faults_of_mobile, faults_of_structure
from aiida_seimlip.calculations.remote_files import (
    faults_of_calculator,
    faults_of_species,
    write_calculator,
    write_scripts,
)
from aiida_seimlip.calculations.validation import CheckedInputs
from aiida_seimlip.calculations.walltime import time_limit
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.dynamics import AseDynamicsOptions

PYTHON_PLUGINS = ('seimlip.ase', 'seimlip.md', 'seimlip.ase.neb')
"""Entry points of the jobs whose code is a Python interpreter: a code for one of them serves them all."""


class MdCalculation(CheckedInputs, CalcJob):
    """Run molecular dynamics with any ASE calculator, and keep the paths of the mobile ions.

    The code is a Python interpreter on the remote computer that can import numpy, ASE and the calculator; this package
    need not be there, but for the calculator `mtp`. Everything is written as it comes, so that a killed job loses only
    what came after its last checkpoint, at most a minute.
    """

    SCRIPT_FILENAME = 'run_md.py'
    OPTIONS_FILENAME = 'options.json'
    FRAMES_FILENAME = 'frames.npz'
    TRACK_FILENAME = 'track.npy'
    TRAJECTORY_FILENAME = 'trajectory.npy'
    THERMO_FILENAME = 'thermo.npy'
    CHECKPOINT_FILENAME = 'checkpoint.npz'
    RESULTS_FILENAME = 'results.json'
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
        spec.input(
            'potential', valid_type=PotentialData, required=False,
            help='What the calculator is given, if it is one of potentials (`mtp`, `motep`, `mace`).',
        )  # fmt: skip
        metadata: Any = spec.inputs['metadata']
        metadata['options']['resources'].default = lambda: {'num_machines': 1, 'num_mpiprocs_per_machine': 1}
        metadata['options']['parser_name'].default = 'seimlip.md'
        metadata['options']['withmpi'].default = False
        spec.inputs['code'].required = True
        spec.inputs.validator = cls.validate_inputs  # type: ignore[assignment]
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
            310, 'ERROR_CALCULATOR_SETUP', invalidates_cache=True,
            message='The calculator `{name}` of the input `parameters` could not be set up with the input `code`: '
            '{reason}',
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
        if 'code' in inputs:
            yield from faults_of_interpreter('code', inputs['code'])
        options = AseDynamicsOptions.from_node(inputs['parameters']) if 'parameters' in inputs else None
        if options is not None and 'structure' in inputs:
            yield from faults_of_calculator(options.calculator, inputs)
            yield from faults_of_structure(inputs['structure'], needs_velocities=options.velocities == 'keep')
            yield from faults_of_mobile(inputs['structure'], options.mobile)
        if 'structure' in inputs:
            elements = tuple(sorted(elements_of(inputs['structure'])))
            yield from faults_of_species('structure', elements, inputs.get('potential'))

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Write the script, its options and the start.

        :param folder: where the files of the job are gathered.
        """
        options = AseDynamicsOptions.from_node(self.inputs.parameters)
        limit = time_limit(self.inputs.metadata.options.get('max_wallclock_seconds'))
        write_scripts(folder, self.SCRIPT_FILENAME)
        calculator, left_out = write_calculator(folder, options.calculator, self.inputs.get('potential'))
        with folder.open(self.OPTIONS_FILENAME, 'w') as handle:
            json.dump(options.to_remote(calculator, limit), handle, indent=1)
        with folder.open(self.FRAMES_FILENAME, 'wb') as handle:
            handle.write(pack(get_frame(self.inputs.structure)))

        codeinfo = CodeInfo()
        codeinfo.code_uuid = self.inputs.code.uuid
        codeinfo.cmdline_params = [self.SCRIPT_FILENAME]
        codeinfo.stdout_name = self.STDOUT_FILENAME
        codeinfo.stderr_name = self.STDERR_FILENAME
        calcinfo = CalcInfo()
        calcinfo.codes_info = [codeinfo]
        calcinfo.provenance_exclude_list = [self.FRAMES_FILENAME, *left_out]  # input nodes hold them
        calcinfo.retrieve_list = [self.STDOUT_FILENAME, self.STDERR_FILENAME]
        calcinfo.retrieve_temporary_list = [  # the output nodes hold them
            self.TRACK_FILENAME, self.TRAJECTORY_FILENAME, self.THERMO_FILENAME, self.CHECKPOINT_FILENAME,
            self.RESULTS_FILENAME,
        ]  # fmt: skip
        return calcinfo


def faults_of_interpreter(name: str, code: orm.AbstractCode) -> Iterator[str]:
    """Look for a code that is no Python interpreter, as far as its plugin says so.

    :param name: name of the input.
    """
    plugin = code.default_calc_job_plugin
    if plugin and plugin not in PYTHON_PLUGINS:
        yield (
            f'Input `{name}` is a code for `{plugin}`, but a Python interpreter is needed, registered for one of '
            f'{", ".join(f"`{known}`" for known in PYTHON_PLUGINS)}.'
        )
