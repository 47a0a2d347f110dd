"""What `CalibrationWorkChain` finds: the content of the output `properties`.

The output `points` holds these arrays, one value for each atom: ``grades``, ``force_errors`` (|ΔF| in eV/Å), ``frames``
(index in the input `frames`) and, with a second potential, ``disagreements`` (|F₁ − F₂| in eV/Å).
"""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field

from aiida_seimlip.options.records import Record
from aiida_seimlip.science.analysis.calibration import Abscissa, Calibration
from aiida_seimlip.science.analysis.coverage import Coverage


class CoverageRecord(Record):
    """How often errors of forces on held-out frames were below a quantile."""

    level: float = Field(description='What the share should be.')
    share: float | None = Field(default=None, description='Of the atoms, all frames alike; none if not tested.')
    low: float | None = Field(default=None, description='Lower limit of its interval of 95 %.')
    high: float | None = Field(default=None, description='Upper limit of its interval.')
    n_frames: int = Field(default=0, description='Frames that were tested.')
    n_atoms: int = Field(default=0, description='Atoms that were tested.')


class CurveRecord(Record):
    """Quantiles of the length of the error of the force on an atom, |ΔF|, by an abscissa."""

    abscissa: Abscissa = Field(
        description='The grade of the atom, the grade of its frame, or the disagreement of two potentials in eV/Å.'
    )
    levels: list[float] = Field(description='Of the quantiles.')
    upper_ends: list[float] = Field(
        description='Of the bins of the abscissa; the first begins at 0, and nothing is known beyond the last.'
    )
    force_errors_ev_per_angstrom: list[list[float]] = Field(
        description='Quantiles of |ΔF|, for each level one for each bin.'
    )
    n_frames: int = Field(description='That it was learned from.')
    n_atoms: int = Field(description='In these frames.')
    method: str = Field(default='', description='By which they were labelled.')
    coverage: list[CoverageRecord] = Field(
        default_factory=list, description='Of each level, on held-out halves of the frames.'
    )
    coverage_by_bin: list[CoverageRecord] = Field(
        default_factory=list, description='Of the highest level that could be tested, in each bin.'
    )
    rank_correlation: float | None = Field(
        default=None, description="Spearman's, of the abscissa and |ΔF|; none if one of them is the same everywhere."
    )

    @classmethod
    def of(cls, found: Calibration, by_bin: tuple[Coverage, ...], rank_correlation: float | None) -> Self:
        """Return the record of a calibration.

        :param found: with its coverage.
        :param by_bin: the coverage in each bin.
        :param rank_correlation: of abscissa and error.
        """
        content: dict[str, Any] = found.to_dict()
        content['upper_ends'] = content.pop('edges')
        content['force_errors_ev_per_angstrom'] = content.pop('quantiles')
        content['coverage_by_bin'] = [one.to_dict() for one in by_bin]
        return cls(**content, rank_correlation=rank_correlation)

    @property
    def calibration(self) -> Calibration:
        """The calibration."""
        content = self.model_dump(exclude={'coverage_by_bin', 'rank_correlation'})
        content['edges'] = content.pop('upper_ends')
        content['quantiles'] = content.pop('force_errors_ev_per_angstrom')
        return Calibration.from_dict(content)


class LeftOutFrame(Record):
    """A frame that was not used."""

    index: int = Field(description='In the input `frames`.')
    reason: str


class CrossCheckRecord(Record):
    """The same with the disagreement of two potentials in the place of the grade."""

    other_uuid: str = Field(description='Of the second potential.')
    curve: CurveRecord


class CalibrationResults(Record):
    """How large errors of forces are at a grade."""

    potential_uuid: str = Field(description='Of the potential that was calibrated.')
    methods: list[str] = Field(default_factory=list, description='That labelled the frames, as far as known.')
    n_frames: int = Field(default=0, description='That were used.')
    n_atoms: int = Field(default=0, description='In these frames.')
    left_out: list[LeftOutFrame] = Field(default_factory=list)
    grade: CurveRecord | None = Field(default=None, description='By the grade; none if it failed.')
    cross_check: CrossCheckRecord | None = Field(default=None, description='Only with a second potential.')
    failure: str | None = Field(default=None, description='Why there is no calibration.')
    doubts: list[str] = Field(default_factory=list, description='What to distrust, in sentences.')
