"""Ordered cells of a disordered crystal: all that differ by symmetry where these are few, else the best of a search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from ase import Atoms

from aiida_seimlip.science.structures.disorder.annealing import anneal
from aiida_seimlip.science.structures.disorder.arrangements import Arrangements, main_element
from aiida_seimlip.science.structures.disorder.crystal import DisorderedCrystal
from aiida_seimlip.science.structures.disorder.electrostatics import (
    ChargeEnergy,
    coulomb_matrix,
    guess_charges,
    net_charge,
)
from aiida_seimlip.science.structures.supercells import StructureError

SAME_ENERGY = 1e-5
"""Energies in eV that differ by less count as the same."""


@dataclass(frozen=True, eq=False)
class Orderings:
    """Ordered cells, the lowest energy first.

    :param atoms: the cells.
    :param energies: of their charges in eV, for the whole cell.
    :param degeneracies: how many arrangements are the same by symmetry; None if not all were looked at.
    :param n_arrangements: number of all arrangements that fit, None if they were not counted.
    :param n_distinct: number of them that differ by symmetry, None if not all were looked at.
    :param charges: oxidation states that were taken.
    :param net_charge: of the cell, in elementary charges.
    :param notes: sentences that a user should read.
    """

    atoms: list[Atoms]
    energies: np.ndarray
    degeneracies: list[int] | None
    n_arrangements: int | None
    n_distinct: int | None
    charges: dict[str, float]
    net_charge: float
    notes: list[str] = field(default_factory=list)


def order(
    crystal: DisorderedCrystal, *, number: int, seed: int, charges: Mapping[str, float] | None = None,
    min_distance: float = 1.0, max_enumerated: int = 20_000, rounded: bool = False, is_ranked_later: bool = False,
) -> Orderings:  # fmt: skip
    """Return the ordered cells of lowest electrostatic energy.

    :param crystal: the cell to be ordered, a supercell where that is wanted.
    :param number: so many are returned, if there are as many.
    :param seed: of the search, where there are too many to look at all.
    :param charges: oxidation states; by default those that make the compound neutral.
    :param min_distance: sites that are nearer in Å are not both occupied.
    :param max_enumerated: up to so many arrangements, all are looked at.
    :param rounded: take the nearest whole numbers of atoms.
    :param is_ranked_later: whether charges only choose which cells are looked at; then none are needed.
    :raises StructureError: if there is nothing to order, the occupancies do not fit the cell, or nothing fits.
    """
    if not crystal.disordered.size:
        raise StructureError('The crystal is ordered: each of its sites holds one whole atom.')
    problem = Arrangements(crystal, crystal.counts(rounded=rounded), min_distance)
    totals = problem.totals
    known = dict(charges) if charges else _guess(totals, is_ranked_later)
    net = net_charge(totals, known)
    energy = _energy(crystal, problem, known)
    n_arrangements: int | None = None
    n_distinct: int | None = None
    found = problem.enumerate(max_enumerated)
    notes = _notes(crystal, totals, net, rounded)
    if found is not None:
        states, degeneracies = problem.distinct(found)
        n_arrangements, n_distinct = len(found), len(states)
    else:
        states, degeneracies = problem.distinct(anneal(problem, energy, seed, max(24, 4 * number)))
        notes.append(f'Not all arrangements were looked at: these are the lowest of a search with the seed {seed}.')
    energies = energy.of(states)
    best = np.argsort(np.round(energies / SAME_ENERGY), kind='stable')
    if len(best) > 1 and np.ptp(energies) < SAME_ENERGY and not is_ranked_later:
        notes.append('All have the same energy of their charges, which ranks nothing: rank them by a potential.')
    best = best[:number]
    return Orderings(
        [problem.atoms(states[index]) for index in best], energies[best],
        None if found is None else [int(degeneracies[index]) for index in best], n_arrangements, n_distinct, known, net,
        notes,
    )  # fmt: skip


def _notes(crystal: DisorderedCrystal, totals: Mapping[str, int], net: float, rounded: bool) -> list[str]:
    notes = []
    made = Atoms(''.join(f'{symbol}{count}' for symbol, count in totals.items())).get_chemical_formula()
    if rounded and made != crystal.formula:
        notes.append(f'The occupancies make {crystal.formula} and are rounded to {made}.')
    if abs(net) > 1e-6:
        notes.append(f'The cell has a charge of {net:+.3g} e, with an even background against it.')
    return notes


def _guess(totals: Mapping[str, int], may_be_none: bool) -> dict[str, float]:
    try:
        return guess_charges(totals)
    except StructureError:
        if not may_be_none:
            raise
        return dict.fromkeys(totals, 0.0)


def _energy(crystal: DisorderedCrystal, problem: Arrangements, charges: Mapping[str, float]) -> ChargeEnergy:
    fixed = np.zeros(len(crystal.sites))
    for index in problem.whole:
        fixed[index] = charges[main_element(crystal.sites[index])]
    return ChargeEnergy(coulomb_matrix(crystal.cell, crystal.positions), fixed, problem.places, charges)
