"""What a campaign is going to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiida_seimlip.engines.contract import load_engine
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions, BootstrapOptions, EngineNames
from aiida_seimlip.options.campaign.judgement import AccuracyOptions, HeldOutOptions
from aiida_seimlip.options.exploration import ExplorationConditions
from aiida_seimlip.options.lammps import LammpsOptions
from aiida_seimlip.science.cost import Known, frames_bytes, n_samples
from aiida_seimlip.workflows.campaign.stage import begins_untrained
from aiida_seimlip.workflows.estimate.plan import LABELLED, Plan, Work, sizes_of, thermo_bytes

MAX_CANDIDATES: int = LammpsOptions.model_fields['max_candidates'].default


def plan_campaign(inputs: Mapping[str, Any], sizes: Sequence[int] = ()) -> Plan:
    """Return what a campaign does at most, until it has converged or reached its limits.

    :param inputs: of `ActiveLearningWorkChain`.
    :param sizes: number of atoms of each start, where there are no `structures` yet.
    """
    options = ActiveLearningOptions.from_node(inputs['options'])
    sizes = sizes or [size for node in inputs['structures'].values() for size in sizes_of(node)]
    iterations = options.max_iterations - options.first_iteration
    level = options.untrained.level if begins_untrained(inputs.get('engines')) else None
    explorations = [
        _explorations(f'explore {condition.label}', condition, sizes, level, iterations)
        for condition in options.exploration.conditions
    ]
    joining = [
        size for node in inputs.get('bootstrap_structures', {}).values() for size in sizes_of(node)
        for _ in options.bootstrap.structures.strains
    ]  # fmt: skip
    joining += [size for node in inputs.get('bootstrap_candidates', {}).values() for size in sizes_of(node)]
    has_bootstrap = options.has_bootstrap(inputs.get('initial_training', {}))
    works = (
        *_lone_atoms(options, inputs.get('species')),
        *(_bootstrap(options.bootstrap, sizes, joining) if has_bootstrap else []),
        *explorations,
        _labels('label selected frames', _most_labels(options, iterations, len(sizes)), max(sizes), ('grades',)),
        *([] if options.accuracy is None else [_checks(options.accuracy, len(explorations), sizes)]),
        Work('train', 'training', (iterations + 1) * _n_members(inputs)),
        *_selections(inputs.get('engines'), iterations),
        *([] if options.held_out is None else _held_out(options.held_out, sizes, level)),
    )
    notes = [
        f'The work is that of all {iterations} iterations; a campaign ends as soon as its potential passes all '
        'explorations.',
        'Trainings and selections have no measured speed: their time is left out, as are runs that crash and are tried '
        'again.',
    ]
    if _most_labels(options, iterations, len(sizes)) is None:
        notes.append('Nothing limits the number of labels (`max_labels`, `selection.max_frames`): they are left out.')
    return Plan(works, is_limit=True, notes=tuple(notes))


def _most_labels(options: ActiveLearningOptions, iterations: int, n_starts: int) -> int | None:
    """Return how many frames are labelled in the iterations at most, None if nothing limits them."""
    limits = [options.max_labels] if options.max_labels else []
    if options.selection.max_frames:
        limits.append(options.selection.max_frames * iterations)
    if options.selection.max_frames_per_start:
        limits.append(options.selection.max_frames_per_start * n_starts * iterations)
    return min(limits, default=None)


def _lone_atoms(options: ActiveLearningOptions, species: Any) -> Iterator[Work]:
    if options.lone_atoms is not None and species is not None:
        yield _labels('label lone atoms', len(species.get_list()), 1)


def _n_members(inputs: Mapping[str, Any]) -> int:
    """Return the number of potentials that a training makes, each in a job of its own."""
    parameters = inputs.get('training', {}).get('parameters')
    return 1 if parameters is None else int(parameters.get_dict().get('committee', 1))


def _selections(engines: Any, iterations: int) -> Iterator[Work]:
    """Yield the selections, unless the process of the campaign itself does them."""
    engine: Any = load_engine('selection', EngineNames.from_node(engines).selection)
    if engine.needs_code:
        yield Work('select', 'selection', iterations)


def _bootstrap(bootstrap: BootstrapOptions, sizes: Sequence[int], joining: Sequence[int]) -> Iterator[Work]:
    """Yield the work of a bootstrap.

    :param sizes: atoms of each start.
    :param joining: atoms of each further candidate.
    """
    parts = [_labels('', bootstrap.n_perturbed, size) for size in sizes if bootstrap.n_perturbed]
    parts += [_labels('', 1, size) for size in joining]
    if parts:
        n_candidates = bootstrap.n_perturbed * len(sizes) + len(joining)
        n_frames = min(n_candidates, bootstrap.max_labels or n_candidates)
        share = n_frames / n_candidates
        yield replace(
            parts[0], name='label perturbed starts', steps=n_frames,
            atom_steps=round(share * (bootstrap.n_perturbed * sum(sizes) + sum(joining))),
            n_bytes=round(share * sum(part.n_bytes for part in parts)),
        )  # fmt: skip
    if bootstrap.dynamics is not None:
        dynamics, n_runs = bootstrap.dynamics, len(bootstrap.dynamics.temperatures)
        kept = n_samples(dynamics.n_steps, dynamics.sample_every)
        yield Work(
            'dynamics of the reference', 'reference', n_runs * len(sizes), dynamics.n_steps,
            atom_steps=n_runs * dynamics.n_steps * sum(sizes),
            n_bytes=n_runs * sum(frames_bytes(kept, size, LABELLED) for size in sizes),
        )  # fmt: skip


def _labels(name: str, count: int | None, size: int, known: tuple[Known, ...] = ()) -> Work:
    """Return the labelling of frames; how many jobs that makes is the business of the engine.

    :param count: number of frames, None if that is not known.
    :param size: atoms of each.
    :param known: what is known of the frames beyond their labels.
    """
    if count is None:
        return Work(name, 'reference', unit='frames')
    n_bytes = frames_bytes(count, size, (*LABELLED, *known))
    return Work(name, 'reference', None, count, atom_steps=count * size, unit='frames', n_bytes=n_bytes)


def _explorations(
    name: str, condition: ExplorationConditions, sizes: Sequence[int], level: int | None, repeats: int = 1
) -> Work:  # fmt: skip
    """Return the explorations under a condition from each start.

    :param sizes: atoms of each start.
    :param repeats: how often all of them are run.
    """
    kept = n_samples(condition.n_steps, condition.dump_every)
    thermo = thermo_bytes(n_samples(condition.n_steps, condition.thermo_every))
    n_bytes = sum(
        frames_bytes(kept, size, ('forces', 'methods', 'steps'))
        + frames_bytes(MAX_CANDIDATES, size, ('grades', 'steps'))
        + frames_bytes(1, size, ('velocities', 'steps'))
        + thermo
        for size in sizes
    )  # fmt: skip
    return Work(
        name, 'exploration', repeats * len(sizes), condition.n_steps,
        atom_steps=repeats * condition.n_steps * sum(sizes), n_bytes=repeats * n_bytes, level=level,
        with_grades=None if level is None else True,
    )  # fmt: skip


def _checks(accuracy: AccuracyOptions, n_conditions: int, sizes: Sequence[int]) -> Work:
    """Return the labelling of the spot checks that the potential passes; what it learns from counts elsewhere."""
    return _labels('label spot checks', accuracy.frames_per_exploration * n_conditions * len(sizes), max(sizes))


def _held_out(held_out: HeldOutOptions, sizes: Sequence[int], level: int | None) -> Iterator[Work]:
    for condition in held_out.conditions:
        yield _explorations(f'held out {condition.label}', condition, sizes, level)
    yield _labels('label held-out frames', held_out.n_frames, max(sizes))
