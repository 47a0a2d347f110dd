"""CalcJob that evaluates a moment tensor potential with ``mlp calculate_efs``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.engine import CalcJobProcessSpec

from aiida_seimlip.calculations.mlip3_base import Mlip3Calculation
from aiida_seimlip.calculations.validation import faults_of_frames, faults_of_potential
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.science.frames import Frames


class Mlip3EvaluateCalculation(Mlip3Calculation):
    """Find the energy, forces and stress that a potential predicts for each frame."""

    COMMAND = 'calculate_efs'
    PARSER = 'seimlip.mlip3.evaluate'
    INPUT_FILE = 'in.cfg'
    OUTPUT_FILE = 'out.cfg'

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the ports."""
        super().define(spec)
        spec.input('potential', valid_type=PotentialData, help='Trained potential.')
        spec.input('frames', valid_type=FramesData, help='Frames to evaluate.')
        spec.output('evaluated', valid_type=FramesData, help='The same frames with the predictions as their labels.')
        spec.output(
            'errors', valid_type=orm.Dict, required=False,
            help='Errors of the predictions in eV, eV/Å and GPa, if all frames were labelled.',
        )  # fmt: skip

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong."""
        yield from super().find_faults(inputs)
        if 'potential' in inputs:
            yield from faults_of_potential('potential', inputs['potential'])
            if 'frames' in inputs:
                yield from faults_of_frames('frames', inputs['frames'], inputs['potential'].species)

    def get_configurations(self) -> dict[str, Frames]:
        """Return the frames without the labels that they may carry."""
        return {self.INPUT_FILE: self.inputs.frames.get_frames().replace(grades=None).without_labels()}

    def get_arguments(self) -> list[str]:
        """Return the arguments of ``mlp calculate_efs``, which overwrites its input unless it is told not to."""
        return [self.POTENTIAL_FILE, self.INPUT_FILE, f'--output_filename={self.OUTPUT_FILE}']
