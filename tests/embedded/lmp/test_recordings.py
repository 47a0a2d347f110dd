"""Recordings of LAMMPS with MLIP-3, run again."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_seimlip.science.formats.lammps_data import read_data
from aiida_seimlip.science.formats.lammps_dump import read_dump
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_output import find_error, parse_break

from .conftest import (
    DATA,
    HEAD,
    LAMMPS,
    MLIP3,
    POTENTIAL,
    SPECIES,
    assert_same_table,
    recorded_log,
)


def test_without_grades(lmp):
    process = lmp.recording('20_lmp_mlip_nograde')
    assert process.returncode == 0, process.stdout
    assert process.stderr == ''
    assert_same_table(lmp.log, recorded_log('20_lmp_mlip_nograde'))
    assert lmp.log.completed
    ours = read_dump(lmp.folder / 'dump.lammpstrj', SPECIES).frames
    theirs = read_dump(LAMMPS / '20_lmp_mlip_nograde/dump.lammpstrj', SPECIES).frames
    np.testing.assert_allclose(ours.positions, theirs.positions, rtol=1e-5, atol=1e-9)
    np.testing.assert_allclose(ours.forces, theirs.forces, rtol=1e-5, atol=1e-9)
    for line in ('Wrapper initialization', 'MLIP type is non-linear MTP', 'Wrapper object has been destroyed'):
        assert line in process.stdout.splitlines()


def test_break(lmp):
    """The run ends at the step and with the grade of the recording, and saves what the recording saved."""
    process = lmp.recording('21_lmp_mlip_break')
    assert process.returncode == 9
    assert process.stderr == 'Breaking threshold exceeded (MV-grade: 14.900080)\n'
    assert parse_break(process.stderr, process.stdout) == 14.90008
    assert_same_table(lmp.log, recorded_log('21_lmp_mlip_break'))
    assert not lmp.log.completed
    assert lmp.log.error is None
    assert len(read_dump(lmp.folder / 'dump.lammpstrj', SPECIES).frames) == 1

    ours = read_cfg(lmp.folder / 'preselected.cfg', SPECIES)
    theirs = read_cfg(MLIP3 / '21_lmp_mlip_break/preselected.cfg.0', SPECIES)
    np.testing.assert_allclose(ours.frames.grades, theirs.frames.grades, atol=1e-6)
    assert len(ours.frames) == 5
    assert ours.frames.pbc.all()
    assert not ours.frames.is_labelled
    np.testing.assert_allclose(ours.frames.cells, theirs.frames.cells, atol=1e-6)
    for index in range(5):  # theirs are in LAMMPS' internal order, ours in that of the ids
        atoms = slice(96 * index, 96 * (index + 1))
        near = np.linalg.norm(ours.frames.positions[atoms, None] - theirs.frames.positions[None, atoms], axis=2)
        match = near.argmin(axis=1)
        assert near.min(axis=1).max() < 1e-6
        np.testing.assert_array_equal(ours.frames.numbers[atoms], theirs.frames.numbers[atoms][match])
        np.testing.assert_allclose(ours.nbh_grades[atoms], theirs.nbh_grades[atoms][match], atol=1e-5)
    np.testing.assert_array_equal(ours.frames.numbers[:96], read_data(DATA, SPECIES).numbers)
    steps = [int(features['MD_step']) for features in ours.features]
    assert steps == list(range(steps[0], steps[0] + 5))


def test_save_without_break(lmp):
    """All 61 frames of a run that stays above the threshold to save are there."""
    process = lmp.recording('25_lmp_save_nobreak')
    assert process.returncode == 9
    assert parse_break(process.stderr, process.stdout) == pytest.approx(1842531.565265, rel=1e-6)
    assert_same_table(lmp.log, recorded_log('25_lmp_save_nobreak'))
    grades = read_cfg(lmp.folder / 'preselected.cfg', SPECIES).frames.grades
    np.testing.assert_allclose(grades, np.loadtxt(LAMMPS / '25_lmp_save_nobreak/grades.txt'), rtol=1e-6)


def test_configuration_mode(lmp):
    lmp.copy(MLIP3 / '04_train_cfgmode/pot.almtp', 'pot.almtp')
    process = lmp.recording('23_lmp_cfgmode_1rank')
    assert process.returncode == 9
    assert process.stderr == 'Breaking threshold exceeded (MV-grade: 54175.465427)\n'
    assert lmp.log.steps.size == 0
    saved = read_cfg(lmp.folder / 'preselected.cfg', SPECIES)
    assert saved.nbh_grades is None
    np.testing.assert_allclose(saved.frames.positions, read_data(DATA, SPECIES).positions, atol=1e-9)


def test_stress_of_a_small_monoclinic_cell(lmp):
    """All components of the pressure, in a cell whose atoms are neighbours of their own images."""
    lmp.copy(LAMMPS / '79_stress_check/s.data', 's.data')
    process = lmp.recording('79_stress_check')
    assert process.returncode == 0, process.stdout
    assert_same_table(lmp.log, recorded_log('79_stress_check'))


@pytest.mark.parametrize(
    'case', ['F_lmp_bad_bool', 'F_lmp_bad_pot', 'F_lmp_missing_pot', 'F_lmp_missing_pot_al', 'F_lmp_no_mvs']
)
def test_failure_at_initialisation(lmp, case):
    """Exit code 7 and the reason on stdout; nothing on stderr."""
    lmp.copy(MLIP3 / 'shared/l08_checkpoint.mtp', 'start.mtp')
    if case == 'F_lmp_bad_pot':
        (lmp.folder / 'pot.almtp').write_bytes(POTENTIAL.read_bytes()[:3000])
    process = lmp.recording(case)
    theirs = (MLIP3 / case / 'stdout.txt').read_text()
    assert process.returncode == 7
    assert process.stderr == ''
    expected = find_error(theirs, '', 7)
    assert expected is not None
    assert expected in process.stdout
    assert not lmp.log.completed


def test_failure_of_an_unknown_key(lmp):
    """MLIP-3 ignores it; a misspelt threshold would have no effect."""
    process = lmp.recording('F_lmp_bad_key')
    assert process.returncode == 7
    assert 'unknown key `threshold_break`' in process.stdout
    assert 'Did you mean `extrapolation_control:threshold_break`?' in process.stdout


def test_failure_of_an_unknown_species(lmp):
    lmp.copy(LAMMPS / 'F_lmp_species/s.data', 's.data')
    process = lmp.recording('F_lmp_species')
    assert process.returncode == 9
    assert process.stderr == 'Atomic number 3 is not present in the MTP potential!\n'


@pytest.mark.parametrize(
    ('case', 'message'),
    [
        ('F_mtp_missing', 'Cannot open the MTP file nopot.almtp'),
        ('F_mtp_nomvs', 'Cannot use the MTP file start.mtp: '),
    ],
)
def test_failure_in_dialect_mtp(lmp, case, message):
    lmp.copy(LAMMPS / 'F_mtp_missing/s.data', 's.data')
    lmp.copy(MLIP3 / 'shared/l08_checkpoint.mtp', 'start.mtp')
    process = lmp.recording(case)
    assert process.returncode == 1
    assert message in process.stdout
    assert lmp.log.error.startswith(message)


def test_mtp_break_and_grade_column(lmp):
    script = (LAMMPS / '21_lmp_mlip_break/in.lmp').read_text().splitlines()
    script[4] = 'pair_style mtp/extrapolation pot.almtp preselected.cfg 2 10\ncompute g all pair mtp/extrapolation'
    script = '\n'.join(script).replace('thermo 10', 'thermo 1').replace('press vol', 'press vol c_g[1]') + '\n'
    process = lmp.script(script.replace('pair_coeff * *\n', ''))  # which is optional
    assert process.returncode == 1
    assert 'ERROR on proc 0: Exceeded Break Threshold: 14.90008. Terminating simulation.' in process.stdout
    assert parse_break(process.stderr, process.stdout) == 14.90008
    assert lmp.log.error == 'Exceeded Break Threshold: 14.90008. Terminating simulation.'
    assert lmp.log.thermo['PotEng'][0] == -7442.1478
    saved = read_cfg(lmp.folder / 'preselected.cfg', SPECIES)
    steps = [int(features['MD_step']) for features in saved.features]
    shown = lmp.log.at_steps('c_g[1]', steps[:-1])
    np.testing.assert_allclose(shown, saved.frames.grades[:-1], rtol=1e-6)


def test_mtp_without_grades(lmp):
    process = lmp.script(HEAD.replace('mlip load_from=', 'mtp ').replace('pair_coeff * *\n', '') + 'run 0\n')
    assert process.returncode == 0, process.stdout
    assert lmp.log.thermo['E_pair'] == [-7442.1478]
