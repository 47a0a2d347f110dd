"""What `CrossExaminationWorkChain` finds: the content of the output `audit`.

The output `points` holds, one value for each frame that both models have evaluated: ``indices`` (in the input
`frames`), ``steps`` (MD step, -1 if unknown), ``norms`` and ``allowed`` (eV/Å, of the atom with the largest ratio),
``ratios`` (the largest), ``shares`` (of its atoms beyond what is allowed); and of each atom ``atom_norms`` and
``atom_allowed`` (eV/Å).
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from aiida_seimlip.options.records import Record

Source = Literal['calibration', 'committee', 'other', 'threshold']


class WitnessRecord(Record):
    """One of the two models, and what is known of its errors."""

    method: str = Field(default='', description='Who is behind the name.')
    source: Source = Field(
        description='Where its errors are from: its calibration, the deviation of its committee, those of the other '
        'model, which it is taken to share, or the threshold.'
    )
    error_ev_per_angstrom: float | None = Field(
        default=None, description='Median over the atoms of the quantile of its error; none with the threshold.'
    )
    n_beyond: int = Field(default=0, description='Atoms with a grade beyond what it is calibrated for.')


class ElementRecord(Record):
    """The atoms of one element."""

    n_atoms: int
    share: float = Field(description='Of them beyond what is allowed.')
    rms_ev_per_angstrom: float = Field(description='Root mean square of the disagreement.')
    largest_ev_per_angstrom: float


class WindowRecord(Record):
    """A part of the time."""

    first_step: int
    last_step: int
    n_frames: int
    share: float = Field(description='Of the atoms beyond what is allowed.')
    largest_ratio: float


class DisagreementRecord(Record):
    """An atom on which two models disagree."""

    frame: int = Field(description='Index in the input `frames`.')
    atom: int = Field(description='Index in the frame.')
    symbol: str
    step: int | None = Field(default=None, description='MD step; none if unknown.')
    norm_ev_per_angstrom: float
    allowed_ev_per_angstrom: float
    ratio: float


class CrossExaminationResults(Record):
    """Where two models disagree by more than their errors allow."""

    models: dict[str, WitnessRecord] = Field(default_factory=dict, description='By the name of the model.')
    level: float = Field(description='Quantile of the errors that is allowed.')
    min_ratio: float = Field(description='Above which a frame is one of disagreement.')
    n_frames: int = Field(default=0, description='That both models have evaluated.')
    n_atoms: int = Field(default=0, description='In these frames.')
    share_expected: float | None = Field(
        default=None,
        description='Of the atoms beyond what is allowed, if both err as told; none with the threshold.',
    )  # fmt: skip
    share_atoms: float | None = Field(default=None, description='Of the atoms beyond what is allowed.')
    share_frames: float | None = Field(default=None, description='Of the frames of disagreement.')
    by_element: dict[str, ElementRecord] = Field(default_factory=dict)
    over_time: list[WindowRecord] = Field(default_factory=list, description='Empty if no steps are known.')
    largest: DisagreementRecord | None = Field(default=None, description='The largest ratio.')
    first: DisagreementRecord | None = Field(
        default=None, description='Of the first frame of disagreement by its step; none if there is none, or no step.'
    )
    kept: list[int] = Field(default_factory=list, description='Indices in the input `frames`, the worst first.')
    n_alike: int = Field(
        default=0, description='Frames of disagreement left out as copies or neighbours of worse ones.'
    )
    failed: dict[str, str] = Field(
        default_factory=dict, description='Frames that a model has not evaluated, by their index, and why.'
    )
    doubts: list[str] = Field(default_factory=list, description='What to distrust, in sentences.')
