"""Tests of ``seimlip-lmp``: the recordings of LAMMPS with MLIP-3, run again, and what the original does not do.

Every test starts the program as a user would: a process of its own, without a terminal and without any variable set.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk

from aiida_seimlip.embedded.lmp import CommandLine, UsageError
from aiida_seimlip.science.formats.lammps_data import from_lammps_frame, read_data, to_lammps_frame, write_data
from aiida_seimlip.science.formats.lammps_dump import read_dump
from aiida_seimlip.science.formats.lammps_help import parse_help
from aiida_seimlip.science.formats.lammps_input import LammpsFiles, LammpsMdSettings, write_input
from aiida_seimlip.science.formats.lammps_log import LammpsLog, parse_log
from aiida_seimlip.science.formats.mlip3_cfg import read_cfg
from aiida_seimlip.science.formats.mlip3_output import find_error, parse_break
from aiida_seimlip.science.formats.mlip3_potential import read_almtp, write_almtp
from aiida_seimlip.science.frames import Frames
from aiida_seimlip.science.mtp.evaluate import evaluate
from aiida_seimlip.science.mtp.grade import grade
from aiida_seimlip.science.mtp.levels import untrained
from aiida_seimlip.science.mtp.training import initial_guess

FIXTURES = Path(__file__).parents[1] / 'fixtures'
LAMMPS = FIXTURES / 'lammps'
MLIP3 = FIXTURES / 'mlip3'
SPECIES = ('Li', 'C', 'O')
POTENTIAL = MLIP3 / 'shared/l08_nbh_30.almtp'
DATA = LAMMPS / 'shared/li2co3_96.data'

HEAD = """\
units metal
atom_style atomic
boundary p p p
read_data s.data
pair_style mlip load_from=pot.almtp
pair_coeff * *
"""
THERMO = """\
thermo 1
thermo_style custom step temp pe ke etotal press vol
thermo_modify format float %.12g
"""


class Program:
    """Runs ``seimlip-lmp`` in a folder that holds a potential and a structure."""

    command = (sys.executable, '-m', 'aiida_seimlip.embedded.lmp')

    def __init__(self, folder: Path):
        self.folder = folder
        self.environment = {
            name: value for name, value in os.environ.items() if name not in ('LD_LIBRARY_PATH', 'OMP_NUM_THREADS')
        }
        self.copy(POTENTIAL, 'pot.almtp')
        self.copy(DATA, 's.data')

    def copy(self, source: Path, name: str) -> None:
        shutil.copy(source, self.folder / name)

    def __call__(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.command, *arguments], cwd=self.folder, env=self.environment | environment, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, timeout=120, check=False,
        )  # fmt: skip

    def script(self, text: str) -> subprocess.CompletedProcess[str]:
        (self.folder / 'in.lmp').write_text(text)
        return self('-in', 'in.lmp')

    def recording(self, case: str) -> subprocess.CompletedProcess[str]:
        return self.script((LAMMPS / case / 'in.lmp').read_text())

    @property
    def log(self) -> LammpsLog:
        return parse_log((self.folder / 'log.lammps').read_text())


@pytest.fixture
def lmp(tmp_path) -> Program:
    return Program(tmp_path)


def recorded_log(case: str) -> LammpsLog:
    return parse_log((LAMMPS / case / 'log.lammps').read_text())


def assert_same_table(ours: LammpsLog, theirs: LammpsLog) -> None:
    """All printed digits of all columns are the same."""
    assert list(ours.thermo) == list(theirs.thermo)
    for column, values in theirs.thermo.items():
        np.testing.assert_array_equal(ours.thermo[column], values, err_msg=column)


# -- recordings -------------------------------------------------------------------------------------------------------


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


# -- dialect mtp ------------------------------------------------------------------------------------------------------


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


# -- physics ----------------------------------------------------------------------------------------------------------


def md(lmp: Program, frame: Frames, **changes: object) -> tuple[subprocess.CompletedProcess[str], np.ndarray]:
    """Run molecular dynamics from a frame; return the process and the rotation into LAMMPS' frame."""
    text, rotation = write_data(frame, SPECIES)
    (lmp.folder / 's.data').write_text(text)
    changes.setdefault('seed', 5)
    files = LammpsFiles('pot.almtp', 's.data', 'trajectory.dump', 'final.dump', 'preselected.cfg')
    return lmp.script(write_input(LammpsMdSettings(**changes), SPECIES, files=files)), rotation


