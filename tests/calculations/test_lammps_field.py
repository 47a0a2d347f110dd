"""``seimlip.lammps`` in an electric field: what is written and refused, and real runs against Newton's second law."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node
from aiida.plugins import CalculationFactory
from ase import Atoms, units
from ase.data import atomic_masses, atomic_numbers

from aiida_seimlip.data.charges import store_charges
from aiida_seimlip.data.frames import FramesData
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.testing import world

FIELD = [0.02, -0.01, 0.03]
CHARGES = np.array([1.0, -1.0, 0.5, -0.5])
NVE = {
    'ensemble': 'nve', 'temperature': 300.0, 'timestep': 1.0, 'n_steps': 200, 'velocities': 'keep', 'dump_every': 50,
    'thermo_every': 50, 'with_grades': False, 'keep_energies': True, 'field': FIELD,
}  # fmt: skip
ACCELERATION = units._e / units._amu * 1e20 * 1e-24
"""Of 1 u by 1 eV/Å, in Å/ps²."""


@pytest.fixture(scope='module')
def mtp():
    return world.trained()[0]


@pytest.fixture
def potential(aiida_profile, mtp):
    from aiida_seimlip.data.potential import PotentialData

    return PotentialData.from_mtp(mtp)


def ions(spacing=9.0):
    """Return neon and argon at rest, farther apart than the potential reaches, in a cell turned out of LAMMPS' own."""
    atoms = Atoms(
        'NeArNeAr', cell=2.0 * spacing * np.array([[1.0, 0.0, 0.0], [0.2, 1.0, 0.0], [0.0, 0.1, 1.0]]), pbc=True
    )
    atoms.set_scaled_positions([[0.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]])
    atoms.rotate(35.0, (1.0, -2.0, 0.5), rotate_cell=True)
    return Frames.from_atoms([atoms]).replace(velocities=np.zeros((4, 3)))


@pytest.fixture
def inputs(code, potential):
    return {
        'code': code('seimlip.lammps', 'seimlip-lmp'), 'structure': FramesData(ions()), 'potential': potential,
        'parameters': NVE, 'charges': store_charges(CHARGES),
    }  # fmt: skip


def run(inputs, **changes):
    parameters = orm.Dict({**inputs['parameters'], **changes})
    outputs, node = run_get_node(CalculationFactory('seimlip.lammps'), **{**inputs, 'parameters': parameters})
    assert node.is_finished_ok, node.exit_message
    return outputs


