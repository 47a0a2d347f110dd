"""Condensation in stages, in this process: physics, the way that is recorded, and going on in the middle."""

from copy import deepcopy

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk

from aiida_seimlip.options.condense import CondenseOptions
from aiida_seimlip.remote.condense import run_condense
from aiida_seimlip.remote.shared import TURNED, FrameError, StopError

from .calculators import IdealGas, Pairs

RELAX = {'kind': 'relax', 'max_steps': 6, 'fmax': 0.01}
PRESS = {'kind': 'relax_cell', 'pressure': 5.0, 'fmax': 0.02, 'pressure_tolerance': 0.02, 'max_steps': 200}
BATH = {'kind': 'dynamics', 'temperature': 300.0, 'n_steps': 12, 'timestep': 2.0}
PISTON = {**BATH, 'ensemble': 'npt_tri', 'pressure': 1.0}
RAMP = {
    'kind': 'ramp', 'start_temperature': 300.0, 'end_temperature': 50.0, 'n_steps': 12, 'ensemble': 'npt_iso',
    'pressure': 0.0,
}  # fmt: skip


class Listener:
    """Takes the records of a frame, and asks to stop when a number of steps has been done."""

    def __init__(self, folder, stop_after=None):
        self.folder, self.stop_after, self.records, self.asked = folder, stop_after, [], 0

    def send(self, record):
        self.records.append(deepcopy(record))  # as a pipe would

    def is_to_stop(self):
        self.asked += 1
        return self.stop_after is not None and self.asked > self.stop_after

    def of(self, kind):
        return [record for record in self.records if record['kind'] == kind]


def copper():
    """Return four atoms in a distorted cell, far from their minimum."""
    atoms = bulk('Cu', cubic=True)
    atoms.rattle(0.1, seed=5)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.05 * np.tri(3)), scale_atoms=True)
    return atoms


@pytest.fixture
def condense(tmp_path):
    """Return a function that condenses a frame, and returns what it sends."""

    def factory(*stages, atoms=None, calculator=None, stop_after=None, index=0, stress=True, **options):
        atoms = copper() if atoms is None else atoms.copy()
        atoms.calc = Pairs() if calculator is None else calculator
        content = {'stages': stages, 'seed': 7, 'record_every': 4, 'sample_every': 4, **options}
        task = CondenseOptions.from_node(content).to_remote()
        listener = Listener(tmp_path, stop_after)
        run_condense(atoms, index, task, stress, listener)
        return listener

    return factory


# -- physics ----------------------------------------------------------------------------------------------------------


def test_pressure_is_reached_in_each_element_of_the_stress(condense):
    (last,) = condense(PRESS).of('sample')
    stress = np.array(last['stress']) / units.GPa
    np.testing.assert_allclose(stress, [-5.0] * 3 + [0.0] * 3, atol=0.02)
    assert np.linalg.norm(last['forces'], axis=1).max() < 0.02


def test_cell_of_a_crystal_is_that_of_its_minimum(condense):
    """A relaxation at no pressure ends at the lattice constant where the energy is lowest."""
    (last,) = condense({**PRESS, 'pressure': 0.0, 'pressure_tolerance': 0.01}).of('sample')
    lengths = np.linspace(3.45, 3.6, 21)
    energies = []
    for length in lengths:
        crystal = bulk('Cu', a=length)
        crystal.calc = Pairs()
        energies.append(crystal.get_potential_energy())
    fit = np.polyfit(lengths, energies, 4)
    roots = np.roots(np.polyder(fit))
    best = next(root.real for root in roots if abs(root.imag) < 1e-9 and 3.45 < root.real < 3.6)
    assert abs(np.linalg.det(last['cell'])) == pytest.approx(best**3, rel=2e-3)


def test_isotropic_cell_keeps_its_shape(condense):
    (last,) = condense({**PRESS, 'cell': 'isotropic'}).of('sample')
    ratio = np.linalg.norm(last['cell'], axis=1) / copper().cell.lengths()
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-9)
    assert np.trace(last['cell']) < np.trace(copper().cell.array)
    assert np.mean(last['stress'][:3]) / units.GPa == pytest.approx(-5.0, abs=0.02)


