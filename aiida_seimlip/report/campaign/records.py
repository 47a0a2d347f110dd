"""From the history of a campaign, or from its jobs alone, to the records of its report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from aiida import orm
from aiida.common.links import LinkType

from aiida_seimlip.options.campaign.history import (
    CampaignHistory,
    DropRecord,
    ExplorationRecord,
    IterationRecord,
    StartRecord,
)
from aiida_seimlip.options.records import ErrorsRecord
from aiida_seimlip.report.campaign.facts import Drop, Errors, ErrorsByPart, Exploration, Iteration, Run, Start
from aiida_seimlip.report.process import flatten

STAGES = {
    'seimlip.lammps': 'explore', 'seimlip.mlip3.select': 'select', 'seimlip.mlip3.train': 'train',
    'seimlip.mlip3.evaluate': 'evaluate', 'seimlip.mlip3.grade': 'evaluate', 'seimlip.ase': 'label',
    'seimlip.md.explore': 'explore', 'seimlip.mace.train': 'train', 'vasp.vasp': 'label',
    'quantumespresso.pw': 'label',
}  # fmt: skip
UNKNOWN = float('nan')


def stage_of(job: orm.CalcJobNode) -> str:
    """Return what a job was for."""
    return STAGES.get((job.process_type or '').split(':')[-1], 'other')


def history_of_jobs(jobs: list[orm.CalcJobNode]) -> CampaignHistory:
    """Put together a history from jobs alone: each training ends an iteration.

    :param jobs: in order of creation.
    """
    iterations = [IterationRecord(iteration=0)]
    species: list[str] = []
    for job in jobs:
        if stage_of(job) == 'train' and 'potential' in job.outputs:
            species = list(job.outputs.potential.species)
            links = job.base.links.get_incoming(link_type=LinkType.INPUT_CALC).all()
            sets = [link.node for link in links if link.link_label.startswith('training__')]
            iterations[-1].n_training = sum(node.n_frames for node in sets)
            iterations[-1].potential_uuid = job.outputs.potential.uuid
            iterations.append(IterationRecord(iteration=len(iterations)))
        elif stage_of(job) == 'explore' and 'results' in job.outputs:
            iterations[-1].explorations.append(_exploration_of_job(job))
    for previous, iteration in pairwise(iterations):
        iteration.n_training = iteration.n_training or previous.n_training
        iteration.n_explorations = len(iteration.explorations)
        iteration.n_survivors = sum(exploration.survived for exploration in iteration.explorations)
    return CampaignHistory(species=species, iterations=[item for item in iterations if item.n_training])


def _exploration_of_job(job: orm.CalcJobNode) -> ExplorationRecord:
    results = job.outputs.results.get_dict()
    options = flatten(job.inputs.parameters.get_dict()) if 'parameters' in job.inputs else {}
    temperature = float(options.get('temperature') or UNKNOWN)
    return ExplorationRecord(
        start=job.label or 'start', condition=f'{temperature:g} K', temperature=temperature,
        ensemble=str(options.get('ensemble', '')), seed=int(options.get('seed') or 0),
        outcome=results.get('outcome', 'failed'), n_steps=int(results.get('n_steps') or 0),
        n_steps_asked=int(options.get('n_steps') or 0), highest_grade=results.get('highest_grade'), uuid=job.uuid,
    )  # fmt: skip


def iterations_of(history: CampaignHistory) -> Iterator[Iteration]:
    """Yield what each turn of the loop did."""
    before = 0
    for record in history.iterations:
        yield Iteration(
            record.iteration, record.n_training, record.n_candidates, record.n_selected, errors_of(record.train_errors),
            before, errors_of(record.validation_errors),
        )  # fmt: skip
        before = record.n_training


def explorations_of(history: CampaignHistory) -> Iterator[Exploration]:
    """Yield the explorations of all iterations, start by start and temperature by temperature."""
    records = [(item.iteration, record) for item in history.iterations for record in item.explorations]
    names = _exploration_names([record for _, record in records])
    order = {
        (record.start, record.condition): (record.start, record.temperature, record.condition) for _, record in records
    }
    for iteration, record in sorted(records, key=lambda pair: (order[pair[1].start, pair[1].condition], pair[0])):
        grade = UNKNOWN if record.highest_grade is None else record.highest_grade
        name = names[record.start, record.condition]
        yield Exploration(name, iteration, record.outcome, record.n_steps, record.n_steps_asked, grade)


def _exploration_names(records: list[ExplorationRecord]) -> dict[tuple[str, str], str]:
    """Name explorations by start and temperature, or by start and condition where that is not enough."""
    short = {(record.start, record.condition): f'{record.start} · {record.temperature:g} K' for record in records}
    if len(set(short.values())) == len(short):
        return short
    return {key: f'{key[0]} · {key[1]}' for key in short}


def starts_of(history: CampaignHistory) -> Iterator[Start]:
    """Yield each start with the explorations from it."""
    runs: dict[str, list[Run]] = {}
    for item in history.iterations:
        for record in item.explorations:
            grade = UNKNOWN if record.highest_grade is None else record.highest_grade
            exploration = Exploration(
                record.condition, item.iteration, record.outcome, record.n_steps, record.n_steps_asked, grade
            )
            runs.setdefault(record.start, []).append(Run(record.condition, record.temperature, exploration))
    for name, found in sorted(runs.items()):
        standing = history.starts.get(name, StartRecord())
        yield Start(name, standing.formula or '', tuple(found), standing.n_broken, standing.quarantined or '')


def parts_of(history: CampaignHistory) -> Iterator[ErrorsByPart]:
    """Yield errors of the last potential by composition and element, as far as they are known."""
    held_out = None if history.held_out is None else history.held_out.errors
    last = history.iterations[-1] if history.iterations else None
    checks = last.check_errors if last is not None and last.potential_uuid is None else None
    for name, record in (('training', history.training_errors), ('spot-check', checks), ('held-out', held_out)):
        if record is not None and record.by_formula:
            known = {formula: errors_of(errors) for formula, errors in record.by_formula.items()}
            by_formula = {formula: errors for formula, errors in known.items() if errors is not None}
            yield ErrorsByPart(name, by_formula, dict(record.force_by_element))


def drops_of(history: CampaignHistory) -> Iterator[Drop]:
    """Frames that were dropped, and those that the reference program could not label, by reason."""
    for record in history.iterations:
        reasons = Counter(record.failures.values())
        failed = [DropRecord(stage='label', reason=reason, count=count) for reason, count in reasons.most_common()]
        if not failed and record.n_failed:
            failed = [DropRecord(stage='label', reason='not labelled by the reference', count=record.n_failed)]
        for drop in [*record.dropped, *failed]:
            yield Drop(record.iteration, drop.stage, drop.reason, drop.count)
    if history.held_out is not None and history.held_out.n_failed:
        yield Drop(-1, 'label', 'not labelled by the reference', history.held_out.n_failed)


def describe_continuation(history: CampaignHistory) -> Iterator[str]:
    """Say which campaign this one goes on from."""
    if history.continues is not None:
        yield f'This campaign continues {history.continues}.'


def describe_late(history: CampaignHistory) -> Iterator[str]:
    """Say which labels came late, and which have not come at all."""
    for record in history.iterations:
        if record.n_late:
            yield f'Iteration {record.iteration} went on without {record.n_late} labels, which were late.'
    if history.late:
        yield f'The labels of {len(history.late)} frames were still out at the end: {", ".join(history.late)}.'


def errors_of(record: ErrorsRecord | None) -> Errors | None:
    """Return errors as the report has them, None if there are none."""
    if record is None:
        return None
    values = (record.energy_mev_per_atom, record.force_ev_per_angstrom, record.stress_gpa)
    return Errors(record.n_frames, *(UNKNOWN if value is None else value for value in values))