def rattled(li2co3) -> Frames:
    """Return a crystal, its atoms displaced at random."""
    atoms = li2co3.copy()
    atoms.rattle(0.03, seed=3)
    return Frames.from_atoms([atoms])


TILTED = np.array([[1, 0, 0], [2, 1, 0], [-3, 2, 1]])
SWAPPED = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1]])


@pytest.mark.parametrize('lattice', [TILTED, SWAPPED], ids=['strongly tilted', 'left-handed'])
def test_any_cell(lmp, li2co3, lattice):
    """Other vectors of the same lattice: energy, forces, cell come back in the original orientation."""
    atoms = li2co3.copy()
    atoms.rattle(0.03, seed=3)
    atoms.set_cell(lattice @ atoms.cell.array, scale_atoms=False)
    frame = Frames.from_atoms([atoms])
    process, rotation = md(lmp, frame, n_steps=0, dump_every=1, with_grades=False)
    assert process.returncode == 0, process.stdout
    back = from_lammps_frame(read_dump(lmp.folder / 'trajectory.dump', SPECIES).frames, rotation, frame.cells[0])
    expected = evaluate(read_almtp(POTENTIAL, SPECIES), frame)
    assert lmp.log.thermo['PotEng'] == pytest.approx(expected.energies, abs=1e-8)
    np.testing.assert_allclose(back.positions, frame.positions, atol=1e-8)
    np.testing.assert_allclose(back.cells, frame.cells, atol=1e-12)
    np.testing.assert_allclose(back.forces, expected.forces, atol=1e-8)


@pytest.mark.parametrize('ensemble', ['nve', 'npt_iso', 'npt_tri'])
def test_every_frame_is_what_the_potential_says(lmp, li2co3, ensemble):
    """Energies and forces along a run equal an evaluation from scratch, also while the cell changes its shape."""
    atoms = rattled(li2co3).to_atoms()[0]
    atoms.set_cell(TILTED @ atoms.cell.array, scale_atoms=False)  # more than LAMMPS' barostat takes
    process, rotation = md(
        lmp, Frames.from_atoms([atoms]), ensemble=ensemble, n_steps=60, dump_every=10, thermo_every=10,
        barostat_damping=60.0, threshold_save=1e5, threshold_break=1e6,
    )  # fmt: skip
    assert process.returncode == 0, process.stdout + process.stderr
    frames = read_dump(lmp.folder / 'trajectory.dump', SPECIES).frames
    assert frames.origin_steps.tolist() == list(range(0, 61, 10))
    expected = evaluate(read_almtp(POTENTIAL, SPECIES), frames)
    np.testing.assert_allclose(lmp.log.at_steps('PotEng', frames.origin_steps), expected.energies, atol=1e-6)
    np.testing.assert_allclose(frames.forces, expected.forces, atol=1e-6)
    cells = from_lammps_frame(frames, rotation, atoms.cell.array).cells
    np.testing.assert_allclose(cells[0], atoms.cell.array, atol=1e-10)
    change = np.ptp(np.linalg.inv(cells[0]) @ cells, axis=0)
    assert (change.max() > 1e-3) == (ensemble != 'nve')
    assert change.max() < 0.2


def test_energy_is_conserved(lmp, li2co3):
    process, _ = md(lmp, rattled(li2co3), ensemble='nve', temperature=20.0, n_steps=200, with_grades=False)
    assert process.returncode == 0
    total = lmp.log.thermo['TotEng']
    assert np.ptp(lmp.log.thermo['KinEng']) > 50 * np.ptp(total)


def test_extrapolation_control_changes_no_force(lmp, li2co3):
    trajectories = []
    for with_grades in (True, False):
        md(lmp, rattled(li2co3), n_steps=30, dump_every=10, with_grades=with_grades, threshold_break=1e6)
        trajectories.append((lmp.folder / 'trajectory.dump').read_bytes())
    assert trajectories[0] == trajectories[1]


