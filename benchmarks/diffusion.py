"""Print how often the 95 % intervals of diffusion coefficients and their kin hold the truth, as a table in Markdown.

Run from the root of the repository as ``python -m benchmarks.diffusion``; options: ``--trials``, ``--only`` (parts of
names of cases). Each trial is a random walk of its own, with the number of the trial as seed. Times are seconds of CPU
of one analysis.
"""

import argparse
import os

os.environ.setdefault('OMP_NUM_THREADS', '1')  # before numpy reads it

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from aiida_seimlip.science.analysis.arrhenius import BOLTZMANN_EV, ArrheniusFit, fit_arrhenius
from aiida_seimlip.science.analysis.conductivity import A3_TO_M3, collective_conductivity, haven_ratio, nernst_einstein
from aiida_seimlip.science.analysis.diffusion import estimate_diffusion
from aiida_seimlip.science.analysis.posterior import Posterior
from aiida_seimlip.science.analysis.track import Track
from tests.science.analysis.walks import CELL_EDGE, convoy_walk, lattice_walk, vacancy_walk

HOP = 3.0
EA = 0.35
TEMPERATURES = (600.0, 700.0, 800.0, 900.0)


class Case(NamedTuple):
    """What is tried: the truth, how a walk with a seed is made, and how the quantity is estimated from it."""

    name: str
    truth: float
    walk: Callable[[int], Track | list[Track]]
    estimate: Callable[..., Posterior]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--trials', type=int, default=100)
    parser.add_argument('--only', nargs='*', default=[])
    arguments = parser.parse_args()
    print('| case | in the 95 % interval | error in error bars: mean, spread | relative error bar | s |')
    print('|---|---|---|---|---|')
    for case in cases():
        if not arguments.only or any(part in case.name for part in arguments.only):
            print(row(case, arguments.trials), flush=True)


def row(case: Case, n_trials: int) -> str:
    """Try a case with many seeds and return a row of the table."""
    hits, deviations, widths, seconds = 0, [], [], 0.0
    for seed in range(n_trials):
        walk = case.walk(seed)
        start = time.process_time()
        posterior = case.estimate(walk, seed)
        seconds += time.process_time() - start
        low, high = posterior.interval
        hits += low < case.truth < high
        deviations.append((posterior.mean - case.truth) / posterior.std)
        widths.append(posterior.std / posterior.mean)
    spread = f'{np.mean(deviations):+.2f}, {np.std(deviations):.2f}'
    return f'| {case.name} | {hits} of {n_trials} | {spread} | {np.median(widths):.0%} | {seconds / n_trials:.2f} |'


def cases() -> list[Case]:
    """Return what is tried."""

    def chance(temperature: float) -> float:
        return 2.0 * float(np.exp(-EA / (BOLTZMANN_EV * temperature)))

    def at_temperatures(seed: int) -> list[Track]:
        return [
            lattice_walk(600, 32, 10 * seed + number, chance=chance(temperature), vibration=0.3)
            for number, temperature in enumerate(TEMPERATURES)
        ]

    def energy(walks: list[Track], seed: int) -> Posterior:
        return arrhenius(walks, seed).Ea

    def cold(walks: list[Track], seed: int) -> Posterior:
        return arrhenius(walks, seed).sample(300.0)

    def arrhenius(walks: list[Track], seed: int) -> ArrheniusFit:
        return fit_arrhenius(TEMPERATURES, [diffusion(walk, seed).samples for walk in walks], seed=seed)

    volume = CELL_EDGE**3
    sigma = float(nernst_einstein(1e-8 / 6.0, 1.0 / (volume * A3_TO_M3), 1.0, 600.0))
    return [
        Case('walk, 3840 hops', walk_D(0.3), lambda seed: lattice_walk(400, 32, seed, chance=0.3), diffusion),
        Case('walk, 256 hops, vibrations', walk_D(0.02),
             lambda seed: lattice_walk(400, 32, seed, vibration=0.3), diffusion),
        Case('the same, along x', walk_D(0.02), lambda seed: lattice_walk(400, 32, seed, vibration=0.3), along_x),
        Case('walk, 96 hops, vibrations', walk_D(0.003),
             lambda seed: lattice_walk(1000, 32, seed, chance=0.003, vibration=0.3), diffusion),
        Case('the same, along x', walk_D(0.003),
             lambda seed: lattice_walk(1000, 32, seed, chance=0.003, vibration=0.3), along_x),
        Case('Ea of walks at four temperatures', EA, at_temperatures, energy),
        Case('D at 300 K, extrapolated from these', walk_D(chance(300.0)), at_temperatures, cold),
        Case('collective conductivity, one vacancy', sigma, lambda seed: vacancy_walk(4, 3000, seed), conductivity),
        Case('Haven ratio, independent ions', 1.0, lambda seed: lattice_walk(2000, 16, seed, chance=0.1), haven),
        Case('Haven ratio, convoys of four', 0.25, lambda seed: convoy_walk(2000, 16, 4, seed), haven),
    ]  # fmt: skip


def walk_D(chance: float) -> float:  # noqa: N802
    """Return the diffusion coefficient of a lattice walk in m²/s."""
    return chance * HOP**2 / 6.0 * 1e-8


def diffusion(walk: Track, seed: int) -> Posterior:
    return estimate_diffusion(walk, seed=seed).D


def along_x(walk: Track, seed: int) -> Posterior:
    return estimate_diffusion(walk, seed=seed).axes[0]


def conductivity(walk: Track, seed: int) -> Posterior:
    return collective_conductivity(walk, 1.0, 600.0, seed=seed)


def haven(walk: Track, seed: int) -> Posterior:
    return haven_ratio(walk, seed=seed)


if __name__ == '__main__':
    main()