class Slope(IdealGas):
    """A cell that flows: its energy rises with the volume, and bends a little the wrong way."""

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        volume = self.atoms.get_volume()
        self.results['energy'] = self.results['free_energy'] = 0.03 * volume - 1e-6 * volume**2
        self.results['stress'] = np.array([1.0] * 3 + [0.0] * 3) * (0.03 - 2e-6 * volume)


def test_relaxation_goes_downhill_where_the_energy_does_not_curve(condense):
    flowing = Atoms('Cu4', scaled_positions=copper().get_scaled_positions(), cell=[8.0] * 3, pbc=True)
    listener = condense(
        {**PRESS, 'pressure': 0.0, 'max_steps': 15}, atoms=flowing, calculator=Slope(), record_every=1,
        limits={'min_distance': 0.0},
    )  # fmt: skip
    densities = [row['density'] for row in listener.of('row')]
    assert np.all(np.diff(densities)[:-1] > 0)


@pytest.mark.parametrize('ensemble', ['npt_iso', 'npt_tri'])
def test_piston_holds_the_pressure(condense, ensemble):
    """The volume of an ideal gas is (N + 1) kT / P on average, which fluctuates by (N + 1)^-½ of it."""
    positions = np.random.default_rng(1).uniform(0, 27, size=(60, 3))
    gas = Atoms('Ar60', positions=positions, cell=[27.0] * 3, pbc=True)
    pressure = 0.01
    stage = {
        'kind': 'dynamics', 'ensemble': ensemble, 'temperature': 300.0, 'pressure': pressure, 'n_steps': 2000,
        'timestep': 20.0, 'thermostat_damping': 400.0, 'barostat_damping': 200.0,
    }  # fmt: skip
    listener = condense(stage, atoms=gas, calculator=IdealGas(), sample_every=None, limits={'min_distance': 0.0})
    rows = listener.of('row')[50:]
    grams = 60 * 39.948 / units.kg * 1e3
    volumes = grams / 1e-24 / np.array([row['density'] for row in rows])
    expected = 61 * units.kB * 300.0 / (pressure * units.GPa)
    assert volumes.mean() == pytest.approx(expected, rel=0.09)
    assert volumes.std() == pytest.approx(expected / np.sqrt(61), rel=0.35)
    assert np.mean([row['temperature'] for row in rows]) == pytest.approx(300.0, rel=0.03)


def test_temperature_follows_a_ramp(condense):
    gas = Atoms('Ar200', positions=np.random.default_rng(2).uniform(0, 40, size=(200, 3)), cell=[40.0] * 3, pbc=True)
    ramp = {
        'kind': 'ramp', 'start_temperature': 900.0, 'end_temperature': 100.0, 'rate': 200.0, 'timestep': 10.0,
        'thermostat_damping': 50.0,
    }  # fmt: skip
    listener = condense(ramp, atoms=gas, calculator=IdealGas(), sample_every=None, limits={'min_distance': 0.0})
    rows = listener.of('row')
    assert rows[-1]['step'] == 400, '800 K at 200 K/ps are 4 ps'
    found = np.array([row['temperature'] for row in rows[1:]])
    wanted = np.array([900.0 - 2.0 * row['step'] for row in rows[1:]])
    assert np.mean(found / wanted) == pytest.approx(1.0, abs=0.05)


def test_heat_goes_into_the_bath(condense):
    """Atoms that fall into their minimum are cold before long, though nothing has cooled them but the bath."""
    hot = copper() * (2, 1, 1)
    hot.rattle(0.12, seed=9)
    listener = condense({**BATH, 'temperature': 10.0, 'n_steps': 200}, atoms=hot, record_every=2)
    temperatures = [row['temperature'] for row in listener.of('row')]
    assert max(temperatures) > 100.0
    assert np.mean(temperatures[-15:]) < 40.0


# -- the way ----------------------------------------------------------------------------------------------------------


