"""The contract of the socket `path`: a program that finds the path of lowest energy between two minima."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ProcessSpec

from aiida_seimlip.calculations.calculators import faults_of_calculator
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.engines.contract import SocketWorkChain
from aiida_seimlip.options.ase import RelaxOptions
from aiida_seimlip.options.calculator import CalculatorOptions


class PathWorkChain(SocketWorkChain):
    """Relax a band of images to the path of lowest energy, with the nudged elastic band method.

    The band is converged where the largest force across the path (without its component along the path, and without the
    forces of the springs) on any atom of any image between the ends is small, that of a climbing image taken whole. A
    band that does not get there is no loss: its last state is returned with the exit code that says so.

    With `relax`, each of the images is relaxed by itself instead. That is what the ends of a band need beforehand, with
    the same program and the same settings: else they would be no minima.
    """

    socket = 'path'
    supports_relaxation: ClassVar[bool] = True
    """Whether the adapter relaxes images by themselves."""
    supports_fixed_atoms: ClassVar[bool] = True
    """Whether the adapter keeps atoms in place."""

    @classmethod
    def define(cls, spec: ProcessSpec) -> None:  # type: ignore[override]
        """Define the ports."""
        super().define(spec)
        spec.input(
            'images', valid_type=FramesData, validator=validate_images,
            help='The band to begin with, both ends included: the same atoms in the same order and the same cell, '
            'positions that go from image to image without jumps across the cell. With `relax`, any frames.',
        )  # fmt: skip
        spec.input(
            'potential', valid_type=PotentialData, required=False,
            help='The potential, trained; an engine whose calculator is complete in itself needs none.',
        )  # fmt: skip
        spec.input(
            'relax', **RelaxOptions.port('Relax each image by itself with these settings, instead of the band.',
            required=False),
        )  # fmt: skip
        spec.input(
            'fixed', valid_type=orm.List, serializer=orm.to_aiida_type, required=False,
            help='Indices of atoms, from 0, that stay where they are in all images.',
        )  # fmt: skip
        spec.output(
            'path', valid_type=FramesData, required=False,
            help='The images in the order of the input, with energies (eV) and forces (eV/Å): those of the last state '
            'of the band, or the relaxed ones.',
        )  # fmt: skip
        spec.output(
            'results', valid_type=orm.Dict, required=False,
            help='`is_converged`, `fmax` (largest force across the path in eV/Å; none if unknown), `n_steps` (in all '
            'jobs), `n_jobs`, `is_climbing` (whether the highest image climbed), `message` (none if all is well), '
            '`seconds` (of wall time, of the jobs).',
        )  # fmt: skip
        spec.exit_code(
            310, 'ERROR_PROGRAM_FAILED',
            message='The path was not found: job {pk} ended with status {status}: {reason}',
        )  # fmt: skip
        spec.exit_code(
            320, 'ERROR_RELAXATION_FAILED',
            message='Image {index} of the input `images` was not relaxed: {reason}',
        )  # fmt: skip
        spec.exit_code(
            400, 'ERROR_NOT_CONVERGED',
            message='The path did not converge in {n_jobs} job(s): the force across it is {fmax:.3g} eV/Å after '
            '{n_steps} steps; the last band is the output `path`.',
        )  # fmt: skip

    @classmethod
    def explain_potential(cls, settings: Mapping[str, Any], potential: PotentialData | None) -> str | None:
        """Say what is wrong with the potential, before any images are known.

        :param settings: of the engine, by port, checked by `explain_settings`.
        :param potential: None if there is none.
        :return: one sentence, or None if all is well.
        """
        parameters = settings['parameters'].get_dict() if 'parameters' in settings else {}
        calculator = parameters.get('calculator')
        if calculator is None:
            return None
        return next(faults_of_calculator(CalculatorOptions.model_validate(calculator), {'potential': potential}), None)


def validate_images(images: FramesData, _: Any) -> str | None:
    """Refuse an empty set, and images of different atoms."""
    if not images.n_frames:
        return 'Input `images` holds no frames.'
    if len(images.formulas) > 1:
        return f'Input `images` holds frames of different atoms: {", ".join(sorted(images.formulas))}.'
    return None
