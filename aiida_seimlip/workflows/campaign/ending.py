"""What became of a campaign, in one sentence: the last line of its report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiida_seimlip.data.labels import describe_methods
from aiida_seimlip.functions.words import describe_count
from aiida_seimlip.options.records import DetailedErrorsRecord


def describe_end(
    iteration: int, n_labels: int, message: str | None, errors: Mapping[str, Any] | None, methods: Iterable[str] = ()
) -> str:  # fmt: skip
    """Say whether a campaign converged, or why not, and how good its potential is.

    :param iteration: the last one.
    :param n_labels: frames that the last potential learned from.
    :param message: why the campaign ended without success, None if it did not.
    :param errors: a `DetailedErrorsRecord` of the last potential on held-out frames, None if there are none.
    :param methods: that labelled these frames.
    """
    found = f'{describe_count(n_labels, "label")} in {describe_count(iteration, "iteration")}'
    sentence = f'Converged: {found}.' if message is None else f'Not converged ({found}): {message.rstrip(".")}.'
    return f'{sentence} {describe_errors(errors, methods)}' if errors is not None else sentence


def describe_errors(errors: Mapping[str, Any], methods: Iterable[str] = ()) -> str:
    """Say how good a potential is on held-out frames, as far as that is known.

    :param errors: a `DetailedErrorsRecord`.
    :param methods: that labelled the frames.
    """
    record = DetailedErrorsRecord(**errors)
    frames = describe_count(record.n_frames, 'held-out frame')
    return f'On {frames}, against {describe_methods(methods)}: {record.describe()} (RMSE).'
