"""Fixtures with MACE: its interpreter, and potentials with random weights."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from ase.data import atomic_numbers

from aiida_seimlip.data.potential import PotentialData

PYTHON = os.environ.get('SEIMLIP_MACE_PYTHON', '')
MAKE = Path(__file__).with_name('make.py')
CUTOFF = 4.0
"""Of the random models, in Å."""

needs_mace = pytest.mark.skipif(
    not PYTHON, reason='SEIMLIP_MACE_PYTHON names no interpreter that has mace-torch (make mace)'
)


def write_random_model(stem: Path, species: tuple[str, ...], seed: int = 1, python: str = PYTHON) -> None:
    """Write the files ``.pt`` and ``.model`` of a model with random weights.

    :param stem: their path without the suffix.
    """
    numbers = sorted(atomic_numbers[symbol] for symbol in species)
    command = [python, MAKE, str(seed), ','.join(map(str, numbers)), stem]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture(scope='session')
def mace_files(tmp_path_factory) -> Callable[..., Path]:
    """Return a function that gives the stem of the files ``.pt`` and ``.model`` of a model with random weights."""
    folder = tmp_path_factory.mktemp('mace')

    def make(species: tuple[str, ...] = ('Li', 'C', 'O'), seed: int = 1) -> Path:
        stem = folder / '-'.join([str(seed), *sorted(species)])
        if not stem.with_suffix('.pt').exists():
            write_random_model(stem, species, seed)
        return stem

    return make


@pytest.fixture
def mace_potential(mace_files) -> Callable[..., PotentialData]:
    """Return a function that gives a node, not stored, with the models of some seeds; several are a committee."""

    def make(species: tuple[str, ...] = ('Li', 'C', 'O'), seeds: tuple[int, ...] = (1,), **facts) -> PotentialData:
        ordered = sorted(species, key=atomic_numbers.__getitem__)
        files = [mace_files(species, seed) for seed in seeds]
        return PotentialData.from_mace(
            [stem.with_suffix('.pt').read_bytes() for stem in files], species=ordered, cutoff=CUTOFF,
            pickles=[stem.with_suffix('.model').read_bytes() for stem in files], dtype='float64', **facts,
        )  # fmt: skip

    return make


@pytest.fixture
def mace_code(code):
    """Return the code of the interpreter that has mace-torch."""
    return code('seimlip.ase', PYTHON, description='With mace-torch.')
