"""The CalcJob ``seimlip.ase.neb``: a nudged elastic band with any ASE calculator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import CalcJobProcessSpec

from aiida_seimlip.calculations.calculators import faults_of_calculator, faults_of_periodicity, faults_of_species
from aiida_seimlip.calculations.script import ScriptCalculation
from aiida_seimlip.calculations.validation import faults_of_fixed
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.options.barrier.neb import BandOptions
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.science.frames import Frames


class NebCalculation(ScriptCalculation):
    """Relax a band of images to the path of lowest energy between its ends, with any ASE calculator.

    The band is saved as it goes, so that one that was cut off by the wall time is kept, and can be gone on with.
    """

    SCRIPT_FILENAME = 'run_neb.py'
    MODULE_FILENAMES = ('pool.py',)
    BAND_FILENAME = 'band.npz'
    RESULTS_FILENAME = 'results.json'
    TEMPORARY_FILENAMES = (BAND_FILENAME, RESULTS_FILENAME)
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
        metadata: Any = spec.inputs['metadata']
        metadata['options']['parser_name'].default = 'seimlip.ase.neb'

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
        yield from super().find_faults(inputs)
        if 'images' not in inputs:
            return
        if 'parameters' in inputs:
            calculator = BandOptions.from_node(inputs['parameters']).calculator
            yield from faults_of_calculator(calculator, inputs)
            yield from faults_of_periodicity('images', inputs['images'], calculator)
        yield from faults_of_species('images', inputs['images'].elements, inputs.get('potential'))
        yield from faults_of_band(inputs['images'])
        if 'parameters' in inputs:
            yield from faults_of_fixed(BandOptions.from_node(inputs['parameters']).fixed, inputs['images'], 'images')

    def frames_for_script(self) -> Frames:
        """Return the images."""
        frames: Frames = self.inputs.images.get_frames()
        return frames

    def calculator_options(self) -> CalculatorOptions:
        """Return which calculator the script uses."""
        return BandOptions.from_node(self.inputs.parameters).calculator

    def options_for_script(self, calculator: dict[str, Any], time_limit_seconds: float | None) -> dict[str, Any]:
        """Return what the script reads."""
        return BandOptions.from_node(self.inputs.parameters).to_remote(time_limit_seconds, calculator)


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
    elif np.any(frames.pbc != frames.pbc[0]):
        yield 'Input `images` holds frames that are periodic in different directions, but a band has one periodicity.'
    elif not np.allclose(frames.cells, frames.cells[0], rtol=0.0, atol=1e-6):
        yield 'Input `images` holds different cells, but a band has one.'
