"""Potentials with random coefficients, and configurations to evaluate them on."""

from __future__ import annotations

import copy
from collections.abc import Callable

import numpy as np
import pytest
from ase import Atoms
from motep.calculator import MTP
from motep.io.mlip.mtp import read_mtp

from aiida_seimlip.science.formats.mlip3_potential import write_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.mtp.training import initial_guess

SPECIES = ('Li', 'C', 'O')


@pytest.fixture(scope='session')
def random_potential() -> Callable[..., MomentTensorPotential]:
    """Return a function that makes a potential of some level with random coefficients."""

    def make(level: int, seed: int = 0) -> MomentTensorPotential:
        potential = initial_guess(untrained(level, SPECIES, min_dist=1.0, max_dist=5.0), seed)
        rng = np.random.default_rng(seed)
        return potential.replace(
            species_coeffs=rng.normal(size=3), moment_coeffs=0.01 * rng.normal(size=potential.n_moments)
        )

    return make


@pytest.fixture(scope='session')
def monoclinic(li2co3) -> Atoms:
    """Return a rattled and strained cell of Li2CO3 without any symmetry."""
    atoms = li2co3.copy()
    strain = np.array([[0.02, 0.01, -0.03], [0.01, -0.01, 0.02], [-0.03, 0.02, 0.03]])
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    atoms.rattle(0.05, seed=1)
    return atoms


@pytest.fixture(scope='session')
def mixed_frames(li2co3, monoclinic) -> Frames:
    """Return frames of different sizes and boundary conditions, one of them with an isolated atom."""
    molecule = Atoms('CO3Li', [[0, 0, 0], [1.3, 0, 0], [-0.6, 1.1, 0.1], [-0.6, -1.1, 0], [30, 0, 0]], pbc=False)
    slab = monoclinic.copy()
    slab.pbc = [True, True, False]
    large = li2co3 * (1, 2, 1)
    large.rattle(0.1, seed=2)
    return Frames.from_atoms([monoclinic, molecule, slab, large])


@pytest.fixture(scope='session')
def motep_calculator(tmp_path_factory) -> Callable[[MomentTensorPotential], MTP]:
    """Return a function that makes a calculator of the independent implementation from a potential."""

    def make(potential: MomentTensorPotential) -> MTP:
        path = tmp_path_factory.mktemp('motep') / 'pot.mtp'
        path.write_bytes(write_almtp(potential.replace(active_set=None)))
        data = read_mtp(str(path))
        data.species = [3, 6, 8]
        return MTP(copy.deepcopy(data), engine='cext')

    return make