def test_restart_goes_on_where_it_ended(lmp, li2co3):
    """Positions and velocities of the last step are enough, in any orientation of the cell."""
    turn = np.array([[0.0, 0.6, 0.8], [1.0, 0.0, 0.0], [0.0, 0.8, -0.6]])
    start = to_lammps_frame(rattled(li2co3), turn)
    common = {'ensemble': 'nve', 'with_grades': False, 'dump_every': 40}
    _, rotation = md(lmp, start, n_steps=40, **common)
    whole = from_lammps_frame(read_dump(lmp.folder / 'final.dump', SPECIES).frames, rotation)
    md(lmp, start, n_steps=20, **common)
    half = from_lammps_frame(read_dump(lmp.folder / 'final.dump', SPECIES).frames, rotation)
    _, rotation = md(lmp, half, n_steps=20, create_velocities=False, first_step=20, **common)
    again = from_lammps_frame(read_dump(lmp.folder / 'final.dump', SPECIES).frames, rotation)
    assert again.origin_steps.tolist() == whole.origin_steps.tolist() == [40]
    np.testing.assert_allclose(again.positions, whole.positions, atol=1e-6)
    np.testing.assert_allclose(again.velocities, whole.velocities, atol=1e-6)


def test_saved_frames_have_the_grades_of_the_potential(lmp, li2co3):
    process, _ = md(lmp, rattled(li2co3), temperature=1500.0, n_steps=200, threshold_save=1.5, threshold_break=4.0)
    assert process.returncode == 9, process.stdout + process.stderr
    saved = read_cfg(lmp.folder / 'preselected.cfg', SPECIES)
    expected = grade(read_almtp(POTENTIAL, SPECIES), saved.frames)
    np.testing.assert_allclose(saved.frames.grades, expected.frame, rtol=1e-6)
    np.testing.assert_allclose(saved.nbh_grades, expected.atom, rtol=1e-5, atol=1e-8)
    assert np.all(saved.frames.grades[:-1] <= 4.0) and saved.frames.grades[-1] > 4.0


# -- LAMMPS' other commands -------------------------------------------------------------------------------------------


def test_loops_includes_and_variables(lmp):
    (lmp.folder / 'pair.lmp').write_text('pair_style mlip &\n  load_from=${potential}  # comment\npair_coeff * *\n')
    (lmp.folder / 'in.lmp').write_text(
        HEAD.split('pair_style', maxsplit=1)[0]
        + 'include pair.lmp\nfix 1 all nve\nvelocity all create 10 7\nlabel again\nvariable i loop 3\nrun 2\nnext i\n'
        + 'jump SELF again\nif "1 == 1" then "run 1"\n'
    )
    process = lmp('-in', 'in.lmp', '-var', 'potential', 'pot.almtp', '-log', 'other.log')
    assert process.returncode == 0, process.stdout
    assert [run.n_steps for run in parse_log((lmp.folder / 'other.log').read_text()).runs] == [2, 2, 2, 1]


CASES = FIXTURES / 'cases'
COPPER = 'mass 1 63.546\npair_style mlip load_from=pot.almtp\npair_coeff * *\nfix 1 all nve\nrun 5\n'


@pytest.fixture
def copper(lmp) -> Program:
    """Return a folder with copper that moves, and a potential for it."""
    potential = initial_guess(untrained(6, ('Cu',), min_dist=2.0, max_dist=5.0), seed=0)
    moments = np.random.default_rng(1).normal(scale=0.1, size=potential.n_moments)
    (lmp.folder / 'pot.almtp').write_bytes(write_almtp(potential.replace(moment_coeffs=moments)))
    atoms = bulk('Cu', cubic=True) * (2, 2, 2)
    atoms.rattle(0.1, seed=1)
    (lmp.folder / 'cu.data').write_text(write_data(Frames.from_atoms([atoms]), ('Cu',))[0])
    return lmp


def test_pair_style_in_a_branch(copper):
    script = (CASES / 'pair_style_in_if.in').read_text()
    plain = copper.script(script.split('mass')[0] + COPPER)
    assert plain.returncode == 0, plain.stdout
    expected = copper.log
    assert np.ptp(expected.thermo['E_pair']) > 0.0
    process = copper.script(script)
    assert process.returncode == 0, process.stdout
    assert 'Wrapper initialization complete' in process.stdout
    assert_same_table(copper.log, expected)
    process = copper.script(script.replace('string mlip', 'string zero'))
    assert process.returncode == 0, process.stdout
    assert 'Wrapper' not in process.stdout
    assert not copper.log.thermo['E_pair'].any()