def test_free_ions_accelerate_by_charge_over_mass(inputs, mtp):
    start = ions()
    assert start.shortest_distances(20.0).min() > mtp.max_dist + 2.0
    outputs = run(inputs)
    final, time = outputs['final'].get_frames(), 0.2
    masses = atomic_masses[start.numbers]
    expected = np.outer(CHARGES / masses, FIELD) * ACCELERATION
    assert np.abs(expected * time).max() > 1.0
    np.testing.assert_allclose(final.velocities, expected * time, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(final.positions - start.positions, 0.5 * expected * time**2, rtol=1e-6, atol=1e-8)
    frames = outputs['trajectory'].get_frames()
    np.testing.assert_allclose(frames.forces, 0.0, atol=1e-9)
    alone = evaluate(mtp, start).energies[0]
    np.testing.assert_allclose(frames.energies, alone, atol=1e-9)


def test_energies_and_force_of_the_field(inputs):
    """The field gives as much energy as the ions gain, no force on a neutral cell, and no pressure."""
    outputs = run(inputs)
    thermo = {name: outputs['thermo'].get_array(name) for name in outputs['thermo'].get_arraynames()}
    kinetic, given = thermo['kinetic_energy'], thermo['field_energy']
    assert kinetic[-1] > 0.02
    np.testing.assert_allclose(np.diff(kinetic), -np.diff(given), rtol=1e-5)
    np.testing.assert_allclose([thermo[f'field_force_{axis}'] for axis in 'xyz'], 0.0, atol=1e-12)
    volume = thermo['volume'][0]
    ideal = 2.0 * kinetic / (3.0 * volume) * units._e * 1e30 / 1e5
    np.testing.assert_allclose(thermo['pressure'], ideal, rtol=1e-5, atol=1e-6)
    assert outputs['results']['mean_temperature_still'] == pytest.approx(
        outputs['results']['mean_temperature'], rel=1e-6
    )


def test_labels_are_those_of_the_potential(inputs, mtp):
    """Where atoms meet, energies and forces of the frames are the potential's own, without the field."""
    image = world.image(3)
    charges = np.where(image.numbers == atomic_numbers['Ne'], 0.6, -0.2)
    assert charges.sum() == pytest.approx(0.0)
    start = Frames.from_atoms([image]).replace(velocities=np.zeros((len(image), 3)))
    outputs = run(
        inputs | {'structure': FramesData(start), 'charges': store_charges(charges)},
        n_steps=50,
        dump_every=10,
        thermo_every=10,
    )
    frames = outputs['trajectory'].get_frames()
    ours = evaluate(mtp, frames.without_labels())
    np.testing.assert_allclose(frames.forces, ours.forces, atol=1e-7)
    np.testing.assert_allclose(frames.energies, ours.energies, atol=1e-7)
    still = run(inputs | {'structure': FramesData(start), 'charges': store_charges(charges)}, field=[0.0, 0.0, 0.0])
    assert np.abs(still['final'].get_frames().positions - outputs['final'].get_frames().positions).max() > 1e-3


# -- what is written and refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize('dialect', ['mlip', 'mtp'])
def test_script(generate_calc_job, inputs, dialect):
    """The field is turned with the cell; there are charges, but no Coulomb part and no virial."""
    inputs['parameters'] = {**NVE, 'dialect': dialect}
    job = generate_calc_job('seimlip.lammps', inputs)
    lines = job.read('input.in').splitlines()
    assert 'atom_style charge' in lines
    fix = next(line for line in lines if line.startswith('fix field '))
    assert fix.split()[:4] == ['fix', 'field', 'all', 'efield']
    written = np.array(fix.split()[4:], dtype=float)
    np.testing.assert_allclose(np.linalg.norm(written), np.linalg.norm(FIELD))
    start = ions()
    data = job.read('structure.data').splitlines()
    first = data.index('Atoms # charge') + 2
    rows = np.array([line.split() for line in data[first : first + 4]], dtype=float)
    np.testing.assert_array_equal(rows[:, 2], CHARGES)
    np.testing.assert_allclose(rows[:, 3:] @ written, start.positions @ FIELD, atol=1e-9)
    assert 'fix_modify field energy yes' in lines
    assert lines.index(fix) < next(i for i, line in enumerate(lines) if line.startswith('fix dynamics'))
    thermo = next(line for line in lines if line.startswith('thermo_style'))
    assert thermo.endswith(' f_field f_field[1] f_field[2] f_field[3] c_still')
    text = '\n'.join(lines)
    assert not any(word in text for word in ('coul', 'kspace', 'qeq', 'virial', 'fix momentum'))
    pair = {'mlip': 'pair_style mlip load_from=potential.almtp', 'mtp': 'pair_style mtp potential.almtp'}
    assert pair[dialect] in lines


def test_without_a_field_nothing_changes(generate_calc_job, inputs):
    del inputs['charges']
    inputs['parameters'] = {**NVE, 'field': None}
    job = generate_calc_job('seimlip.lammps', inputs)
    assert 'atom_style atomic' in job.read('input.in')
    assert 'Atoms # atomic' in job.read('structure.data')
    assert 'field' not in job.read('input.in')


@pytest.mark.parametrize(
    ('charges', 'message'),
    [
        ([1.0, -1.0, 0.5, -0.4], r'sum is \+0\.1 e'),
        ([1.0, -1.0], r'shape \(2,\), but the structure has 4 atoms'),
        ([1.0, -1.0, np.nan, 0.0], 'not finite'),
    ],
)
def test_charges_refused(generate_calc_job, inputs, charges, message):
    with pytest.raises(ValueError, match=message):
        generate_calc_job('seimlip.lammps', inputs | {'charges': store_charges(np.array(charges))})


def test_field_and_charges_belong_together(generate_calc_job, inputs):
    charges = inputs.pop('charges')
    with pytest.raises(ValueError, match='Input `charges` is missing'):
        generate_calc_job('seimlip.lammps', inputs)
    inputs |= {'charges': charges, 'parameters': {**NVE, 'field': None}}
    with pytest.raises(ValueError, match='Option `field` of input `parameters` is missing'):
        generate_calc_job('seimlip.lammps', inputs)


@pytest.mark.parametrize('ensemble', ['npt_iso', 'npt_tri'])
def test_the_cell_must_stay(generate_calc_job, inputs, ensemble):
    inputs['parameters'] = {**NVE, 'ensemble': ensemble, 'pressure': 1.0}
    with pytest.raises(ValueError, match='in a `field` the cell must stay'):
        generate_calc_job('seimlip.lammps', inputs)


def test_a_run_in_two_jobs_is_one_run(inputs):
    """The rest goes on with the field and the charges, and the energies join."""
    whole = run(inputs, n_steps=60, dump_every=20, thermo_every=20)
    first = run(inputs, n_steps=25, dump_every=20, thermo_every=20)
    rest = {'n_steps': 35, 'first_step': 25, 'dump_every': 20, 'thermo_every': 20}
    second = run(inputs | {'structure': first['final']}, **rest)
    ends = [outputs['final'].get_frames() for outputs in (second, whole)]
    np.testing.assert_allclose(ends[0].positions, ends[1].positions, atol=1e-9)
    np.testing.assert_allclose(ends[0].velocities, ends[1].velocities, atol=1e-9)
    energies = [outputs['trajectory'].get_frames().energies[-1] for outputs in (second, whole)]
    assert energies[0] == pytest.approx(energies[1], abs=1e-8)
