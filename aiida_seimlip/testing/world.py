"""A small world for engines: neon and argon, with the forces of Lennard and Jones."""

from __future__ import annotations

from functools import cache

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.calculators.lj import LennardJones
from ase.mep import NEB
from ase.optimize import BFGS

from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.grade import build_active_set
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.potential import MomentTensorPotential
from aiida_seimlip.science.mtp.training import TrainingOptions, train

SPECIES = ('Ne', 'Ar')
LENNARD_JONES = {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}
"""Keyword arguments of ASE's `LennardJones`; neon and argon differ in nothing but their names and masses."""

DYNAMICS = {'temperature': 30.0, 'n_steps': 20, 'sample_every': 10, 'seed': 4, 'timestep': 4.0}
"""Settings of reference dynamics, from the images 1 and 2."""

STEP = 0.003
"""How far `derivative_images` go in either direction: Å for the atoms, no unit for the strain."""


def image(seed: int, scale: float = 0.15, strain: float = 0.02) -> Atoms:
    """Return a displaced and strained cell of eight atoms, monoclinic so that no symmetry hides a mistake.

    :param seed: of the displacements and strains.
    :param scale: standard deviation of the displacements in Å.
    :param strain: standard deviation of the strains.
    """
    rng = np.random.default_rng(seed)
    atoms: Atoms = bulk('Ar', a=5.3, cubic=True) * (2, 1, 1)
    atoms.symbols[::4] = 'Ne'
    cell = atoms.cell.array
    cell[2, 0] = 1.0
    atoms.set_cell(cell @ (np.eye(3) + rng.normal(scale=strain, size=(3, 3))), scale_atoms=True)
    atoms.positions += rng.normal(scale=scale, size=(8, 3))
    return atoms


def labelled(atoms: Atoms) -> Atoms:
    """Return the same atoms with the labels that the reference program ought to give.

    :param atoms: neon and argon; a calculator is attached to them.
    """
    atoms.calc = LennardJones(**LENNARD_JONES)
    atoms.get_potential_energy()
    atoms.get_stress()
    return atoms


def directions(atoms: Atoms) -> tuple[np.ndarray, np.ndarray]:
    """Return a direction in which all atoms move, and a symmetric strain, both of norm 1.

    :param atoms: any.
    :return: shapes (n_atoms, 3) and (3, 3).
    """
    rng = np.random.default_rng(7)
    shift, strain = rng.normal(size=(len(atoms), 3)), rng.normal(size=(3, 3))
    strain = strain + strain.T
    return shift / np.linalg.norm(shift), strain / np.linalg.norm(strain)


def derivative_images(atoms: Atoms) -> list[Atoms]:
    """Return the atoms, then displaced there and back, then strained there and back: see `directions` and `STEP`.

    :param atoms: a periodic cell.
    """
    shift, strain = directions(atoms)
    images = [atoms.copy()]
    for sign in (1, -1):
        images.append(atoms.copy())
        images[-1].positions += sign * STEP * shift
    for sign in (1, -1):
        images.append(atoms.copy())
        images[-1].set_cell(atoms.cell.array @ (np.eye(3) + sign * STEP * strain), scale_atoms=True)
    return images


def band(n_between: int = 3) -> list[Atoms]:
    """Return the hop of an atom into a vacancy, relaxed at its ends.

    :param n_between: number of images between the ends.
    """
    crystal = bulk('Ar', a=5.3, cubic=True) * (2, 2, 2)
    crystal.symbols[1::4] = 'Ne'
    hopping = int(np.argsort(crystal.get_distances(0, range(len(crystal)), mic=True), kind='stable')[1])
    initial, final = crystal.copy(), crystal.copy()
    final.positions[hopping] += crystal.get_distance(hopping, 0, mic=True, vector=True)
    ends = []
    for end in (initial, final):
        del end[0]
        end.calc = LennardJones(**LENNARD_JONES)
        BFGS(end, logfile=None).run(fmax=1e-4)
        ends.append(end)
    images = [ends[0], *(ends[0].copy() for _ in range(n_between)), ends[1]]
    NEB(images, method='improvedtangent').interpolate()
    return images


@cache
def trained() -> tuple[MomentTensorPotential, Frames]:
    """Return a trained moment tensor potential of level 6 with its active set, and its training set."""
    frames = Frames.from_atoms([labelled(image(seed)) for seed in range(12)])
    start = untrained(6, SPECIES, min_dist=2.0, max_dist=5.2)
    potential = train(start, frames, TrainingOptions(iteration_limit=40)).potential
    return build_active_set(potential, frames), frames
