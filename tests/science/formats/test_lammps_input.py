"""Tests of LAMMPS input scripts; that LAMMPS takes them is tested with ``seimlip-lmp``."""

from __future__ import annotations

import pytest

from aiida_seimlip.science.formats.lammps_input import LammpsFiles, LammpsMdSettings, write_input

SPECIES = ('Li', 'C', 'O')


def lines(**changes: object) -> list[str]:
    changes.setdefault('seed', 11)
    return write_input(LammpsMdSettings(**changes), SPECIES).splitlines()


def test_mlip_with_grades():
    """The keys are those of the recordings: one without its prefix would be ignored by MLIP-3."""
    script = lines(threshold_save=2.5, threshold_break=10)
    assert (
        'pair_style mlip load_from=potential.almtp extrapolation_control=true extrapolation_control:threshold_save=2.5 '
        'extrapolation_control:threshold_break=10 extrapolation_control:save_extrapolative_to=preselected.cfg'
    ) in script
    assert 'pair_coeff * *' in script


def test_mlip_without_grades():
    assert 'pair_style mlip load_from=potential.almtp' in lines(with_grades=False)


def test_mtp_with_grades():
    script = lines(dialect='mtp')
    assert 'pair_style mtp/extrapolation potential.almtp preselected.cfg 2 10' in script
    assert 'compute grade all pair mtp/extrapolation' in script
    assert any(line.startswith('thermo_style') and line.endswith(' c_grade[1]') for line in script)


def test_mtp_without_grades():
    script = lines(dialect='mtp', with_grades=False)
    assert 'pair_style mtp potential.almtp' in script
    assert not any('c_grade' in line for line in script)


@pytest.mark.parametrize(
    ('ensemble', 'fix'),
    [
        ('nve', 'nve'),
        ('nvt', 'nvt temp 300 600 0.1'),
        ('npt_iso', 'npt temp 300 600 0.1 iso 1 1 0.5'),
        ('npt_tri', 'npt temp 300 600 0.1 tri 1 1 0.5'),
    ],
)
def test_ensembles_in_picoseconds(ensemble, fix):
    script = lines(ensemble=ensemble, temperature=300, temperature_end=600, pressure=1.0, timestep=0.5)
    assert f'fix dynamics all {fix}' in script
    assert 'timestep 0.0005' in script


def test_velocities():
    assert 'velocity all create 300 11 mom yes rot no dist gaussian' in lines()
    assert not any(line.startswith('velocity') for line in lines(create_velocities=False, seed=None))


def test_masses():
    script = write_input(LammpsMdSettings(seed=1), SPECIES, masses={'Li': 6.015}).splitlines()
    assert 'mass 1 6.015  # Li' in script
    assert 'mass 3 15.999  # O' in script
    with pytest.raises(ValueError, match='Masses are given for H'):
        write_input(LammpsMdSettings(seed=1), SPECIES, masses={'H': 2.0})


def test_output_and_files():
    files = LammpsFiles('p.almtp', 's.data', 't.dump', 'f.dump', 'pre.cfg')
    script = write_input(LammpsMdSettings(seed=1, dump_every=7, thermo_every=3), SPECIES, files=files).splitlines()
    assert 'dump trajectory all custom 7 t.dump id type xu yu zu fx fy fz' in script
    assert 'dump_modify trajectory sort id format float %.10g' in script
    assert 'thermo 3' in script
    assert 'read_data s.data' in script
    assert script[-1].startswith('write_dump all custom f.dump id type xu yu zu vx vy vz')


def test_wall_time_limit():
    script = lines(wall_time_limit=3725.9)
    assert script.index('timer timeout 1:02:05 every 10') == script.index('run 1000') - 1
    assert not any(line.startswith('timer') for line in lines())


def test_first_step():
    assert 'reset_timestep 500' in lines(first_step=500)


@pytest.mark.parametrize(
    ('change', 'match'),
    [
        ({'ensemble': 'npt'}, '`ensemble` must be one of nve, nvt, npt_iso, npt_tri, not `npt`'),
        ({'dialect': 'mtpx'}, '`dialect` must be one of'),
        ({'seed': None}, '`seed` must be an integer'),
        ({'seed': 0}, '`seed` must be an integer'),
        ({'timestep': 0.0}, '`timestep` must be positive'),
        ({'temperature': -1.0}, '`temperature` must be positive'),
        ({'n_steps': -1}, '`n_steps` must not be negative'),
        ({'pressure': float('nan')}, '`pressure` is not finite'),
        ({'threshold_save': 10.0}, '`threshold_break` must exceed `threshold_save`'),
        ({'wall_time_limit': 0.0}, '`wall_time_limit` must be positive'),
    ],
)
def test_refused_settings(change, match):
    with pytest.raises(ValueError, match=match):
        LammpsMdSettings(**{'seed': 1, **change})


@pytest.mark.parametrize('name', ['', 'a b', '${x}', 'a"b', 'a#b'])
def test_refused_file_names(name):
    with pytest.raises(ValueError, match='of `potential` is empty or has special characters'):
        LammpsFiles(potential=name)


@pytest.mark.parametrize(('ensemble', 'columns'), [('nvt', 'xu yu zu'), ('npt_tri', 'x y z')])
def test_track(ensemble, columns):
    """Unwrapped in a cell that stays, wrapped in one that changes; the types are those of the species list."""
    settings = LammpsMdSettings(seed=1, ensemble=ensemble, mobile=('O', 'Li'), track_every=200)
    lines = write_input(settings, SPECIES).splitlines()
    assert 'group mobile type 1 3' in lines
    assert f'dump track mobile custom 200 track.lammpstrj {columns}' in lines
    assert 'group framework type 2' in lines
    assert any(line.startswith('fix framework all ave/time 200 1 200 c_framework[1]') for line in lines)


def test_track_of_all_atoms_has_no_framework():
    text = write_input(LammpsMdSettings(seed=1, mobile=SPECIES), SPECIES)
    assert 'dump track mobile' in text
    assert 'framework' not in text


def test_track_of_strangers_is_refused():
    with pytest.raises(ValueError, match='mobile ions Na are not in the species list'):
        write_input(LammpsMdSettings(seed=1, mobile=('Na',)), SPECIES)
