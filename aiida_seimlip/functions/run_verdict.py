"""What runs of molecular dynamics are worth: the exit codes for runs that ended, but not as they should."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from aiida_seimlip.functions.words import describe_part, describe_share

EXIT_CODES: Mapping[str, tuple[int, str]] = MappingProxyType({
    'ERROR_OUT_OF_DOMAIN': (
        400,
        'In {n_runs} of {n_all} runs more than {allowed} of the frames are out of the domain of the input `potential`, '
        'with a grade above {threshold:g}: {names}. The numbers are attached, but rest on extrapolation.',
    ),
    'ERROR_RUNS_FAILED': (410, '{n_runs} of {n_all} runs did not come to their end: {names}.'),
    'ERROR_NO_DIFFUSION': (420, 'At none of the temperatures do the ions diffuse in the simulated time: {names}.'),
    'ERROR_TOO_FEW_TEMPERATURES': (
        421, 'There is no activation energy, as it needs two temperatures at which the ions diffuse: {names}.',
    ),
})  # fmt: skip
"""Status and message of each exit code, those that weigh most first."""

OF_RUNS = ('ERROR_OUT_OF_DOMAIN', 'ERROR_RUNS_FAILED')
"""Labels of those that speak of the runs themselves, whatever is found from them."""


class Run(Protocol):
    """The record of a run, as far as it is judged."""

    @property
    def key(self) -> str:
        """Its name."""
        ...

    @property
    def outcome(self) -> str:
        """How it ended."""
        ...

    @property
    def phase(self) -> str:
        """In which phase."""
        ...

    @property
    def message(self) -> str | None:
        """What the program said."""
        ...

    @property
    def share_above_threshold(self) -> float | None:
        """Of the frames, out of the domain of the potential."""
        ...

    @property
    def highest_grade(self) -> float | None:
        """Of the frames."""
        ...


@dataclass(frozen=True)
class Verdict:
    """Why the result is not what it should be.

    :param label: of the exit code.
    :param details: what its message names.
    """

    label: str
    details: dict[str, Any]

    @property
    def message(self) -> str:
        """The message of the exit code."""
        return EXIT_CODES[self.label][1].format(**self.details)


def judge_runs(runs: Sequence[Run], max_share: float | None, threshold: float | None) -> Verdict | None:
    """Return what is wrong with runs, the gravest if there are several faults.

    :param runs: their records.
    :param max_share: of the frames that may be out of the domain of the potential; None if there are no grades.
    :param threshold: grade above which they are.
    :return: None if nothing is.
    """
    outside = [run for run in runs if is_out_of_domain(run, max_share)]
    if outside:
        names = '; '.join(
            f'{run.key} ({describe_part(run.share_above_threshold or 0.0, "frames")}, up to {run.highest_grade:.4g})'
            for run in outside
        )
        details = {'allowed': describe_share(max_share or 0.0), 'threshold': threshold, 'names': names}
        return Verdict('ERROR_OUT_OF_DOMAIN', {'n_runs': len(outside), 'n_all': len(runs), **details})
    failed = [run for run in runs if run.outcome != 'completed']
    if failed:
        names = '; '.join(
            f'{run.key} ({run.outcome} in its {run.phase}: {run.message or "no message"})' for run in failed
        )
        return Verdict('ERROR_RUNS_FAILED', {'n_runs': len(failed), 'n_all': len(runs), 'names': names})
    return None


def is_out_of_domain(run: Run, max_share: float | None) -> bool:
    """Return whether the potential extrapolated in too many frames of a run.

    :param run: the run.
    :param max_share: of the frames; None if there are no grades.
    """
    return max_share is not None and run.share_above_threshold is not None and run.share_above_threshold > max_share
