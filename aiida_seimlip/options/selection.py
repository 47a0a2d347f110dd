"""Options of the selection for committees."""

from __future__ import annotations

from pydantic import Field

from aiida_seimlip.options.base import Options


class CommitteeSelectOptions(Options):
    """How many candidates are selected, and by what."""

    n_frames: int = Field(default=24, ge=1, description='Candidates that are selected at most.')
    grade_weight: float = Field(
        default=0.5, ge=0, le=1,
        description='Weight w of the grade g against the novelty d in the score g^w d^(1-w), by which one frame after '
        'the other is selected: 0 spreads the frames as widely as possible, 1 takes the highest grades of what is new.',
    )  # fmt: skip
    min_novelty: float = Field(
        default=1e-3, ge=0,
        description='A frame is known if each of its neighbourhoods is nearer than this to a known one of the same '
        'element, in standard deviations of the descriptors over the training set.',
    )  # fmt: skip
    level: int = Field(
        default=8, ge=6, le=28, multiple_of=2,
        description='Level of the moment tensor potential whose basis describes neighbourhoods.',
    )  # fmt: skip
    cutoff: float | None = Field(
        default=None, gt=0, description='Of the descriptors in Å; none: that of the potential.'
    )
    seed: int = Field(default=0, ge=0, description='Of the radial functions of the descriptors.')
