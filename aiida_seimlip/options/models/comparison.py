"""Options that all comparisons of models on the same frames have in common."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.models.sampling import SamplingOptions

LABELS = 'labels'
"""Names as the reference what the frames given carry."""


class ComparisonOptions(Options):
    """What the models are compared with, on which frames, and how sure the numbers are."""

    reference: str = Field(
        description=f'Name of the model that the others are compared with; `{LABELS}`: the labels that the frames of '
        'the input `frames` carry.'
    )
    sampling: SamplingOptions | None = Field(
        default=None, description='The dynamics that frames are drawn from; none: those of the input `frames`.'
    )
    seed: int = Field(ge=0, description='All random numbers are derived from it: velocities and resamples.')
    n_resamples: int = Field(default=1000, ge=100, description='Resamples of each bootstrap interval.')
    confidence: float = Field(default=0.95, gt=0, lt=1, description='Probability that an interval aims at.')
    common_frames: bool = Field(
        default=True, description='Compare all models on the frames that every one has evaluated, apart from models '
        'that have evaluated none; false: each on the frames that it and the reference have evaluated.',
    )  # fmt: skip
    n_worst: int = Field(default=10, ge=0, description='Worst frames of each model that are listed.')
    stress: bool = Field(default=True, description='Compare stresses as well, where cells are periodic.')
    processes: int = Field(default=1, ge=1, description='Frames evaluated side by side, each in its own process.')
    seconds_per_frame: float | None = Field(default=3600.0, gt=0, description='Time limit of each frame in s.')

    def evaluation(self, calculator: CalculatorOptions) -> dict[str, Any]:
        """Return the parameters of the job that evaluates the frames with a model, as `AseOptions`.

        :param calculator: the model.
        """
        return {
            'calculator': calculator.to_dict(), 'task': 'single_point', 'stress': self.stress,
            'processes': self.processes, 'seconds_per_frame': self.seconds_per_frame,
        }  # fmt: skip
