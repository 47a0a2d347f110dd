"""Quantities by several models: how every two of them differ, which is better, and whether that is more than chance."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import norm

from aiida_seimlip.options.comparison.results import DifferenceRecord, Goal, QuantityRecord, ValueRecord

HalfWidth = Callable[[str, str], float | None]
"""Half of the width of the interval of the difference of two models, None if it is not known."""


def make_quantity(
    values: Mapping[str, ValueRecord], goal: Goal, *, confidence: float, reference: ValueRecord | None = None,
    half_width: HalfWidth | None = None, **facts: Any,
) -> QuantityRecord:  # fmt: skip
    """Return a quantity with the differences of every two models.

    :param values: by the name of the model.
    :param goal: what is wanted of it.
    :param confidence: of the intervals.
    :param reference: its value by the reference.
    :param half_width: of the intervals; by default from the standard errors, of normal errors.
    :param facts: all other fields of the `QuantityRecord`.
    """
    if goal == 'reference' and reference is None:
        goal = 'none'
    differences: list[DifferenceRecord] = []
    if goal != 'none':
        for one, other in itertools.combinations(values, 2):
            difference = _distance(values[one], goal, reference) - _distance(values[other], goal, reference)
            if half_width is not None:
                width = half_width(one, other)
            else:
                width = _normal_width(values[one], values[other], goal, reference, confidence)
            differences.append(describe_difference(one, other, difference, width, goal))
    return QuantityRecord(
        **facts, goal=goal, reference=reference, values=dict(values), differences=differences,
        best=find_best(list(values), differences),
    )  # fmt: skip


def describe_difference(
    one: str, other: str, difference: float, half_width: float | None, goal: Goal
) -> DifferenceRecord:  # fmt: skip
    """Return the record of a difference with an interval of equal halves.

    :param one: name of the first model.
    :param other: name of the second.
    :param difference: as in `DifferenceRecord`.
    :param half_width: of its interval, None if it is not known.
    :param goal: what is wanted.
    """
    if half_width is None:
        return DifferenceRecord(one=one, other=other, difference=difference)
    return with_interval(one, other, (difference, difference - half_width, difference + half_width), goal)


def with_interval(one: str, other: str, estimate: Sequence[float], goal: Goal) -> DifferenceRecord:
    """Return the record of a difference.

    :param one: name of the first model.
    :param other: name of the second.
    :param estimate: value, lower and upper limit, which are nan where they are not known.
    :param goal: what is wanted.
    """
    value, low, high = map(float, estimate)
    if not (np.isfinite(low) and np.isfinite(high)):
        return DifferenceRecord(one=one, other=other, difference=value)
    first, second = (other, one) if goal == 'highest' else (one, other)
    better = first if high < 0.0 else second if low > 0.0 else None
    return DifferenceRecord(one=one, other=other, difference=value, low=low, high=high, better=better)


def find_best(names: Sequence[str], differences: Sequence[DifferenceRecord]) -> str | None:
    """Return the model that is better than every other one, None if there is none.

    :param names: of all models.
    :param differences: of every two.
    """
    wins = [record.better for record in differences]
    return next((name for name in names if len(names) > 1 and wins.count(name) == len(names) - 1), None)


def _distance(value: ValueRecord, goal: Goal, reference: ValueRecord | None) -> float:
    """Return what is compared: the value, or how far it is from that of the reference."""
    if goal != 'reference' or reference is None:
        return value.value
    return abs(value.value - reference.value)


def _normal_width(
    one: ValueRecord, other: ValueRecord, goal: Goal, reference: ValueRecord | None, confidence: float
) -> float | None:
    """Return half of the width of the interval of a difference from standard errors.

    The error of the reference cancels where both models are on one side of it, and counts twice where they are not.
    """
    if one.error is None or other.error is None:
        return None
    variance = one.error**2 + other.error**2
    if goal == 'reference' and reference is not None:
        opposite = (one.value - reference.value) * (other.value - reference.value) < 0.0
        if opposite and reference.error is None:
            return None
        variance += (2.0 * (reference.error or 0.0)) ** 2 if opposite else 0.0
    return float(norm.ppf(0.5 + 0.5 * confidence) * np.sqrt(variance))
