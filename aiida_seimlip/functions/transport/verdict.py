"""What the result of a diffusivity is worth."""

from __future__ import annotations

from aiida_seimlip.functions.run_verdict import Verdict, judge_runs
from aiida_seimlip.options.transport.results import DiffusivityResults


def judge(results: DiffusivityResults) -> Verdict | None:
    """Return what is wrong with a result, the gravest if there are several faults.

    :param results: of all runs.
    :return: None if nothing is.
    """
    runs = [run for point in results.points for run in point.replicas]
    verdict = judge_runs(runs, results.max_share_above, results.threshold)
    if verdict is not None:
        return verdict
    if not any(point.is_diffusive for point in results.points):
        return Verdict('ERROR_NO_DIFFUSION', {'names': _temperatures(results)})
    if results.arrhenius is None:
        return Verdict('ERROR_TOO_FEW_TEMPERATURES', {'names': _temperatures(results)})
    return None


def _temperatures(results: DiffusivityResults) -> str:
    return '; '.join(
        f'{point.temperature:g} K ({"they diffuse" if point.is_diffusive else ", ".join(point.flags) or "no result"})'
        for point in results.points
    )
