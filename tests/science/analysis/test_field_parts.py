"""Charges, forces and temperatures of parts."""

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

from aiida_seimlip.science.analysis.field_parts import kinetic_temperatures, net_forces
from aiida_seimlip.science.analysis.field_velocities import FieldError
from aiida_seimlip.science.frames import Frames

PARTS = ['metal'] * 64 + ['salt'] * 64


def moving(drifts):
    """Return atoms at 300 K of which two halves drift, velocities of the halves in Å/ps."""
    atoms = bulk('NaCl', 'rocksalt', a=5.6).repeat(4)
    MaxwellBoltzmannDistribution(atoms, temperature_K=300.0, rng=np.random.default_rng(0))
    velocities = atoms.get_velocities()
    masses = atoms.get_masses()
    for half, drift in zip((slice(0, 64), slice(64, 128)), drifts, strict=True):
        velocities[half] -= np.average(velocities[half], axis=0, weights=masses[half])
        velocities[half] += np.array(drift) * 1e-3 / units.fs
    atoms.set_velocities(velocities)
    return atoms


def test_temperature_against_ase():
    atoms = moving([(0, 0, 0), (0, 0, 0)])
    (found,) = kinetic_temperatures(Frames.from_atoms([atoms]))
    assert found.with_drift_kelvin[0] == pytest.approx(atoms.get_temperature())
    assert found.without_drift_kelvin[0] == pytest.approx(atoms.get_temperature() * 128 / 127)


def test_drift_is_no_heat():
    still, driven = (
        kinetic_temperatures(Frames.from_atoms([moving([drift, drift])]))[0] for drift in ([0, 0, 0], [0, 3.0, 4.0])
    )
    assert driven.drift_angstrom_per_ps == pytest.approx(np.array([[0.0, 3.0, 4.0]]))
    assert driven.without_drift_kelvin == pytest.approx(still.without_drift_kelvin)
    mass = moving([(0, 0, 0)] * 2).get_masses().sum() * 1.66053907e-27
    heat = mass * 500.0**2 / (3 * 128 * 1.380649e-23)  # 5 Å/ps are 500 m/s
    assert driven.with_drift_kelvin - still.with_drift_kelvin == pytest.approx([heat], rel=1e-6)


def test_parts_that_drift_apart():
    frames = Frames.from_atoms([moving([(0, 0, 1.0), (0, 0, -2.0)]), moving([(0, 0, 0), (1.0, 0, 0)])])
    metal, salt = kinetic_temperatures(frames, PARTS)
    assert (metal.name, salt.name) == ('metal', 'salt')
    assert metal.drift_angstrom_per_ps == pytest.approx(np.array([[0, 0, 1.0], [0, 0, 0]]), abs=1e-12)
    assert salt.drift_angstrom_per_ps == pytest.approx(np.array([[0, 0, -2.0], [1.0, 0, 0]]), abs=1e-12)
    assert metal.without_drift_kelvin[0] == pytest.approx(metal.without_drift_kelvin[1])
    assert salt.with_drift_kelvin[0] > salt.without_drift_kelvin[0] + 10.0


def test_one_atom_has_no_temperature_of_its_own():
    atoms = moving([(0, 0, 0), (0, 0, 0)])[:1]
    assert np.isnan(kinetic_temperatures(Frames.from_atoms([atoms]))[0].without_drift_kelvin).all()


def test_net_forces():
    charges = np.concatenate([np.full(64, 0.02), np.full(64, -0.02)])
    metal, salt = net_forces(charges, [0.0, 0.01, 0.03], PARTS)
    assert metal.charge_e == pytest.approx(1.28)
    assert metal.force_ev_per_angstrom == pytest.approx([0.0, 0.0128, 0.0384])
    assert salt.force_ev_per_angstrom == pytest.approx([0.0, -0.0128, -0.0384])
    assert (salt.name, salt.n_atoms) == ('salt', 64)


def test_what_does_not_fit():
    with pytest.raises(FieldError, match='lack velocities'):
        kinetic_temperatures(Frames.from_atoms([bulk('Li')]))
    with pytest.raises(FieldError, match='2 names of parts for 128 atoms'):
        kinetic_temperatures(Frames.from_atoms([moving([(0, 0, 0), (0, 0, 0)])]), ['a', 'b'])
    with pytest.raises(FieldError, match='three numbers'):
        net_forces(np.zeros(2), [0.1], ['a', 'b'])
