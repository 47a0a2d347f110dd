"""What the result of a diffusivity is worth: the exit codes for work that ended, but not as it should."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from aiida_seimlip.functions.words import describe_part, describe_share
from aiida_seimlip.options.transport.results import DiffusivityResults, ReplicaRecord

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


def judge(results: DiffusivityResults) -> Verdict | None:
    """Return what is wrong with a result, the gravest if there are several faults.

    :param results: of all runs.
    :return: None if nothing is.
    """
    runs = [run for point in results.points for run in point.replicas]
    outside = [run for run in runs if is_out_of_domain(run, results.max_share_above)]
    if outside:
        names = _join(
            f'{run.key} ({describe_part(run.share_above_threshold or 0.0, "frames")}, up to {run.highest_grade:.4g})'
            for run in outside
        )
        details = {
            'allowed': describe_share(results.max_share_above or 0.0),
            'threshold': results.threshold,
            'names': names,
        }
        return Verdict('ERROR_OUT_OF_DOMAIN', {'n_runs': len(outside), 'n_all': len(runs), **details})
    failed = [run for run in runs if run.outcome != 'completed']
    if failed:
        names = _join(f'{run.key} ({run.outcome} in its {run.phase}: {run.message or "no message"})' for run in failed)
        return Verdict('ERROR_RUNS_FAILED', {'n_runs': len(failed), 'n_all': len(runs), 'names': names})
    if not any(point.is_diffusive for point in results.points):
        return Verdict('ERROR_NO_DIFFUSION', {'names': _temperatures(results)})
    if results.arrhenius is None:
        return Verdict('ERROR_TOO_FEW_TEMPERATURES', {'names': _temperatures(results)})
    return None


def is_out_of_domain(run: ReplicaRecord, max_share: float | None) -> bool:
    """Return whether the potential extrapolated in too many frames of a run.

    :param run: the run.
    :param max_share: of the frames; None if there are no grades.
    """
    return max_share is not None and run.share_above_threshold is not None and run.share_above_threshold > max_share


def _temperatures(results: DiffusivityResults) -> str:
    return _join(
        f'{point.temperature:g} K ({"they diffuse" if point.is_diffusive else ", ".join(point.flags) or "no result"})'
        for point in results.points
    )


def _join(parts: Iterable[str]) -> str:
    return '; '.join(parts)