def test_stages_are_run_in_order(condense):
    listener = condense(RELAX, {**RELAX, 'optimizer': 'LBFGS', 'max_steps': 3}, BATH, RAMP)
    ends = [record['end'] for record in listener.of('stage')]
    assert [(end['kind'], end['n_steps'], end['converged']) for end in ends] == [
        ('relax', 6, False), ('relax', 3, False), ('dynamics', 12, None), ('ramp', 12, None),
    ]  # fmt: skip
    places = [(row['stage'], row['step'], row['total']) for row in listener.of('row')]
    assert places == [
        (0, 0, 0), (0, 4, 4), (0, 6, 6), (1, 2, 8), (1, 3, 9), (2, 3, 12), (2, 7, 16), (2, 11, 20), (2, 12, 21),
        (3, 3, 24), (3, 7, 28), (3, 11, 32), (3, 12, 33),
    ]  # fmt: skip
    assert [sample['step'] for sample in listener.of('trace')] == [4, 8, 12, 16, 20, 24, 28, 32]
    assert [sample['step'] for sample in listener.of('sample')] == [33]


def test_rows_are_those_of_the_samples(condense):
    listener = condense(RELAX, PISTON)
    rows = {row['total']: row for row in listener.of('row')}
    for sample in listener.of('trace'):
        atoms, row = Atoms('Cu4', positions=sample['positions'], cell=sample['cell'], pbc=True), rows[sample['step']]
        atoms.calc = Pairs()
        assert row['energy'] == pytest.approx(atoms.get_potential_energy(), abs=1e-9)
        assert row['max_force'] == pytest.approx(np.linalg.norm(atoms.get_forces(), axis=1).max(), abs=1e-9)
        density = atoms.get_masses().sum() * 1.66053906660 / atoms.get_volume()
        assert row['density'] == pytest.approx(density, rel=1e-6)
        motion = 4 * units.kB * row['temperature'] / atoms.get_volume() / units.GPa
        at_rest = -atoms.get_stress()[:3].mean() / units.GPa
        if motion:  # of all atoms together as well, which is no temperature
            assert 0.5 * motion < row['pressure'] - at_rest < 3.0 * motion
        else:
            assert row['pressure'] == pytest.approx(at_rest, abs=1e-9)


def test_samples_with_large_forces_are_counted_only(condense):
    listener = condense({**RELAX, 'max_steps': 9}, sample_max_force=0.1, sample_every=2)
    assert listener.of('left_out')
    assert len(listener.of('left_out')) + len(listener.of('trace')) == 4


def test_converged_frame_takes_no_step(condense):
    listener = condense(RELAX, atoms=bulk('Cu', a=3.6, cubic=True))
    assert [record['end']['n_steps'] for record in listener.of('stage')] == [0]
    assert listener.of('sample')[0]['step'] == 0


def test_left_handed_cell_comes_back_as_it_was(condense):
    turned = copper()
    turned.set_cell(-turned.cell.array)
    turned.info[TURNED] = True
    (last,) = condense(PRESS, atoms=turned).of('sample')
    assert np.trace(last['cell']) > 0  # of a cell that was turned round before


def test_random_numbers_depend_on_seed_and_index(condense):
    first, again, other = (condense(BATH, index=index).of('sample')[0]['positions'] for index in (2, 2, 3))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


# -- going astray -----------------------------------------------------------------------------------------------------


class Sick(IdealGas):
    """Has no number for an answer after some calls."""

    def calculate(self, *args, **kwargs):
        super().calculate(*args, **kwargs)
        self.calls = getattr(self, 'calls', 0) + 1
        if self.calls > 6:
            self.results['forces'] = np.full((len(self.atoms), 3), np.nan)


