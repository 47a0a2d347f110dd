"""Options of ``seimlip.lammps``."""

import pytest

from aiida_seimlip.options.lammps import LammpsOptions

NVT = {'temperature': 300.0, 'n_steps': 1000, 'seed': 7}


def test_settings():
    options = LammpsOptions.from_node({**NVT, 'ensemble': 'npt_tri', 'pressure': 1e5, 'dialect': 'mtp'})
    settings = options.to_settings(wall_time_limit=60.0)
    assert (settings.temperature, settings.n_steps, settings.seed) == (300.0, 1000, 7)
    assert (settings.ensemble, settings.pressure, settings.dialect) == ('npt_tri', 1e5, 'mtp')
    assert (settings.timestep, settings.thermostat_damping) == (0.5, 100.0)
    assert (settings.threshold_save, settings.threshold_break) == (2.0, 10.0)
    assert settings.create_velocities
    assert settings.wall_time_limit == 60.0


def test_kept_velocities_need_no_seed():
    options = LammpsOptions.from_node({'temperature': 300.0, 'n_steps': 1, 'velocities': 'keep'})
    assert not options.to_settings().create_velocities


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'n_steps': 10, 'seed': 1}, '`temperature` is missing'),
        ({'temperature': 300.0, 'n_steps': 10}, '`seed` is missing'),
        ({**NVT, 'seed': 0}, '`seed`'),
        ({**NVT, 'ensemble': 'npt'}, '`ensemble`'),
        ({**NVT, 'ensemble': 'npt_iso'}, 'needs a `pressure`'),
        ({**NVT, 'pressure': 1.0}, '`pressure` has no effect'),
        ({**NVT, 'dialect': 'snap'}, '`dialect`'),
        ({**NVT, 'treshold_save': 2.0}, '`treshold_save` is not a known option'),
        ({**NVT, 'threshold_save': 12.0}, '`threshold_break` must exceed `threshold_save`'),
        ({**NVT, 'masses': {'Xy': 1.0}}, '`Xy` is not an element'),
        ({**NVT, 'masses': {'Li': 0.0}}, 'the mass of Li must be positive'),
        ({**NVT, 'timestep': 0.0}, '`timestep`'),
        ({**NVT, 'temperature': float('nan')}, '`temperature`'),
    ],
)
def test_refused(options, message):
    assert message in LammpsOptions.explain(options, 'parameters')