@pytest.mark.parametrize(
    'pair_style',
    [
        'if "1 > 2" then "run 1" elif "2 > 1" "${whole}" "pair_coeff * *"',
        'if "1" then """if "${style} == mlip" then \'include pair.lmp\'"""\npair_coeff * *',
        '${command} ${style} load_from=&\npot.almtp   # continued inside a word\n${short}_coeff * *',
        'variable n loop 2\nlabel again\nif "$n == 2" then "${whole}" "pair_coeff * *" "jump SELF on"\nnext n\n'
        'jump SELF again\nlabel on',
        'jump other.lmp there',
    ],
    ids=['elif', 'include in a nested branch', 'variables', 'loop', 'another file'],
)
def test_pair_style_wherever_it_stands(copper, pair_style):
    """The thermodynamic output is that of a second run, which says the same in plain words."""
    head = 'units metal\natom_style atomic\nread_data cu.data\n'
    plain = 'clear\n' + head + COPPER
    variables = (
        'variable style string mlip\nvariable short string pair\nvariable command string pair_style\n'
        'variable whole string "pair_style mlip load_from=pot.almtp"\n'
    )
    (copper.folder / 'pair.lmp').write_text('${whole}\n')
    (copper.folder / 'other.lmp').write_text('foo bar\nlabel there\n' + COPPER + plain)
    mass, _, _, *rest = COPPER.splitlines(keepends=True)
    process = copper.script(head + variables + mass + pair_style + '\n' + ''.join(rest) + plain)
    assert process.returncode == 0, process.stdout
    for values in copper.log.thermo.values():
        np.testing.assert_array_equal(*(values[copper.log.run_indices == index] for index in (0, 1)))
    assert np.ptp(copper.log.thermo['E_pair']) > 0.0


def test_second_pass_after_clear(copper):
    """Each pass gives what it gives alone, and shows its pair energy though only the first sets a style of output."""
    body = 'clear\nunits metal\natom_style atomic\nread_data cu.data\n'
    style = 'if "$i == 1" then "thermo_style custom step epair etotal"\n'
    loop = 'variable i loop 3\nlabel again\n' + body + style + COPPER + 'next i\njump SELF again\n'
    process = copper.script(loop)
    assert process.returncode == 0, process.stdout
    assert process.stdout.count('Wrapper initialization complete') == 3
    tables = copper.log
    assert [run.n_steps for run in tables.runs] == [5, 5, 5]
    assert copper.script(body + COPPER).returncode == 0
    alone = copper.log.thermo
    for index in range(3):
        rows = tables.run_indices == index
        np.testing.assert_array_equal(tables.thermo['E_pair'][rows], alone['E_pair'])
        np.testing.assert_array_equal(tables.thermo['TotEng'][rows], alone['TotEng'])


def test_second_potential_takes_the_place_of_the_first(copper):
    """Forces come before the fixes that work on them, so that frozen atoms stay where they are."""
    lines = 'fix 2 all setforce 0 0 0\npair_style mlip load_from=pot.almtp\npair_coeff * *\nrun 5\n'
    process = copper.script('units metal\natom_style atomic\nread_data cu.data\n' + COPPER + lines)
    assert process.returncode == 0, process.stdout
    temperature = copper.log.thermo['Temp'][copper.log.run_indices == 1]
    assert temperature[0] > 0.0
    assert (temperature == temperature[0]).all()


def test_thermo_modify_outlives_the_translation(lmp):
    head, pair_style, coefficients = HEAD.partition('pair_style')
    process = lmp.script(head + 'thermo_modify format float %20.3f\n' + pair_style + coefficients + 'run 0\n')
    assert process.returncode == 0, process.stdout
    assert '-7442.148' in (lmp.folder / 'log.lammps').read_text()
    assert lmp.log.thermo['E_pair'] == [-7442.148]


