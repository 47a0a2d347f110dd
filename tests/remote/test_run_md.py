"""The script of ``seimlip.md``, in this process; the physics against what must hold for any potential."""

import json

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators import emt

from aiida_seimlip.calculations.script import pack
from aiida_seimlip.options.calculator import CalculatorOptions
from aiida_seimlip.options.dynamics import AseDynamicsOptions
from aiida_seimlip.parsers.md import read_checkpoint, read_records
from aiida_seimlip.remote import run_md
from aiida_seimlip.science.frames import Frames

EMT = CalculatorOptions(name='emt').to_remote()


def calculator(name, **kwargs):
    """Return how to make a calculator of the tests."""
    return {**EMT, 'target': f'tests.remote.calculators:{name}', 'kwargs': kwargs}


def ring(n_atoms=16):
    """Return atoms in a ring, not quite at rest."""
    angles = np.linspace(0, 2 * np.pi, n_atoms, endpoint=False)
    radius = 1.0 / np.sin(np.pi / n_atoms)
    heights = np.random.default_rng(1).normal(scale=0.2, size=n_atoms)
    positions = np.transpose([radius * np.cos(angles), radius * np.sin(angles), heights])
    return Atoms(['Cu', 'Au'] * (n_atoms // 2), positions=positions, cell=[30.0] * 3, pbc=True)


def copper():
    """Return 32 atoms in a monoclinic cell in which no atom is at rest, one in four of them gold."""
    atoms = bulk('Cu', cubic=True) * (2, 2, 2)
    atoms.symbols[::4] = 'Au'
    cell = atoms.cell.array * 1.03
    cell[2, 0] = 0.6
    atoms.set_cell(cell, scale_atoms=True)
    atoms.rattle(0.05, seed=1)
    return atoms


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs the script and gives exit code, how it ended, and the thermodynamic records."""
    monkeypatch.setattr(run_md.signal, 'signal', lambda *_: None)
    monkeypatch.setattr(run_md.os, 'environ', {})

    def factory(atoms, calculator=EMT, *, limit=None, **options):
        defaults = {'temperature': 300.0, 'seed': 3, 'timestep': 5.0, 'n_steps': 20, 'thermo_every': 1}
        chosen = AseDynamicsOptions(calculator=CalculatorOptions(name='emt'), **{**defaults, **options})
        (tmp_path / 'options.json').write_text(json.dumps(chosen.to_remote(calculator, limit)))
        (tmp_path / 'frames.npz').write_bytes(pack(Frames.from_atoms([atoms])))
        code = run_md.main(tmp_path)
        end = json.loads((tmp_path / 'results.json').read_text())
        return code, end, read_records(tmp_path / 'thermo.npy')

    return factory


def test_energy_is_conserved(run):
    """Its error falls with the square of the time step, as that of the velocity Verlet scheme must."""
    spreads = []
    for timestep, n_steps in ((2.0, 400), (1.0, 800)):
        options = {'ensemble': 'nve', 'timestep': timestep, 'n_steps': n_steps}
        code, _, thermo = run(ring(), calculator('Ring'), **options)
        energies = thermo['potential_energy'] + thermo['kinetic_energy']
        assert code == 0
        spreads.append(np.std(energies))
        assert abs(energies[-100:].mean() - energies[:100].mean()) < spreads[-1]
    assert spreads[0] < 0.001 * 16
    assert spreads[0] / spreads[1] == pytest.approx(4.0, rel=0.2)


def test_first_temperature_is_exact(run):
    _, _, thermo = run(copper(), n_steps=1, temperature=450.0)
    assert thermo['temperature'][0] == pytest.approx(450.0, abs=1e-9)


def test_thermostat_holds_the_temperature(run):
    """Mean and fluctuation over 3N - 3 degrees of freedom are those of the canonical ensemble."""
    options = {'n_steps': 5000, 'temperature': 400.0, 'timestep': 4.0, 'thermo_every': 5}
    code, _, thermo = run(ring(), calculator('Ring'), **options)
    blocks = thermo['temperature'][200:1000].reshape(20, -1).mean(axis=1)
    error = blocks.std(ddof=1) / np.sqrt(20)
    assert code == 0
    assert np.isnan(thermo['pressure']).all()
    assert error < 8.0
    assert abs(blocks.mean() - 400.0) < 3 * error
    assert np.std(thermo['temperature'][200:]) / 400.0 == pytest.approx(np.sqrt(2 / 45), rel=0.2)


def test_barostat_holds_the_pressure(run):
    """An ideal gas takes the volume that it must have, NkT/P."""
    positions = np.random.default_rng(1).uniform(0, 27, size=(60, 3))
    gas = Atoms('Ar60', positions=positions, cell=[27.0] * 3, pbc=True)
    options = {
        'ensemble': 'npt_iso', 'pressure': 100.0, 'n_steps': 2000, 'timestep': 20.0, 'barostat_damping': 1000.0,
        'thermo_every': 2,
    }  # fmt: skip
    code, _, thermo = run(gas, calculator('IdealGas'), **options)
    assert code == 0
    assert thermo['volume'][200:].mean() == pytest.approx(60 * units.kB * 300.0 / (100.0 * units.bar), rel=0.08)
    assert thermo['pressure'][200:].mean() == pytest.approx(100.0, rel=0.08)


def test_velocities_are_kept(run, tmp_path):
    """At the time reversed a run comes back to where it began."""
    run(copper(), ensemble='nve', n_steps=40, dump_every=40)
    forth = read_checkpoint(tmp_path / 'checkpoint.npz', Frames.from_atoms([copper()]))
    back = forth.replace(velocities=-forth.velocities).to_atoms()[0]
    run(back, ensemble='nve', velocities='keep', n_steps=40, first_step=40)
    home = read_checkpoint(tmp_path / 'checkpoint.npz', Frames.from_atoms([copper()]))
    np.testing.assert_allclose(home.positions, copper().positions, atol=1e-8)
    assert home.origin_steps.tolist() == [80]


def test_records(run, tmp_path):
    options = {'mobile': ['Au'], 'track_every': 5, 'dump_every': 10, 'thermo_every': 4}
    run(copper(), **options)
    track, trajectory, thermo = (
        read_records(tmp_path / f'{name}.npy') for name in ('track', 'trajectory', 'thermo')
    )  # fmt: skip
    assert track['step'].tolist() == [0, 5, 10, 15, 20]
    assert trajectory['step'].tolist() == [0, 10, 20]
    assert thermo['step'].tolist() == list(range(0, 21, 2))  # so that whole frames have their energies
    gold = copper().numbers == 79
    np.testing.assert_allclose(track['positions'][::2], trajectory['positions'][:, gold], atol=2e-6)
    masses = copper().get_masses()[~gold]
    centre = np.average(trajectory['positions'][:, ~gold], axis=1, weights=masses)
    np.testing.assert_allclose(track['framework'][::2], centre, atol=1e-12)
    np.testing.assert_allclose(trajectory['energy'], thermo['potential_energy'][[0, 5, 10]])


def test_a_start_alone_is_evaluated(run, tmp_path):
    code, end, thermo = run(copper(), n_steps=0)
    atoms = copper()
    atoms.calc = emt.EMT()
    trajectory = read_records(tmp_path / 'trajectory.npy')
    assert (code, end['n_steps'], len(thermo)) == (0, 0, 1)
    assert trajectory['energy'][0] == pytest.approx(atoms.get_potential_energy(), abs=1e-12)
    np.testing.assert_allclose(trajectory['forces'][0], atoms.get_forces(), atol=1e-12)
    stress = atoms.get_stress()[:3].mean()
    ideal = units.kB * 300.0 * 31 / atoms.get_volume()
    assert thermo['pressure'][0] == pytest.approx((ideal - stress) / units.bar, rel=1e-9)


# -- ends -------------------------------------------------------------------------------------------------------------


def test_explosion(run, tmp_path):
    code, end, _ = run(copper(), timestep=500.0)
    assert (code, end['status']) == (run_md.EXIT_CODES['crashed'], 'crashed')
    assert 'temperature has risen' in end['message'] or 'no longer finite' in end['message']


def test_calculator_that_fails_on_its_way(run):
    code, end, thermo = run(copper(), calculator('Broken', calls=7))
    assert (code, end['status']) == (run_md.EXIT_CODES['crashed'], 'crashed')
    assert end['message'] == 'RuntimeError: The calculator gives up.'
    assert len(thermo) == end['n_steps'] + 1


def test_start_that_fails(run):
    code, end, _ = run(copper(), calculator('Broken', calls=0))
    assert (code, end['status']) == (run_md.EXIT_CODES['start_failed'], 'start_failed')


def test_setup_that_fails(run):
    code, end, _ = run(copper(), calculator={**EMT, 'target': 'no.such.module:Calculator'})
    assert (code, end['status']) == (run_md.EXIT_CODES['setup_failed'], 'setup_failed')
    assert 'no' in end['message']


def test_time_limit(run, tmp_path):
    code, end, _ = run(copper(), n_steps=1000, limit=1e-9)
    assert (code, end['status'], end['n_steps']) == (run_md.EXIT_CODES['out_of_walltime'], 'out_of_walltime', 1)
    assert read_checkpoint(tmp_path / 'checkpoint.npz', Frames.from_atoms([copper()])).origin_steps.tolist() == [1]


def test_signal(run, monkeypatch):
    monkeypatch.setattr(run_md.signal, 'signal', lambda number, handler: handler(number, None))
    code, end, _ = run(copper())
    assert (code, end['status']) == (run_md.EXIT_CODES['terminated'], 'terminated')
    assert 'SIGINT' in end['message'] or 'SIGTERM' in end['message']


def test_full_disk(run, monkeypatch):
    def full(*_, **__):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(run_md.RecordFile, 'append', full)
    code, end, _ = run(copper())
    assert (code, end['status']) == (run_md.EXIT_CODES['out_of_disk'], 'out_of_disk')


def test_lone_atom(run):
    """Without others there is no centre of mass that could be at rest."""
    code, _, thermo = run(Atoms('Cu', cell=[9.0] * 3, pbc=True), n_steps=2)
    assert code == 0
    assert thermo['temperature'][0] == pytest.approx(300.0)
