"""How each start stands: how far it has come under each condition, and whether it stays broken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from aiida_seimlip.functions.words import describe_count
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.campaign.history import ExplorationRecord, IterationRecord, StartRecord

GAIN = 0.1
"""Share of its steps by which a run must come further than all before it, to have come further: where a run breaks is a
matter of chance, too."""


def follow_starts(
    options: ActiveLearningOptions, formulas: Mapping[str, str | None], records: Iterable[IterationRecord]
) -> dict[str, StartRecord]:
    """Return how each start stands after some iterations.

    :param options: of the campaign.
    :param formulas: of the starts, by name; None where unknown.
    :param records: of all iterations, in order.
    """
    starts = first_standings(options, formulas)
    for record in records:
        starts = follow_iteration(starts, record, options.exploration.quarantine_after)
    return starts


def first_standings(options: ActiveLearningOptions, formulas: Mapping[str, str | None]) -> dict[str, StartRecord]:
    """Return how each start stands before the first iteration.

    :param options: of the campaign, which tell how they stood in the one that it continues.
    :param formulas: of the starts, by name; None where unknown.
    """
    limit, starts = options.exploration.quarantine_after, {}
    for name, formula in sorted(formulas.items()):
        past = options.standings.get(name)
        n_broken = 0 if past is None else past.n_broken
        is_quarantined = limit is not None and n_broken >= limit
        reason = f'it broke in {_in_a_row(n_broken)} of the campaign that this one continues, and came no further'
        starts[name] = StartRecord(
            formula=formula, n_broken=n_broken, furthest={} if past is None else past.furthest,
            quarantined=reason if is_quarantined else None,
        )  # fmt: skip
    return starts


def follow_iteration(
    starts: Mapping[str, StartRecord], record: IterationRecord, limit: int | None
) -> dict[str, StartRecord]:
    """Return how each start stands after an iteration; one that was not explored stands as before.

    :param starts: before it.
    :param record: of the iteration.
    :param limit: iterations in a row after which a start that stays broken is put in quarantine; None for never.
    """
    runs: dict[str, list[ExplorationRecord]] = {}
    for run in record.explorations:
        runs.setdefault(run.start, []).append(run)
    after = {name: _follow(start, runs[name], limit) if name in runs else start for name, start in starts.items()}
    return after if limit is None else set_aside_barren(after, record)


def set_aside_barren(starts: Mapping[str, StartRecord], record: IterationRecord) -> dict[str, StartRecord]:
    """Put starts in quarantine that broke in an iteration in which there was nothing to learn.

    Explored again with the same potential, they would break again; those that failed for technical reasons may not.

    :param starts: after the iteration.
    :param record: of the iteration.
    """
    broken = {run.start: run for run in record.explorations if run.is_informative} if record.is_barren else {}
    return {
        name: start if name not in broken or start.quarantined is not None else start.model_copy(update={
            'quarantined': f'it broke ({describe_run(broken[name])}), and none of the candidates was worth a label'
        })
        for name, start in starts.items()
    }  # fmt: skip


def describe_starts(starts: Mapping[str, StartRecord], record: IterationRecord) -> str:
    """Say how many starts survived everything in an iteration, and which one fared worst.

    :param starts: after the iteration.
    :param record: of the iteration.
    """
    broken = [run for run in record.explorations if not run.survived]
    explored = {run.start for run in record.explorations}
    n_survivors = len(explored - {run.start for run in broken})
    text = f'starts: {n_survivors} of {len(starts)} survived everything that they were tried with'
    if broken:
        worst = min(broken, key=lambda run: (-starts[run.start].n_broken, run.temperature, share(run)))
        text += f', worst {worst.start} ({describe_run(worst)}; {_in_a_row(starts[worst.start].n_broken)})'
    n_quarantined = sum(start.quarantined is not None for start in starts.values())
    return f'{text}; {n_quarantined} in quarantine' if n_quarantined else text


def warn_about_quarantine(starts: Mapping[str, StartRecord]) -> Iterator[str]:
    """Yield a sentence for each start that is explored no more."""
    for name, start in starts.items():
        if start.quarantined is not None:
            yield f'The start `{name}` is explored no more: {start.quarantined}.'


def describe_run(run: ExplorationRecord) -> str:
    """Say how a run ended that did not come to its end."""
    grade = '' if run.highest_grade is None else f', highest grade {run.highest_grade:.3g}'
    return f'{run.condition} {run.outcome} after {run.n_steps} of {run.n_steps_asked} steps{grade}'


def share(run: ExplorationRecord) -> float:
    """Return the share of the steps of its condition that a run has done, from 0 to 1."""
    if run.survived:
        return run.length
    return run.length * min(1.0, run.n_steps / run.n_steps_asked) if run.n_steps_asked else 0.0


def _follow(start: StartRecord, runs: Sequence[ExplorationRecord], limit: int | None) -> StartRecord:
    """Return how a start stands after its runs of one iteration."""
    broken = [run for run in runs if not run.survived]
    is_further = any(share(run) >= start.furthest.get(run.condition, 0.0) + GAIN for run in runs)
    n_broken = 0 if not broken else 1 if is_further else start.n_broken + 1
    reason = None
    if limit is not None and n_broken >= limit and not is_further:
        worst = min(broken, key=lambda run: (run.temperature, share(run)))
        reason = f'it broke in {_in_a_row(n_broken)} and came no further; the last time {describe_run(worst)}'
    furthest = {run.condition: max(share(run), start.furthest.get(run.condition, 0.0)) for run in runs}
    return StartRecord(
        formula=start.formula, n_broken=n_broken, furthest={**start.furthest, **furthest},
        last={**start.last, **{run.condition: run.outcome for run in runs}}, quarantined=reason or start.quarantined,
    )  # fmt: skip


def _in_a_row(n: int) -> str:
    return f'{describe_count(n, "iteration")} in a row' if n > 1 else 'one iteration'
