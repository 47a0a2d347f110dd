"""How reports tell the error of a force that is to be expected at the highest grade."""

from __future__ import annotations

from collections.abc import Iterable

from aiida_seimlip.options.expected import ExpectedForceError
from aiida_seimlip.report.tables import Cell, Column

EXPECTED = (
    Column('expected_force_error_median_ev_per_angstrom', 'expected force error, median', 'eV/Å', digits=2),
    Column('expected_force_error_p95_ev_per_angstrom', 'expected force error, 95 % below', 'eV/Å', digits=2),
)
"""Columns beside that of the highest grade."""

UNKNOWN = 'expected force error not known'


def expected_cells(record: ExpectedForceError | None) -> list[Cell]:
    """Return the cells of the columns `EXPECTED`, empty where the error is not known.

    :param record: None where no grade is known.
    """
    if record is None:
        return [Cell(), Cell()]
    return [Cell(record.median_ev_per_angstrom), Cell(record.p95_ev_per_angstrom)]


def is_known(record: ExpectedForceError | None) -> bool:
    """Tell whether a quantile of the error is known.

    :param record: None where nothing was recorded.
    """
    return record is not None and record.median_ev_per_angstrom is not None


def describe_expected(record: ExpectedForceError | None) -> str:
    """Write the error for a reader, or why it is not known.

    :param record: None where nothing was recorded.
    """
    return UNKNOWN if record is None else record.describe()


def describe_largest(graded: Iterable[tuple[float | None, ExpectedForceError | None]]) -> str:
    """Write the error at the highest of several grades, or why it is not known.

    :param graded: grades, and the error at each.
    """
    known = [(grade, record) for grade, record in graded if grade is not None]
    return describe_expected(max(known, key=lambda one: one[0])[1]) if known else UNKNOWN