@pytest.mark.parametrize(
    ('stage', 'options', 'reason'),
    [
        ({**PRESS, 'pressure': 80.0}, {'limits': {'min_volume_ratio': 0.95}}, 'Collapsed: the volume is 0.9'),
        ({**PRESS, 'pressure': -60.0}, {'limits': {'max_volume_ratio': 1.1}}, 'Swollen: the volume is 1.1'),
        (PRESS, {'limits': {'max_energy_change': 0.01}}, 'RunAway: the energy has changed by'),
        (BATH, {'limits': {'max_temperature': 50.0}}, 'Exploded: the temperature is'),
        (RELAX, {'limits': {'min_distance': 3.0}}, 'TooClose: two atoms are 2'),
        ({**BATH, 'timestep': 0.1}, {'calculator': Sick()}, 'NonFiniteNumber: '),
        (PRESS, {'atoms': Atoms('Cu2', positions=[[0, 0, 0], [2.2, 0, 0]])}, 'Periodicity: a cell'),
    ],
)  # fmt: skip
def test_frame_that_goes_astray_fails(condense, stage, options, reason):
    with pytest.raises(FrameError, match=reason):
        condense(stage, **options)


# -- going on in the middle -------------------------------------------------------------------------------------------


@pytest.mark.parametrize('optimizer', ['BFGS', 'FIRE', 'LBFGS'])
@pytest.mark.parametrize('stop_after', [0, 5, 17])
def test_relaxation_goes_on_as_if_it_had_not_stopped(condense, optimizer, stop_after):
    stages = [{**RELAX, 'optimizer': optimizer}, {**PRESS, 'optimizer': optimizer, 'max_steps': 20}]
    whole = condense(*stages)
    with pytest.raises(StopError) as stopped:
        condense(*stages, stop_after=stop_after)
    assert stopped.value.status == 'paused'
    rest = condense(*stages)
    assert rest.of('resumed')[0]['total'] == stop_after
    _compare(whole, rest, exact=1e-10)


@pytest.mark.parametrize(
    'stage', [BATH, PISTON, {**PISTON, 'ensemble': 'npt_iso'}, RAMP], ids=['nvt', 'tri', 'iso', 'ramp']
)
def test_dynamics_go_on_as_if_they_had_not_stopped(condense, stage):
    whole = condense(stage, RAMP)
    with pytest.raises(StopError):
        condense(stage, RAMP, stop_after=5)
    with pytest.raises(StopError):
        condense(stage, RAMP, stop_after=9)
    rest = condense(stage, RAMP)
    assert rest.of('resumed')[0]['total'] == 14
    _compare(whole, rest, exact=1e-10)


def _compare(whole, rest, exact):
    """Compare the last states, and the rows that both have."""
    (expected,), (found,) = whole.of('sample'), rest.of('sample')
    assert found['step'] == expected['step']
    np.testing.assert_allclose(found['positions'], expected['positions'], rtol=0, atol=exact)
    np.testing.assert_allclose(found['cell'], expected['cell'], rtol=0, atol=exact)
    rows = {row['total']: row for row in whole.of('row')}
    assert rest.of('row')
    for row in rest.of('row'):
        assert row['energy'] == pytest.approx(rows[row['total']]['energy'], abs=exact)
    assert [end['end']['kind'] for end in whole.of('stage')][-1] == rest.of('stage')[-1]['end']['kind']


def test_checkpoint_is_removed_with_the_last_stage(condense, tmp_path):
    with pytest.raises(StopError):
        condense(RELAX, stop_after=2)
    assert [path.name for path in tmp_path.iterdir()] == ['checkpoint-00000.npz']
    condense(RELAX)
    assert not list(tmp_path.iterdir())


def test_checkpoint_of_other_stages_is_refused(condense):
    with pytest.raises(StopError):
        condense(RELAX, stop_after=2)
    with pytest.raises(FrameError, match='Checkpoint: it belongs to another frame, or to other stages'):
        condense({**RELAX, 'max_steps': 7})


def test_checkpoint_of_another_frame_is_refused(condense):
    """Two starts of one composition have the same atoms, but not the same places."""
    with pytest.raises(StopError):
        condense(RELAX, stop_after=2)
    other = copper()
    other.rattle(0.01, seed=6)
    with pytest.raises(FrameError, match='Checkpoint: it belongs to another frame, or to other stages'):
        condense(RELAX, atoms=other)
