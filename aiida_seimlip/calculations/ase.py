"""The CalcJob ``seimlip.ase``: a batch of frames through any ASE calculator."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.common.datastructures import CalcInfo, CodeInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJob, CalcJobProcessSpec

from aiida_seimlip.calculations.remote_files import (
    faults_of_calculator,
    faults_of_species,
    write_calculator,
    write_scripts,
)
from aiida_seimlip.calculations.validation import CheckedInputs, faults_of_code
from aiida_seimlip.calculations.walltime import time_limit
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.ase import AseOptions
from aiida_seimlip.science.frames import Frames

UPLOADED_ARRAYS = ('numbers', 'positions', 'ptr', 'cells', 'pbc', 'velocities')


class AseCalculation(CheckedInputs, CalcJob):
    """Label, relax or run molecular dynamics from many frames in one job, with any ASE calculator.

    The code is a Python interpreter on the remote computer that can import numpy, ASE and the calculator; this package
    need not be there. Each finished frame is written at once, so that a killed job loses only what it was working on.
    """

    SCRIPT_FILENAME = 'run_ase.py'
    OPTIONS_FILENAME = 'options.json'
    FRAMES_FILENAME = 'frames.npz'
    RESULTS_FILENAME = 'results.jsonl'
    STDOUT_FILENAME = 'ase.out'
    STDERR_FILENAME = 'ase.err'

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the ports and exit codes."""
        super().define(spec)
        spec.input('frames', valid_type=FramesData, help='The frames; labels that they carry are ignored.')
        spec.input('parameters', **AseOptions.port('The calculator, and what to do with each frame.'))
        spec.input(
            'potential', valid_type=PotentialData, required=False,
            help='What the calculator is given, if it is one of potentials (`mtp`, `motep`, `mace`).',
        )  # fmt: skip
        metadata: Any = spec.inputs['metadata']
        metadata['options']['resources'].default = lambda: {'num_machines': 1, 'num_mpiprocs_per_machine': 1}
        metadata['options']['parser_name'].default = 'seimlip.ase'
        metadata['options']['withmpi'].default = False
        spec.inputs['code'].required = True
        spec.inputs.validator = cls.validate_inputs  # type: ignore[assignment]

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
            310, 'ERROR_CALCULATOR_SETUP', invalidates_cache=True,
            message='The calculator `{name}` of the input `parameters` could not be set up with the input `code`: '
            '{reason}',
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
        if 'code' in inputs:
            yield from faults_of_code('code', inputs['code'], 'seimlip.ase')
        if 'frames' not in inputs:
            return
        n_frames = inputs['frames'].n_frames
        if not n_frames:
            yield 'Input `frames` holds no frames.'
        if 'parameters' in inputs:
            options = AseOptions.from_node(inputs['parameters'])
            yield from faults_of_calculator(options.calculator, inputs)
            try:
                options.temperatures(n_frames)
            except ValueError as exception:
                yield f'Input `parameters` does not fit input `frames`: {exception}'
        yield from faults_of_species('frames', inputs['frames'].elements, inputs.get('potential'))

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Write the script, its options and the frames.

        :param folder: where the files of the job are gathered.
        """
        frames = self.inputs.frames.get_frames()
        options = AseOptions.from_node(self.inputs.parameters)
        limit = time_limit(self.inputs.metadata.options.get('max_wallclock_seconds'))
        write_scripts(folder, self.SCRIPT_FILENAME)
        calculator, left_out = write_calculator(folder, options.calculator, self.inputs.get('potential'))
        with folder.open(self.OPTIONS_FILENAME, 'w') as handle:
            json.dump(options.to_remote(len(frames), limit, calculator), handle, indent=1)
        with folder.open(self.FRAMES_FILENAME, 'wb') as handle:
            handle.write(pack(frames))

        codeinfo = CodeInfo()
        codeinfo.code_uuid = self.inputs.code.uuid
        codeinfo.cmdline_params = [self.SCRIPT_FILENAME]
        codeinfo.stdout_name = self.STDOUT_FILENAME
        codeinfo.stderr_name = self.STDERR_FILENAME
        calcinfo = CalcInfo()
        calcinfo.codes_info = [codeinfo]
        calcinfo.provenance_exclude_list = [self.FRAMES_FILENAME, *left_out]  # input nodes hold them
        calcinfo.retrieve_list = [self.STDOUT_FILENAME, self.STDERR_FILENAME]
        calcinfo.retrieve_temporary_list = [self.RESULTS_FILENAME]  # the output nodes hold it
        return calcinfo


def pack(frames: Frames) -> bytes:
    """Return the arrays that the remote script needs as an npz archive."""
    buffer = io.BytesIO()
    arrays = {name: getattr(frames, name) for name in UPLOADED_ARRAYS}
    np.savez(buffer, **{name: array for name, array in arrays.items() if array is not None})
    return buffer.getvalue()
