"""Calcfunction that looks at what a campaign begins with before anything is paid, and the judgement behind it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations
from math import factorial
from typing import Any

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_seimlip.data.potential import PotentialData
from aiida_seimlip.functions.campaign.warnings import find_warnings
from aiida_seimlip.functions.evaluation import errors_of_mtp, predict_errors, read_errors, sample
from aiida_seimlip.options.campaign.active_learning import ActiveLearningOptions
from aiida_seimlip.options.records import ErrorsRecord
from aiida_seimlip.science.analysis.spread import Spread, find_spread
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.potential import MomentTensorPotential

FAR_ABOVE = 3.0
"""Errors so many times those recorded in the training, or those of another order of the species, do not belong here."""
LARGE_ENERGY, LARGE_FORCE = 1.0, 0.02
"""Errors in meV per atom and eV/Å below which a potential is taken for what it is said to be in any case."""
MAX_ATOMS, MAX_ATOMS_ORDERS = 20_000, 1_000
"""Atoms in the frames that are evaluated at most: once, and with the species in every other order."""
MAX_ORDERS = 24
"""Where there are more orders of the species than this, those are tried in which two have changed places."""


@calcfunction
def review_beginning(options: orm.Dict, species: orm.List, **groups: Any) -> orm.Dict:
    """Look for what is likely to go wrong, and whether the initial potential belongs to the initial training set.

    :param options: of the campaign (`ActiveLearningOptions`).
    :param species: chemical symbols in type order.
    :param groups: ``starts`` (by name) and, as far as there are any, ``training`` (labelled frames by name),
        ``potential`` (`present`: the initial potential), ``recorded`` (`errors`: those of its training) and
        ``bootstrap`` (structures that join the bootstrap, by name) and ``engine`` (`begins_untrained`: whether the
        training needs an untrained potential to begin from; if not given, it does).
    :return: ``warnings``; ``errors`` and ``recorded`` (`ErrorsRecord`, None if unknown); ``fault``: why the potential
        is refused, None if it is not.
    """
    settings = ActiveLearningOptions.from_node(options)
    training = dict(groups.get('training', {}))
    potential = groups.get('potential', {}).get('present')
    others = groups.get('bootstrap', {})
    symbols = species.get_list()
    engine = groups.get('engine', {})
    warnings = list(find_warnings(
        settings, symbols, groups['starts'], training, potential, bootstrap=others,
        begins_untrained=engine['begins_untrained'].value if engine else True,
    ))  # fmt: skip
    recorded = groups.get('recorded', {}).get('errors')
    known = None if recorded is None else read_errors(recorded)
    errors, fault = None, None
    if potential is not None and potential.family == 'mtp' and training and settings.continues is None:
        frames = sample(Frames.concatenate(node.get_frames() for node in training.values()), MAX_ATOMS)
        errors = predict_errors(potential, frames)
        fault = explain_order(potential, frames)
        doubt = fault or (explain_errors(errors, known, find_spread(frames)) if errors is not None else None)
        if settings.train_first or potential.lacks_grades:  # it learns from them before it is used
            warnings += [doubt] if doubt is not None and fault is None else []
        else:
            fault = doubt
    records = {'errors': errors, 'recorded': known}
    found = {name: None if record is None else record.model_dump(mode='json') for name, record in records.items()}
    return orm.Dict({'warnings': warnings, 'fault': fault, **found})


def find_recorded(potential: PotentialData) -> orm.Dict | None:
    """Return the errors on its training set that were recorded when a potential was made, None if there are none.

    :param potential: a stored node.
    """
    creator = potential.creator
    found = None if creator is None or 'errors' not in creator.outputs else creator.outputs.errors
    return found if isinstance(found, orm.Dict) and 'energy_per_atom' in found.get_dict() else None


def explain_order(potential: PotentialData, frames: Frames) -> str | None:
    """Say that the species of a potential were declared in the wrong order, None if they do not seem to be.

    The file numbers the species and does not name them: in the wrong order it is a potential for another material. The
    right order shows by far smaller errors of the forces, as the potential was trained in it.

    :param potential: a trained moment tensor potential.
    :param frames: with labels.
    """
    declared = tuple(potential.species)
    errors = errors_by_order(potential.get_mtp(), declared, frames)
    best = next(iter(errors))
    if not is_far_above(errors[declared], errors[best]):
        return None
    return (
        f'the errors of the potential on the frames are {describe(errors[declared])} with its species in the order '
        f'{", ".join(declared)}, but {describe(errors[best])} in the order {", ".join(best)}: they were declared in '
        'the wrong one.'
    )


def errors_by_order(
    potential: MomentTensorPotential, species: Sequence[str], frames: Frames
) -> dict[tuple[str, ...], ErrorsRecord]:
    """Return the errors of a potential with its species in each order, beginning with the smallest errors of forces.

    :param potential: a trained moment tensor potential.
    :param species: chemical symbols, the order that is tried first.
    :param frames: with labels.
    """
    frames = sample(frames, MAX_ATOMS_ORDERS)
    errors = {order: errors_of_mtp(potential.replace(species=order), frames) for order in orders_of(species)}
    return dict(sorted(errors.items(), key=lambda item: _force(item[1])))


def orders_of(species: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the orders of species that are worth a try, the one that is given first.

    :param species: chemical symbols.
    """
    if factorial(len(species)) <= MAX_ORDERS:
        return list(permutations(species))
    orders = [tuple(species)]
    for i, j in combinations(range(len(species)), 2):
        swapped = list(species)
        swapped[i], swapped[j] = species[j], species[i]
        orders.append(tuple(swapped))
    return orders