def test_pair_energy_is_shown(lmp):
    """``fix external`` has no energy of a pair style: it would be zero where users look at it."""
    style = 'thermo_style custom step epair pe evdwl c_sum\n'
    process = lmp.script(HEAD + 'compute e all pe/atom\ncompute sum all reduce sum c_e\n' + style + 'run 0\n')
    assert process.returncode == 0, process.stdout
    assert list(lmp.log.thermo) == ['Step', 'E_pair', 'PotEng', 'E_vdwl', 'c_sum']
    for column in ('E_pair', 'PotEng', 'E_vdwl', 'c_sum'):
        assert lmp.log.thermo[column] == [-7442.1478]


def test_minimize_and_clear(lmp):
    process = lmp.script(HEAD + 'thermo 1\nminimize 0 1e-3 5 10\nclear\n' + HEAD + 'fix 1 all nve\nrun 1\n')
    assert process.returncode == 0, process.stdout
    energies = lmp.log.thermo['E_pair']
    assert energies[lmp.log.run_indices == 0][-1] < -7442.1478 - 0.1
    assert energies[lmp.log.run_indices == 1][0] == -7442.1478


@pytest.mark.parametrize(
    ('script', 'message'),
    [
        (HEAD.replace('mlip load', 'hybrid/overlay mlip load'), 'no hybrid pair styles'),
        (HEAD.replace('pair_style', 'fix 1 all nve\npair_style'), 'pair_style must stand before the first fix'),
        (HEAD + 'compute s all stress/atom NULL\n', 'compute stress/atom needs what seimlip-lmp does not have'),
        (HEAD + 'variable e equal epair\n', 'line 7: seimlip-lmp has no pair energy'),
        ('variable e equal epair\n' + HEAD, 'line 1: seimlip-lmp has no pair energy'),
        (HEAD + 'if 1 then "fix p all print 1 $(epair)"\n', 'line 7: seimlip-lmp has no pair energy'),
        ('variable s string stress/atom\n' + HEAD + 'compute s all $s NULL\n', 'line 8: compute stress/atom needs'),
        (
            HEAD + 'run 4 every 2 "jump SELF on"\n',
            'line 7: seimlip-lmp knows no jump in the commands of `run ... every`',
        ),
        (HEAD + 'jump SELF nowhere\n', "Label wasn't found in input script: nowhere"),
        (HEAD + 'thermo_style multi\n', 'no pair energy to show in this thermo_style'),
        (HEAD + 'compute g all pair mtp/extrapolation\n', 'needs pair_style mtp/extrapolation'),
        (HEAD + 'foo bar\n', 'Unknown command: foo bar'),
        (HEAD.replace('pair_style mlip load_from=', 'pair_style mtp a '), 'pair_style mtp takes 1 argument(s), not 2'),
    ],
)
def test_lammps_errors(lmp, script, message):
    process = lmp.script(script)
    assert process.returncode == 1
    assert message in process.stdout
    assert message in lmp.log.error
    assert 'Traceback' not in process.stderr


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        ('', 'MLIP filename is not specified'),
        ('pot.almtp', '`pot.almtp` is not of the form key=value'),
        ('load_from=pot.almtp extrapolation_control=true extrapolation_control:threshold_save=x', 'threshold_save: x'),
        ('load_from=pot.almtp extrapolation_control=true extrapolation_control:threshold_save=-1', 'Invalid threshold'),
        ('load_from=start.mtp', 'not trained'),
    ],
)
def test_arguments_of_pair_style_mlip(lmp, arguments, message):
    lmp.copy(MLIP3 / 'shared/l08_template_3_species.almtp', 'start.mtp')
    process = lmp.script(HEAD.replace('load_from=pot.almtp', arguments))
    assert process.returncode == 7
    assert message in process.stdout


# -- runs that end badly ----------------------------------------------------------------------------------------------


def test_lost_atoms(lmp):
    """An explosion ends as in LAMMPS: the recorded potential cannot hold this cell."""
    process = lmp.script(HEAD + THERMO + 'velocity all create 20000 1\nfix 1 all nve\ntimestep 0.01\nrun 1000\n')
    assert process.returncode == 1
    assert lmp.log.error is not None
    assert 'atom' in lmp.log.error.lower()
    assert not lmp.log.completed


