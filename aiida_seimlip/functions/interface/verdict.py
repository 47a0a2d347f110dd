"""What the result of runs in fields is worth: the exit codes for work that ended, but not as it should."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from aiida_seimlip.functions.words import describe_part, describe_share
from aiida_seimlip.options.interface.field_results import FieldResults

EXIT_CODES: Mapping[str, tuple[int, str]] = MappingProxyType({
    'ERROR_OUT_OF_DOMAIN': (
        400,
        'In {n_runs} of {n_all} runs more than {allowed} of the frames are out of the domain of the input `potential`, '
        'with a grade above {threshold:g}: {names}. The numbers are attached, but rest on extrapolation.',
    ),
    'ERROR_RUNS_FAILED': (410, '{n_runs} of {n_all} runs did not come to their end: {names}.'),
})  # fmt: skip
"""Status and message of each exit code, those that weigh most first."""


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


def judge(results: FieldResults) -> Verdict | None:
    """Return what is wrong with a result, the gravest if there are several faults.

    :param results: of all runs.
    :return: None if nothing is.
    """
    runs = [run for point in results.points for run in point.runs]
    allowed = results.max_share_above
    outside = [run for run in runs if allowed is not None and (run.share_above_threshold or 0.0) > allowed]
    if outside:
        names = '; '.join(
            f'{run.key} ({describe_part(run.share_above_threshold or 0.0, "frames")}, up to {run.highest_grade:.4g})'
            for run in outside
        )
        details = {'allowed': describe_share(allowed or 0.0), 'threshold': results.threshold, 'names': names}
        return Verdict('ERROR_OUT_OF_DOMAIN', {'n_runs': len(outside), 'n_all': len(runs), **details})
    failed = [run for run in runs if run.outcome != 'completed']
    if failed:
        names = '; '.join(
            f'{run.key} ({run.outcome} in its {run.phase}: {run.message or "no message"})' for run in failed
        )
        return Verdict('ERROR_RUNS_FAILED', {'n_runs': len(failed), 'n_all': len(runs), 'names': names})
    return None
