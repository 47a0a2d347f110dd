"""What became of a campaign, in one sentence: the last line of its report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from aiida_seimlip.data.labels import describe_methods
from aiida_seimlip.functions.words import describe_count

ERRORS = (
    ('energy_mev_per_atom', '{:.3g} meV/atom'), ('force_ev_per_angstrom', '{:.3g} eV/Å'), ('stress_gpa', '{:.3g} GPa'),
)  # fmt: skip
"""Key of each error in an `ErrorsRecord`, and how it is written."""


def describe_end(
    iteration: int, n_labels: int, message: str | None, errors: Mapping[str, Any] | None, methods: Iterable[str] = ()
) -> str:  # fmt: skip
    """Say whether a campaign converged, or why not, and how good its potential is.

    :param iteration: the last one.
    :param n_labels: frames that the last potential learned from.
    :param message: why the campaign ended without success, None if it did not.
    :param errors: an `ErrorsRecord` of the last potential on held-out frames, None if there are none.
    :param methods: that labelled these frames.
    """
    found = f'{describe_count(n_labels, "label")} in {describe_count(iteration, "iteration")}'
    sentence = f'Converged: {found}.' if message is None else f'Not converged ({found}): {message.rstrip(".")}.'
    return f'{sentence} {describe_errors(errors, methods)}' if errors is not None else sentence


def describe_errors(errors: Mapping[str, Any], methods: Iterable[str] = ()) -> str:
    """Say how good a potential is on held-out frames, as far as that is known.

    :param errors: an `ErrorsRecord`.
    :param methods: that labelled the frames.
    """
    known = ', '.join(words.format(errors[name]) for name, words in ERRORS if errors.get(name) is not None)
    frames = describe_count(errors['n_frames'], 'held-out frame')
    return f'On {frames}, against {describe_methods(methods)}: {known or "errors unknown"} (RMSE).'
