"""Derived seeds are reproducible, distinct and within what LAMMPS takes."""

from itertools import product

import pytest

from aiida_seimlip.science.seeds import LARGEST_SEED, derive_seed


def test_same_on_every_platform():
    assert derive_seed(42, 1, 2, 3) == derive_seed(42, 1, 2, 3)
    assert derive_seed(0) == 1 + 15793235383387715774 % LARGEST_SEED


def test_distinct_for_every_path_and_in_range():
    seeds = [derive_seed(7, *path) for path in product(range(10), range(10), range(10))]
    assert len(set(seeds)) == len(seeds)
    assert min(seeds) >= 1
    assert max(seeds) <= LARGEST_SEED


def test_path_is_not_a_sum():
    assert derive_seed(1, 2) != derive_seed(2, 1)
    assert derive_seed(1, 0) != derive_seed(1)


def test_negative_seed_is_refused():
    with pytest.raises(ValueError, match='non-negative'):
        derive_seed(-1)
