"""Options of `CrossExaminationWorkChain`."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from aiida_seimlip.options.base import Options
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.expected import NEARLY_ALL


class CrossExaminationOptions(Options):
    """How far two models may be apart, and which frames are kept where they are further."""

    level: float = Field(
        default=NEARLY_ALL, gt=0, lt=1,
        description='Quantile of the errors of forces by which a model is allowed to be wrong; among the levels of its '
        'calibration, if it has one.',
    )  # fmt: skip
    threshold: float = Field(
        default=0.3,
        gt=0,
        description='Disagreement of the forces on an atom in eV/Å that is allowed where neither model tells its '
        'errors.',
    )
    min_allowed: float = Field(
        default=0.1, ge=0,
        description='Disagreement in eV/Å that is allowed in any case: the members of a committee may be close to each '
        'other by chance.',
    )  # fmt: skip
    min_ratio: float = Field(
        default=1.5,
        gt=0,
        description='Disagreement over what is allowed, above which an atom makes its frame one of disagreement. At 1 '
        'one atom in twenty is beyond what 95 % allow by chance alone, and so nearly every frame of many atoms.',
    )
    max_frames: int = Field(default=50, ge=0, description='Frames of disagreement that are kept, the worst first.')
    min_steps: int = Field(
        default=0, ge=0,
        description='Frames of one run that are fewer MD steps than this from a worse one are left out.',
    )  # fmt: skip
    max_examined: int = Field(
        default=1000, ge=1, description='Frames that are evaluated at most; of more, some are drawn evenly.'
    )
    n_windows: int = Field(default=10, ge=1, description='Parts that the time of a run is divided into.')
    processes: int = Field(default=1, ge=1, description='Frames evaluated side by side, each in its own process.')
    seconds_per_frame: float | None = Field(default=3600.0, gt=0, description='Time limit of each frame in s.')

    def evaluation(self, calculator: CalculatorOptions) -> dict[str, Any]:
        """Return the parameters of the job that evaluates the frames with a model, as `AseOptions`.

        :param calculator: the model.
        """
        return {
            'calculator': calculator.to_dict(), 'task': 'single_point', 'stress': False, 'processes': self.processes,
            'seconds_per_frame': self.seconds_per_frame,
        }  # fmt: skip