def test_coincident_atoms(lmp):
    """No number comes out of a distance of zero: the run ends instead of going on with NaN."""
    script = HEAD + THERMO + 'create_atoms 1 single 1 1 1\ncreate_atoms 1 single 1 1 1\nfix 1 all nve\nrun 100\n'
    process = lmp.script(script)
    assert process.returncode == 1
    assert lmp.log.error == 'Non-numeric atom coords - simulation unstable'
    assert 'ERROR on proc 0: Non-numeric atom coords - simulation unstable' in process.stdout


def test_wall_time_limit(lmp, li2co3):
    """The run ends in good order: the last frame with its velocities is there."""
    # steps so short that the cell, which this potential would tear apart in half a picosecond, hardly moves
    settings = {'n_steps': 10**7, 'timestep': 1e-4, 'temperature': 20.0, 'wall_time_limit': 1.0}
    process, _ = md(lmp, rattled(li2co3), with_grades=False, **settings)
    assert process.returncode == 0, process.stdout
    assert lmp.log.timed_out
    assert lmp.log.completed
    final = read_dump(lmp.folder / 'final.dump', SPECIES).frames
    assert 0 < final.origin_steps[0] == lmp.log.runs[0].n_steps < 10**7
    assert np.isfinite(final.velocities).all()


def test_killed(lmp, li2co3):
    """What was written until a kill can be read."""
    text, _ = write_data(rattled(li2co3), SPECIES)
    (lmp.folder / 's.data').write_text(text)
    settings = LammpsMdSettings(
        n_steps=10**7, seed=1, with_grades=False, dump_every=1, thermo_every=1, temperature=20.0
    )
    (lmp.folder / 'in.lmp').write_text(write_input(settings, SPECIES, files=LammpsFiles('pot.almtp', 's.data')))
    process = subprocess.Popen(
        [*lmp.command, '-in', 'in.lmp'], cwd=lmp.folder, env=lmp.environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    trajectory = lmp.folder / 'trajectory.lammpstrj'
    deadline = time.monotonic() + 60
    while (not trajectory.exists() or trajectory.stat().st_size < 20000) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    dump = read_dump(trajectory, SPECIES)
    assert len(dump.frames) > 2
    assert lmp.log.steps.size > 2
    assert not lmp.log.completed


# -- command line -----------------------------------------------------------------------------------------------------


def test_no_process_is_left(lmp):
    """The MPI library starts no manager, and none waits for a terminal."""
    process = subprocess.Popen(
        [*lmp.command, '-log', 'none'], cwd=lmp.folder, env=lmp.environment, stdin=subprocess.PIPE, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
    )  # fmt: skip
    output, _ = process.communicate('print "hello world"\n', timeout=60)
    assert process.returncode == 0
    assert 'hello world' in output
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert not (lmp.folder / 'log.lammps').exists()


def test_help(lmp):
    process = lmp('-h')
    assert process.returncode == 0
    assert process.stdout.startswith('usage: seimlip-lmp -in FILE')
    described = parse_help(process.stdout)
    assert 'seimlip-lmp' in described.version
    assert described.dialects == ('mlip', 'mtp')
    assert 'MANYBODY' in described.packages


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['-in', 'none.lmp'], 'Cannot open input script none.lmp: No such file or directory'),
        (['-partition', '2x1'], 'does not support the option -partition'),
        (['-in'], 'the option -in needs the name of an input script'),
        (['-foo', '-in', 's.data'], 'Invalid command-line argument: -foo'),
    ],
)
def test_wrong_command_line(lmp, arguments, message):
    process = lmp(*arguments)
    assert process.returncode == 1
    assert message in process.stdout
    assert 'Traceback' not in process.stderr


def test_several_ranks_are_refused(lmp):
    process = lmp('-in', 'in.lmp', OMPI_COMM_WORLD_SIZE='2')
    assert process.returncode == 1
    assert 'seimlip-lmp runs on one core, not on 2 MPI ranks' in process.stdout


def test_command_line_is_parsed():
    options = CommandLine.parse(['-in', 'a.lmp', '-log', 'none', '-var', 'x', '1', '2'])
    assert options.script == Path('a.lmp')
    assert options.lammps == ['-log', 'none', '-var', 'x', '1', '2']
    assert CommandLine.parse(['-i', '-']).script is None
    with pytest.raises(UsageError):
        CommandLine.parse(['-p', '2'])
