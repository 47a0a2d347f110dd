"""What is likely to go wrong in a campaign, told before it begins and wherever it shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiida import orm
from ase.data import atomic_numbers

from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.data.structure import get_frame
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.records import CellRecord
from aiida_seimlip.science.analysis.compositions import find_tied
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.filling import count_neighbourhoods, most_rows, n_tolerated, n_unfilled
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.structures.cells import describe_vacuum, heights

MORE_TO_LEARN = (
    'give more starts or larger cells (`aiida-seimlip structure supercell`), more perturbed copies '
    '(`bootstrap.n_perturbed`), or take a lower level'
)

HARD_BAROSTAT = 50
"""Time steps within which a barostat must not answer."""
FLOWS = (
    ' What flows holds the volume of its cell, but not its shape, which wanders off: explore it with `npt_iso` instead '
    'of `npt_tri`.'
)


def find_warnings(
    options: ActiveLearningOptions,
    species: Sequence[str],
    starts: Mapping[str, orm.Data],
    training: Mapping[str, FramesData],
    potential: PotentialData | None,
    *,
    bootstrap: Mapping[str, orm.Data] | None = None,
    begins_untrained: bool = True,
) -> Iterator[str]:
    """Yield a sentence for each thing that is likely to go wrong.

    :param species: chemical symbols in type order.
    :param starts: frames or structures by name.
    :param training: labelled frames that there are already.
    :param potential: that the campaign begins with, None if there is none.
    :param bootstrap: frames or structures that join the bootstrap only, by name.
    :param begins_untrained: whether a campaign without a potential begins with the untrained one of the options.
    """
    frames = _all_frames(starts)
    others = _all_frames(bootstrap or {})
    begins_with = potential if options.warm_start else None
    if begins_with is not None or begins_untrained:
        yield from warn_about_cells(frames, options.untrained.max_dist if begins_with is None else begins_with.cutoff)
    yield from _warn_about_vacuum(frames, options)
    yield from _warn_about_barostats(options)
    if begins_with is None and begins_untrained and species:
        yield from _warn_about_neighbourhoods(frames, others, options, species, training)
    learned = [*frames.values(), *others.values(), *(node.get_frames() for node in training.values())]
    tied = explain_tied(Frames.concatenate(learned), species)
    yield from [] if tied is None else [tied]


def warn_about_cells(starts: Mapping[str, Frames], cutoff: float) -> Iterator[str]:
    """Yield a sentence if cells of starts are so small that an atom would see its own images.

    :param starts: one frame each.
    :param cutoff: of the potential in Å.
    """
    smallest = {
        name: float(heights(frame.cells[0])[frame.pbc[0]].min()) for name, frame in starts.items() if frame.pbc.any()
    }
    thin = [f'`{name}` is {height:.2f} Å' for name, height in smallest.items() if height < 2.0 * cutoff]
    if thin:
        which = (
            f'cell of the start {thin[0]} thin' if len(thin) == 1 else f'cells of starts are thin: {", ".join(thin)}'
        )
        yield f'The {which}, less than twice the cut-off of {cutoff:g} Å: atoms see their own images.'


def explain_unfilled(potential: PotentialData) -> str | None:
    """Say how much of the active set of a potential is empty, None if it is as full as it can be.

    :param potential: of any family.
    """
    if potential.family != 'mtp' or potential.selection_mode is None:
        return None
    content = potential.get_mtp()
    n_empty, n_rows = n_unfilled(content), content.n_parameters
    if n_empty <= n_tolerated(content):
        return None
    return (
        f'{n_empty} of {n_rows} rows of the active set stay empty, as the training set holds too few different '
        f'neighbourhoods: explorations break at once, at grades that mean little. To change that, {MORE_TO_LEARN}.'
    )


def warn_about_run(start: str, condition: str, cell: Mapping[str, Any] | None) -> Iterator[str]:
    """Yield a sentence if the cell of an exploration has gone far.

    :param start: name of its start.
    :param condition: name of its conditions.
    :param cell: a `CellRecord`, None if nobody has looked.
    """
    record = None if cell is None else CellRecord(**cell)
    words = '' if record is None else record.explain()
    if words and record is not None:
        flows = condition.startswith('npt_tri') and record.extremes.has_flowed
        yield f'The cell of `{start}` at {condition} {words}.{FLOWS if flows else ""}'


def _warn_about_vacuum(starts: Mapping[str, Frames], options: ActiveLearningOptions) -> Iterator[str]:
    """Look for a vacuum in cells that are free to change: nothing holds them."""
    held_out = options.held_out.conditions if options.held_out is not None else []
    free = [condition.label for condition in (*options.exploration.conditions, *held_out) if condition.is_npt]
    for name, frame in starts.items() if free else ():
        width = describe_vacuum(frame.positions, frame.cells[0]) if frame.pbc.all() else None
        if width is not None:
            yield (
                f'The start `{name}` has {width}, where nothing holds the cell that {free[0]} sets free: it may swell, '
                'tilt or collapse. Explore it at constant volume (`nvt`).'
            )


def explain_tied(frames: Frames, species: Sequence[str]) -> str | None:
    """Say which energies no frame fixes, as there are fewer independent compositions than elements; None if all are.

    Of a single composition nothing is said: nobody takes its potential for that of another one.

    :param frames: all that is going to be learned from.
    :param species: chemical symbols in type order.
    """
    found = find_tied(frames, species)
    if not found.tied or found.n_independent < 2:
        return None
    groups = ', '.join(' with '.join(group) for group in found.tied)
    return (
        f'The frames have {found.n_independent} independent compositions for {len(species)} elements, so that the '
        f'energies of compositions outside of these are not fixed: those of {groups} are known together only, and any '
        'other mixture of them will be off by a constant for each atom. Add a start or a small crystal (input '
        '`bootstrap_structures`) in which these elements occur in other ratios.'
    )


def _warn_about_barostats(options: ActiveLearningOptions) -> Iterator[str]:
    """Look for barostats that take a cell so far in a few steps that LAMMPS hangs."""
    held_out = options.held_out.conditions if options.held_out is not None else []
    for condition in (*options.exploration.conditions, *held_out):
        n_steps = condition.barostat_damping / condition.timestep
        if condition.is_npt and n_steps < HARD_BAROSTAT:
            yield (
                f'The barostat of {condition.label} answers within {n_steps:.3g} steps (`barostat_damping` '
                f'{condition.barostat_damping:g} fs, `timestep` {condition.timestep:g} fs): the cell may jump so far '
                f'that LAMMPS hangs. About 1000 steps are usual, {HARD_BAROSTAT} the least.'
            )


def _warn_about_neighbourhoods(
    starts: Mapping[str, Frames], others: Mapping[str, Frames], options: ActiveLearningOptions,
    species: Sequence[str], training: Mapping[str, FramesData],
) -> Iterator[str]:  # fmt: skip
    """Look for a first training set that cannot fill the active set."""
    if not set(species) <= set(atomic_numbers):
        return
    potential = empty_potential(options, species)
    counts = _count_training(training)
    if options.has_bootstrap(training):
        _add(counts, _count_bootstrap(starts, others, options), 1)
    found = most_rows(potential, counts)
    if potential.n_parameters - found <= n_tolerated(potential):
        return
    what = 'The input `initial_training`' if training else 'The bootstrap'
    yield (
        f'{what} gives {sum(counts.values())} different neighbourhoods, which fill {found} of the '
        f'{potential.n_parameters} rows of an active set of level {options.untrained.level} at most: explorations will '
        f'break at once. To change that, {MORE_TO_LEARN}.'
    )


def empty_potential(options: ActiveLearningOptions, species: Sequence[str]) -> MomentTensorPotential:
    """Return the moment tensor potential without coefficients that a campaign begins with.

    :param species: chemical symbols in type order.
    """
    settings = options.untrained
    return untrained(
        settings.level, list(species), min_dist=settings.min_dist, max_dist=settings.max_dist,
        radial_basis_size=settings.radial_basis_size,
    )  # fmt: skip


def _count_training(training: Mapping[str, FramesData]) -> dict[int, int]:
    total: dict[int, int] = {}
    for node in training.values():
        _add(total, count_neighbourhoods(node.get_frames()), 1)
    return total


def _count_bootstrap(
    starts: Mapping[str, Frames], others: Mapping[str, Frames], options: ActiveLearningOptions
) -> dict[int, int]:
    """Return the number of neighbourhoods that the copies of structures and samples of dynamics make."""
    settings, total = options.bootstrap, dict[int, int]()
    n_strains = len(settings.structures.strains)
    for frame in starts.values():
        _add(total, count_neighbourhoods(frame), settings.n_perturbed)
    for frame in others.values():
        _add(total, count_neighbourhoods(frame), n_strains)
    n_copies = len(starts) * settings.n_perturbed + len(others) * n_strains
    if settings.max_labels is not None and settings.max_labels < n_copies:
        total = {number: count * settings.max_labels // n_copies for number, count in total.items()}
    if settings.dynamics is not None:
        n_samples = len(settings.dynamics.temperatures) * (settings.dynamics.n_steps // settings.dynamics.sample_every)
        for frame in starts.values():
            _add(total, count_neighbourhoods(frame), n_samples)
    return total


def _add(total: dict[int, int], counts: Mapping[int, int], factor: int) -> None:
    for number, count in counts.items():
        total[number] = total.get(number, 0) + factor * count


def _all_frames(nodes: Mapping[str, orm.Data]) -> dict[str, Frames]:
    return {name: frame for key, node in sorted(nodes.items()) for name, frame in _frames_of(key, node)}


def _frames_of(name: str, node: orm.Data) -> Iterator[tuple[str, Frames]]:
    """Yield each frame of a start, called as `prepare_starts` does."""
    if not isinstance(node, FramesData):
        yield name, get_frame(node)
        return
    frames = node.get_frames()
    for index in range(len(frames)):
        yield (name if len(frames) == 1 else f'{name}_{index:03d}'), frames[index]
