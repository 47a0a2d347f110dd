"""Options of the socket `dynamics`."""

import pytest

from aiida_seimlip.options.dynamics import AseDynamicsOptions, DynamicsOptions, LammpsDynamicsOptions
from aiida_seimlip.options.lammps import LammpsOptions

RUN = {'temperature': 600.0, 'n_steps': 40_000, 'seed': 7}
CALCULATOR = {'calculator': {'name': 'emt'}}


def test_defaults_are_those_of_production():
    options = DynamicsOptions.from_node(RUN)
    assert (options.ensemble, options.timestep, options.pressure) == ('nvt', 0.5, 1.0)
    assert (options.thermostat_damping, options.barostat_damping) == (100.0, 500.0)
    assert (options.track_every, options.mobile) == (2000, [])


@pytest.mark.parametrize('ensemble', ['nve', 'nvt', 'npt_iso', 'npt_tri'])
def test_to_lammps(ensemble):
    given = {**RUN, 'ensemble': ensemble, 'mobile': ['Li'], 'masses': {'Li': 6.0}, 'dump_every': 1500}
    options = LammpsOptions.from_node(LammpsDynamicsOptions.from_node(given).to_lammps())
    assert options.pressure == (1.0 if ensemble.startswith('npt') else None)
    assert (options.with_grades, options.keep_energies, options.mobile) == (False, True, ['Li'])
    assert options.thermo_every == 500  # so that each whole frame has its energy
    assert options.to_settings().track_every == 2000
    assert options.masses == {'Li': 6.0}


def test_to_remote():
    options = AseDynamicsOptions.from_node({**RUN, **CALCULATOR, 'mobile': ['Li', 'F']})
    remote = options.to_remote({'target': 'module:name'}, 12.0)
    assert remote['mobile'] == [3, 9]
    assert remote['calculator'] == {'target': 'module:name'}
    assert (remote['time_limit_seconds'], remote['first_step']) == (12.0, 0)


def test_rest_of_a_run():
    """A run that goes on ends where it was to end, and not after a multiple of `track_every`."""
    rest = {**RUN, 'mobile': ['Li'], 'n_steps': 39_963, 'first_step': 37, 'velocities': 'keep', 'seed': None}
    assert DynamicsOptions.from_node(rest).n_steps == 39_963
    assert 'must be a multiple' in DynamicsOptions.explain({**rest, 'first_step': 38}, 'parameters')


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'n_steps': 10, 'seed': 1}, '`temperature` is missing'),
        ({'temperature': 300.0, 'n_steps': 10}, '`seed` is missing'),
        ({**RUN, 'n_steps': -1}, '`n_steps`'),
        ({**RUN, 'ensemble': 'npt'}, '`ensemble`'),
        ({**RUN, 'mobile': ['Lithium']}, '`Lithium` is not an element'),
        ({**RUN, 'mobile': ['Li', 'Li']}, 'each element must be named once'),
        ({**RUN, 'mobile': ['Li'], 'track_every': 30_000}, '(40000) must be a multiple of `track_every` (30000)'),
        ({**RUN, 'timestep': 0.0}, '`timestep`'),
        ({**RUN, 'colour': 'red'}, '`colour` is not a known option'),
    ],
)
@pytest.mark.parametrize('model', [DynamicsOptions, LammpsDynamicsOptions])
def test_refused(model, options, message):
    assert message in model.explain(options, 'parameters')


def test_refused_by_lammps():
    assert '`dialect`' in LammpsDynamicsOptions.explain({**RUN, 'dialect': 'snap'}, 'parameters')
    assert LammpsDynamicsOptions.explain({**RUN, 'dialect': 'auto'}, 'parameters') is None


def test_refused_by_ase():
    assert '`calculator` is missing' in AseDynamicsOptions.explain(RUN, 'parameters')
