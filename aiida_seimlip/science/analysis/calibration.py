"""Quantiles of the errors of forces by the extrapolation grade: what a calibration says, and how it is written."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

import numpy as np

from aiida_seimlip.science.analysis.coverage import Coverage

Abscissa = Literal['atom_grade', 'frame_grade', 'disagreement']
"""The grade of the atom, the grade of its frame, or |F₁ − F₂| of two potentials on the atom in eV/Å."""


class CalibrationError(ValueError):
    """There is no calibration, or it is none; the message says why."""


@dataclass(frozen=True)
class Calibration:
    """Quantiles of the errors of forces by an abscissa.

    :param abscissa: what they depend on.
    :param levels: of the quantiles, rising, between 0 and 1.
    :param edges: upper ends of the bins of the abscissa, rising. Nothing is known beyond the last; the first bin begins
        at 0.
    :param quantiles: of ``|ΔF|`` in eV/Å, for each level one for each bin; they fall neither with bin nor level.
    :param n_frames: that it was learned from.
    :param n_atoms: in these frames.
    :param method: by which they were labelled, empty if that is not known.
    :param coverage: of each level on frames that were held out, empty if that was not tested.
    :raises CalibrationError: if these do not go together.
    """

    abscissa: Abscissa
    levels: tuple[float, ...]
    edges: tuple[float, ...]
    quantiles: tuple[tuple[float, ...], ...]
    n_frames: int
    n_atoms: int
    method: str = ''
    coverage: tuple[Coverage, ...] = ()

    def __post_init__(self) -> None:
        table = np.array(self.quantiles, dtype=float)
        if self.abscissa not in get_args(Abscissa):
            raise CalibrationError(f'The abscissa `{self.abscissa}` is none of {", ".join(get_args(Abscissa))}.')
        if not self.levels or not self.edges or table.shape != (len(self.levels), len(self.edges)):
            raise CalibrationError(
                f'There must be a quantile for each of {len(self.levels)} levels and {len(self.edges)} bins.'
            )
        if not (np.diff([0.0, *self.levels, 1.0]) > 0).all() or not (np.diff(self.edges) > 0).all():
            raise CalibrationError('Levels must rise between 0 and 1, and the ends of the bins must rise.')
        falls = (np.diff(table, axis=0) < 0).any() or (np.diff(table, axis=1) < 0).any()
        if not np.isfinite(table).all() or (table < 0).any() or falls:
            raise CalibrationError('The quantiles must be finite, not negative, and fall neither with bin nor level.')

    @property
    def largest(self) -> float:
        """The largest abscissa that is calibrated."""
        return self.edges[-1]

    def predict(self, values: np.ndarray | float) -> np.ndarray:
        """Return the quantiles of ``|ΔF|`` in eV/Å, nan beyond what is calibrated; shape (..., n_levels).

        :param values: of the abscissa.
        """
        values = np.asarray(values, dtype=float)
        table = np.column_stack([np.array(self.quantiles), np.full(len(self.levels), np.nan)])
        bins = np.searchsorted(self.edges, values)
        return table.T[np.where(np.isfinite(values), bins, len(self.edges))]

    def quantile(self, value: float, level: float) -> float | None:
        """Return one quantile of ``|ΔF|`` in eV/Å, None beyond what is calibrated.

        :param value: of the abscissa.
        :param level: one of `levels`.
        :raises CalibrationError: if the level is not among them.
        """
        if level not in self.levels:
            raise CalibrationError(f'The level {level:g} was not calibrated: {", ".join(map(str, self.levels))} were.')
        found = float(self.predict(value)[self.levels.index(level)])
        return None if math.isnan(found) else found

    def to_dict(self) -> dict[str, Any]:
        """Return the calibration as plain JSON types, None in the place of numbers that are not known."""
        lists = {'levels': list(self.levels), 'edges': list(self.edges), 'quantiles': [*map(list, self.quantiles)]}
        return {**asdict(self), **lists, 'coverage': [one.to_dict() for one in self.coverage]}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Calibration:
        """Return the calibration that `to_dict` has written.

        :param content: of it.
        :raises CalibrationError: if it is none.
        """
        try:
            coverage = tuple(Coverage.from_dict(one) for one in content.get('coverage', ()))
            lists = {name: tuple(content[name]) for name in ('levels', 'edges')}
            quantiles = tuple(tuple(row) for row in content['quantiles'])
            return cls(**{**content, **lists, 'quantiles': quantiles, 'coverage': coverage})
        except (KeyError, TypeError) as exception:
            raise CalibrationError(f'This is no calibration: {exception}') from exception
