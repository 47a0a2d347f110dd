"""Small frames of copper and gold with the forces of effective-medium theory, and small trainings on them."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase.build import bulk
from ase.calculators.emt import EMT

from aiida_seimlip.science.frames import Frames

SMALL: dict[str, Any] = {
    'num_channels': 4, 'num_radial_basis': 4, 'r_max': 4.0, 'max_ell': 1, 'default_dtype': 'float64',
    'max_num_epochs': 5, 'valid_batch_size': 4, 'atom_energies': {'Cu': 0.0, 'Au': 0.0}, 'validation_fraction': 0.25,
}  # fmt: skip
"""A training that takes a second or two beside the time that it takes to begin."""


def alloys(n_frames: int, seed: int = 0) -> Frames:
    """Return strained cells of four displaced atoms, two of copper and two of gold, with labels.

    :param n_frames: number of frames.
    :param seed: of the first one; the next ones follow.
    """
    images = []
    for number in range(seed, seed + n_frames):
        rng = np.random.default_rng(number)
        atoms = bulk('Cu', a=3.8, cubic=True)
        atoms.symbols[:2] = 'Au'
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + rng.normal(scale=0.03, size=(3, 3))), scale_atoms=True)
        atoms.rattle(0.15, rng=rng)
        atoms.calc = EMT()
        atoms.get_potential_energy()
        atoms.get_stress()
        images.append(atoms)
    return Frames.from_atoms(images)
