"""How large the error of a force is to be expected, where a potential was used."""

from __future__ import annotations

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.options.expected import MEDIAN, NEARLY_ALL, ExpectedForceError


def expect_force_error(potential: PotentialData | None, grade: float | None) -> ExpectedForceError | None:
    """Return how large the error of the force on an atom is at a grade, by the calibration of the potential.

    :param potential: calibrated or not; None for a model that is none.
    :param grade: the highest that was met, None if it is not known.
    :return: None if there is no grade to tell it by.
    """
    if potential is None or grade is None:
        return None
    calibration = potential.calibration
    if calibration is None:
        return ExpectedForceError()
    return ExpectedForceError(
        median_ev_per_angstrom=calibration.quantile(grade, MEDIAN),
        p95_ev_per_angstrom=calibration.quantile(grade, NEARLY_ALL),
        largest_grade=calibration.largest, method=calibration.method,
    )  # fmt: skip
