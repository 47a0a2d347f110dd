"""How many of which molecules: charges, and compositions drawn at random."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping

import numpy as np

from aiida_seimlip.science.seeds import derive_seed

ELECTRON_DONOR = 'Li'
"""The name of the neutral atom that gives its electron to an anion."""

MAX_DRAWS = 200_000
BLOCK = 1_000


class CompositionError(ValueError):
    """No composition fits what is asked for."""


def net_charge(counts: Mapping[str, int], charges: Mapping[str, int]) -> int:
    """Return the charge of a composition in e, each atom of lithium giving up to one electron to anions.

    So EDC and two Li are neutral, as Li2EDC is; more lithium stays what it is: metal.

    :param counts: of each molecule, by name.
    :param charges: of each molecule in e, by name.
    """
    charge = sum(count * charges[name] for name, count in counts.items())
    donors = counts.get(ELECTRON_DONOR, 0) if charges.get(ELECTRON_DONOR) == 0 else 0
    return min(charge + donors, 0) if charge < 0 else charge


def draw_compositions(
    ranges: Mapping[str, tuple[int, int]],
    number: int,
    *,
    sizes: Mapping[str, int],
    charges: Mapping[str, int],
    atoms: tuple[int, int],
    neutral: bool = True,
    seed: int,
) -> list[dict[str, int]]:
    """Draw compositions at random, each number evenly from its range, and keep those that fit.

    None occurs twice unless fewer than asked for are found. The order of `ranges` does not matter, and the random
    numbers are those of PCG64 itself, which numpy promises not to change.

    :param ranges: smallest and largest number of each molecule, by name.
    :param number: of compositions.
    :param sizes: atoms of each molecule, by name.
    :param charges: of each molecule in e, by name.
    :param atoms: smallest and largest number of atoms of a composition.
    :param neutral: leave out those that are charged (see `net_charge`).
    :param seed: of the random numbers.
    :return: counts by name, in the order of the names, without those that are zero.
    :raises CompositionError: if nothing in the ranges fits.
    """
    found: dict[tuple[int, ...], dict[str, int]] = {}
    names = sorted(ranges)
    for counts in _draws([ranges[name] for name in names], [sizes[name] for name in names], atoms, seed):
        composition = {name: count for name, count in zip(names, counts, strict=True) if count}
        if counts in found or (neutral and net_charge(composition, charges)):
            continue
        found[counts] = composition
        if len(found) == number:
            break
    if not found:
        neutral_one = 'neutral composition' if neutral else 'composition'
        raise CompositionError(
            f'No {neutral_one} of {atoms[0]} to {atoms[1]} atoms was found among {MAX_DRAWS} drawn from the ranges.'
        )
    return [dict(composition) for composition in itertools.islice(itertools.cycle(found.values()), number)]


def _draws(
    ranges: list[tuple[int, int]], sizes: list[int], atoms: tuple[int, int], seed: int
) -> Iterator[tuple[int, ...]]:
    """Yield numbers from some ranges that make not too few and not too many atoms."""
    generator = np.random.PCG64(derive_seed(seed))
    spans = np.array([high - low + 1 for low, high in ranges], dtype=np.uint64)
    lows = np.array([low for low, _ in ranges])
    for _ in range(MAX_DRAWS // BLOCK):
        raw = generator.random_raw(BLOCK * len(ranges)).reshape(BLOCK, len(ranges))
        counts = (raw % spans).astype(np.int64) + lows
        n_atoms = counts @ np.array(sizes)
        for row in counts[(n_atoms >= atoms[0]) & (n_atoms <= atoms[1]) & (n_atoms > 0)].tolist():
            yield tuple(row)
