"""A search for arrangements of low energy where there are too many to look at all."""

from __future__ import annotations

import numpy as np

from aiida_seimlip.science.structures.disorder.arrangements import EMPTY, Arrangements
from aiida_seimlip.science.structures.disorder.electrostatics import ChargeEnergy
from aiida_seimlip.science.structures.supercells import StructureError

CLASH = 1e3
"""Energy in eV of two atoms on sites that are too near for both, during a search."""

HOTTEST, COLDEST = 3.0, 0.03
"""Temperatures of a search in eV, as k_B T."""

SWEEPS, MAX_MOVES = 300, 30_000
"""Tried exchanges of a search for each disordered site, and at most."""

LOWER = 1e-5
"""An energy is lower if it is so by this in eV."""


def anneal(problem: Arrangements, energy: ChargeEnergy, seed: int, n_chains: int) -> np.ndarray:
    """Return the lowest arrangement of each of several annealed chains; shape (n, n_disordered).

    In each step every chain exchanges what is on two equivalent sites, after N. Metropolis et al., J. Chem. Phys. 21,
    1087 (1953). Atoms on sites that are too near for both cost `CLASH`.

    :param problem: which arrangements are possible.
    :param energy: of the charges.
    :param seed: of all random numbers.
    :param n_chains: number of chains.
    :raises StructureError: if all chains end with such atoms.
    """
    rng = np.random.default_rng(seed)
    states = np.array([_random_state(problem, rng) for _ in range(n_chains)])
    penalty = CLASH * problem.clashes
    pools = [np.flatnonzero(problem.groups == group) for group in problem.counts]
    pools = [pool for pool in pools if len(pool) > 1 and len(set(states[0, pool].tolist())) > 1]
    sizes = np.array([len(pool) for pool in pools], dtype=float)
    n_moves = min(SWEEPS * len(problem.places), MAX_MOVES)
    temperatures = np.geomspace(HOTTEST, COLDEST, n_moves)
    charge = energy.charges[states]
    filled = (states > EMPTY).astype(float)
    lowest, best = np.full(n_chains, np.inf), states.copy()
    total = energy.of(states) + 0.5 * np.einsum('ni,ij,nj->n', filled, penalty, filled)
    chains = np.arange(n_chains)
    choices = rng.choice(len(pools), size=n_moves, p=sizes / sizes.sum())
    diagonal = np.diag(energy.quadratic)
    for move in range(n_moves):
        pool = pools[choices[move]]
        i, j = pool[rng.integers(len(pool), size=n_chains)], pool[rng.integers(len(pool), size=n_chains)]
        dq = charge[chains, j] - charge[chains, i]
        df = filled[chains, j] - filled[chains, i]
        field_i = 2.0 * np.einsum('ni,ni->n', energy.quadratic[i], charge) + energy.linear[i]
        field_j = 2.0 * np.einsum('ni,ni->n', energy.quadratic[j], charge) + energy.linear[j]
        change = dq * (field_i - field_j) + dq**2 * (diagonal[i] + diagonal[j] - 2.0 * energy.quadratic[i, j])
        change += (
            df * (np.einsum('ni,ni->n', penalty[i], filled) - np.einsum('ni,ni->n', penalty[j], filled))
            - df**2 * penalty[i, j]
        )
        accepted = (states[chains, i] != states[chains, j]) & (
            rng.random(n_chains) < np.exp(np.minimum(-change / temperatures[move], 0.0))
        )
        where, i, j = chains[accepted], i[accepted], j[accepted]
        for array in (states, charge, filled):
            array[where, i], array[where, j] = array[where, j].copy(), array[where, i].copy()
        total[accepted] += change[accepted]
        improved = total < lowest - LOWER
        lowest[improved], best[improved] = total[improved], states[improved]
    occupied = (best > EMPTY).astype(float)
    is_sound = np.einsum('ni,ij,nj->n', occupied, problem.clashes.astype(float), occupied) == 0
    if not is_sound.any():
        raise StructureError(
            'No arrangement was found without atoms on sites that are too near for both: a smaller `--min-distance`, '
            'or another cell, may do.'
        )
    return best[is_sound]


def _random_state(problem: Arrangements, rng: np.random.Generator) -> np.ndarray:
    state = np.full(len(problem.places), EMPTY)
    for group, numbers in problem.counts.items():
        pool = rng.permutation(np.flatnonzero(problem.groups == group))
        values = [number for number, count in numbers.items() for _ in range(count)]
        state[pool[: len(values)]] = values
    return state