def is_far_above(errors: ErrorsRecord, best: ErrorsRecord) -> bool:
    """Return whether errors of forces are those of another order of the species than the right one.

    :param errors: with the species in one order.
    :param best: with the species in the best order.
    """
    return _force(errors) > max(LARGE_FORCE, FAR_ABOVE * _force(best))


def _force(errors: ErrorsRecord) -> float:
    return np.inf if errors.force_ev_per_angstrom is None else errors.force_ev_per_angstrom


def explain_errors(errors: ErrorsRecord, recorded: ErrorsRecord | None, spread: Spread) -> str | None:
    """Say that a potential was not trained on these frames, None if it seems to have been.

    :param errors: on the frames.
    :param recorded: in its training, None if unknown.
    :param spread: of the labels.
    """
    found = (errors.energy_mev_per_atom, errors.force_ev_per_angstrom)
    floors = (LARGE_ENERGY, LARGE_FORCE)
    then = (None, None) if recorded is None else (recorded.energy_mev_per_atom, recorded.force_ev_per_angstrom)
    if any(_is_above(a, b, FAR_ABOVE, floor) for a, b, floor in zip(found, then, floors, strict=True)):
        assert recorded is not None
        return (
            f'the errors of the potential on the frames are {describe(errors)}, but {describe(recorded)} were recorded '
            'in its training: give the frames that it was trained on, or let it learn from these first by the option '
            '`train_first`.'
        )
    scatter = (1e3 * spread.energy_per_atom, spread.force_component)
    if any(_is_above(a, b, 1.0, floor) for a, b, floor in zip(found, scatter, floors, strict=True)):
        return (
            f'the errors of the potential on the frames are {describe(errors)}, but their labels differ by '
            f'{scatter[0]:.3g} meV/atom from constants for the elements and by {scatter[1]:.3g} eV/Å from no force at '
            'all: the potential is worse than none. Give one that belongs to the frames, or none.'
        )
    return None


def describe(errors: ErrorsRecord) -> str:
    """Write the errors of energies and forces."""
    energy, force = errors.energy_mev_per_atom, errors.force_ev_per_angstrom
    known = [f'{energy:.3g} meV/atom'] if energy is not None else []
    return ' and '.join([*known, *([f'{force:.3g} eV/Å'] if force is not None else [])])


def _is_above(value: float | None, limit: float | None, factor: float, floor: float) -> bool:
    """Return whether an error is too large; one that is unknown is not."""
    return value is not None and limit is not None and np.isfinite(limit) and value > max(floor, factor * limit)
