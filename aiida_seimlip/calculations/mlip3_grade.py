"""CalcJob that finds extrapolation grades with ``mlp calculate_grade``."""

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


class Mlip3GradeCalculation(Mlip3Calculation):
    """Find how far a potential extrapolates on each frame."""

    COMMAND = 'calculate_grade'
    PARSER = 'seimlip.mlip3.grade'
    INPUT_FILE = 'in.cfg'
    OUTPUT_FILE = 'out.cfg'

    @classmethod
    def define(cls, spec: CalcJobProcessSpec) -> None:  # type: ignore[override]
        """Define the ports."""
        super().define(spec)
        spec.input('potential', valid_type=PotentialData, help='Trained potential with an active set.')
        spec.input('frames', valid_type=FramesData, help='Frames to grade; labels are not needed.')
        spec.output('graded', valid_type=FramesData, help='The same frames with their grades; labels and origin stay.')
        spec.output(
            'results', valid_type=orm.Dict, help='`highest_grade`, `grades` in the order of the frames, and '
            '`output_files`: the names tell an MPI build, which appends the rank.',
        )  # fmt: skip
        spec.default_output_node = 'results'

    @classmethod
    def find_faults(cls, inputs: Mapping[str, Any]) -> Iterator[str]:
        """Yield one sentence for each input that is wrong."""
        yield from super().find_faults(inputs)
        if 'potential' in inputs:
            yield from faults_of_potential('potential', inputs['potential'], active_set=True)
            if 'frames' in inputs:
                yield from faults_of_frames('frames', inputs['frames'], inputs['potential'].species)

    def get_configurations(self) -> dict[str, Frames]:
        """Return the frames; their grades do not depend on labels."""
        return {self.INPUT_FILE: self.inputs.frames.get_frames().replace(grades=None).without_labels()}

    def get_arguments(self) -> list[str]:
        """Return the arguments of ``mlp calculate_grade``."""
        return [self.POTENTIAL_FILE, self.INPUT_FILE, self.OUTPUT_FILE]
