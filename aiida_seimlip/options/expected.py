"""The error of a force that is to be expected where a potential was used."""

from __future__ import annotations

from pydantic import Field

from aiida_seimlip.options.records import Record

MEDIAN, NEARLY_ALL = 0.5, 0.95
"""Levels of the quantiles of errors of forces that are quoted."""


class ExpectedForceError(Record):
    """How large the error of the force on an atom is at the highest grade, by the calibration of the potential."""

    median_ev_per_angstrom: float | None = Field(
        default=None, description='None where the potential is not calibrated, or not up to this grade.'
    )
    p95_ev_per_angstrom: float | None = Field(default=None, description='The quantile of 95 %.')
    largest_grade: float | None = Field(
        default=None, description='Up to which the potential is calibrated; none if it is not.'
    )
    method: str = Field(default='', description='That errors are against; empty if it is not known.')

    def describe(self) -> str:
        """Write the error for a reader, or why it is not known."""
        if self.median_ev_per_angstrom is not None and self.p95_ev_per_angstrom is not None:
            return (
                f'expected force error: median {self.median_ev_per_angstrom:.2g}, 95 % below '
                f'{self.p95_ev_per_angstrom:.2g} eV/Å'
            )
        if self.largest_grade is None:
            return 'expected force error not known: the potential is not calibrated'
        return f'expected force error not known: calibrated are grades up to {self.largest_grade:.3g}'
