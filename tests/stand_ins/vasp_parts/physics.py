"""Energies, forces, stresses and dynamics of the stand-in for VASP, by ASE."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from ase import Atoms, units

from .inputs import Inputs
from .step import KBAR, Step

LENNARD_JONES = {'name': 'lj', 'kwargs': {'sigma': 3.4, 'epsilon': 0.0104, 'rc': 6.0, 'smooth': True}}
"""Calculator, if the rules name none: argon for all elements."""


def make_atoms(inputs: Inputs, calculator: dict[str, Any]) -> Atoms:
    """Return the atoms with a calculator."""
    atoms = Atoms(inputs.symbols, cell=inputs.cell, scaled_positions=inputs.scaled, pbc=True)
    masses = np.repeat([potential.mass for potential in inputs.potentials], inputs.counts)
    atoms.set_masses(masses)
    atoms.calc = _CALCULATORS[calculator['name']](**calculator.get('kwargs', {}))
    return atoms


def run(inputs: Inputs, atoms: Atoms) -> Iterator[Step]:
    """Give the ionic steps as they are done: one, or those of a run of molecular dynamics."""
    if not inputs.is_dynamics:
        yield evaluate(atoms, inputs)
        return
    rng = np.random.default_rng(inputs.seed)
    _set_velocities(atoms, inputs, rng)
    dynamics = _dynamics(atoms, inputs, rng)
    n_steps = inputs.tags['NSW']
    for step in range(n_steps):
        yield evaluate(atoms, inputs)
        if step + 1 < n_steps:
            _set_temperature(atoms, dynamics, inputs, step + 1)
            dynamics.run(1)


def evaluate(atoms: Atoms, inputs: Inputs) -> Step:
    """Calculate what VASP tells of a configuration.

    The smearing costs 20 meV an atom and eV of SIGMA, so that nobody can mistake one energy for another.
    """
    sigma = inputs.tags['SIGMA'] if inputs.tags['ISMEAR'] >= -1 else 0.0
    scaled = atoms.get_scaled_positions(wrap=True)
    return Step(
        cell=atoms.cell.array.copy(), scaled=scaled, positions=atoms.positions.copy(),
        energy=float(atoms.get_potential_energy(force_consistent=_has_free_energy(atoms))),
        entropy=-0.02 * sigma * len(atoms), forces=atoms.get_forces(),
        stress=-atoms.get_stress(voigt=False) / KBAR, kinetic=float(atoms.get_kinetic_energy()),
        temperature=float(atoms.get_temperature()), velocities=atoms.get_velocities() * units.fs,
    )  # fmt: skip


def _has_free_energy(atoms: Atoms) -> bool:
    return 'free_energy' in atoms.calc.implemented_properties


def _set_velocities(atoms: Atoms, inputs: Inputs, rng: np.random.Generator) -> None:
    """Take the velocities of POSCAR, or draw them at TEBEG; the centre of mass rests."""
    if inputs.velocities is not None:
        atoms.set_velocities(inputs.velocities / units.fs)
        return
    from ase.md.velocitydistribution import MaxwellBoltzmannDistribution, Stationary

    MaxwellBoltzmannDistribution(atoms, temperature_K=inputs.tags['TEBEG'], rng=rng)
    Stationary(atoms)
    present = atoms.get_temperature()
    if present > 0:
        atoms.set_velocities(atoms.get_velocities() * np.sqrt(inputs.tags['TEBEG'] / present))


def _dynamics(atoms: Atoms, inputs: Inputs, rng: np.random.Generator) -> Any:
    """Return the integrator that MDALGO and SMASS ask for, with the time constants that ASE needs."""
    tags = inputs.tags
    timestep = tags['POTIM'] * units.fs
    temperature = tags['TEBEG']
    if tags['MDALGO'] == 3:
        from ase.md.langevin import Langevin

        friction = np.repeat(tags['LANGEVIN_GAMMA'], inputs.counts)[:, None] / (1000 * units.fs)
        return Langevin(atoms, timestep, temperature_K=temperature, friction=friction, rng=rng)
    if tags['MDALGO'] == 1:
        from ase.md.andersen import Andersen

        return Andersen(atoms, timestep, temperature, andersen_prob=tags.get('ANDERSEN_PROB', 0.0), rng=rng)
    if tags['MDALGO'] in (2, 4) or tags['SMASS'] >= 0:
        from ase.md.nose_hoover_chain import NoseHooverChainNVT

        return NoseHooverChainNVT(atoms, timestep, temperature_K=temperature, tdamp=40 * timestep)
    from ase.md.verlet import VelocityVerlet

    return VelocityVerlet(atoms, timestep)


def _set_temperature(atoms: Atoms, dynamics: Any, inputs: Inputs, step: int) -> None:
    """Follow the ramp from TEBEG to TEEND, and scale velocities every NBLOCK steps where SMASS = -1."""
    tags = inputs.tags
    fraction = step / max(tags['NSW'] - 1, 1)
    target = tags['TEBEG'] + fraction * (tags.get('TEEND', tags['TEBEG']) - tags['TEBEG'])
    if tags['MDALGO'] == 3 and target != tags['TEBEG']:
        dynamics.set_temperature(temperature_K=target)
    scaling = tags['MDALGO'] == 0 and tags['SMASS'] == -1
    if scaling and step % tags['NBLOCK'] == 0 and atoms.get_temperature() > 0:
        atoms.set_velocities(atoms.get_velocities() * np.sqrt(target / atoms.get_temperature()))


def _lennard_jones(**kwargs: Any) -> Any:
    from ase.calculators.lj import LennardJones

    return LennardJones(**kwargs)


def _emt(**kwargs: Any) -> Any:
    from ase.calculators.emt import EMT

    return EMT(**kwargs)


def _tblite(**kwargs: Any) -> Any:
    from tblite.ase import TBLite

    return TBLite(**{'verbosity': 0, **kwargs})


_CALCULATORS: dict[str, Callable[..., Any]] = {'lj': _lennard_jones, 'emt': _emt, 'tblite': _tblite}
