"""The CalcJob ``seimlip.ase.neb``: a nudged elastic band with any ASE calculator."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.common.datastructures import CalcInfo, CodeInfo
from aiida.common.folders import Folder
from aiida.engine import CalcJob, CalcJobProcessSpec

from aiida_seimlip.calculations.ase import pack
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
from aiida_seimlip.options.neb import BandOptions
from aiida_seimlip.science.frames import Frames


class NebCalculation(CheckedInputs, CalcJob):
    """Relax a band of images to the path of lowest energy between its ends, with any ASE calculator.

    The code is a Python interpreter on the remote computer that can import numpy, ASE and the calculator; this package
    need not be there, but for the calculator `mtp`. The band is saved as it goes, so that one that was cut off by the
    wall time is kept, and can be gone on with.
    """

    SCRIPT_FILENAME = 'run_neb.py'
    POOL_FILENAME = 'pool.py'
    OPTIONS_FILENAME = 'options.json'
    FRAMES_FILENAME = 'frames.npz'
    BAND_FILENAME = 'band.npz'
    RESULTS_FILENAME = 'results.json'
    STDOUT_FILENAME = 'neb.out'
    STDERR_FILENAME = 'neb.err'

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the ports and exit codes."""
        super().define(spec)
        spec.input(
            'images', valid_type=FramesData, help='The band to begin with, both ends included; the ends do not move.'
        )
        spec.input('parameters', **BandOptions.port('The calculator, and how the band is relaxed.'))
        spec.input(
            'potential', valid_type=PotentialData, required=False,
            help='What the calculator is given, if it is one of potentials (`mtp`, `motep`, `mace`).',
        )  # fmt: skip
        metadata: Any = spec.inputs['metadata']
        metadata['options']['resources'].default = lambda: {'num_machines': 1, 'num_mpiprocs_per_machine': 1}
        metadata['options']['parser_name'].default = 'seimlip.ase.neb'
        metadata['options']['withmpi'].default = False
        spec.inputs['code'].required = True
        spec.inputs.validator = cls.validate_inputs  # type: ignore[assignment]

        spec.output(
            'path', valid_type=FramesData, required=False,
            help='The last band that was calculated as a whole, with energies (eV) and forces (eV/Å).',
        )  # fmt: skip
        spec.output(
            'results', valid_type=orm.Dict, required=False,
            help='`is_converged`, `fmax` (largest force across the path in eV/Å), `n_steps`, `is_climbing`, `status`, '
            '`message`, `seconds`, `versions`; for each step in `residuals` the force across the path in eV/Å, and in '
            '`highest` the energy of the highest image above the first in eV.',
        )  # fmt: skip
        spec.exit_code(
            300, 'ERROR_OUTPUT_MISSING', invalidates_cache=True,
            message='The file `{filename}` was not retrieved: the script did not come to the first complete band.',
        )  # fmt: skip
        spec.exit_code(
            301, 'ERROR_OUTPUT_INVALID', invalidates_cache=True,
            message='The file `{filename}` holds results that do not fit the input `images`: {reason}',
        )  # fmt: skip
        spec.exit_code(
            310, 'ERROR_CALCULATOR_SETUP', invalidates_cache=True,
            message='The calculator `{name}` of the input `parameters` could not be set up with the input `code`: '
            '{reason}',
        )  # fmt: skip
        spec.exit_code(
            320, 'ERROR_IMAGE_FAILED',
            message='An image of the input `images`, or one that came of it after {n_steps} steps, has no energy or '
            'forces: {reason}',
        )  # fmt: skip
        spec.exit_code(
            400, 'ERROR_OUT_OF_WALLTIME', invalidates_cache=True,
            message='The wall time ended after {n_steps} steps of the band; the force across it was {fmax} eV/Å.',
        )  # fmt: skip
        spec.exit_code(
            401, 'ERROR_INTERRUPTED', invalidates_cache=True,
            message='The job was stopped from outside after {n_steps} steps of the band.',
        )  # fmt: skip
        spec.exit_code(
            402, 'ERROR_OUT_OF_DISK', invalidates_cache=True,
            message='The disk was full after {n_steps} steps of the band: {reason}',
        )  # fmt: skip
        spec.exit_code(
            410, 'ERROR_NOT_CONVERGED',
            message='The band did not converge: {reason}',
        )  # fmt: skip

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong; an input may be absent where a workflow gives it later."""
        if 'code' in inputs:
            yield from faults_of_code('code', inputs['code'], 'seimlip.ase')
        if 'images' not in inputs:
            return
        if 'parameters' in inputs:
            yield from faults_of_calculator(BandOptions.from_node(inputs['parameters']).calculator, inputs)
        yield from faults_of_species('images', inputs['images'].elements, inputs.get('potential'))
        yield from faults_of_band(inputs['images'])

    def prepare_for_submission(self, folder: Folder) -> CalcInfo:
        """Write the script, its options and the images.

        :param folder: where the files of the job are gathered.
        """
        options = BandOptions.from_node(self.inputs.parameters)
        limit = time_limit(self.inputs.metadata.options.get('max_wallclock_seconds'))
        write_scripts(folder, self.SCRIPT_FILENAME, self.POOL_FILENAME)
        calculator, left_out = write_calculator(folder, options.calculator, self.inputs.get('potential'))
        with folder.open(self.OPTIONS_FILENAME, 'w') as handle:
            json.dump(options.to_remote(limit, calculator), handle, indent=1)
        with folder.open(self.FRAMES_FILENAME, 'wb') as handle:
            handle.write(pack(self.inputs.images.get_frames()))

        codeinfo = CodeInfo()
        codeinfo.code_uuid = self.inputs.code.uuid
        codeinfo.cmdline_params = [self.SCRIPT_FILENAME]
        codeinfo.stdout_name = self.STDOUT_FILENAME
        codeinfo.stderr_name = self.STDERR_FILENAME
        calcinfo = CalcInfo()
        calcinfo.codes_info = [codeinfo]
        calcinfo.provenance_exclude_list = [self.FRAMES_FILENAME, *left_out]  # input nodes hold them
        calcinfo.retrieve_list = [self.STDOUT_FILENAME, self.STDERR_FILENAME]
        calcinfo.retrieve_temporary_list = [self.BAND_FILENAME, self.RESULTS_FILENAME]  # the output nodes hold them
        return calcinfo


def faults_of_band(images: FramesData) -> Iterator[str]:
    """Look for images that make no band.

    :param images: both ends included.
    """
    if images.n_frames < 3:
        yield f'Input `images` holds {images.n_frames} frame(s), but a band has two ends and an image between at least.'
        return
    frames: Frames = images.get_frames()
    if len(set(frames.sizes.tolist())) > 1 or np.any(frames.numbers.reshape(len(frames), -1) != frames[0].numbers):
        yield 'Input `images` holds different atoms, or the same atoms in another order.'
    elif not np.allclose(frames.cells, frames.cells[0], rtol=0.0, atol=1e-6):
        yield 'Input `images` holds different cells, but a band has one.'
